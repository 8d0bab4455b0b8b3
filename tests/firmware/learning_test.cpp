#include "tocsin/firmware/watcher.hpp"
#include "tocsin/io/firmware_export.hpp"

#include <doctest/doctest.h>

#include "firmware/firmware_detectors.hpp"
#include "learning.hpp"
#include "support/small_detectors.hpp"
#include <algorithm>
#include <cmath>
#include <limits>

namespace {

namespace fw = tocsin::firmware;
using tocsin_test::machine_samples;
using tocsin_test::says;

/// Noise grows to three times as much and a sensor drifts away; some values are far out.
tocsin::matrix<float> changing_samples() {
    auto samples = tocsin_test::with_holes(machine_samples(5, 6000, 6, 0.01), 0.001, 7);
    tocsin::random_generator random{8};
    for (tocsin::index_t t = 1000; t < samples.cols(); ++t) {
        const auto share = static_cast<float>(std::min<tocsin::index_t>(t - 1000, 2000)) / 2000;
        for (int f = 0; f < 5; ++f) {
            samples(f, t) += share * 0.3F * static_cast<float>((1 + f) * random.normal());
        }
        samples(1, t) += share * 0.4F;
        if (t % 500 == 0) {
            samples(2, t) += 1e4F;
        }
        if (t % 777 == 0) {
            samples(0, t) = 1e37F;
        }
    }
    return samples;
}

/// Both learn from each sample; scores agree to 1e-4 of the larger of score and threshold, verdicts
/// are equal.
/// @return the report of the host's stream
template <class Detector, class Watcher>
tocsin::learning_report compare(const Detector& detector, Watcher& watch) {
    auto stream = detector.make_stream();
    auto without = detector.make_stream();
    REQUIRE(detector.enable_learning(stream, {.half_life = 300}).ok());
    const auto samples = changing_samples();
    double largest = 0;
    double moved = 0;
    for (tocsin::index_t t = 0; t < samples.cols(); ++t) {
        const auto expected = detector.push(stream, samples.col(t));
        const auto fixed = detector.push(without, samples.col(t));
        const auto found = watch.push(samples.data() + 5 * t);
        INFO("sample ", t, ": ", expected.score, " and ", found.score);
        REQUIRE(static_cast<int>(found.kind) == static_cast<int>(expected.kind));
        if (expected.scored() && expected.score < 1e30) {
            const double scale = std::max(expected.score, expected.threshold);
            largest = std::max(largest, std::abs(found.score - expected.score) / scale);
            moved = std::max(moved, std::abs(fixed.score - expected.score) / scale);
        }
        detector.learn(stream);
        watch.learn();
        watch.learn(); // each sample once
    }
    MESSAGE("largest change of a score ", largest, ", by learning ", moved);
    CHECK(largest < 1e-4);
    CHECK(moved > 0.3); // or nothing was learned
    return stream.learning();
}

/// Judges nothing as an anomaly, so that it learns from what is far out, too.
constexpr double never = 1e38;
struct tolerant_type : learning::model_type {
    static constexpr float threshold = 1e38F;
};
constexpr tolerant_type tolerant{};

} // namespace

TEST_SUITE("firmware") {
    TEST_CASE("learning: a square root within 1 epsilon, from + - * / alone") {
        double largest = 0;
        for (float value = 1e-37F; value < 1e37F; value *= 1.0037F) {
            const double exact = std::sqrt(static_cast<double>(value));
            largest = std::max(largest, std::abs(fw::detail::square_root(value) / exact - 1));
        }
        CHECK(largest < std::numeric_limits<float>::epsilon());
    }

    TEST_CASE("learning: a statistic that follows a stream, as on the host") {
        auto detector = tocsin_test::two_layer_detector();
        static fw::watcher<learning::model> watch;
        REQUIRE(watch.self_test() == fw::self_test_result::passed);
        const auto report = compare(detector, watch);
        CHECK(report.scored > 5000);
        CHECK(report.anomalies > 50);
        CHECK(report.clipped == 0);
        CHECK(watch.self_test() == fw::self_test_result::passed); // forgets what was learned
    }

    TEST_CASE("learning: samples that are far out count as ten spreads") {
        auto detector = tocsin_test::two_layer_detector();
        detector.override_thresholds(never);
        auto stream = detector.make_stream();
        REQUIRE(detector.enable_learning(stream, {.half_life = 300}).ok());
        static fw::watcher<tolerant> watch;
        const auto samples = changing_samples();
        double largest = 0;
        for (tocsin::index_t t = 0; t < samples.cols(); ++t) {
            const auto expected = detector.push(stream, samples.col(t));
            const auto found = watch.push(samples.data() + 5 * t);
            if (expected.scored() && expected.score < 1e30) {
                largest = std::max(largest, std::abs(found.score - expected.score) /
                                                std::max(expected.score, 10.0));
            }
            detector.learn(stream);
            watch.learn();
        }
        CHECK(stream.learning().clipped > 10);
        CHECK(largest < 1e-4);
    }

    TEST_CASE("learning: what firmware cannot do is refused by name") {
        const auto detector = tocsin_test::plain_detector(3);
        CHECK(says(tocsin::firmware_header(detector, {.half_life = 0.5}).error(), "half-life 0.5"));
        CHECK(says(tocsin::firmware_header(detector, {.half_life = 1e7}).error(), "half-life"));
        const double nan = std::numeric_limits<double>::quiet_NaN();
        CHECK(says(tocsin::firmware_header(detector, {.half_life = nan}).error(), "half-life"));
        CHECK(says(tocsin::firmware_header(
                       detector, {.format = tocsin::firmware_format::int16, .half_life = 300})
                       .error(),
                   "in float only"));
        CHECK(
            says(tocsin::firmware_header(tocsin_test::rich_detector(), {.half_life = 300}).error(),
                 "if diagonal"));
    }
}
