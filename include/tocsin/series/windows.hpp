/// @file windows.hpp
/// @brief Windows over the columns of a matrix of samples, as a view.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/core/views.hpp"

#include <algorithm>
#include <span>
#include <type_traits>
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
    /// A view of `[features x samples]`.
    using values_view = matrix_view<const Scalar>;

    windows() = default;
    /// @param values        `[features x samples]`
    /// @param first_columns first sample of each window; each window must lie inside `values`
    /// @param length        samples in a window, at least 1
    windows(values_view values, std::vector<index_t> first_columns, int length)
        : data_{values.data()}, features_{values.rows()}, samples_{values.cols()},
          first_columns_{std::move(first_columns)}, length_{length} {}

    /// The number of windows.
    index_t count() const noexcept { return static_cast<index_t>(first_columns_.size()); }
    /// Whether there are none.
    bool empty() const noexcept { return first_columns_.empty(); }
    /// Samples in a window.
    int length() const noexcept { return length_; }
    int features() const noexcept { return static_cast<int>(features_); }
    /// The whole matrix, `[features x samples]`.
    values_view values() const noexcept { return {data_, features_, samples_}; }
    /// First column of each window.
    std::span<const index_t> first_columns() const noexcept { return first_columns_; }

    /// Window `k` as `[features x length]`; contiguous.
    matrix_view<const Scalar> window(index_t k) const noexcept {
        return {data_ + first_column(k) * features_, features_, length_};
    }
    /// First column of window `k`.
    index_t first_column(index_t k) const noexcept {
        TOCSIN_ASSERT(k >= 0 && k < count(), "windows: window out of range");
        return first_columns_[static_cast<std::size_t>(k)];
    }

    /// The windows `[first, first + size)` in this order.
    windows slice(index_t first, index_t size) const {
        const auto begin = first_columns_.begin() + first;
        return {values(), std::vector<index_t>(begin, begin + size), length_};
    }
    /// The windows for which `keep(k)` is true, in this order. Allocates.
    template <class Keep>
    windows select(Keep&& keep) const {
        std::vector<index_t> kept;
        for (index_t k = 0; k < count(); ++k) {
            if (keep(k)) {
                kept.push_back(first_column(k));
            }
        }
        return {values(), std::move(kept), length_};
    }
    /// The same windows over another matrix with the same number of samples (for example a scaled
    /// copy).
    windows over(values_view other) const { return {other, first_columns_, length_}; }

    /// Calls `visit(first_column, columns)` for each run of columns that windows cover, each column
    /// once, in order of time: the data for a scaler when windows overlap. Recordings that lie next
    /// to each other are one run. Allocates.
    template <class Visit>
    void for_each_covered_run(Visit&& visit) const {
        for_each_run(true, visit);
    }
    /// The same, but recordings that lie next to each other are runs of their own, where windows
    /// overlap: no two of their rows are in one window. Windows that only touch (a stride of
    /// `length`) do not show where a recording ends, and are one run. Allocates.
    template <class Visit>
    void for_each_linked_run(Visit&& visit) const {
        for_each_run(false, visit);
    }

  private:
    template <class Visit>
    void for_each_run(bool join_all, Visit& visit) const {
        auto sorted = first_columns_;
        std::sort(sorted.begin(), sorted.end());
        const bool overlap =
            std::adjacent_find(sorted.begin(), sorted.end(), [&](index_t before, index_t after) {
                return after - before < length_;
            }) != sorted.end();
        for (auto next = sorted.begin(); next != sorted.end();) {
            const index_t begin = *next;
            index_t end = begin;
            do {
                end = *next++ + length_;
            } while (next != sorted.end() &&
                     (*next < end || (*next == end && (join_all || !overlap))));
            visit(begin, end - begin);
        }
    }

    // Not an Eigen map, because assigning one copies samples instead of rebinding.
    const Scalar* data_ = nullptr;
    index_t features_ = 0;
    index_t samples_ = 0;
    std::vector<index_t> first_columns_;
    int length_ = 0;
};

namespace detail {

/// Whether the columns of an expression may follow each other in memory without a gap, judged by
/// its type alone: the stride of a Map or Ref is known at run time only.
template <class Expression>
struct may_be_contiguous : std::true_type {};

/// Whole columns are as contiguous as what they are cut from.
template <class Whole, int Rows, int Cols>
struct may_be_contiguous<Eigen::Block<Whole, Rows, Cols, true>>
    : may_be_contiguous<std::remove_const_t<Whole>> {};

/// Some of the rows leave gaps. Also where they happen to be all rows: the type does not say so.
template <class Whole, int Rows, int Cols>
struct may_be_contiguous<Eigen::Block<Whole, Rows, Cols, false>> : std::false_type {};

template <class Expression>
constexpr bool has_memory = (Expression::Flags & Eigen::DirectAccessBit) != 0;

/// One row or one column without gaps is contiguous whatever it is cut from.
template <class Expression>
constexpr bool is_dense_vector =
    Expression::IsVectorAtCompileTime && Expression::InnerStrideAtCompileTime == 1;

template <class Expression>
constexpr bool has_dense_columns =
    is_dense_vector<Expression> ||
    (!Expression::IsRowMajor && Expression::InnerStrideAtCompileTime == 1 &&
     may_be_contiguous<Expression>::value);

inline status check_sliding(int length, int stride) noexcept {
    if (length < 1 || stride < 1) {
        return status::error(error_code::invalid_argument, "windows: length ", length,
                             " and stride ", stride, " must both be at least 1");
    }
    return {};
}

/// Appends the first columns of windows that slide over `[begin, end)`.
inline void append_first_columns(index_t begin, index_t end, int length, int stride,
                                 std::vector<index_t>& first_columns) {
    for (index_t first = begin; first + length <= end; first += stride) {
        first_columns.push_back(first);
    }
}

/// An expression as the matrix of contiguous columns that it is.
template <class Derived>
result<Eigen::Map<const matrix<typename Derived::Scalar>>>
contiguous_columns(const Eigen::MatrixBase<Derived>& values) {
    static_assert(
        has_memory<Derived>,
        "make_windows: this expression is computed, not stored; evaluate it into a matrix "
        "that outlives the windows");
    static_assert(!has_memory<Derived> || has_dense_columns<Derived>,
                  "make_windows: windows view contiguous columns, and here rows are left out or "
                  "stored one by one; take whole columns (leftCols, middleCols, rightCols) of a "
                  "column-major matrix, or copy into a matrix that outlives the windows");
    if constexpr (has_memory<Derived> && has_dense_columns<Derived>) {
        const Derived& stored = values.derived();
        const bool vector = is_dense_vector<Derived>;
        if (!vector && stored.cols() > 1 && stored.outerStride() != stored.rows()) {
            return status::error(error_code::invalid_argument, "windows: columns of ",
                                 stored.rows(), " rows lie ", stored.outerStride(),
                                 " apart; windows view contiguous columns");
        }
        return Eigen::Map<const matrix<typename Derived::Scalar>>(stored.data(), stored.rows(),
                                                                  stored.cols());
    } else { // spares the user further errors
        return status::error(error_code::invalid_argument, "windows: not contiguous");
    }
}

} // namespace detail

/// Sliding windows over one series, the last partial window left out. Allocates.
/// @param values `[features x samples]`; must outlive the result
/// @param length samples in a window; `invalid_argument` unless 1 <= length <= samples
/// @param stride samples from one window's start to the next, at least 1
template <class Scalar>
result<windows<Scalar>> make_windows(Eigen::Map<const matrix<Scalar>> values, int length,
                                     int stride = 1) {
    if (const status usable = detail::check_sliding(length, stride); !usable.ok()) {
        return usable;
    }
    if (values.cols() < length) {
        return status::error(error_code::invalid_argument, "windows: length ", length,
                             " is longer than the series of ", values.cols(), " samples");
    }
    std::vector<index_t> first_columns;
    detail::append_first_columns(0, values.cols(), length, stride, first_columns);
    return windows<Scalar>{values, std::move(first_columns), length};
}

/// The same over a matrix, map, Ref or whole columns of either (`values.leftCols(50)`), without a
/// copy: their memory must outlive the result. What is not contiguous does not compile; where only
/// the run time knows (Ref, a Map with a stride), it is `invalid_argument`.
template <class Derived>
result<windows<typename Derived::Scalar>> make_windows(const Eigen::MatrixBase<Derived>& values,
                                                       int length, int stride = 1) {
    const auto columns = detail::contiguous_columns(values);
    if (!columns.ok()) {
        return columns.error();
    }
    return make_windows<typename Derived::Scalar>(*columns, length, stride);
}

/// Windows over several recordings that are stored one after the other; none straddles two of
/// them. A recording that is shorter than `length` has no windows.
/// @param values     `[features x samples]`, as above
/// @param recordings samples of each recording, in order; `invalid_argument` unless none is
///                   negative, their sum is the number of samples, and one is long enough
template <class Derived>
result<windows<typename Derived::Scalar>> make_windows(const Eigen::MatrixBase<Derived>& values,
                                                       std::span<const index_t> recordings,
                                                       int length, int stride = 1) {
    const auto columns = detail::contiguous_columns(values);
    if (!columns.ok()) {
        return columns.error();
    }
    if (const status usable = detail::check_sliding(length, stride); !usable.ok()) {
        return usable;
    }
    std::vector<index_t> first_columns;
    index_t begin = 0;
    for (const index_t samples : recordings) {
        if (samples < 0 || samples > values.cols() - begin) {
            return status::error(error_code::invalid_argument, "windows: a recording of ", samples,
                                 " samples starts at ", begin, " of ", values.cols());
        }
        detail::append_first_columns(begin, begin + samples, length, stride, first_columns);
        begin += samples;
    }
    if (begin != values.cols()) {
        return status::error(error_code::invalid_argument, "windows: the recordings have ", begin,
                             " samples, the matrix has ", values.cols());
    }
    if (first_columns.empty()) {
        return status::error(error_code::invalid_argument, "windows: length ", length,
                             " is longer than each of the ", recordings.size(), " recordings");
    }
    return windows<typename Derived::Scalar>{*columns, std::move(first_columns), length};
}

/// A temporary that owns its samples would be gone before the windows are used.
template <class Derived, class... Rest>
result<windows<typename Derived::Scalar>>
make_windows(const Eigen::PlainObjectBase<Derived>&& values, Rest&&...) = delete;
/// A temporary Ref to const may own a copy.
template <class Plain, int Options, class Stride, class... Rest>
result<windows<typename Plain::Scalar>>
make_windows(const Eigen::Ref<const Plain, Options, Stride>&& values, Rest&&...) = delete;

} // namespace tocsin
