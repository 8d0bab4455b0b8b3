#include "promise.hpp"

#include "tocsin/tail/alarm_rate.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace evaluate {

void report_promise(std::span<const double> scores, tocsin::row_range fitted,
                    tocsin::row_range tested, std::span<const std::uint8_t> labels,
                    metrics& values) {
    const auto part = [&](tocsin::row_range rows) {
        return scores.subspan(static_cast<std::size_t>(rows.begin),
                              static_cast<std::size_t>(rows.size()));
    };
    tocsin::alarm_rate rule({.alarms = reported_promise});
    if (fitted.size() < 1 || tested.size() < 1) { // too short a stream
        return;
    }
    if (!rule.fit(part(fitted), {}).ok()) {
        return;
    }
    std::vector<double> normal(part(tested).begin(), part(tested).end());
    double rows = 0;
    for (std::size_t k = 0; k < normal.size(); ++k) {
        if (labels[static_cast<std::size_t>(tested.begin) + k] != 0) {
            normal[k] = std::numeric_limits<double>::quiet_NaN(); // time goes on
        } else {
            ++rows;
        }
    }
    if (rows == 0) {
        return;
    }
    const auto clusters = tocsin::find_clusters(normal, rule.threshold(), rule.gap());
    values.promised_rate = rule.promised();
    values.realised_rate =
        tocsin::rows_of_expectation * static_cast<double>(clusters.peaks.size()) / rows;
    values.realised_over_promised = *values.realised_rate / *values.promised_rate;
}

void summarise_promises(std::span<const metrics> files, metrics& totals) {
    std::vector<double> quotients;
    double promised = 0;
    double realised = 0;
    for (const metrics& file : files) {
        if (file.realised_over_promised) {
            quotients.push_back(*file.realised_over_promised);
            promised += *file.promised_rate;
            realised += *file.realised_rate;
        }
    }
    if (quotients.empty()) {
        return;
    }
    std::sort(quotients.begin(), quotients.end());
    const std::size_t count = quotients.size();
    totals.promised_rate = promised / static_cast<double>(count);
    totals.realised_rate = realised / static_cast<double>(count);
    totals.realised_over_promised = (quotients[(count - 1) / 2] + quotients[count / 2]) / 2;
}

} // namespace evaluate
