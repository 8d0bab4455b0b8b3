/// @file declustering.hpp
/// @brief Groups high scores of a series into clusters, each of which is one event.
#pragma once

#include "tocsin/core/views.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace tocsin {

/// Clusters of the scores above a level.
struct score_clusters {
    std::vector<double> peaks; ///< the highest score of each cluster, in order of time
    index_t exceedances = 0;   ///< scores above the level
    std::int64_t gap = 1;      ///< rows without such a score that end a cluster

    /// Clusters per exceedance, in (0, 1]; 1 where there is none. 1 / theta is the mean size.
    double extremal_index() const noexcept {
        return exceedances > 0
                   ? static_cast<double>(peaks.size()) / static_cast<double>(exceedances)
                   : 1;
    }
    /// Clusters whose peak exceeds a threshold. Never allocates.
    std::int64_t above(double threshold) const noexcept {
        return std::count_if(peaks.begin(), peaks.end(),
                             [threshold](double peak) { return peak > threshold; });
    }
};

namespace detail {

/// The extremal index from the times between exceedances (Ferro and Segers, "Inference for clusters
/// of extreme values", JRSS B 65, 2003, equation 5). 1 for fewer than two times.
inline double intervals_estimate(std::span<const index_t> times) noexcept {
    double sum = 0;
    double squares = 0;
    double shifted = 0;
    double product = 0;
    index_t longest = 0;
    for (const index_t time : times) {
        const auto t = static_cast<double>(time);
        longest = std::max(longest, time);
        sum += t;
        squares += t * t;
        shifted += t - 1;
        product += (t - 1) * (t - 2);
    }
    const auto count = static_cast<double>(times.size());
    const double estimate = longest <= 2 ? 2 * sum * sum / (count * squares)
                                         : 2 * shifted * shifted / (count * product);
    return times.size() < 2 || !(estimate > 0) ? 1 : std::min(estimate, 1.0);
}

} // namespace detail

/// Clusters by runs: two exceedances are of one cluster unless at least `gap` rows lie between them
/// that do not exceed the level.
/// @param scores in order of time; NaN exceeds nothing
/// @param gap    at least 1; 0: found from the times between exceedances, so that the clusters are
///               nearly independent (Ferro and Segers 2003, section 4). Allocates.
inline score_clusters find_clusters(std::span<const double> scores, double level,
                                    std::int64_t gap = 0) {
    score_clusters found;
    std::vector<index_t> times; // between one exceedance and the next
    std::vector<double> heights;
    index_t last = -1;
    for (std::size_t t = 0; t < scores.size(); ++t) {
        if (scores[t] > level) {
            const auto row = static_cast<index_t>(t);
            if (last >= 0) {
                times.push_back(row - last);
            }
            last = row;
            heights.push_back(scores[t]);
        }
    }
    found.exceedances = static_cast<index_t>(heights.size());
    found.gap = std::max<std::int64_t>(gap, 1);
    if (gap <= 0 && !times.empty()) {
        // As many clusters as the extremal index says, split at the longest times.
        const double theta = detail::intervals_estimate(times);
        const auto clusters = std::clamp<std::size_t>(
            static_cast<std::size_t>(theta * static_cast<double>(heights.size())), 1,
            heights.size());
        std::vector<index_t> sorted = times;
        std::sort(sorted.begin(), sorted.end(), std::greater<>());
        // Times equal to the last one that splits split as well: runs know no other rule.
        found.gap = clusters >= 2 ? std::max<std::int64_t>(sorted[clusters - 2] - 1, 1)
                                  : std::max<std::int64_t>(sorted.front(), 1);
    }
    for (std::size_t k = 0; k < heights.size(); ++k) {
        // Neighbouring rows have a time of 1 and no row between them.
        if (k == 0 || times[k - 1] - 1 >= found.gap) {
            found.peaks.push_back(heights[k]);
        } else {
            found.peaks.back() = std::max(found.peaks.back(), heights[k]);
        }
    }
    return found;
}

} // namespace tocsin
