/// @file bits.hpp
/// @brief The unsigned integer that holds the bits of a scalar.
#pragma once

#include <cstdint>
#include <type_traits>

namespace tocsin::detail {

/// Of the same size as T, for std::bit_cast.
/// @tparam T of 1, 2, 4 or 8 bytes
template <class T>
using bits_of = std::conditional_t<
    sizeof(T) == 1, std::uint8_t,
    std::conditional_t<sizeof(T) == 2, std::uint16_t,
                       std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>>>;

} // namespace tocsin::detail
