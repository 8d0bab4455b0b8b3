/// @file storage.hpp
/// @brief Buffers for the kernels: aligned ones that own their memory, pieces of a caller's.
#pragma once

#include "tocsin/core/extents.hpp"

#include <Eigen/Core>

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <type_traits>
#include <vector>

namespace tocsin {

/// Heap buffer aligned for the widest vectors. Its alignment is the same in every process, so
/// kernels that treat an unaligned head separately give the same bits everywhere.
template <class T>
using aligned_vector = std::vector<T, Eigen::aligned_allocator<T>>;

/// `Size` scalars in place, or a heap buffer when the size is known only at run time.
template <class T, index_t Size = dynamic>
using storage = std::conditional_t<Size == dynamic, aligned_vector<T>,
                                   std::array<T, static_cast<std::size_t>(Size < 0 ? 0 : Size)>>;

/// Sets the size of a buffer: resizes a heap buffer (allocates), checks an in-place one.
template <class T>
void resize_storage(aligned_vector<T>& buffer, index_t size) {
    buffer.assign(static_cast<std::size_t>(size), T{});
}
/// The same for a buffer whose size is known at compile time: there is nothing to do.
template <class T, std::size_t Size>
void resize_storage(std::array<T, Size>& buffer, [[maybe_unused]] index_t size) noexcept {
    TOCSIN_ASSERT(size == static_cast<index_t>(Size), "storage: size differs from compile time");
    buffer.fill(T{});
}

/// `count` scalars of a span starting at `offset`, with signed positions.
template <class Scalar>
constexpr std::span<Scalar> slice(std::span<Scalar> all, index_t offset, index_t count) noexcept {
    TOCSIN_ASSERT(offset >= 0 && count >= 0 && offset + count <= static_cast<index_t>(all.size()),
                  "slice: outside of the span");
    return all.subspan(static_cast<std::size_t>(offset), static_cast<std::size_t>(count));
}

/// The scalars of a span starting at `offset`.
template <class Scalar>
constexpr std::span<Scalar> slice(std::span<Scalar> all, index_t offset) noexcept {
    return slice(all, offset, static_cast<index_t>(all.size()) - offset);
}

/// `count` rounded up to whole cache lines of 64 bytes, so that whatever follows in an aligned
/// buffer is aligned too.
template <class Scalar>
constexpr index_t whole_lines(index_t count) noexcept {
    constexpr auto line = static_cast<index_t>(64 / sizeof(Scalar));
    return (count + line - 1) / line * line;
}

/// Fills with zeros; returns the span.
template <class Scalar>
constexpr std::span<Scalar> zero(std::span<Scalar> values) noexcept {
    std::fill(values.begin(), values.end(), Scalar(0));
    return values;
}

/// Hands out consecutive pieces of a work area that the caller owns. Never allocates. A function
/// that takes a work area has a matching `..._size()` function.
template <class Scalar>
class work_area {
  public:
    // NOLINTNEXTLINE(google-explicit-constructor,hicpp-explicit-conversions): a span with a cursor
    /// @param area memory of the caller, which must outlive the pieces
    constexpr work_area(std::span<Scalar> area) noexcept : rest_{area} {}

    /// The next `count` scalars; a work area that is too small breaks the precondition (debug
    /// builds check).
    constexpr std::span<Scalar> take(index_t count) noexcept {
        TOCSIN_ASSERT(count >= 0 && count <= static_cast<index_t>(rest_.size()),
                      "work_area: the caller's work area is too small");
        const auto piece = rest_.first(static_cast<std::size_t>(count));
        rest_ = rest_.subspan(static_cast<std::size_t>(count));
        return piece;
    }
    /// What has not been handed out yet.
    constexpr std::span<Scalar> rest() const noexcept { return rest_; }

  private:
    std::span<Scalar> rest_;
};

} // namespace tocsin
