/// @file affiliation.hpp
/// @brief Precision and recall by the distance between predicted and true events.
#pragma once

#include "tocsin/metrics/precision_recall.hpp"
#include "tocsin/metrics/row_ranges.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <vector>

namespace tocsin {

namespace detail {

/// A part of the time axis; row i is [i, i + 1), and borders between two events may be at halves.
struct time_span {
    double begin = 0;
    double end = 0;
    double length() const noexcept { return end > begin ? end - begin : 0.0; }
    time_span clipped(const time_span& to) const noexcept {
        return {std::max(begin, to.begin), std::min(end, to.end)};
    }
};

inline time_span time_of(const row_range& range) noexcept {
    return {static_cast<double>(range.begin), static_cast<double>(range.end)};
}

/// Integral from `from` to `to` of a function that is linear on both sides of `kink`: the trapezoid
/// rule is exact.
template <class Function>
double integral(double from, double to, double kink, const Function& function) noexcept {
    const double middle = std::clamp(kink, from, to);
    return (function(from) + function(middle)) / 2 * (middle - from) +
           (function(middle) + function(to)) / 2 * (to - middle);
}

/// Integral over the instants x of `part`, which lies in the zone on one side of the event, of the
/// probability that an instant drawn uniformly from the zone is farther from the event than x.
inline double precision_beside(const time_span& part, const time_span& event,
                               const time_span& zone) noexcept {
    const bool before = part.end <= event.begin;
    const double nearest = before ? event.begin - part.end : part.begin - event.end;
    // Instants at most d away: the event, d on its longer side, and whatever exists on the other.
    const double narrow = std::min(event.begin - zone.begin, zone.end - event.end);
    return integral(nearest, nearest + part.length(), narrow, [&](double d) {
        return 1 - (event.length() + d + std::min(d, narrow)) / zone.length();
    });
}

/// Integral over the instants y of `part` of the event, which lies on one side of the prediction,
/// of the probability that an instant drawn uniformly from the zone is farther from y than the
/// prediction is.
inline double recall_beside(const time_span& part, const time_span& prediction,
                            const time_span& zone) noexcept {
    const bool before = part.end <= prediction.begin;
    const double nearest = before ? prediction.begin - part.end : part.begin - prediction.end;
    // Towards the prediction the zone is long enough; away from it, it ends after `reach - d`.
    const double reach = before ? prediction.begin - zone.begin : zone.end - prediction.end;
    return integral(nearest, nearest + part.length(), reach / 2,
                    [&](double d) { return 1 - (d + std::min(d, reach - d)) / zone.length(); });
}

/// `beside(part, of)` for the parts before and after `of`, plus the length of the part inside it.
template <class Beside>
double three_parts(const time_span& whole, const time_span& of, const Beside& beside) noexcept {
    double sum = whole.clipped(of).length();
    const time_span before{whole.begin, std::min(whole.end, of.begin)};
    const time_span after{std::max(whole.begin, of.end), whole.end};
    sum += before.length() > 0 ? beside(before) : 0.0;
    sum += after.length() > 0 ? beside(after) : 0.0;
    return sum;
}

} // namespace detail

/// Affiliation precision and recall (Huet, Navarro and Rossi, "Local Evaluation of Time Series
/// Anomaly Detection Algorithms", KDD 2022).
///
/// Time is divided into one zone for each true event, the instants nearest to it. In a zone, an
/// instant predicted at distance d scores the probability that a random instant of the zone is
/// farther away; an instant of the event scores likewise by its distance to the prediction. Both
/// are averaged in the zone. Precision is the mean over the zones with a prediction, recall over
/// all.
///
/// A prediction near an event earns something without touching it, and random flags earn about one
/// half of each: 0.5 is not a good value. O(rows); allocates the runs.
/// @param flags  one per row, nonzero = flagged; none flagged gives 0 for both (the paper leaves
///               precision undefined)
/// @param labels one per row (else `invalid_argument`), nonzero = anomalous; none anomalous gives
///               `invalid_data`
inline result<precision_recall> affiliation_score(std::span<const std::uint8_t> flags,
                                                  std::span<const std::uint8_t> labels) {
    using detail::time_span;
    if (const status usable = detail::check_flags("affiliation_score", flags, labels); !usable) {
        return usable;
    }
    const std::vector<row_range> truth = runs_of(labels);
    if (truth.empty()) {
        return status::error(error_code::invalid_data, "affiliation_score: none of the ",
                             labels.size(), " rows is anomalous");
    }
    const std::vector<row_range> predicted = runs_of(flags);
    precision_recall sums;
    double zones_with_prediction = 0;
    time_span zone;
    auto first = predicted.begin();
    for (std::size_t i = 0; i < truth.size(); ++i) {
        const time_span event = detail::time_of(truth[i]);
        zone.begin = zone.end;
        zone.end = i + 1 < truth.size()
                       ? std::midpoint(event.end, static_cast<double>(truth[i + 1].begin))
                       : static_cast<double>(labels.size());
        while (first != predicted.end() && static_cast<double>(first->end) <= zone.begin) {
            ++first;
        }
        double predicted_length = 0;
        double precision = 0;
        double recall = 0;
        double nearer_from = zone.begin; // start of the instants nearest to this prediction
        for (auto range = first;
             range != predicted.end() && static_cast<double>(range->begin) < zone.end; ++range) {
            const time_span prediction = detail::time_of(*range).clipped(zone);
            predicted_length += prediction.length();
            precision += detail::three_parts(prediction, event, [&](const time_span& part) {
                return detail::precision_beside(part, event, zone);
            });
            const auto next = range + 1;
            const double nearer_to =
                next != predicted.end() && static_cast<double>(next->begin) < zone.end
                    ? std::midpoint(prediction.end, static_cast<double>(next->begin))
                    : zone.end;
            const time_span nearest = event.clipped({nearer_from, nearer_to});
            if (nearest.length() > 0) {
                recall += detail::three_parts(nearest, prediction, [&](const time_span& part) {
                    return detail::recall_beside(part, prediction, zone);
                });
            }
            nearer_from = nearer_to;
        }
        if (predicted_length > 0) {
            ++zones_with_prediction;
            sums.precision += precision / predicted_length;
            sums.recall += recall / event.length();
        }
    }
    if (zones_with_prediction > 0) {
        sums.precision /= zones_with_prediction;
    }
    sums.recall /= static_cast<double>(truth.size());
    return sums;
}

} // namespace tocsin
