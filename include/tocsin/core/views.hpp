/// @file views.hpp
/// @brief Matrix types and views that give shape to spans of scalars.
///
/// Everything is column-major and samples are columns: a batch at one time step is
/// `[features x batch]`, a sequence `[features x (batch * time)]` with the batch columns of a time
/// step next to each other.
#pragma once

#include "tocsin/core/extents.hpp"

#include <Eigen/Core>

#include <span>
#include <type_traits>

#if !EIGEN_VERSION_AT_LEAST(3, 4, 0)
#error "tocsin needs Eigen 3.4 or newer"
#endif

namespace tocsin {

/// Owning column-major matrix.
template <class Scalar, int Rows = dynamic, int Cols = dynamic>
using matrix = Eigen::Matrix<Scalar, Rows, Cols>;

/// Owning column vector.
template <class Scalar, int Size = dynamic>
using column = Eigen::Matrix<Scalar, Size, 1>;

namespace detail {
template <class Scalar, class Plain>
using map_of = Eigen::Map<std::conditional_t<std::is_const_v<Scalar>, const Plain, Plain>>;
} // namespace detail

/// View of a contiguous column-major `[rows x cols]` block; `Scalar` may be const.
template <class Scalar, int Rows = dynamic, int Cols = dynamic>
using matrix_view = detail::map_of<Scalar, matrix<std::remove_const_t<Scalar>, Rows, Cols>>;

/// View of a contiguous column vector; `Scalar` may be const.
template <class Scalar, int Size = dynamic>
using vector_view = detail::map_of<Scalar, column<std::remove_const_t<Scalar>, Size>>;

/// The same block, read-only.
template <class Scalar, int Rows, int Cols>
Eigen::Map<const Eigen::Matrix<Scalar, Rows, Cols>>
read_only(const Eigen::Map<Eigen::Matrix<Scalar, Rows, Cols>>& view) noexcept {
    return {view.data(), view.rows(), view.cols()};
}

/// View of a batch of sequences, `[features x (batch * time)]`: column `t * batch + b` is time step
/// `t` of batch item `b`. Owns nothing; `Scalar` may be const. Never allocates.
template <class Scalar, int Features = dynamic>
class sequence_view {
  public:
    /// One time step, `[features x batch]`.
    using step_view = matrix_view<Scalar, Features, dynamic>;

    constexpr sequence_view() noexcept = default;
    /// @param data `[features x (batch * time)]`, column-major, not owned
    sequence_view(Scalar* data, int features, int batch, int time) noexcept
        : data_{data}, features_{features}, batch_{batch}, time_{time} {}

    /// Converts from mutable to const scalars, and between compile-time and run-time numbers of
    /// features where the numbers agree.
    template <class Other, int OtherFeatures>
        requires(std::is_convertible_v<Other (*)[], Scalar (*)[]> &&
                 (Features == OtherFeatures || Features == dynamic || OtherFeatures == dynamic))
    // NOLINTNEXTLINE(google-explicit-constructor,hicpp-explicit-conversions): like std::span
    sequence_view(sequence_view<Other, OtherFeatures> other) noexcept {
        if (other.data() != nullptr) { // an empty view means "not wanted" and has no features
            *this = sequence_view(other.data(), other.features(), other.batch(), other.time());
        }
    }

    /// Time step `t` of all batch items, `[features x batch]`.
    step_view step(index_t t) const noexcept {
        TOCSIN_ASSERT(t >= 0 && t < time_, "sequence_view: time step out of range");
        return step_view(data_ + t * step_size(), features(), batch_);
    }
    /// All time steps as one matrix, `[features x (batch * time)]`.
    step_view flat() const noexcept {
        return step_view(data_, features(), index_t{batch_} * time_);
    }
    /// The steps `[first, first + count)`.
    sequence_view steps(int first, int count) const noexcept {
        TOCSIN_ASSERT(first >= 0 && count >= 0 && first + count <= time_,
                      "sequence_view: steps out of range");
        return {data_ + first * step_size(), features(), batch_, count};
    }

    /// The first value.
    Scalar* data() const noexcept { return data_; }
    int features() const noexcept { return features_.value(); }
    /// Sequences side by side.
    int batch() const noexcept { return batch_; }
    /// Time steps.
    int time() const noexcept { return time_; }
    /// Scalars of one time step.
    index_t step_size() const noexcept { return index_t{features()} * batch_; }
    /// Scalars of all time steps.
    index_t size() const noexcept { return step_size() * time_; }
    /// All values in the order of memory.
    std::span<Scalar> span() const noexcept { return {data_, static_cast<std::size_t>(size())}; }

  private:
    Scalar* data_ = nullptr;
    [[no_unique_address]] extent<Features> features_;
    int batch_ = 0;
    int time_ = 0;
};

} // namespace tocsin
