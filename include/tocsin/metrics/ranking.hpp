/// @file ranking.hpp
/// @brief Labelled scores in descending order, ties grouped: the shared start of every sweep.
#pragma once

#include "tocsin/core/status.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace tocsin::detail {

struct labelled_score {
    double score;
    bool anomalous;
};

/// Sorts scores from highest to lowest, O(n log n).
/// @param caller starts the messages
/// @param scores infinities are ranked; a NaN is refused as `invalid_data`
/// @param labels one per score, nonzero = anomalous, else `invalid_argument`
inline result<std::vector<labelled_score>> rank_scores(std::string_view caller,
                                                       std::span<const double> scores,
                                                       std::span<const std::uint8_t> labels) {
    if (scores.size() != labels.size()) {
        return status::error(error_code::invalid_argument, caller, ": ", scores.size(),
                             " scores but ", labels.size(), " labels");
    }
    std::vector<labelled_score> ranked;
    ranked.reserve(scores.size());
    for (std::size_t i = 0; i < scores.size(); ++i) {
        if (std::isnan(scores[i])) {
            return status::error(error_code::invalid_data, caller, ": score ", i, " is NaN");
        }
        ranked.push_back({scores[i], labels[i] != 0});
    }
    std::sort(ranked.begin(), ranked.end(),
              [](const auto& a, const auto& b) { return a.score > b.score; });
    return ranked;
}

/// Calls `visit(score, normal, anomalous)` for each distinct score from highest to lowest, with the
/// number of normal and anomalous items that have exactly this score.
template <class Visit>
void for_each_distinct_score(std::span<const labelled_score> ranked, Visit&& visit) {
    for (std::size_t first = 0; first < ranked.size();) {
        std::int64_t normal = 0;
        std::int64_t anomalous = 0;
        std::size_t next = first;
        for (; next < ranked.size() && ranked[next].score == ranked[first].score; ++next) {
            ++(ranked[next].anomalous ? anomalous : normal);
        }
        visit(ranked[first].score, normal, anomalous);
        first = next;
    }
}

} // namespace tocsin::detail
