/// @file fixed_checks.hpp
/// @brief Comparison of a watcher in integers with the generator's numbers.
#pragma once

#include "tocsin/firmware/watcher.hpp"
#include "tocsin/io/firmware_fixed.hpp"

#include <doctest/doctest.h>

#include "firmware/firmware_detectors.hpp"
#include "support/small_detectors.hpp"
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace tocsin_test {

/// Whether a watcher and the generator's numbers give the same bits.
template <class Weight, class Watcher>
void compare_bits(const tocsin::firmware_model& model, Watcher& watch) {
    auto numbers = tocsin::fixed_numbers<Weight>::from(model);
    REQUIRE_MESSAGE(numbers.has_value(), numbers.error().message());
    tocsin::firmware_fixed<Weight> host(model, *numbers);
    const auto samples = machine_samples(model.features, 500, 8, 0.1);
    watch.restart();
    int scored = 0;
    for (tocsin::index_t t = 0; t < samples.cols(); ++t) {
        const auto verdict = watch.push(samples.data() + t * samples.rows());
        const float score = host.push(sample_of(samples, t));
        if (verdict.scored()) {
            ++scored;
            REQUIRE(std::bit_cast<std::uint32_t>(verdict.score) ==
                    std::bit_cast<std::uint32_t>(score));
            CHECK(verdict.is_anomaly() == host.exceeds(score));
        }
    }
    CHECK(scored > 400);
    CHECK(watch.self_test() == tocsin::firmware::self_test_result::passed);
}

/// Holes, a sensor that is lost, a gap: kinds and reasons are the host's but for a few verdicts near
/// the threshold.
template <class Detector, class Watcher>
void compare_with_holes(const Detector& detector, Watcher& watch, double tolerance) {
    constexpr float missing = std::numeric_limits<float>::quiet_NaN();
    const int features = Watcher::features;
    auto samples = with_holes(machine_samples(features, 1500, 4, 0.05), 0.03, 5);
    samples.row(1).segment(200, 40).setConstant(missing);
    samples.middleCols(500, 12).setConstant(missing);
    auto stream = detector.make_stream();
    watch.restart();
    int different = 0;
    int partial = 0;
    double largest = 0;
    for (tocsin::index_t t = 0; t < samples.cols(); ++t) {
        const auto expected = detector.push(stream, samples.col(t));
        const auto found = watch.push(samples.data() + features * t);
        REQUIRE(static_cast<int>(found.reason) == static_cast<int>(expected.reason));
        REQUIRE(found.missing == expected.missing);
        REQUIRE(found.lost == expected.lost);
        different += static_cast<int>(found.kind) == static_cast<int>(expected.kind) ? 0 : 1;
        partial += expected.scored() && expected.missing > 0 ? 1 : 0;
        // Elements are cut off at four times the threshold.
        largest = std::max(largest, std::abs(std::min<double>(found.score, 2 * expected.threshold) -
                                             std::min(expected.score, 2 * expected.threshold)) /
                                        expected.threshold);
    }
    MESSAGE(different, " verdicts differ, largest change ", largest);
    CHECK(partial > 100);
    CHECK(different <= 2);
    CHECK(largest < tolerance);
}

} // namespace tocsin_test
