#include "tocsin/firmware/watcher.hpp"
#include "tocsin/io/firmware_report.hpp"
#include "tocsin/tail/drift_spot_threshold.hpp"
#include "tocsin/tail/pareto_estimator.hpp"

#include <doctest/doctest.h>

#include "firmware/firmware_detectors.hpp"
#include "peaks.hpp"
#include "plain_8.hpp"
#include "support/small_detectors.hpp"
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>

namespace {

namespace fw = tocsin::firmware;
using tocsin_test::machine_samples;
using tocsin_test::says;

double distance(double found, double expected) {
    return std::abs(found - expected) / std::max(std::abs(expected), 1e-30);
}

/// Noise that grows and shrinks again, and events.
tocsin::matrix<float> changing_samples(tocsin::index_t samples) {
    auto values = tocsin_test::with_holes(machine_samples(4, samples, 6, 0.002), 0.0005, 7);
    tocsin::random_generator random{8};
    for (tocsin::index_t t = 0; t < samples; ++t) {
        const double level = 0.15 * (1 + std::sin(2e-4 * static_cast<double>(t)));
        for (int f = 0; f < 4; ++f) {
            values(f, t) += static_cast<float>(level * (1 + f) * random.normal());
        }
        if (t % 9000 < 40) { // which no threshold should learn from
            values(t / 9000 % 4, t) += 30.0F;
        }
    }
    return values;
}

/// Both learn from each sample; verdicts are equal.
/// @return the largest difference of their thresholds, relative
template <class Watcher>
double largest_difference(Watcher& watch, const tocsin::learning_settings& settings) {
    const auto detector = tocsin_test::peaks_detector();
    REQUIRE(watch.self_test() == fw::self_test_result::passed);
    CHECK(distance(watch.learned_threshold(), detector.threshold()) < 1e-6);
    auto stream = detector.make_stream();
    REQUIRE(detector.enable_learning(stream, settings).ok());
    const auto samples = changing_samples(100'000);
    double largest = 0;
    double lowest = detector.threshold();
    double highest = detector.threshold();
    int anomalies = 0;
    for (tocsin::index_t t = 0; t < samples.cols(); ++t) {
        const auto expected = detector.push(stream, samples.col(t));
        const auto found = watch.push(samples.data() + 4 * t);
        INFO("sample ", t, ": ", expected.score, " and ", found.score);
        REQUIRE(static_cast<int>(found.kind) == static_cast<int>(expected.kind));
        anomalies += found.is_anomaly() ? 1 : 0;
        detector.learn(stream);
        const double threshold = watch.learned_threshold();
        watch.learn();
        watch.learn(); // each sample once
        largest = std::max(largest, distance(threshold, expected.threshold));
        lowest = std::min(lowest, threshold);
        highest = std::max(highest, threshold);
    }
    MESSAGE("thresholds from ", lowest, " to ", highest, " differ by up to ", largest, "; ",
            anomalies, " anomalies");
    CHECK(highest > 2 * lowest);
    CHECK(anomalies > 100);
    watch.restart(); // keeps what was learned
    CHECK(distance(watch.learned_threshold(), detector.threshold()) > 0.01);
    CHECK(watch.self_test() == fw::self_test_result::passed);
    CHECK(distance(watch.learned_threshold(), detector.threshold()) < 1e-6);
    return largest;
}

/// The statistic learns, too.
struct both_numbers : peaks::model_type {
    static constexpr float learning_weight = 3.4651309e-4F; // a half-life of 2000 samples
    static constexpr float relative_ridge = 1e-6F;
};
struct both_type : both_numbers {
    static constexpr std::uint32_t checksum =
        fw::detail::peaks_over_threshold<both_numbers>::checksum(
            fw::detail::float_numbers<both_numbers>::checksum());
};
constexpr both_type both{};

} // namespace

TEST_SUITE("firmware") {
    TEST_CASE("peaks: logarithm and exponential as the library's") {
        double logarithm = 0;
        for (float x = 1e-37F; x < 1e37F; x *= 1.0013F) {
            const double expected = std::log(double{x});
            logarithm = std::max(logarithm, std::abs(fw::detail::logarithm(x) - expected) /
                                                std::max(1.0, std::abs(expected)));
        }
        CHECK(logarithm < 2 * std::numeric_limits<float>::epsilon());
        double exponential = 0;
        for (double x = -80; x < 80; x += 0.0037) {
            const auto given = static_cast<float>(x);
            const double error =
                distance(fw::detail::exponential_less_one(given), std::expm1(double{given}));
            exponential = std::max(exponential, error / std::max(1.0, std::abs(x)));
        }
        CHECK(exponential < 4 * std::numeric_limits<float>::epsilon());
    }

    TEST_CASE("peaks: the tail in float is that of the host") {
        for (const double shape :
             {-0.5, -0.3, -1e-3, -1e-7, 0.0, 1e-5, 1e-4, 3e-3, 0.1, 0.4, 0.8}) {
            const tocsin::generalised_pareto host{shape, 3};
            const fw::detail::pareto_tail target{static_cast<float>(shape), 3};
            for (const double depth : {0.1, 1.0, 4.6, 9.0, 14.0}) {
                INFO("shape ", shape, ", depth ", depth);
                const double y = host.quantile_of_tail(std::exp(-depth));
                CHECK(distance(target.quantile(static_cast<float>(depth)), y) < 1e-5);
                const double variance = tocsin::moments_estimator::log_tail_variance(host, 500, y);
                CHECK(distance(target.log_variance(500, static_cast<float>(y)), variance) < 2e-5);
                CHECK(distance(target.expected_beyond(static_cast<float>(y)),
                               tocsin::moments_estimator::censored_excess(host, y)) < 1e-6);
            }
            CHECK(target.quantile(-1) == 0);
        }
    }

    TEST_CASE("peaks: the threshold of a stream that learns, as on the host") {
        constexpr double never = std::numeric_limits<double>::infinity();
        static fw::watcher<peaks::model> watch;
        CHECK(largest_difference(watch, {.half_life = never, .rule = true}) < 1e-5);
    }

    TEST_CASE("peaks: a threshold of scores whose statistic learns, too") {
        static fw::watcher<both> watch;
        CHECK(largest_difference(watch, {.half_life = 2000, .rule = true}) < 1e-4);
    }

    TEST_CASE("peaks: fewer of them, the newest, make the rule of a smaller memory") {
        // Both have seen the same scores, so they differ in nothing but the first threshold.
        const auto many = tocsin::firmware_peaks_of(tocsin_test::peaks_detector(100).rule(), 64);
        const auto few = tocsin::firmware_peaks_of(tocsin_test::peaks_detector(64).rule());
        REQUIRE(many.has_value());
        REQUIRE(few.has_value());
        CHECK(many->capacity == few->capacity);
        CHECK(many->remembered == few->remembered);
        REQUIRE(many->kept.size() == few->kept.size());
        CHECK(std::equal(
            many->kept.begin(), many->kept.end(), few->kept.begin(),
            [](const auto& a, const auto& b) { return a.excess == b.excess && a.age == b.age; }));
    }

    TEST_CASE("peaks: nothing where they are off; what they take is known") {
        static_assert(sizeof(fw::watcher<plain_8::model>) == 2 * 8 * 4 + 4);
        const auto report =
            tocsin::report_firmware(tocsin_test::peaks_detector(), {.rule = true},
                                    tocsin::matrix_view<const float>(nullptr, 0, 0));
        REQUIRE(report.has_value());
        CHECK(report->ram == sizeof(fw::watcher<peaks::model>));
    }

    TEST_CASE(
        "peaks: a threshold that does not learn is exported from every rule, in all formats") {
        auto detector = tocsin_test::plain_detector(3);
        const auto with = [&](const auto& rule) {
            tocsin::detector<tocsin::forecaster<float>, tocsin::standard_scaler<float>,
                             tocsin::diagonal_gaussian<>, std::decay_t<decltype(rule)>>
                other(tocsin::forecaster<float>::with_layers(4, 4, {3}), {.warm_up = 20}, {}, rule);
            other = tocsin_test::learned(other, 4);
            for (const auto format :
                 {tocsin::firmware_format::float32, tocsin::firmware_format::int16,
                  tocsin::firmware_format::int8}) {
                const auto text = tocsin::firmware_header(other, {.format = format});
                REQUIRE_MESSAGE(text.has_value(), text.error().message());
                const auto wanted = static_cast<float>(other.rule().threshold());
                CHECK(text->find("float threshold = " + tocsin::detail::literal(wanted)) !=
                      std::string::npos);
                CHECK(text->find("peak_capacity") == std::string::npos);
            }
        };
        const tocsin::spot_settings settings{.q = 2e-3, .level = 0.9};
        with(tocsin::spot_threshold{settings});
        with(tocsin::spot_threshold_by_moments{settings});
        with(tocsin::drift_spot_threshold{settings, 100});
    }

    TEST_CASE("peaks: what firmware cannot do is refused by name") {
        using options = tocsin::firmware_options;
        const auto plain = tocsin_test::plain_detector(3);
        CHECK(says(tocsin::firmware_header(plain, {.rule = true}).error(), "'quantile_threshold'"));
        CHECK(says(tocsin::firmware_header(plain, {.peaks = 30}).error(), "30 peaks"));
        CHECK(says(tocsin::firmware_peaks_of(tocsin::spot_threshold{}).error(),
                   "'spot_threshold' cannot learn"));
        CHECK(tocsin::firmware_peaks_of(tocsin::spot_threshold_by_moments{}).error().code() ==
              tocsin::error_code::not_ready);
        auto detector = tocsin_test::peaks_detector();
        const auto refusal = [&](const options& wanted) {
            return tocsin::firmware_header(detector, wanted).error();
        };
        CHECK(says(refusal({.rule = true, .peaks = 19}), "19 peaks"));
        CHECK(says(refusal({.rule = true, .peaks = 5000}), "5000 peaks"));
        CHECK(says(refusal({.format = tocsin::firmware_format::int16, .rule = true}),
                   "in float only"));
        CHECK(says(refusal({.alarm = tocsin::firmware_alarm{.end_of_alarm = 0.5}, .rule = true}),
                   "ends at 0.5"));
        detector.override_thresholds(7);
        CHECK(says(refusal({.rule = true}), "by hand"));
    }
}
