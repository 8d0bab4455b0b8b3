/// @file firmware_rounding.hpp
/// @brief Rounding of a layer's weights by what the layer reads.
#pragma once

#include "tocsin/core/views.hpp"
#include "tocsin/io/firmware_model.hpp"

#include <Eigen/Cholesky>

#include <cstddef>
#include <span>
#include <vector>

namespace tocsin::detail {

/// Adds what a layer reads in one step to the moments of its inputs.
inline void add_to_moments(std::span<const float> read, std::vector<double>& moments) {
    const std::size_t size = read.size() + 1;
    for (std::size_t a = 0; a < size; ++a) {
        for (std::size_t b = 0; b < size; ++b) {
            moments[a * size + b] +=
                (a < read.size() ? double{read[a]} : 1) * (b < read.size() ? double{read[b]} : 1);
        }
    }
}

/// Makes up for the rounding of one weight by the weights after it, so that the sums of a row change
/// least on the samples of the calibration (Frantar et al., "GPTQ", 2023: the columns one after the
/// other, by the Cholesky factor of the inverse second moments). The bias is the last one and is
/// not rounded: it takes what is left of the mean.
class rounding_feedback {
  public:
    /// @param layer without moments: nothing is made up for. Allocates.
    explicit rounding_feedback(const firmware_layer& layer) {
        if (layer.moments.empty() || !(layer.moments.back() > 0)) { // of the bias: steps
            return;
        }
        const index_t size = layer.columns + 1;
        matrix<double> moments = matrix_view<const double>(layer.moments.data(), size, size);
        // Inputs that the samples hardly tell apart are told apart a little.
        moments.diagonal().array() += ridge * moments.diagonal().mean();
        const matrix<double> inverse = moments.llt().solve(matrix<double>::Identity(size, size));
        upper_ = inverse.llt().matrixU();
    }
    /// @param row    weights with the bias last, in and out
    /// @param column that is rounded
    /// @param rounded its value then
    /// @return what this adds to the squared changes of the row's sums, up to a factor; without
    ///         moments, the squared change of the weight
    double spread(std::vector<double>& row, int column, double rounded) const {
        if (upper_.size() == 0) {
            const double error = row[static_cast<std::size_t>(column)] - rounded;
            return error * error;
        }
        const double error =
            (row[static_cast<std::size_t>(column)] - rounded) / upper_(column, column);
        for (index_t k = column + 1; k < upper_.cols(); ++k) {
            row[static_cast<std::size_t>(k)] -= error * upper_(column, k);
        }
        return error * error;
    }

  private:
    static constexpr double ridge = 1e-3;
    matrix<double> upper_; // empty: none
};

} // namespace tocsin::detail
