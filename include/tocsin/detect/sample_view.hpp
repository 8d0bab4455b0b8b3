/// @file sample_view.hpp
/// @brief The values of one sample, from whatever the caller keeps them in.
#pragma once

#include "tocsin/core/extents.hpp"

#include <Eigen/Core>

#include <initializer_list>
#include <span>
#include <type_traits>

namespace tocsin {

/// A read-only view of consecutive scalars: made from a span, a vector, an array, a braced list
/// `{1.0f, 2.0f}`, or a column of a matrix. For parameters only: a braced list lives until the end
/// of the call.
template <class Scalar>
class sample_view {
  public:
    // NOLINTBEGIN(google-explicit-constructor,hicpp-explicit-conversions): like std::span
    /// Views values of the caller.
    constexpr sample_view(std::span<const Scalar> values) noexcept : values_{values} {}
    /// Views a list such as `{1.5F, 2}`, which lives to the end of the expression.
    constexpr sample_view(std::initializer_list<Scalar> values) noexcept
        : values_{values.begin(), values.size()} {}
    /// Any contiguous range of Scalar.
    template <class Range>
        requires(!std::is_base_of_v<Eigen::EigenBase<Range>, Range> &&
                 std::is_convertible_v<const Range&, std::span<const Scalar>>)
    constexpr sample_view(const Range& values) noexcept : values_{values} {}
    /// A vector, or a column of a matrix. What does not compile: a row of a matrix, which is not
    /// consecutive, and an expression such as `2 * values`, which lies nowhere.
    template <class Derived>
        requires(std::is_same_v<typename Derived::Scalar, Scalar>)
    sample_view(const Eigen::MatrixBase<Derived>& values) noexcept : values_{values_of(values)} {}
    // NOLINTEND(google-explicit-constructor,hicpp-explicit-conversions)

    /// The first value.
    constexpr const Scalar* data() const noexcept { return values_.data(); }
    /// The number of values.
    constexpr index_t size() const noexcept { return static_cast<index_t>(values_.size()); }
    /// Value `k`; it must exist.
    constexpr const Scalar& operator[](index_t k) const noexcept {
        return values_[static_cast<std::size_t>(k)];
    }

  private:
    template <class Derived>
    static std::span<const Scalar> values_of(const Eigen::MatrixBase<Derived>& values) noexcept {
        constexpr bool stored = bool(int(Derived::Flags) & int(Eigen::DirectAccessBit));
        static_assert(stored, "a sample must be stored somewhere: add .eval() to the expression");
        if constexpr (stored) {
            static_assert(Derived::InnerStrideAtCompileTime == 1 && Derived::ColsAtCompileTime == 1,
                          "a sample is a column whose values lie next to each other");
            return {values.derived().data(), static_cast<std::size_t>(values.size())};
        } else {
            return {};
        }
    }

    std::span<const Scalar> values_;
};

} // namespace tocsin
