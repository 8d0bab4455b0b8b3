/// @file finite_samples.hpp
/// @brief The samples that a scaler is fitted to, one feature at a time.
#pragma once

#include "tocsin/core/views.hpp"
#include "tocsin/series/windows.hpp"

#include <cmath>
#include <utility>
#include <vector>

namespace tocsin {

/// The columns of a matrix that windows cover, each once even if windows overlap, or all columns.
/// The matrix is not owned and must outlive this object.
template <class Scalar>
class finite_samples {
  public:
    /// The samples that windows cover, each once.
    explicit finite_samples(const windows<Scalar>& training) : values_{training.values()} {
        training.for_each_covered_run(
            [this](index_t first, index_t count) { runs_.emplace_back(first, count); });
    }
    /// All samples of `[features x samples]`.
    explicit finite_samples(matrix_view<const Scalar> values) : values_{values} {
        if (values.cols() > 0) {
            runs_.emplace_back(0, values.cols());
        }
    }

    int features() const noexcept { return static_cast<int>(values_.rows()); }

    /// Replaces `finite` by the values of one feature that are neither NaN nor infinite, in the
    /// order of the columns. Allocates when `finite` has to grow.
    void gather(int feature, std::vector<Scalar>& finite) const {
        finite.clear();
        for (const auto& [first, count] : runs_) {
            for (index_t column = first; column < first + count; ++column) {
                const Scalar value = values_(feature, column);
                if (std::isfinite(value)) {
                    finite.push_back(value);
                }
            }
        }
    }

  private:
    matrix_view<const Scalar> values_;
    std::vector<std::pair<index_t, index_t>> runs_; // first column, number of columns
};

} // namespace tocsin
