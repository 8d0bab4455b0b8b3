/// @file volume_under_surface.hpp
/// @brief VUS-ROC and VUS-PR: areas under curves, averaged over tolerances around the events.
#pragma once

#include "tocsin/metrics/row_ranges.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace tocsin {

/// Settings of VUS.
struct volume_settings {
    int window = 100;     ///< largest tolerance in rows, about one period of the series; at least 0
    int thresholds = 250; ///< ranks of the sorted scores that serve as thresholds; at least 2
};

/// Both volumes, in [0, 1].
struct volume_under_surface {
    double roc = 0; ///< under the surface of ROC curves
    double pr = 0;  ///< under the surface of precision-recall curves
};

namespace detail {

/// A row outside the events, but within the tolerance of one.
struct nearby_row {
    index_t nearest; ///< rows to the nearest event
    index_t second;  ///< rows to the second nearest event
    int level;       ///< the first threshold that flags it
};

/// For each row, the first (highest) threshold that flags it. The last threshold flags all.
inline std::vector<int> threshold_levels(std::span<const double> scores, int thresholds) {
    std::vector<double> sorted(scores.begin(), scores.end());
    std::sort(sorted.begin(), sorted.end(), [](double a, double b) { return a > b; });
    std::vector<double> at(static_cast<std::size_t>(thresholds));
    const double step = static_cast<double>(sorted.size() - 1) / (thresholds - 1);
    for (std::size_t k = 0; k + 1 < at.size(); ++k) {
        at[k] = sorted[static_cast<std::size_t>(static_cast<double>(k) * step)];
    }
    at.back() = sorted.back();
    std::vector<int> levels(scores.size());
    std::transform(scores.begin(), scores.end(), levels.begin(), [&](double score) {
        return static_cast<int>(
            std::partition_point(at.begin(), at.end(), [=](double t) { return t > score; }) -
            at.begin());
    });
    return levels;
}

/// The rows at most `reach` away from an event, nearest first.
inline std::vector<nearby_row> rows_near(std::span<const row_range> events,
                                         std::span<const int> levels, index_t reach) {
    constexpr index_t never = std::numeric_limits<index_t>::max();
    std::vector<nearby_row> near;
    const auto rows = static_cast<index_t>(levels.size());
    for (std::size_t gap = 0; gap <= events.size(); ++gap) {
        const index_t begin = gap == 0 ? 0 : events[gap - 1].end;
        const index_t end = gap == events.size() ? rows : events[gap].begin;
        for (index_t row = begin; row < end; ++row) {
            index_t nearest = never;
            index_t second = never;
            const auto consider = [&](index_t distance) {
                second = std::min(second, std::max(nearest, distance));
                nearest = std::min(nearest, distance);
            };
            for (std::size_t before = 1; before <= 2 && before <= gap; ++before) {
                consider(row - events[gap - before].end + 1);
            }
            for (std::size_t after = gap; after < gap + 2 && after < events.size(); ++after) {
                consider(events[after].begin - row);
            }
            if (nearest <= reach) {
                near.push_back({nearest, second, levels[static_cast<std::size_t>(row)]});
            } else if (row + reach < end) {
                row = end - reach - 1; // the middle of a long gap is not near any event
            }
        }
    }
    std::sort(near.begin(), near.end(),
              [](const auto& a, const auto& b) { return a.nearest < b.nearest; });
    return near;
}

} // namespace detail

/// Volumes under the surface of ROC and precision-recall curves (Paparrizos et al., "Volume Under
/// the Surface", PVLDB 15(11), 2022), as TSB-AD computes them: thresholds are the scores at equally
/// spaced ranks; for each tolerance w from 0 to settings.window, a row d <= w/2 rows away from an
/// event counts as anomalous by sqrt(1 - d/w), and the share of the events, extended by w/2 and
/// merged where they then share a row, that have a flag multiplies the recall. Both areas are
/// averaged over w. O(n log n + window * (rows within window/2 of an event + events + thresholds)),
/// whereas the definition read literally costs O(window * thresholds * n). Allocates.
/// @param scores higher = more anomalous; infinities are ranked, NaN gives `invalid_data`
/// @param labels one per score (else `invalid_argument`), nonzero = anomalous; only one class, or
///               no scores, gives `invalid_data`
/// @param settings out of range gives `invalid_argument`
inline result<volume_under_surface> vus(std::span<const double> scores,
                                        std::span<const std::uint8_t> labels,
                                        const volume_settings& settings = {}) {
    if (scores.size() != labels.size()) {
        return status::error(error_code::invalid_argument, "vus: ", scores.size(), " scores but ",
                             labels.size(), " labels");
    }
    constexpr int most = 1 << 20;
    if (settings.window < 0 || settings.thresholds < 2 || settings.window > most ||
        settings.thresholds > most) {
        return status::error(error_code::invalid_argument, "vus: window ", settings.window,
                             " and thresholds ", settings.thresholds,
                             " must be at least 0 and 2, at most ", most);
    }
    for (std::size_t i = 0; i < scores.size(); ++i) {
        if (std::isnan(scores[i])) {
            return status::error(error_code::invalid_data, "vus: score ", i, " is NaN");
        }
    }
    const std::vector<row_range> events = runs_of(labels);
    index_t anomalous = 0;
    for (const row_range& event : events) {
        anomalous += event.size();
    }
    const auto rows = static_cast<index_t>(scores.size());
    if (anomalous == 0 || anomalous == rows) {
        return status::error(error_code::invalid_data, "vus: both classes are needed, got ",
                             anomalous, " anomalous and ", rows - anomalous, " normal scores");
    }

    // A row is flagged by all thresholds from its level on, so every sum over the flagged rows of a
    // threshold is a cumulative sum over a histogram of levels.
    const auto count = static_cast<std::size_t>(settings.thresholds);
    const std::vector<int> levels = detail::threshold_levels(scores, settings.thresholds);
    std::vector<double> flagged(count);
    std::vector<double> hits(count);
    for (std::size_t i = 0; i < levels.size(); ++i) {
        flagged[static_cast<std::size_t>(levels[i])] += 1;
        hits[static_cast<std::size_t>(levels[i])] += labels[i] != 0;
    }
    for (std::size_t k = 1; k < count; ++k) {
        flagged[k] += flagged[k - 1];
        hits[k] += hits[k - 1];
    }
    const auto near = detail::rows_near(events, levels, settings.window / 2);
    std::vector<int> first_flag(events.size()); // lowest level in each extended event
    for (std::size_t e = 0; e < events.size(); ++e) {
        first_flag[e] =
            *std::min_element(levels.begin() + events[e].begin, levels.begin() + events[e].end);
    }

    std::vector<double> soft(count);  // weights of rows near events, by level
    std::vector<double> found(count); // extended events, by the level of their first flag
    std::vector<double> weight(static_cast<std::size_t>(settings.window / 2) + 1);
    volume_under_surface volume;
    for (int window = 0; window <= settings.window; ++window) {
        const index_t reach = window / 2;
        for (index_t d = 1; d <= reach; ++d) {
            weight[static_cast<std::size_t>(d)] =
                std::sqrt(1 - static_cast<double>(d) / static_cast<double>(window));
        }
        std::fill(soft.begin(), soft.end(), 0.0);
        for (const auto& row : near) {
            if (row.nearest > reach) {
                break;
            }
            // Each weight is at least sqrt(1/2), so the sum of any two or more is capped at 1.
            soft[static_cast<std::size_t>(row.level)] +=
                row.second <= reach ? 1.0 : weight[static_cast<std::size_t>(row.nearest)];
        }

        std::fill(found.begin(), found.end(), 0.0);
        double merged = 0;
        int merged_flag = 0;
        for (std::size_t e = 0; e < events.size(); ++e) {
            if (reach > 0 && events[e].begin >= reach) {
                const auto row = static_cast<std::size_t>(events[e].begin - reach);
                first_flag[e] = std::min(first_flag[e], levels[row]);
            }
            if (reach > 0 && events[e].end - 1 + reach < rows) {
                const auto row = static_cast<std::size_t>(events[e].end - 1 + reach);
                first_flag[e] = std::min(first_flag[e], levels[row]);
            }
            const bool joined = e > 0 && events[e - 1].end - 1 + reach >= events[e].begin - reach;
            if (e > 0 && !joined) {
                found[static_cast<std::size_t>(merged_flag)] += 1;
                merged += 1;
            }
            merged_flag = joined ? std::min(merged_flag, first_flag[e]) : first_flag[e];
        }
        found[static_cast<std::size_t>(merged_flag)] += 1;
        merged += 1;

        double soft_sum = 0;
        double found_sum = 0;
        double previous_recall = 0;
        double previous_false = 0;
        for (std::size_t k = 0; k < count; ++k) {
            soft_sum += soft[k];
            found_sum += found[k];
            const double true_positives = hits[k] + soft_sum;
            // The mean of the anomalous rows with and without the tolerance in use.
            const double positives = static_cast<double>(anomalous) + soft_sum / 2;
            const double recall = std::min(true_positives / positives, 1.0) * found_sum / merged;
            const double false_rate =
                (flagged[k] - true_positives) / (static_cast<double>(rows) - positives);
            volume.roc += (false_rate - previous_false) * (recall + previous_recall) / 2;
            volume.pr += (recall - previous_recall) * true_positives / flagged[k];
            previous_recall = recall;
            previous_false = false_rate;
        }
        volume.roc += (1 - previous_false) * (1 + previous_recall) / 2; // the curve ends in (1, 1)
    }
    volume.roc /= settings.window + 1;
    volume.pr /= settings.window + 1;
    return volume;
}

} // namespace tocsin
