/// @file radix_sort.hpp
/// @brief Sorting of doubles by their bits, in linear time.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace tocsin::detail {

/// Integers in the order of the doubles: all bits of negative numbers are flipped, of others only
/// the sign. 0.0 and -0.0 have the same key. Not for NaN.
inline std::uint64_t key_of(double value) noexcept {
    const auto bits = std::bit_cast<std::uint64_t>(value + 0.0); // -0.0 becomes 0.0
    const std::uint64_t sign = std::uint64_t{1} << 63;
    return (bits & sign) != 0 ? ~bits : bits | sign;
}
inline double value_of(std::uint64_t key) noexcept {
    const std::uint64_t sign = std::uint64_t{1} << 63;
    return std::bit_cast<double>((key & sign) != 0 ? key & ~sign : ~key);
}

/// Sorts in ascending order, digit by digit from the lowest (LSD radix sort; Knuth, The Art of
/// Computer Programming 3, 5.2.5); digits that all keys share are skipped. O(n), allocates a second
/// array of n keys; few keys are sorted by comparison, in place.
inline void radix_sort(std::vector<std::uint64_t>& keys) {
    constexpr std::size_t few = 1024; // counting all digits would take longer
    if (keys.size() < few) {
        std::sort(keys.begin(), keys.end());
        return;
    }
    constexpr int digit_bits = 8;
    constexpr std::size_t digits = 64 / digit_bits;
    constexpr std::size_t buckets = std::size_t{1} << digit_bits;
    const auto digit_of = [](std::uint64_t key, std::size_t digit) {
        return static_cast<std::size_t>(key >> (digit * digit_bits)) & (buckets - 1);
    };
    std::array<std::array<std::size_t, buckets>, digits> counts{};
    for (const std::uint64_t key : keys) {
        for (std::size_t digit = 0; digit < digits; ++digit) {
            ++counts[digit][digit_of(key, digit)];
        }
    }
    std::vector<std::uint64_t> sorted(keys.size());
    for (std::size_t digit = 0; digit < digits; ++digit) {
        auto& count = counts[digit];
        if (count[digit_of(keys.front(), digit)] == keys.size()) {
            continue;
        }
        std::size_t first = 0; // counts become the first places of the buckets
        for (std::size_t& place : count) {
            first += std::exchange(place, first);
        }
        for (const std::uint64_t key : keys) {
            sorted[count[digit_of(key, digit)]++] = key;
        }
        keys.swap(sorted);
    }
}

} // namespace tocsin::detail
