/// @file ranking.hpp
/// @brief Labelled scores from highest to lowest with ties grouped, shared by all sweeps.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/math/radix_sort.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace tocsin::detail {

/// Keys (see key_of) of the scores of each class in ascending order. Equal keys are
/// indistinguishable, so the order does not depend on the sort.
struct ranked_scores {
    std::vector<std::uint64_t> normal;
    std::vector<std::uint64_t> anomalous;
};

/// Sorts the scores of each class, O(n): 8 bytes per score and, during the sort, 8 more per score
/// of the current class.
/// @param caller starts the messages
/// @param scores infinities are ranked; a NaN is refused as `invalid_data`
/// @param labels one per score, nonzero = anomalous, else `invalid_argument`
inline result<ranked_scores> rank_scores(std::string_view caller, std::span<const double> scores,
                                         std::span<const std::uint8_t> labels) {
    if (scores.size() != labels.size()) {
        return status::error(error_code::invalid_argument, caller, ": ", scores.size(),
                             " scores but ", labels.size(), " labels");
    }
    const auto normal = static_cast<std::size_t>(std::count(labels.begin(), labels.end(), 0));
    ranked_scores ranked;
    ranked.normal.reserve(normal);
    ranked.anomalous.reserve(labels.size() - normal);
    for (std::size_t i = 0; i < scores.size(); ++i) {
        if (std::isnan(scores[i])) {
            return status::error(error_code::invalid_data, caller, ": score ", i, " is NaN");
        }
        (labels[i] != 0 ? ranked.anomalous : ranked.normal).push_back(key_of(scores[i]));
    }
    radix_sort(ranked.normal);
    radix_sort(ranked.anomalous);
    return ranked;
}

/// Calls `visit(score, normal, anomalous)` for each distinct score from highest to lowest, with the
/// number of normal and anomalous items that have exactly this score. O(n), never allocates.
template <class Visit>
void for_each_distinct_score(const ranked_scores& ranked, Visit&& visit) {
    // Both classes are merged from their ends.
    std::size_t normal = ranked.normal.size();
    std::size_t anomalous = ranked.anomalous.size();
    const auto count_down = [](const std::vector<std::uint64_t>& keys, std::size_t& left,
                               std::uint64_t key) {
        const std::size_t before = left;
        while (left > 0 && keys[left - 1] == key) {
            --left;
        }
        return static_cast<std::int64_t>(before - left);
    };
    while (normal + anomalous > 0) {
        // Only a negative NaN has the key 0.
        const std::uint64_t key = std::max(normal > 0 ? ranked.normal[normal - 1] : 0,
                                           anomalous > 0 ? ranked.anomalous[anomalous - 1] : 0);
        const std::int64_t of_normal = count_down(ranked.normal, normal, key);
        const std::int64_t of_anomalous = count_down(ranked.anomalous, anomalous, key);
        visit(value_of(key), of_normal, of_anomalous);
    }
}

} // namespace tocsin::detail
