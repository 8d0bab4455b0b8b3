/// @file split.hpp
/// @brief Chronological splits of windows.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/series/windows.hpp"

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <span>
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

} // namespace tocsin
