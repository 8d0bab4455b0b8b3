#include "tocsin/firmware/timed_watcher.hpp"

#include <doctest/doctest.h>

#include "alarmed.hpp"
#include "firmware/firmware_detectors.hpp"
#include "plain_8.hpp"
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

namespace {

namespace fw = tocsin::firmware;
using tocsin_test::machine_samples;

struct patient_type : plain_8::model_type {
    static constexpr float longest_pause = 30;
    static constexpr int clock_agreement = 2;
};
constexpr patient_type patient{};
struct brief_type : plain_8::model_type {
    static constexpr float longest_pause = 0.7F;
    static constexpr int clock_agreement = 2;
};
constexpr brief_type brief{};

/// Times with jitter, single wrong stamps, pauses, clocks set anew and slower streams, beginning just
/// before a 32-bit counter wraps around.
std::vector<double> troubled_times(tocsin::index_t count) {
    tocsin::random_generator random(6);
    std::vector<double> times;
    double time = 4'294'900'000;
    double interval = 1000;
    for (tocsin::index_t t = 0; t < count; ++t) {
        if (t % 500 == 499) {
            interval = t % 1000 == 999 ? 1000 : 23'000;
        }
        const double kind = random.uniform();
        if (kind < 0.004) {
            time += 60 * interval; // a pause
        } else if (kind < 0.008) {
            time -= 300 * interval; // set anew
        }
        time += std::floor(interval * random.uniform(0.5, 1.5));
        const bool wrong = kind > 0.98;
        times.push_back(wrong ? time + std::floor(1e8 * random.uniform(-1, 1)) : time);
        if (kind > 0.97 && kind < 0.98) {
            times.back() = times[times.size() < 2 ? 0 : times.size() - 2]; // twice the same
        }
    }
    return times;
}

/// Compares each verdict with the host's.
template <class Detector, class Watcher>
void compare_times(const Detector& detector, Watcher& watcher, double ticks_per_unit) {
    const auto samples = machine_samples(4, 4000, 3, 0.05);
    const auto times = troubled_times(samples.cols());
    auto stream = detector.make_stream();
    int resets = 0;
    int refused = 0;
    int anomalies = 0;
    for (tocsin::index_t t = 0; t < samples.cols(); ++t) {
        const double time = times[static_cast<std::size_t>(t)];
        const auto ticks = static_cast<std::uint32_t>(static_cast<std::int64_t>(time));
        const auto expected = detector.push(stream, samples.col(t), time / ticks_per_unit);
        const auto found = watcher.push(samples.data() + t * samples.rows(), ticks);
        INFO("sample ", t, " at ", time);
        REQUIRE(static_cast<int>(found.reason) == static_cast<int>(expected.reason));
        REQUIRE(watcher.clock_reset() == expected.clock_reset);
        const double scale = std::max(expected.score, expected.threshold);
        REQUIRE(std::abs(found.score - expected.score) <= 1e-4 * scale);
        if (std::abs(expected.score - expected.threshold) > 1e-4 * scale) {
            REQUIRE(static_cast<int>(found.kind) == static_cast<int>(expected.kind));
        }
        if constexpr (requires { watcher.alarm(); }) {
            REQUIRE(watcher.alarm() == expected.alarm);
        }
        resets += expected.clock_reset ? 1 : 0;
        refused += expected.reason == tocsin::sample_reason::out_of_order ? 1 : 0;
        anomalies += expected.is_anomaly() ? 1 : 0;
    }
    CHECK(resets > 10);
    CHECK(refused > resets);
    CHECK(anomalies > 20);
}

} // namespace

TEST_SUITE("firmware") {
    TEST_CASE("timed watcher: pauses, clocks set anew and wrong stamps as on the host") {
        static constinit fw::timed_watcher<alarmed::model, 1> learning;
        compare_times(tocsin_test::alarmed_detector(), learning, 1);

        // 30 units of 1000 ticks.
        const auto detector =
            tocsin_test::learned(tocsin_test::plain_detector_type(
                                     tocsin::forecaster<float>::with_layers(4, 4, {8}),
                                     {.warm_up = 20, .longest_pause = 30, .clock_agreement = 2}, {},
                                     tocsin::quantile_threshold{0.99}),
                                 4);
        static constinit fw::timed_watcher<patient, 1000> given;
        compare_times(detector, given, 1000);
        CHECK(sizeof(given) <= sizeof(fw::watcher<plain_8::model>) + 20);
    }

    TEST_CASE("timed watcher: what is a pause does not depend on the rounding of times") {
        // Seconds of this century, on the host to a quarter of a microsecond; ticks are exact. Of the two
        // usual intervals, one would soon be a step above the other.
        tocsin::stream_clock host;
        fw::detail::stream_clock<0, 3> target;
        tocsin::random_generator random(7);
        std::uint64_t ticks = 1'760'000'000'000;
        int refused = 0;
        for (int k = 0; k < 100'000; ++k) {
            const std::uint64_t interval = random.uniform() < 0.3 ? 100 + k % 11 - 5 : 100;
            // Nine samples are lost, or a little more.
            ticks +=
                k % 50 == 49 ? 10 * interval + static_cast<std::uint64_t>(k % 13) * 4 : interval;
            const auto expected = host.advance(static_cast<double>(ticks) / 1000, {});
            const auto found = target.advance(static_cast<std::uint32_t>(ticks));
            INFO("sample ", k);
            REQUIRE(static_cast<int>(found) == static_cast<int>(expected));
            refused += found == fw::detail::clock_step::refused ? 1 : 0;
        }
        CHECK(refused > 100);
    }

    TEST_CASE("timed watcher: a pause is rounded to ticks, not cut off") {
        fw::timed_watcher<brief, 1000> watcher; // 0.7 is a little less in single precision
        const float sample[] = {0, 20, 40, 60};
        CHECK(watcher.push(sample, 1000).kind == fw::verdict_kind::warming_up);
        CHECK(watcher.push(sample, 1700).kind == fw::verdict_kind::warming_up);
        CHECK(watcher.push(sample, 2401).reason == fw::sample_reason::out_of_order);
    }

    TEST_CASE("timed watcher: a restart forgets the times") {
        fw::timed_watcher<patient, 1000> watcher;
        const float sample[] = {0, 20, 40, 60};
        CHECK(watcher.push(sample, 5000).kind == fw::verdict_kind::warming_up);
        CHECK(watcher.push(sample, 4000).reason == fw::sample_reason::out_of_order);
        watcher.restart();
        CHECK(watcher.push(sample, 4000).kind == fw::verdict_kind::warming_up);
        CHECK(watcher.push(sample, 3000).reason == fw::sample_reason::out_of_order);
        CHECK(watcher.self_test() == fw::self_test_result::passed);
        CHECK(watcher.push(sample, 3000).kind == fw::verdict_kind::warming_up);
    }
}
