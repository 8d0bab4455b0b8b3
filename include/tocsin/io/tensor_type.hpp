/// @file tensor_type.hpp
/// @brief Element types of the tensors in a safetensors file.
#pragma once

#include "tocsin/core/extents.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

namespace tocsin {

/// Element types. f32, f64, i64 and u8 are read and written, f16 and bf16 are only read; a file may hold
/// tensors of the others, whose values are not looked at.
enum class tensor_type : std::uint8_t {
    f32,
    f64,
    i64,
    u8,
    f16,
    bf16,
    boolean,
    i8,
    i16,
    i32,
    u16,
    u32,
    u64,
    f8_e4m3,
    f8_e5m2,
    f8_e8m0,
    f8_e4m3fnuz,
    f8_e5m2fnuz,
    f4,
    f6_e2m3,
    f6_e3m2,
    c64
};

/// Every element type.
inline constexpr auto all_tensor_types = [] {
    std::array<tensor_type, static_cast<std::size_t>(tensor_type::c64) + 1> all{};
    for (std::size_t k = 0; k < all.size(); ++k) {
        all[k] = static_cast<tensor_type>(k);
    }
    return all;
}();

/// Name of an element type in a file.
constexpr std::string_view name_of(tensor_type type) noexcept {
    constexpr std::array<std::string_view, all_tensor_types.size()> names = {
        "F32",         "F64",         "I64", "U8",      "F16",     "BF16",    "BOOL",    "I8",
        "I16",         "I32",         "U16", "U32",     "U64",     "F8_E4M3", "F8_E5M2", "F8_E8M0",
        "F8_E4M3FNUZ", "F8_E5M2FNUZ", "F4",  "F6_E2M3", "F6_E3M2", "C64"};
    return names[static_cast<std::size_t>(type)];
}

/// Bits of one element.
constexpr index_t element_bits(tensor_type type) noexcept {
    constexpr std::array<index_t, all_tensor_types.size()> bits = {
        32, 64, 64, 8, 16, 16, 8, 8, 16, 32, 16, 32, 64, 8, 8, 8, 8, 8, 4, 6, 6, 64};
    return bits[static_cast<std::size_t>(type)];
}
/// Bytes of one element; 0 for less than one.
constexpr index_t element_size(tensor_type type) noexcept {
    return element_bits(type) / 8;
}

/// Whether the elements are real numbers that can be read: F32, F64, F16 or BF16.
constexpr bool is_real(tensor_type type) noexcept {
    return type == tensor_type::f32 || type == tensor_type::f64 || type == tensor_type::f16 ||
           type == tensor_type::bf16;
}

/// Element type of a C++ type.
template <class T>
    requires(std::is_same_v<T, float> || std::is_same_v<T, double> ||
             std::is_same_v<T, std::int64_t> || std::is_same_v<T, std::uint8_t>)
constexpr tensor_type tensor_type_of() noexcept {
    if constexpr (std::is_same_v<T, float>) {
        return tensor_type::f32;
    } else if constexpr (std::is_same_v<T, double>) {
        return tensor_type::f64;
    } else if constexpr (std::is_same_v<T, std::int64_t>) {
        return tensor_type::i64;
    } else {
        return tensor_type::u8;
    }
}

} // namespace tocsin
