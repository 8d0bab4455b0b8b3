/// @file time_order.hpp
/// @brief Rows of a recording in the order of time, cut where time has gaps.
#pragma once

#include "tocsin/core/extents.hpp"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace tocsin {

/// Which rows of a recording can be used, and which of them are neighbours.
struct time_order {
    std::vector<index_t> rows;       ///< those that are kept, in their order
    std::vector<index_t> recordings; ///< how many of them stand between two gaps; no sum is missing
    index_t gaps = 0;                ///< steps longer than the longest gap
    index_t set_back = 0;            ///< places where the clock was set back for good
    index_t repeated = 0;            ///< rows left out: the time of the row before
    index_t backward = 0;            ///< rows left out: a time that the next rows do not continue
};

/// What becomes of a row with the time of the row before.
enum class repeated_time : std::uint8_t {
    left_out,
    kept ///< for resample(), which makes one row of all in a step
};

/// Orders rows by these rules. A row follows the one before if its time is later by at most
/// `longest_gap`, or is not known. A row with the same time is left out, or follows too where
/// `repeated` says so. For any other time the next
/// `agreement` - 1 rows decide: if each follows, a new recording begins with the row, after a gap or
/// a clock that was set back; otherwise it is left out as a wrong stamp. So one wrong stamp costs
/// one row, as in a stream (stream_clock). Allocates.
/// @param times       one per row; NaN: not known
/// @param longest_gap positive; infinity: never
/// @param descending  the newest row stands first: rows are taken from the end
inline time_order order_by_time(std::span<const double> times, double longest_gap,
                                bool descending = false, int agreement = 3,
                                repeated_time repeated = repeated_time::left_out) {
    const auto count = static_cast<index_t>(times.size());
    const auto row_at = [&](index_t k) { return descending ? count - 1 - k : k; };
    const auto time_at = [&](index_t k) { return times[static_cast<std::size_t>(row_at(k))]; };
    const auto follows = [&](double time, double before) {
        const bool later = time > before || (time == before && repeated == repeated_time::kept);
        return later && time - before <= longest_gap;
    };
    // Whether the rows after `k` continue it; at the end of the file as many as there are.
    const auto continued = [&](index_t k) {
        double before = time_at(k);
        for (index_t n = k + 1, seen = 1; n < count && seen < agreement; ++n, ++seen) {
            const double time = time_at(n);
            if (std::isnan(time)) {
                continue;
            }
            if (!follows(time, before) && time != before) {
                return false;
            }
            before = time;
        }
        return true;
    };
    time_order order;
    order.rows.reserve(times.size());
    double last = std::numeric_limits<double>::quiet_NaN();
    index_t length = 0;
    const auto end_recording = [&] {
        if (length > 0) {
            order.recordings.push_back(length);
            length = 0;
        }
    };
    for (index_t k = 0; k < count; ++k) {
        const double time = time_at(k);
        if (!std::isnan(time) && !std::isnan(last) && !follows(time, last)) {
            if (time == last) {
                ++order.repeated;
                continue;
            }
            if (!std::isfinite(time) || !continued(k)) {
                ++order.backward;
                continue;
            }
            (time > last ? order.gaps : order.set_back) += 1;
            end_recording();
        }
        last = std::isnan(time) ? last : time;
        order.rows.push_back(row_at(k));
        ++length;
    }
    end_recording();
    return order;
}

} // namespace tocsin
