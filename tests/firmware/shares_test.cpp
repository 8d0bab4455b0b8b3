#include "tocsin/firmware/watcher.hpp"
#include "tocsin/io/firmware_export.hpp"
#include "tocsin/io/firmware_report.hpp"

#include <doctest/doctest.h>

#include "firmware/firmware_detectors.hpp"
#include "firmware/watcher_checks.hpp"
#include "sharing.hpp"
#include "sharing_int16.hpp"
#include "support/small_detectors.hpp"
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

namespace {

namespace fw = tocsin::firmware;
using tocsin_test::machine_samples;
using tocsin_test::says;
using tocsin_test::with_silence;

constexpr int features = 5;
constinit fw::watcher<sharing::model> learning_watcher;
constinit fw::watcher<sharing_int16::model> fixed_watcher;

/// Shares of a watcher and of its detector's stream after the same samples: the contributions to
/// the score agree to `tolerance` of the larger of score and threshold.
template <class Stream, class Detector, class Watcher>
void compare(const Detector& detector, Stream& stream, Watcher& watch, double tolerance) {
    const auto samples = with_silence(machine_samples(features, 3000, 4, 0.05));
    constexpr bool learns = requires { watch.learn(); };
    int explained = 0;
    int silent = 0;
    double largest = 0;
    watch.restart();
    for (tocsin::index_t t = 0; t < samples.cols(); ++t) {
        const auto expected = detector.push(stream, samples.col(t));
        const auto found = watch.push(samples.data() + t * features);
        std::array<double, features> host{};
        float shares[features];
        detector.shares(stream, host);
        watch.shares(shares);
        INFO("sample ", t, ", score ", expected.score);
        const float sum = std::accumulate(std::begin(shares), std::end(shares), 0.0F);
        if (!found.scored()) {
            REQUIRE(sum == 0);
            ++silent;
        } else {
            REQUIRE(std::abs(sum - 1) < 1e-5F);
            REQUIRE(shares[3] == 0); // the last two are not forecast
            REQUIRE(shares[4] == 0);
            for (int f = 0; f < features; ++f) {
                REQUIRE((shares[f] == 0 || !std::isnan(samples(f, t))));
                if (expected.score < 1e30) {
                    const double part = std::abs(host[static_cast<std::size_t>(f)] - shares[f]) *
                                        expected.score /
                                        std::max(expected.score, expected.threshold);
                    largest = std::max(largest, part);
                }
            }
            ++explained;
        }
        if constexpr (learns) {
            detector.learn(stream);
            watch.learn();
        }
    }
    CHECK(largest < tolerance);
    CHECK(explained > 2500);
    CHECK(silent > 10);
}

} // namespace

TEST_SUITE("firmware") {
    TEST_CASE("shares: as on the host, also of a statistic that learns, with missing sensors") {
        const auto detector = tocsin_test::two_layer_detector();
        auto stream = detector.make_stream();
        REQUIRE(detector.enable_learning(stream, {.half_life = 300}).ok());
        compare(detector, stream, learning_watcher, 1e-4);
    }

    TEST_CASE("shares: in integers, within their rounding") {
        const auto detector = tocsin_test::two_layer_detector();
        auto stream = detector.make_stream();
        compare(detector, stream, fixed_watcher, 5e-3);
    }

    TEST_CASE("shares: errors that would overflow, and none at all") {
        static fw::watcher<sharing::model> watch;
        float shares[features];
        watch.shares(shares);
        CHECK(std::count(std::begin(shares), std::end(shares), 0.0F) == features);
        float sample[features] = {0, 20, 40, 60, 80};
        for (int t = 0; t < 40; ++t) {
            watch.push(sample);
        }
        sample[1] = 3e38F;
        CHECK(watch.push(sample).is_anomaly());
        watch.shares(shares);
        CHECK(shares[1] > 0.999F);
        CHECK(shares[1] <= 1.0F);
        sample[1] = std::numeric_limits<float>::quiet_NaN();
        watch.push(sample);
        watch.shares(shares);
        CHECK(shares[1] == 0);
        watch.restart();
        watch.shares(shares);
        CHECK(std::count(std::begin(shares), std::end(shares), 0.0F) == features);
    }

    TEST_CASE("shares: what they take, and what they need") {
        const auto detector = tocsin_test::two_layer_detector();
        const tocsin::firmware_options options{.format = tocsin::firmware_format::int16,
                                               .shares = true};
        const auto report = tocsin::report_firmware(
            detector, options, tocsin::matrix_view<const float>(nullptr, 0, 0));
        REQUIRE_MESSAGE(report.has_value(), report.error().message());
        CHECK(report->ram == sizeof fixed_watcher);
        CHECK(says(tocsin::firmware_header(tocsin_test::rich_detector(), {.shares = true}).error(),
                   "shares of the whole covariance"));
    }
}
