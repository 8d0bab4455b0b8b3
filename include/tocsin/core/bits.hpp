/// @file bits.hpp
/// @brief The bits of a scalar.
#pragma once

#include <bit>
#include <cstdint>
#include <limits>
#include <type_traits>

namespace tocsin::detail {

/// Of the same size as T, for std::bit_cast.
/// @tparam T of 1, 2, 4 or 8 bytes
template <class T>
using bits_of = std::conditional_t<
    sizeof(T) == 1, std::uint8_t,
    std::conditional_t<sizeof(T) == 2, std::uint16_t,
                       std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>>>;

/// Whether a number is finite: not all bits of its exponent are set. Unlike std::isfinite() it makes no
/// branch, so that loops over it are vectorised.
template <class Scalar>
constexpr bool is_finite(Scalar value) noexcept {
    constexpr auto exponent =
        std::bit_cast<bits_of<Scalar>>(std::numeric_limits<Scalar>::infinity());
    return (std::bit_cast<bits_of<Scalar>>(value) & exponent) != exponent;
}

} // namespace tocsin::detail
