/// @file windows.hpp
/// @brief Windows over the columns of a matrix of samples, as a view.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/core/views.hpp"

#include <algorithm>
#include <span>
#include <utility>
#include <vector>

namespace tocsin {

/// The windows of `length` consecutive samples that start at given columns of a matrix
/// `[features x samples]`. The matrix is not owned and must outlive the windows.
/// Windows must not span two independent sequences stored one after the other: the code that lists
/// the first columns (make_windows, sequence_set::windows) ensures that.
template <class Scalar>
class windows {
  public:
    using values_view = matrix_view<const Scalar>;

    windows() = default;
    /// @param values        `[features x samples]`
    /// @param first_columns first sample of each window; each window must lie inside `values`
    /// @param length        samples in a window, at least 1
    windows(values_view values, std::vector<index_t> first_columns, int length)
        : data_{values.data()}, features_{values.rows()}, samples_{values.cols()},
          first_columns_{std::move(first_columns)}, length_{length} {}

    index_t count() const noexcept { return static_cast<index_t>(first_columns_.size()); }
    bool empty() const noexcept { return first_columns_.empty(); }
    int length() const noexcept { return length_; }
    int features() const noexcept { return static_cast<int>(features_); }
    /// The whole matrix, `[features x samples]`.
    values_view values() const noexcept { return {data_, features_, samples_}; }
    std::span<const index_t> first_columns() const noexcept { return first_columns_; }

    /// Window `k` as `[features x length]`; contiguous.
    matrix_view<const Scalar> window(index_t k) const noexcept {
        return {data_ + first_column(k) * features_, features_, length_};
    }
    index_t first_column(index_t k) const noexcept {
        TOCSIN_ASSERT(k >= 0 && k < count(), "windows: window out of range");
        return first_columns_[static_cast<std::size_t>(k)];
    }

    /// The windows `[first, first + size)` in this order.
    windows slice(index_t first, index_t size) const {
        const auto begin = first_columns_.begin() + first;
        return {values(), std::vector<index_t>(begin, begin + size), length_};
    }
    /// The same windows over another matrix with the same number of samples (for example a scaled
    /// copy).
    windows over(values_view other) const { return {other, first_columns_, length_}; }

    /// Calls `visit(first_column, columns)` for each run of columns that windows cover, each column
    /// once: the data for a scaler when windows overlap.
    template <class Visit>
    void for_each_covered_run(Visit&& visit) const {
        auto sorted = first_columns_;
        std::sort(sorted.begin(), sorted.end());
        index_t begin = 0;
        index_t end = 0;
        for (const index_t first : sorted) {
            if (first > end && end > begin) {
                visit(begin, end - begin);
            }
            if (first > end || end == begin) {
                begin = first;
            }
            end = first + length_;
        }
        if (end > begin) {
            visit(begin, end - begin);
        }
    }

  private:
    // Not an Eigen map, because assigning one copies samples instead of rebinding.
    const Scalar* data_ = nullptr;
    index_t features_ = 0;
    index_t samples_ = 0;
    std::vector<index_t> first_columns_;
    int length_ = 0;
};

/// Sliding windows over one series; the last partial window is left out.
/// @param values `[features x samples]`; must outlive the result
/// @param length samples in a window; `invalid_argument` unless 1 <= length <= samples
/// @param stride samples from one window's start to the next, at least 1
template <class Scalar>
result<windows<Scalar>> make_windows(Eigen::Map<const matrix<Scalar>> values, int length,
                                     int stride = 1) {
    if (length < 1 || stride < 1) {
        return status::error(error_code::invalid_argument, "windows: length ", length,
                             " and stride ", stride, " must both be at least 1");
    }
    if (values.cols() < length) {
        return status::error(error_code::invalid_argument, "windows: length ", length,
                             " is longer than the series of ", values.cols(), " samples");
    }
    std::vector<index_t> first_columns;
    for (index_t first = 0; first + length <= values.cols(); first += stride) {
        first_columns.push_back(first);
    }
    return windows<Scalar>{values, std::move(first_columns), length};
}

/// The same over an owning matrix, which must outlive the result.
template <class Scalar>
result<windows<Scalar>> make_windows(const matrix<Scalar>& values, int length, int stride = 1) {
    return make_windows<Scalar>(
        Eigen::Map<const matrix<Scalar>>(values.data(), values.rows(), values.cols()), length,
        stride);
}
template <class Scalar>
result<windows<Scalar>> make_windows(matrix<Scalar>&& values, int length, int stride = 1) = delete;

} // namespace tocsin
