/// @file watcher_checks.hpp
/// @brief Comparison of a watcher with the detector that it was exported from.
#pragma once

#include "tocsin/core/random.hpp"
#include "tocsin/core/views.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace tocsin_test {

/// Pushes samples to both; the scores agree to 1e-4 of the larger of score and threshold, and
/// everything else is equal. Verdicts may part only where the score is that close to the threshold.
template <class Detector, class Watcher>
void compare(const Detector& detector, Watcher& watch, const tocsin::matrix<float>& samples) {
    auto stream = detector.make_stream();
    watch.restart();
    int scored = 0;
    int anomalies = 0;
    double largest = 0;
    for (tocsin::index_t t = 0; t < samples.cols(); ++t) {
        const auto expected = detector.push(stream, samples.col(t));
        const auto found = watch.push(samples.data() + t * samples.rows());
        const double scale = std::max(expected.score, expected.threshold);
        INFO("sample ", t, ": ", expected.score, " and ", found.score);
        const bool close = std::abs(expected.score - expected.threshold) <= 1e-4 * scale;
        REQUIRE((close || static_cast<int>(found.kind) == static_cast<int>(expected.kind)));
        REQUIRE(static_cast<int>(found.reason) == static_cast<int>(expected.reason));
        REQUIRE(found.missing == expected.missing);
        REQUIRE(found.lost == expected.lost);
        if (expected.scored() && expected.score < 1e30) {
            largest = std::max(largest, std::abs(found.score - expected.score) / scale);
        }
        scored += expected.scored() ? 1 : 0;
        anomalies += expected.is_anomaly() ? 1 : 0;
    }
    CHECK(largest < 1e-4);
    CHECK(scored > samples.cols() / 2);
    CHECK(anomalies > 20);
    CHECK(anomalies < scored);
}

/// Single values missing, one sensor silent for long, all silent for a while.
inline tocsin::matrix<float> with_silence(tocsin::matrix<float> samples) {
    constexpr float missing = std::numeric_limits<float>::quiet_NaN();
    tocsin::random_generator random{9};
    for (float& value : samples.reshaped()) {
        value = random.uniform() < 0.03 ? missing : value;
    }
    samples.row(1).segment(200, 40).setConstant(missing);
    samples.bottomRows(1).middleCols(300, 10).setConstant(missing); // not forecast
    samples.middleCols(400, 3).setConstant(missing);
    samples.middleCols(500, 12).setConstant(missing);
    samples.topRows(samples.rows() - 1)
        .col(600)
        .setConstant(missing); // what is left is not forecast
    samples.col(620).setConstant(std::numeric_limits<float>::infinity());
    samples(0, 640) = -std::numeric_limits<float>::infinity();
    samples.middleCols(0, 2).setConstant(missing);
    samples(2, 2) = missing;
    return samples;
}

} // namespace tocsin_test
