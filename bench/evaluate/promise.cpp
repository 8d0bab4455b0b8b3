#include "promise.hpp"

#include "tocsin/metrics/event_counts.hpp"
#include "tocsin/tail/alarm_rate.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

namespace evaluate {
namespace {

double median_of(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    const std::size_t count = values.size();
    return (values[(count - 1) / 2] + values[count / 2]) / 2;
}

} // namespace

void promise_counts::add(std::span<const double> scores, tocsin::row_range fitted,
                         tocsin::row_range tested, std::span<const std::uint8_t> labels,
                         metrics& file) {
    const auto part = [](auto list, tocsin::row_range rows) {
        return list.subspan(static_cast<std::size_t>(rows.begin),
                            static_cast<std::size_t>(rows.size()));
    };
    if (fitted.size() < 1 || tested.size() < 1) { // too short a file
        return;
    }
    for (std::size_t k = 0; k < stated_promises.size(); ++k) {
        tocsin::alarm_rate rule({.alarms = stated_promises[k]});
        if (rule.fit(part(scores, fitted), {}).ok()) {
            count(k, part(scores, tested), rule.level(), rule.threshold(), rule.gap(),
                  part(labels, tested), file);
        }
    }
}

void promise_counts::add_expected(std::span<const double> expected, double level,
                                  tocsin::index_t gap, std::span<const std::uint8_t> labels,
                                  metrics& file) {
    std::vector<double> scores; // rise where the expected ones fall
    for (const double each : expected) {
        scores.push_back(-each);
    }
    for (std::size_t k = 0; k < stated_promises.size(); ++k) {
        count(k, scores, -std::max(level, stated_promises[k]), -stated_promises[k], gap, labels,
              file);
    }
}

void promise_counts::count(std::size_t promise, std::span<const double> scores, double level,
                           double threshold, tocsin::index_t gap,
                           std::span<const std::uint8_t> labels, metrics& file) {
    std::vector<double> normal(scores.begin(), scores.end());
    counts found;
    for (std::size_t k = 0; k < normal.size(); ++k) {
        if (labels[k] != 0) {
            normal[k] = std::numeric_limits<double>::quiet_NaN(); // keeps its place in time
        } else {
            ++found.rows;
        }
    }
    if (found.rows == 0) {
        return;
    }
    found.clusters =
        static_cast<double>(tocsin::find_clusters(normal, level, gap).above(threshold));
    for (const tocsin::row_range& event : tocsin::runs_of(labels)) {
        const auto rows = scores.subspan(static_cast<std::size_t>(event.begin),
                                         static_cast<std::size_t>(event.size()));
        ++found.events;
        found.found +=
            std::any_of(rows.begin(), rows.end(), [&](double score) { return score > threshold; })
                ? 1
                : 0;
    }
    files_[promise].push_back(found);
    if (promise == reported_promise) {
        file.promised_rate = stated_promises[promise];
        file.realised_rate = tocsin::rows_of_expectation * found.clusters / found.rows;
        file.realised_over_promised = *file.realised_rate / *file.promised_rate;
    }
}

std::vector<promise_line> promise_counts::lines() const {
    std::vector<promise_line> all;
    for (std::size_t k = 0; k < stated_promises.size(); ++k) {
        if (files_[k].empty()) {
            continue;
        }
        promise_line line;
        line.promised = stated_promises[k];
        std::vector<double> quotients;
        double clusters = 0;
        double rows = 0;
        for (const counts& file : files_[k]) {
            const double quotient =
                tocsin::rows_of_expectation * file.clusters / file.rows / line.promised;
            quotients.push_back(quotient);
            clusters += file.clusters;
            rows += file.rows;
            line.found += file.found;
            line.events += file.events;
            line.without += file.clusters == 0 ? 1 : 0;
            line.within += quotient >= 1.0 / 3 && quotient <= 3 ? 1 : 0;
            line.above += quotient > 3 ? 1 : 0;
        }
        line.files = static_cast<double>(quotients.size());
        line.pooled = tocsin::rows_of_expectation * clusters / rows / line.promised;
        line.expected = rows * line.promised / tocsin::rows_of_expectation / line.files;
        line.median = median_of(std::move(quotients));
        all.push_back(line);
    }
    return all;
}

void promise_counts::summarise(metrics& totals) const {
    const auto& files = files_[reported_promise];
    if (files.empty()) {
        return;
    }
    double realised = 0;
    for (const counts& file : files) {
        realised += tocsin::rows_of_expectation * file.clusters / file.rows;
    }
    totals.promised_rate = stated_promises[reported_promise];
    totals.realised_rate = realised / static_cast<double>(files.size());
    totals.realised_over_promised = lines()[reported_promise].median;
}

} // namespace evaluate
