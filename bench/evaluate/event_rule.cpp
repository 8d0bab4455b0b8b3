#include "event_rule.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>

namespace evaluate {
namespace {

double mean_of(std::span<const double> values) {
    double sum = 0;
    for (const double value : values) {
        sum += value;
    }
    return values.empty() ? 0.0 : sum / static_cast<double>(values.size());
}

double highest_of(std::span<const double> scores) {
    return scores.empty() ? 0.0 : *std::max_element(scores.begin(), scores.end());
}

double quantile_of(std::vector<double> values, double share) {
    if (values.empty()) {
        return 0;
    }
    const auto place = values.begin() +
                       static_cast<std::ptrdiff_t>(share * static_cast<double>(values.size() - 1));
    std::nth_element(values.begin(), place, values.end());
    return *place;
}

/// @param relative one number per method; is sorted
double combine(consensus kind, std::span<double> relative) {
    std::sort(relative.begin(), relative.end(), std::greater<>());
    const std::size_t count = relative.size();
    switch (kind) {
    case consensus::second_highest:
        return relative[std::min<std::size_t>(1, count - 1)];
    case consensus::median:
        return (relative[(count - 1) / 2] + relative[count / 2]) / 2;
    case consensus::mean:
        break;
    }
    return mean_of(relative);
}

} // namespace

const char* name_of(consensus kind) noexcept {
    switch (kind) {
    case consensus::second_highest:
        return "second highest";
    case consensus::median:
        return "median";
    case consensus::mean:
        break;
    }
    return "mean";
}

nlohmann::ordered_json event_rule::settings() const {
    return {{"warm_up", warm_up},
            {"smoothing", smoothing},
            {"unit", "quantile of the errors in held-out training rows"},
            {"quantile", quantile},
            {"combined", name_of(combined)},
            {"threshold", threshold},
            {"pruning", pruning},
            {"buffer", buffer}};
}

std::vector<double> event_scores(const event_rule& rule, std::vector<std::vector<double>> series,
                                 tocsin::row_range training) {
    const auto first = training.begin + std::min(rule.warm_up, training.size() / 2);
    for (std::vector<double>& each : series) {
        // The second term is for training rows without any error.
        const double unit =
            quantile_of({each.begin() + first, each.begin() + training.end}, rule.quantile) +
            0.05 * mean_of(each);
        for (double& error : each) {
            error = unit > 0 ? error / unit : 0.0;
        }
    }
    std::vector<double> scores(series.front().size());
    std::vector<double> row(series.size());
    for (std::size_t t = 0; t < scores.size(); ++t) {
        for (std::size_t m = 0; m < row.size(); ++m) {
            row[m] = series[m][t];
        }
        scores[t] = combine(rule.combined, row);
    }
    return scores;
}

std::vector<double> event_scores(const event_rule& rule, const contender& which,
                                 const std::vector<std::vector<double>>& errors,
                                 tocsin::row_range training) {
    std::vector<std::vector<double>> series;
    for (const std::size_t part : which.parts) {
        series.push_back(smoothed(errors[part], rule.smoothing));
    }
    return event_scores(rule, std::move(series), training);
}

double lowest_called(const event_rule& rule, std::span<const double> scores) {
    return std::max(rule.threshold, rule.pruning * highest_of(scores));
}

std::vector<std::uint8_t> event_flags(const event_rule& rule, std::span<const double> scores) {
    const double lowest = rule.pruning * highest_of(scores);
    const auto rows = static_cast<tocsin::index_t>(scores.size());
    std::vector<std::uint8_t> flags(scores.size(), 0);
    tocsin::index_t flagged = 0; // rows before this one are decided
    for (tocsin::index_t t = 0; t < rows; ++t) {
        const double score = scores[static_cast<std::size_t>(t)];
        if (score > rule.threshold && score >= lowest) {
            const tocsin::index_t end = std::min(t + rule.buffer + 1, rows);
            for (tocsin::index_t k = std::max(flagged, t - rule.buffer); k < end; ++k) {
                flags[static_cast<std::size_t>(k)] = 1;
            }
            flagged = end;
        }
    }
    return flags;
}

} // namespace evaluate
