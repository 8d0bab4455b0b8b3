/// @file checksum.hpp
/// @brief CRC-32 of bytes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace tocsin {

/// CRC-32 with the reflected polynomial 0xEDB88320 (ISO 3309), the same as Python's zlib.crc32.
/// @param previous the checksum of the preceding bytes, to continue with; 0 at the start
constexpr std::uint32_t crc32(std::span<const std::byte> bytes,
                              std::uint32_t previous = 0) noexcept {
    constexpr auto table = [] {
        std::array<std::uint32_t, 256> entries{};
        for (std::uint32_t byte = 0; byte < 256; ++byte) {
            std::uint32_t entry = byte;
            for (int bit = 0; bit < 8; ++bit) {
                entry = (entry >> 1U) ^ ((entry & 1U) != 0 ? 0xEDB88320U : 0U);
            }
            entries[byte] = entry;
        }
        return entries;
    }();
    std::uint32_t value = ~previous;
    for (const std::byte byte : bytes) {
        value = table[(value ^ std::to_integer<std::uint32_t>(byte)) & 0xFFU] ^ (value >> 8U);
    }
    return ~value;
}

} // namespace tocsin
