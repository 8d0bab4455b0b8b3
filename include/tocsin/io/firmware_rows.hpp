/// @file firmware_rows.hpp
/// @brief Rows of weights as integers, and the dense layers that they make.
#pragma once

#include "tocsin/firmware/fixed_network.hpp"
#include "tocsin/io/firmware_model.hpp"
#include "tocsin/io/firmware_rounding.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <utility>
#include <vector>

namespace tocsin::detail {

/// Some columns of a row as integers with a scale of their own.
struct quantised_row {
    static constexpr double largest_sum = 65'000;

    std::vector<int> values;
    double scale = 1;
    double sum = 0; ///< of the magnitudes
    /// Whether sums of products with any 16-bit integers stay below 2^31.
    bool fits() const noexcept { return sum <= largest_sum; }
};

/// Rounds columns of a row to multiples of a scale; what makes up for 8 bits goes to those after them.
/// @param loss out, see rounding_feedback::spread()
template <class Weight>
quantised_row round_row(std::vector<double>& row, int first, int count, double scale,
                        const rounding_feedback& feedback, double& loss) {
    quantised_row result{{}, scale, 0};
    loss = 0;
    for (int column = first; column < first + count; ++column) {
        const double exact = row[static_cast<std::size_t>(column)] / scale;
        constexpr double largest = sizeof(Weight) == 1 ? 127 : 32'767;
        const auto value = static_cast<int>(std::lround(std::clamp(exact, -largest, largest)));
        if constexpr (sizeof(Weight) == 1) {
            loss += feedback.spread(row, column, value * scale);
        }
        result.values.push_back(value);
        result.sum += std::abs(value);
    }
    return result;
}

/// With 16 bits the smallest scale with which no sum leaves 32 bits; with 8 bits that one of 65 above
/// it, up to 1.5 times as large, which changes the sums least.
/// @param row of weights; what makes up for the rounding of 8-bit weights is added to those after the
///            columns
template <class Weight>
quantised_row quantise_row(std::vector<double>& row, int first, int count,
                           const rounding_feedback& feedback) {
    constexpr bool bytes = sizeof(Weight) == 1;
    double largest = 0;
    double sum = 0;
    for (int column = first; column < first + count; ++column) {
        largest = std::max(largest, std::abs(row[static_cast<std::size_t>(column)]));
        sum += std::abs(row[static_cast<std::size_t>(column)]);
    }
    // Rounding adds at most `count`; what makes up for it may add more, see fits().
    const double most = quantised_row::largest_sum - count;
    double scale = std::max(largest / (bytes ? 127 : 32'767), sum / most);
    scale = scale > 0 ? scale : 1;
    double least = std::numeric_limits<double>::infinity();
    quantised_row best;
    std::vector<double> best_row = row;
    constexpr int steps = bytes ? 64 : 0;
    for (int k = 0; k <= steps; ++k) {
        std::vector<double> changed = row;
        double loss = 0;
        quantised_row found =
            round_row<Weight>(changed, first, count, scale * (1 + k / 128.0), feedback, loss);
        if (k == 0 || (found.fits() && (loss < least || !best.fits()))) {
            least = loss;
            best = std::move(found);
            best_row = std::move(changed);
        }
    }
    row = std::move(best_row);
    return best;
}

/// Columns of up to four rows, four columns at a time.
template <class Weight>
void append_rows(std::span<const quantised_row> rows, int columns, std::vector<Weight>& weights) {
    static constexpr int order[] = {0, 2, 1, 3};
    for (int column = 0; column < firmware::detail::whole_quads(columns); column += 4) {
        for (const quantised_row& row : rows) {
            for (int k = 0; k < 4; ++k) {
                const int from = column + (sizeof(Weight) == 1 ? order[k] : k);
                const auto at = static_cast<std::size_t>(from);
                weights.push_back(static_cast<Weight>(at < row.values.size() ? row.values[at] : 0));
            }
        }
    }
}

/// The weights of a row, the bias last.
inline std::vector<double> row_of(const firmware_layer& layer, int row) {
    std::vector<double> weights;
    for (int column = 0; column <= layer.columns; ++column) {
        weights.push_back(layer.weight(row, column));
    }
    return weights;
}
inline std::int32_t rounded(double value) {
    return static_cast<std::int32_t>(std::lround(value));
}

/// Bits behind the point of what a dense layer reads and of its sums, which stay within `largest`.
struct dense_form {
    int read;
    int written;
    double largest;
};

/// A dense layer for firmware::detail::fixed_row_sums() and scale_fixed_rows().
/// @param added to the biases, or empty
/// @param shift of the layer, out
/// @return false where a number does not fit, or a sum could exceed what it may be
template <class Weight>
bool quantise_dense(const firmware_layer& layer, std::span<const double> added,
                    const dense_form& form, std::vector<Weight>& weights,
                    std::vector<firmware::detail::fixed_dense_row>& to, int& shift) {
    std::vector<quantised_row> rows;
    std::vector<double> biases;
    double largest = 0;
    const rounding_feedback feedback(layer);
    for (int row = 0; row < layer.rows; ++row) {
        std::vector<double> exact = row_of(layer, row);
        rows.push_back(quantise_row<Weight>(exact, 0, layer.columns, feedback));
        const double bias = exact.back() + (added.empty() ? 0 : added[biases.size()]);
        const double bound = std::ldexp(rows.back().sum * rows.back().scale, 15 - form.read);
        if (!rows.back().fits() ||
            std::ldexp(std::abs(bias) + bound, form.written) > form.largest) {
            return false;
        }
        biases.push_back(bias);
        largest = std::max(largest, rows.back().scale);
    }
    const double worth = std::ldexp(1.0, form.written - form.read);
    for (shift = 0; shift < 30 && largest * worth * std::ldexp(2.0, shift) < 1e9;) {
        ++shift;
    }
    if (largest * worth * std::ldexp(1.0, shift) > 2e9) {
        return false;
    }
    for (std::size_t row = 0; row < rows.size(); ++row) {
        to.push_back({rounded(std::ldexp(biases[row], form.written)),
                      rounded(rows[row].scale * worth * std::ldexp(1.0, shift))});
    }
    for (std::size_t row = 0; row < rows.size();) {
        const std::size_t count = row + 4 <= rows.size() ? 4 : 1;
        append_rows(std::span<const quantised_row>(rows).subspan(row, count), layer.columns,
                    weights);
        row += count;
    }
    return true;
}

} // namespace tocsin::detail
