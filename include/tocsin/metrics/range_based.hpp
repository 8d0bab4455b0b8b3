/// @file range_based.hpp
/// @brief Precision and recall of ranges by existence, overlap and fragmentation.
#pragma once

#include "tocsin/metrics/precision_recall.hpp"
#include "tocsin/metrics/row_ranges.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace tocsin {

/// Which rows of a true event count most towards its recall.
enum class positional_bias : std::uint8_t {
    flat,  ///< all equally
    front, ///< the first most, falling to the last: early detection
    back,  ///< the last most
    middle ///< those in the middle most
};

/// The functions that Tatbul et al. leave to the user. The cardinality factor is 1 / (number of
/// overlapping ranges), so a fragmented detection scores less. Precision always has a flat bias and
/// no reward for existence, as the paper recommends.
struct range_based_settings {
    double existence_weight = 0.2; ///< alpha in [0, 1]: the part of recall that any overlap earns
    positional_bias recall_bias = positional_bias::flat; ///< which part of an anomaly counts most
};

namespace detail {

/// Sum of the weights of the first `rows` of `length` rows; row 1 .. length has the weight of
/// Tatbul et al., figure 2.
inline double bias_sum(positional_bias bias, index_t rows, index_t length) noexcept {
    const auto triangle = [](index_t n) {
        return static_cast<double>(n) * static_cast<double>(n + 1) / 2;
    };
    switch (bias) {
    case positional_bias::front:
        return triangle(length) - triangle(length - rows);
    case positional_bias::back:
        return triangle(rows);
    case positional_bias::middle: {
        const index_t rising = std::min(rows, length / 2);
        return triangle(rising) + triangle(length - rising) - triangle(length - rows);
    }
    case positional_bias::flat:
        break;
    }
    return static_cast<double>(rows);
}

/// Mean over `ranges` of alpha * existence + (1 - alpha) * cardinality * overlap with `others`;
/// 0 without ranges. Both are in order.
inline double mean_range_reward(std::span<const row_range> ranges,
                                std::span<const row_range> others, double alpha,
                                positional_bias bias) noexcept {
    double sum = 0;
    auto first = others.begin();
    for (const row_range& range : ranges) {
        while (first != others.end() && first->end <= range.begin) {
            ++first;
        }
        index_t overlapping = 0;
        double covered = 0;
        for (auto other = first; other != others.end() && other->begin < range.end; ++other) {
            ++overlapping;
            const index_t length = range.size();
            covered += bias_sum(bias, std::min(other->end, range.end) - range.begin, length) -
                       bias_sum(bias, std::max(other->begin, range.begin) - range.begin, length);
        }
        if (overlapping > 0) {
            const double overlap = covered / bias_sum(bias, range.size(), range.size());
            sum += alpha + (1 - alpha) * overlap / static_cast<double>(overlapping);
        }
    }
    return ranges.empty() ? 0.0 : sum / static_cast<double>(ranges.size());
}

} // namespace detail

/// Range-based precision and recall (Tatbul et al., "Precision and Recall for Time Series", NeurIPS
/// 2018); the defaults follow TSB-AD's R-based-F1. O(rows); allocates the runs.
/// @param flags    one per row, nonzero = flagged; none flagged gives precision 0
/// @param labels   one per row (else `invalid_argument`), nonzero = anomalous; none anomalous gives
///                 `invalid_data`
/// @param settings existence_weight outside [0, 1] gives `invalid_argument`
inline result<precision_recall> range_based_score(std::span<const std::uint8_t> flags,
                                                  std::span<const std::uint8_t> labels,
                                                  const range_based_settings& settings = {}) {
    if (const status usable = detail::check_flags("range_based_score", flags, labels); !usable) {
        return usable;
    }
    if (!(settings.existence_weight >= 0 && settings.existence_weight <= 1)) {
        return status::error(error_code::invalid_argument, "range_based_score: existence_weight ",
                             settings.existence_weight, " is not between 0 and 1");
    }
    const std::vector<row_range> predicted = runs_of(flags);
    const std::vector<row_range> truth = runs_of(labels);
    if (truth.empty()) {
        return status::error(error_code::invalid_data, "range_based_score: none of the ",
                             labels.size(), " rows is anomalous");
    }
    return precision_recall{detail::mean_range_reward(predicted, truth, 0, positional_bias::flat),
                            detail::mean_range_reward(truth, predicted, settings.existence_weight,
                                                      settings.recall_bias)};
}

} // namespace tocsin
