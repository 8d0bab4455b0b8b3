/// @file normal_scores.hpp
/// @brief The scores that rules without use for anomalous ones are fitted to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace tocsin::detail {

/// The scores whose label is 0, in their order; all of them without labels. Allocates.
inline std::vector<double> normal_scores(std::span<const double> scores,
                                         std::span<const std::uint8_t> labels) {
    std::vector<double> normal;
    normal.reserve(scores.size());
    for (std::size_t i = 0; i < scores.size(); ++i) {
        if (labels.empty() || labels[i] == 0) {
            normal.push_back(scores[i]);
        }
    }
    return normal;
}

} // namespace tocsin::detail
