/// @file roc.hpp
/// @brief Areas under the ROC curve and under the precision-recall curve.
#pragma once

#include "tocsin/metrics/ranking.hpp"

#include <cstdint>
#include <span>

namespace tocsin {

/// Area under the ROC curve: the probability that an anomalous item scores higher than a normal
/// one, ties counting one half. Equals the Mann-Whitney U statistic from mid-ranks divided by
/// (anomalous * normal) (Hanley and McNeil, Radiology 143, 1982). O(n); allocates at most 16 bytes
/// for each score.
/// @param scores higher = more anomalous; infinities are ranked, NaN gives `invalid_data`
/// @param labels one per score (else `invalid_argument`), nonzero = anomalous; only one class, or
///               no scores at all, gives `invalid_data`
/// @return in [0, 1]
inline result<double> auc_roc(std::span<const double> scores,
                              std::span<const std::uint8_t> labels) {
    const auto ranked = detail::rank_scores("auc_roc", scores, labels);
    if (!ranked) {
        return ranked.error();
    }
    // Integers keep the sum exact. A tie counts 1, a win 2; going down from the highest score, each
    // normal item meets the anomalous ones above it.
    std::int64_t anomalous_above = 0;
    std::int64_t normal_above = 0;
    std::int64_t half_wins = 0;
    detail::for_each_distinct_score(*ranked,
                                    [&](double, std::int64_t normal, std::int64_t anomalous) {
                                        half_wins += normal * (2 * anomalous_above + anomalous);
                                        anomalous_above += anomalous;
                                        normal_above += normal;
                                    });
    if (anomalous_above == 0 || normal_above == 0) {
        return status::error(error_code::invalid_data, "auc_roc: both classes are needed, got ",
                             anomalous_above, " anomalous and ", normal_above, " normal scores");
    }
    return static_cast<double>(half_wins) /
           (2 * static_cast<double>(anomalous_above) * static_cast<double>(normal_above));
}

/// Average precision, the area under the precision-recall curve as a step function:
/// the sum over distinct scores of (recall - previous recall) * precision, ties taken together.
/// The same value as scikit-learn's `average_precision_score`; no interpolation, which would be
/// too optimistic (Davis and Goadrich, ICML 2006). O(n); allocates at most 16 bytes for each score.
/// @param scores higher = more anomalous; infinities are ranked, NaN gives `invalid_data`
/// @param labels one per score (else `invalid_argument`), nonzero = anomalous; no anomalous item
///               gives `invalid_data`
/// @return in (0, 1]; a detector that guesses reaches the share of anomalous items
inline result<double> average_precision(std::span<const double> scores,
                                        std::span<const std::uint8_t> labels) {
    const auto ranked = detail::rank_scores("average_precision", scores, labels);
    if (!ranked) {
        return ranked.error();
    }
    std::int64_t hits = 0;
    std::int64_t flagged = 0;
    double area = 0;
    detail::for_each_distinct_score(
        *ranked, [&](double, std::int64_t normal, std::int64_t anomalous) {
            hits += anomalous;
            flagged += anomalous + normal;
            area += static_cast<double>(anomalous) * static_cast<double>(hits) /
                    static_cast<double>(flagged);
        });
    if (hits == 0) {
        return status::error(error_code::invalid_data, "average_precision: none of the ", flagged,
                             " scores is anomalous");
    }
    return area / static_cast<double>(hits);
}

} // namespace tocsin
