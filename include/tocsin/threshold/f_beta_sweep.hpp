/// @file f_beta_sweep.hpp
/// @brief Confusion counts at every threshold that makes a difference.
#pragma once

#include "tocsin/metrics/confusion.hpp"
#include "tocsin/metrics/ranking.hpp"
#include "tocsin/threshold/threshold_rule.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <span>
#include <vector>

namespace tocsin {

/// A threshold with what it does to the scores at hand: flagged are those above it.
struct threshold_point {
    double threshold = 0;    ///< scores above this are flagged
    confusion_counts counts; ///< accuracy(), precision(), recall(), f_beta() are read off here
};

namespace detail {

/// A number t with lower <= t < upper, as close to the middle as doubles allow.
inline double between(double lower, double upper) noexcept {
    const double middle = std::midpoint(lower, upper); // does not overflow
    // Next to each other, the middle is rounded to one of the two, and on `upper` it would no
    // longer flag it.
    return middle < upper ? middle : lower;
}

} // namespace detail

/// Confusion counts at each threshold that flags another set of scores: one above the largest score
/// (flags nothing), one midway between each two neighbouring distinct scores, and one below the
/// smallest (flags all), from highest to lowest. Equal scores are always flagged together. Between
/// two of these thresholds nothing changes, so that the optimum of any rate is among them.
/// @param scores higher = more anomalous; none, or one that is not finite, gives `invalid_data`
/// @param labels one per score (else `invalid_argument`), nonzero = anomalous
/// @return (distinct scores + 1) points. The outermost thresholds are the doubles next to the
///         largest and smallest score; next to the largest (smallest) double itself they are that
///         double (minus infinity). O(n); allocates the points and, while it runs, at most 16
///         bytes for each score.
inline result<std::vector<threshold_point>> f_beta_sweep(std::span<const double> scores,
                                                         std::span<const std::uint8_t> labels) {
    if (const status usable = detail::check_scores("f_beta_sweep", scores, labels); !usable) {
        return usable;
    }
    const auto ranked = detail::rank_scores("f_beta_sweep", scores, labels);
    if (!ranked) {
        return ranked.error();
    }
    constexpr double infinity = std::numeric_limits<double>::infinity();
    threshold_point point;
    point.counts.false_negatives = static_cast<std::int64_t>(ranked->anomalous.size());
    point.counts.true_negatives = static_cast<std::int64_t>(ranked->normal.size());
    std::size_t distinct = 0;
    double highest = -infinity;
    detail::for_each_distinct_score(*ranked, [&](double score, std::int64_t, std::int64_t) {
        highest = std::max(highest, score);
        ++distinct;
    });
    std::vector<threshold_point> points;
    points.reserve(distinct + 1);
    double previous = std::nextafter(highest, infinity);
    // The first threshold would be infinite here; the largest double flags nothing either.
    previous = std::isinf(previous) ? highest : previous;
    detail::for_each_distinct_score(
        *ranked, [&](double score, std::int64_t normal, std::int64_t anomalous) {
            point.threshold = points.empty() ? previous : detail::between(score, previous);
            points.push_back(point);
            point.counts += {anomalous, normal, -anomalous, -normal};
            previous = score;
        });
    point.threshold = std::nextafter(previous, -infinity);
    points.push_back(point);
    return points;
}

/// The point with the largest F-beta; among equals the one with the highest threshold, which raises
/// the fewest alarms.
/// O(points), never allocates.
/// @param points at least one, from highest to lowest threshold (f_beta_sweep,
///               f_beta_grid::points); none is a broken precondition (debug builds check)
/// @param beta   see confusion_counts::f_beta
inline const threshold_point& best_by_f_beta(std::span<const threshold_point> points,
                                             double beta) noexcept {
    TOCSIN_ASSERT(!points.empty(), "best_by_f_beta: there is no threshold to choose from");
    const threshold_point* best = &points.front();
    double best_value = best->counts.f_beta(beta);
    for (const auto& point : points) {
        const double value = point.counts.f_beta(beta);
        if (value > best_value) {
            best = &point;
            best_value = value;
        }
    }
    return *best;
}

} // namespace tocsin
