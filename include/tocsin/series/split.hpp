/// @file split.hpp
/// @brief Chronological splits of windows, by shares and by date.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/series/windows.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <initializer_list>
#include <span>
#include <utility>
#include <vector>

namespace tocsin {

/// Splits windows into consecutive parts (training, validation, test, ...) in time order.
///
/// Part `p` receives about `fractions[p]` of the windows, in the order of their first samples; when
/// the fractions sum to less than 1, the last windows are left out. Windows at the end of a part
/// that overlap the next part are dropped (purged), so no sample is in two parts; a part loses at
/// most `length / stride` windows. Allocates.
/// @param all       the windows; their matrix must outlive the result
/// @param fractions each in (0, 1], their sum at most 1 up to rounding
/// @return as many parts as fractions; `invalid_argument` for a fraction out of range,
///         `invalid_data` when a part would be empty, naming the part counted from 0
template <class Scalar>
result<std::vector<windows<Scalar>>> split_chronologically(const windows<Scalar>& all,
                                                           std::span<const double> fractions) {
    double sum = 0;
    for (const double fraction : fractions) {
        sum += fraction;
        if (!(fraction > 0) || !(sum <= 1 + 1e-9)) {
            return status::error(error_code::invalid_argument, "split: fraction ", fraction,
                                 " (sum so far ", sum,
                                 "); each must be positive, their sum at most 1");
        }
    }
    std::vector<index_t> sorted(all.first_columns().begin(), all.first_columns().end());
    std::sort(sorted.begin(), sorted.end());
    const auto count = static_cast<index_t>(sorted.size());

    std::vector<windows<Scalar>> parts;
    parts.reserve(fractions.size());
    double end_fraction = 0;
    auto begin = sorted.begin();
    for (std::size_t p = 0; p < fractions.size(); ++p) {
        end_fraction += fractions[p];
        const auto end_index =
            static_cast<index_t>(std::llround(end_fraction * static_cast<double>(count)));
        const auto end = sorted.begin() + std::clamp(end_index, begin - sorted.begin(), count);
        auto kept = end;
        if (p + 1 < fractions.size() && end != sorted.end()) {
            const index_t next_part = *end;
            kept = std::partition_point(
                begin, end, [&](index_t first) { return first + all.length() <= next_part; });
        }
        if (kept == begin) {
            return status::error(error_code::invalid_data, "split: part ", p,
                                 " would be empty: of ", count, " windows of length ", all.length(),
                                 " it gets ", end - begin, ", all of which overlap the next part");
        }
        parts.emplace_back(all.values(), std::vector<index_t>(begin, kept), all.length());
        begin = end;
    }
    return parts;
}

/// The same with the fractions as a list: `split_chronologically(all, {0.6, 0.2, 0.2})`.
template <class Scalar>
result<std::vector<windows<Scalar>>>
split_chronologically(const windows<Scalar>& all, std::initializer_list<double> fractions) {
    return split_chronologically(all, std::span<const double>(fractions.begin(), fractions.size()));
}

/// The first row at or after each cut; as many as there are rows where none is. Allocates.
///
/// A clock that goes back, as at the end of summer time, repeats times; a cut within them is the
/// first of them. Times that are not known (NaN) are passed over.
/// @param times of rows, seconds since 1970
/// @param cuts  finite and ascending, else `invalid_argument`
inline result<std::vector<index_t>> rows_at_times(std::span<const double> times,
                                                  std::span<const double> cuts) {
    std::vector<index_t> rows;
    rows.reserve(cuts.size());
    auto from = times.begin();
    for (std::size_t k = 0; k < cuts.size(); ++k) {
        if (!std::isfinite(cuts[k]) || (k > 0 && !(cuts[k] > cuts[k - 1]))) {
            return status::error(error_code::invalid_argument, "split: cut ", k, " at ", cuts[k],
                                 " seconds must be finite and after the one before");
        }
        from = std::find_if(from, times.end(), [&](double time) { return time >= cuts[k]; });
        rows.push_back(from - times.begin());
    }
    return rows;
}

/// Splits windows by date: part 0 has the windows before the first cut, part 1 those between the
/// first and the second, and so on; the last part has those after the last cut. A window with rows
/// on both sides of a cut is in no part. Allocates.
/// @param all   the windows; their matrix must outlive the result
/// @param times one per column of the windows' matrix, seconds since 1970, else `invalid_argument`
/// @param cuts  finite and ascending, else `invalid_argument`
/// @return one part more than cuts; `invalid_data` when a part would be empty, counted from 0
template <class Scalar>
result<std::vector<windows<Scalar>>> split_at_times(const windows<Scalar>& all,
                                                    std::span<const double> times,
                                                    std::span<const double> cuts) {
    if (static_cast<index_t>(times.size()) != all.values().cols()) {
        return status::error(error_code::invalid_argument, "split: ", times.size(), " times for ",
                             all.values().cols(), " samples");
    }
    auto ends = rows_at_times(times, cuts);
    if (!ends.ok()) {
        return ends.error();
    }
    ends->push_back(all.values().cols());
    std::vector<windows<Scalar>> parts;
    parts.reserve(ends->size());
    index_t begin = 0;
    for (const index_t end : *ends) {
        std::vector<index_t> within;
        for (const index_t first : all.first_columns()) {
            if (first >= begin && first + all.length() <= end) {
                within.push_back(first);
            }
        }
        if (within.empty()) {
            return status::error(error_code::invalid_data, "split: part ", parts.size(), ", rows ",
                                 begin, " to ", end, ", holds no window of length ", all.length());
        }
        parts.emplace_back(all.values(), std::move(within), all.length());
        begin = end;
    }
    return parts;
}

} // namespace tocsin
