/// @file classification.hpp
/// @brief Accuracy, precision, recall, F1 and AUC of a classifier of windows.
#pragma once

#include "tocsin/core/config.hpp"
#include "tocsin/metrics/confusion.hpp"
#include "tocsin/metrics/roc.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace tocsin {

/// How good the decisions of a classifier are. With two classes, precision, recall and F1 are those
/// of class 1; with more, means over the classes. A rate with a zero denominator is 0.
struct classification_scores {
    double accuracy = 0;  ///< share of the decisions that are right
    double precision = 0; ///< share of the flags that are right
    double recall = 0;    ///< share of the anomalies that are flagged
    double f1 = 0;        ///< harmonic mean of precision and recall
    /// Area under the ROC curve of class 1; NaN with more than two classes, or when one is missing.
    double auc = std::numeric_limits<double>::quiet_NaN();
};

/// Judges decisions. Allocates a confusion matrix, and with two classes what auc_roc() needs.
/// @param decided  the class of each item that the classifier chose, in [0, class_count)
/// @param truth    the true ones; as many
/// @param score    of class 1 for each item, higher = more likely; read with two classes only
inline classification_scores score_classes(std::span<const int> decided, std::span<const int> truth,
                                           std::span<const double> score, int class_count) {
    TOCSIN_ASSERT(decided.size() == truth.size() &&
                      (class_count != 2 || score.size() == truth.size()),
                  "score_classes: as many decisions, and scores of class 1, as true classes");
    const auto classes = static_cast<std::size_t>(class_count);
    std::vector<confusion_counts> one_against_rest(classes);
    std::int64_t right = 0;
    for (std::size_t k = 0; k < truth.size(); ++k) {
        right += decided[k] == truth[k] ? 1 : 0;
        for (std::size_t j = 0; j < classes; ++j) {
            one_against_rest[j].add(decided[k] == static_cast<int>(j),
                                    truth[k] == static_cast<int>(j));
        }
    }
    classification_scores scores;
    if (truth.empty()) {
        return scores;
    }
    scores.accuracy = static_cast<double>(right) / static_cast<double>(truth.size());
    if (class_count == 2) {
        scores.precision = one_against_rest[1].precision();
        scores.recall = one_against_rest[1].recall();
        scores.f1 = one_against_rest[1].f_beta(1);
        std::vector<std::uint8_t> labels(truth.size());
        std::transform(truth.begin(), truth.end(), labels.begin(),
                       [](int k) { return static_cast<std::uint8_t>(k == 1 ? 1 : 0); });
        if (const auto area = auc_roc(score, labels); area.ok()) {
            scores.auc = *area;
        }
        return scores;
    }
    for (const confusion_counts& counts : one_against_rest) {
        scores.precision += counts.precision() / class_count;
        scores.recall += counts.recall() / class_count;
        scores.f1 += counts.f_beta(1) / class_count;
    }
    return scores;
}

} // namespace tocsin
