/// @file row_ranges.hpp
/// @brief Events as ranges of rows, and flags converted to ranges.
#pragma once

#include "tocsin/core/extents.hpp"
#include "tocsin/core/status.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace tocsin {

/// Consecutive rows: `begin` is the first, `end` the one after the last. For files with inclusive
/// ends, use `end + 1`.
struct row_range {
    index_t begin = 0; ///< the first row
    index_t end = 0;   ///< one after the last row

    /// Rows in the range.
    constexpr index_t size() const noexcept { return end - begin; }
    /// Whether the two share a row.
    constexpr bool overlaps(const row_range& other) const noexcept {
        return begin < other.end && other.begin < end;
    }
    /// Equal at both ends.
    friend constexpr bool operator==(const row_range&, const row_range&) noexcept = default;
};

/// Calls `visit(row_range)` for each maximal run of nonzero flags, in order. Never allocates.
template <class Visit>
constexpr void for_each_run(std::span<const std::uint8_t> flags, Visit&& visit) {
    const auto rows = static_cast<index_t>(flags.size());
    for (index_t row = 0; row < rows; ++row) {
        if (flags[static_cast<std::size_t>(row)] == 0) {
            continue;
        }
        const index_t begin = row;
        while (row < rows && flags[static_cast<std::size_t>(row)] != 0) {
            ++row;
        }
        visit(row_range{begin, row});
    }
}

/// The maximal runs of nonzero flags, in order. O(flags), allocates.
inline std::vector<row_range> runs_of(std::span<const std::uint8_t> flags) {
    std::vector<row_range> runs;
    for_each_run(flags, [&](const row_range& run) { runs.push_back(run); });
    return runs;
}

namespace detail {

/// Refuses flags and labels of different sizes.
inline status check_flags(std::string_view caller, std::span<const std::uint8_t> flags,
                          std::span<const std::uint8_t> labels) noexcept {
    if (flags.size() != labels.size()) {
        return status::error(error_code::invalid_argument, caller, ": ", flags.size(),
                             " flags but ", labels.size(), " labels");
    }
    return {};
}

/// Refuses ranges that are empty, start below row 0, are out of order, or overlap.
/// @param caller starts the message
/// @param what   names the ranges in it
inline status check_ordered(std::string_view caller, std::string_view what,
                            std::span<const row_range> ranges) noexcept {
    index_t previous_end = 0;
    for (std::size_t i = 0; i < ranges.size(); ++i) {
        if (ranges[i].begin < previous_end || ranges[i].end <= ranges[i].begin) {
            return status::error(error_code::invalid_argument, caller, ": ", what, ' ', i,
                                 " has the rows ", ranges[i].begin, " to ", ranges[i].end,
                                 " (exclusive), which are none, or start before row ",
                                 previous_end);
        }
        previous_end = ranges[i].end;
    }
    return {};
}

} // namespace detail

} // namespace tocsin
