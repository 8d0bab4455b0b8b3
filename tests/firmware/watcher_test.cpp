#include "tocsin/detect/verdict.hpp"
#include "tocsin/firmware/watcher.hpp"
#include "tocsin/io/firmware_float.hpp"
#include "tocsin/io/firmware_source.hpp"

#include <doctest/doctest.h>

#include "complete.hpp"
#include "firmware/firmware_detectors.hpp"
#include "firmware/watcher_checks.hpp"
#include "fused.hpp"
#include "plain_16.hpp"
#include "plain_8.hpp"
#include "plain_8_int8.hpp"
#include "reconstructing.hpp"
#include "reversing.hpp"
#include "rich.hpp"
#include "rows.hpp"
#include "support/small_detectors.hpp"
#include "windowed.hpp"
#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <type_traits>

namespace {

namespace fw = tocsin::firmware;
using tocsin_test::compare;
using tocsin_test::machine_samples;
using tocsin_test::with_silence;

struct changed_type : plain_8::model_type {
    static constexpr std::uint32_t checksum = plain_8::model_type::checksum + 1;
};
constexpr changed_type wrong_checksum{};
struct not_fused_type : fused::model_type {
    using arithmetic = fw::separate_arithmetic;
};
constexpr not_fused_type not_fused{};
struct other_mean_type : windowed::model_type {
    static constexpr float error_mean[] = {0.1F, 0.2F, 0.3F};
};
constexpr other_mean_type other_mean{};
struct other_replacement_type : windowed::model_type {
    static constexpr float input_mean[] = {0.1F, 0.2F, 0.3F};
};
constexpr other_replacement_type other_replacement{};
constexpr fw::feed_forward_layer steeper(fw::feed_forward_layer layer) {
    layer.below += 0.5F;
    return layer;
}
struct other_layers_type : rows::model_type {
    using written = rows::model_type;
    static constexpr fw::feed_forward_layer layers[] = {
        steeper(written::layers[0]), written::layers[1], written::layers[2],
        written::layers[3],          written::layers[4], written::layers[5]};
};
constexpr other_layers_type other_layers{};
struct other_shifts_type : plain_8_int8::model_type {
    static constexpr fw::detail::fixed_shifts gate_shifts[] = {{1, 2, 3}};
};
constexpr other_shifts_type other_shifts{};
struct missing_type : plain_8::model_type {
    static constexpr auto missing = fw::missing_policy::hold;
};
constexpr missing_type with_missing{};

constinit fw::watcher<plain_8::model> plain;
constinit fw::watcher<rich::model> rich_watcher;

template <auto A, auto B>
constexpr bool same_value = static_cast<int>(A) == static_cast<int>(B);
static_assert(same_value<fw::verdict_kind::normal, tocsin::verdict_kind::normal> &&
              same_value<fw::verdict_kind::anomaly, tocsin::verdict_kind::anomaly> &&
              same_value<fw::verdict_kind::sensor_lost, tocsin::verdict_kind::sensor_lost> &&
              same_value<fw::verdict_kind::warming_up, tocsin::verdict_kind::warming_up> &&
              same_value<fw::verdict_kind::invalid_sample, tocsin::verdict_kind::invalid_sample> &&
              same_value<fw::sample_reason::not_finite, tocsin::sample_reason::not_finite> &&
              same_value<fw::sample_reason::missing_value, tocsin::sample_reason::missing_value>);
static_assert(std::is_trivially_copyable_v<fw::watcher<plain_8::model>>);

} // namespace

TEST_SUITE("firmware") {
    TEST_CASE("watcher: the verdicts of the detector it was exported from") {
        const auto samples = machine_samples(4, 4000, 3, 0.05);
        compare(tocsin_test::plain_detector(8), plain, samples);
        static fw::watcher<plain_16::model> larger;
        compare(tocsin_test::plain_detector(16), larger, samples);
    }

    TEST_CASE("watcher: missing sensors, gaps, look-ahead and whole covariance as on the host") {
        const auto detector = tocsin_test::rich_detector();
        compare(detector, rich_watcher, machine_samples(5, 3000, 3, 0.05));
        compare(detector, rich_watcher, with_silence(machine_samples(5, 3000, 4, 0.05)));
    }

    TEST_CASE("watcher: forecasters of windows, with holes filled as on the host") {
        const auto detector = tocsin_test::windowed_detector();
        static fw::watcher<windowed::model> watch;
        compare(detector, watch, machine_samples(3, 2000, 3, 0.05));
        compare(detector, watch, with_silence(machine_samples(3, 2000, 4, 0.05)));
        CHECK(watch.self_test() == fw::self_test_result::passed);
    }

    TEST_CASE("watcher: encoder-decoders, also those that begin with the newest sample") {
        static fw::watcher<reconstructing::model> watch;
        const auto detector = tocsin_test::reconstructing_detector();
        compare(detector, watch, machine_samples(3, 2000, 3, 0.05));
        compare(detector, watch, with_silence(machine_samples(3, 2000, 4, 0.05)));
        CHECK(watch.self_test() == fw::self_test_result::passed);

        static fw::watcher<reversing::model> reversed;
        const auto reversing = tocsin_test::reversing_detector();
        compare(reversing, reversed, machine_samples(3, 2000, 3, 0.05));
        compare(reversing, reversed, with_silence(machine_samples(3, 2000, 4, 0.05)));
        CHECK(reversed.self_test() == fw::self_test_result::passed);

        static fw::watcher<complete::model> without_missing;
        compare(reversing, without_missing, machine_samples(3, 2000, 3, 0.05));
        CHECK(without_missing.self_test() == fw::self_test_result::passed);
        CHECK(sizeof(without_missing) < sizeof(reversed));
    }

    TEST_CASE("watcher: huge values are anomalies and leave a finite state") {
        const auto samples = machine_samples(4, 60, 3);
        plain.restart();
        for (tocsin::index_t t = 0; t < 30; ++t) {
            plain.push(samples.data() + 4 * t);
        }
        const float huge[] = {3e38F, -3e38F, 1e30F, 0};
        const auto verdict = plain.push(huge);
        CHECK(verdict.is_anomaly());
        CHECK(verdict.score > 1e30F);
        CHECK(std::isfinite(verdict.score));
        for (tocsin::index_t t = 30; t < 60; ++t) {
            const auto after = plain.push(samples.data() + 4 * t);
            CHECK(after.scored());
            CHECK(std::isfinite(after.score));
        }
    }

    TEST_CASE("watcher: without missing values, a sample that is not finite leaves the stream as "
              "it was") {
        const auto samples = machine_samples(4, 100, 5);
        constexpr float nan = std::numeric_limits<float>::quiet_NaN();
        constexpr float infinity = std::numeric_limits<float>::infinity();
        fw::watcher<plain_8::model> other;
        plain.restart();
        for (tocsin::index_t t = 0; t < 100; ++t) {
            const float missing[] = {1, nan, 2, 3};
            const float infinite[] = {1, 2, infinity, 3};
            CHECK(plain.push(missing).reason == fw::sample_reason::missing_value);
            const auto refused = plain.push(infinite);
            CHECK(refused.kind == fw::verdict_kind::invalid_sample);
            CHECK(refused.reason == fw::sample_reason::not_finite);
            CHECK(plain.push(samples.data() + 4 * t).score ==
                  other.push(samples.data() + 4 * t).score);
        }
    }

    TEST_CASE("watcher: the generator on the host computes the same bits") {
        const auto model = tocsin::make_firmware_model(tocsin_test::rich_detector(), true);
        REQUIRE(model.has_value());
        tocsin::firmware_float numbers(*model);
        const auto samples = machine_samples(5, 500, 8, 0.1);
        rich_watcher.restart();
        for (tocsin::index_t t = 0; t < samples.cols(); ++t) {
            const auto verdict = rich_watcher.push(samples.data() + 5 * t);
            const float score = numbers.push(tocsin_test::sample_of(samples, t));
            if (verdict.scored()) {
                REQUIRE(std::bit_cast<std::uint32_t>(verdict.score) ==
                        std::bit_cast<std::uint32_t>(score));
                CHECK(verdict.is_anomaly() == numbers.exceeds(score));
            }
        }
    }

    TEST_CASE("watcher: its self-test passes, and finds a changed weight or expectation") {
        CHECK(plain.self_test() == fw::self_test_result::passed);
        CHECK(rich_watcher.self_test() == fw::self_test_result::passed);
        // It leaves the stream at its start.
        const float sample[] = {0, 20, 40, 60};
        CHECK(plain.push(sample).kind == fw::verdict_kind::warming_up);

        constexpr auto wrong = fw::self_test_result::wrong_checksum;
        CHECK(fw::watcher<wrong_checksum>{}.self_test() == wrong);
        CHECK(fw::watcher<other_mean>{}.self_test() == wrong);
        CHECK(fw::watcher<other_replacement>{}.self_test() == wrong);
        CHECK(fw::watcher<other_layers>{}.self_test() == wrong);
        CHECK(fw::watcher<other_shifts>{}.self_test() == wrong);
    }

    TEST_CASE("watcher: products and sums can be fused, and the self-test knows it") {
        static fw::watcher<fused::model> watch;
        compare(tocsin_test::plain_detector(8), watch, machine_samples(4, 2000, 3, 0.05));
        CHECK(watch.self_test() == fw::self_test_result::passed);
        CHECK(fw::watcher<not_fused>{}.self_test() == fw::self_test_result::wrong_score);
    }

    TEST_CASE("watcher: bytes of a stream, and what a feature adds") {
        // h and c of 8 units, and the samples of the warm-up.
        static_assert(sizeof(fw::watcher<plain_8::model>) == 2 * 8 * 4 + 4);
        CHECK(sizeof(plain) <= 96);
        CHECK(sizeof(fw::watcher<plain_16::model>) <= 160);
        // The last values, and how long each sensor has been silent; all of them fill a gap.
        CHECK(sizeof(fw::watcher<with_missing>) == sizeof(plain) + 4 * 4 + 4 * 2);
    }
}
