#include "tocsin/alarm/alarm_control.hpp"
#include "tocsin/alarm/rate_monitor.hpp"
#include "tocsin/alarm/refractory_period.hpp"
#include "tocsin/detect/detector.hpp"
#include "tocsin/dynamic/epsilon_threshold.hpp"
#include "tocsin/io/detector_file.hpp"
#include "tocsin/io/stream_file.hpp"
#include "tocsin/models/forecaster.hpp"
#include "tocsin/tail/alarm_rate.hpp"
#include "tocsin/tail/drift_spot_threshold.hpp"
#include "tocsin/tail/spot_threshold.hpp"
#include "tocsin/threshold/f_beta_threshold.hpp"
#include "tocsin/threshold/manual_threshold.hpp"
#include "tocsin/threshold/quantile_threshold.hpp"
#include "tocsin/threshold/sigma_threshold.hpp"

#include <doctest/doctest.h>

#include "stream_checks.hpp"
#include "support/small_detectors.hpp"
#include "temporary_directory.hpp"
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <vector>

// Streams of a detector with each rule, and with each way of learning, continue with the same bits.

using tocsin_test::temporary_directory;
using tocsin_test::waves;
using tocsin_test::windows_over;

namespace {

using alarm = tocsin::alarm_chain<tocsin::m_of_n, tocsin::minimum_duration, tocsin::suppression,
                                  tocsin::refractory_period, tocsin::rate_monitor>;
template <class Rule>
using forecasting = tocsin::detector<tocsin::forecaster<float>, tocsin::standard_scaler<float>,
                                     tocsin::mahalanobis<>, Rule, alarm>;

template <class Rule>
Rule new_rule() {
    if constexpr (std::is_same_v<Rule, tocsin::manual_threshold>) {
        return Rule(20);
    } else if constexpr (std::is_same_v<Rule, tocsin::f_beta_threshold>) {
        return Rule(0.5);
    } else {
        return Rule{};
    }
}

template <class Rule>
forecasting<Rule> ready_detector() {
    const auto values = waves<float>(2, 2400, 1);
    forecasting<Rule> detector(tocsin::forecaster<float>::with_layers(2, 2, {5}),
                               {.lost_after = 20, .clock_agreement = 2}, {}, new_rule<Rule>(),
                               alarm{tocsin::m_of_n(2, 3), tocsin::minimum_duration(2),
                                     tocsin::suppression(3), tocsin::refractory_period(5),
                                     tocsin::rate_monitor(10)});
    const tocsin::matrix<float> first = values.leftCols(600);
    REQUIRE(detector.train(windows_over(first, 60, 20), {}, tocsin_test::quick_trainer(4)).ok());
    tocsin::matrix<float> rest = values.rightCols(1800);
    REQUIRE(detector.fit_errors(windows_over(rest, 900, 900)).ok());
    std::vector<std::uint8_t> labels(1800);
    for (std::size_t k = 100; k < 1800; k += 97) { // for rules that learn from anomalies, too
        rest(0, static_cast<tocsin::index_t>(k)) += 4;
        labels[k] = 1;
    }
    const auto tuned = detector.tune(windows_over(rest, 900, 900), labels);
    REQUIRE_MESSAGE(tuned.ok(), tuned.message());
    return detector;
}

} // namespace

TEST_SUITE("io") {

    TEST_CASE("stream file: to learn twice from a sample is to learn once") {
        const auto detector = ready_detector<tocsin::spot_threshold>();
        auto once = detector.make_stream();
        REQUIRE(
            detector
                .enable_learning(
                    once, {.half_life = 500, .rule = true, .model = tocsin_test::on_line_training})
                .ok());
        auto twice = once;
        tocsin_test::eventful_stream source(2);
        for (int k = 0; k < 600; ++k) {
            const auto sample = source.next();
            tocsin_test::push_and_learn(detector, once, sample, source.time());
            tocsin_test::push_and_learn(detector, twice, sample, source.time());
            detector.learn(twice);
        }
        CHECK(tocsin_test::saved_bytes(detector, once) ==
              tocsin_test::saved_bytes(detector, twice));
    }

    TEST_CASE_TEMPLATE(
        "stream file: the next 10000 verdicts are the same, whatever learns", Rule,
        tocsin::quantile_threshold, tocsin::sigma_threshold, tocsin::manual_threshold,
        tocsin::f_beta_threshold, tocsin::epsilon_threshold, tocsin::spot_threshold,
        tocsin::drift_spot_threshold, tocsin::spot_threshold_by_moments, tocsin::alarm_rate) {
        const temporary_directory directory;
        const auto path = directory / "detector.tocsin";
        const auto detector = ready_detector<Rule>();
        REQUIRE(tocsin::save_detector(detector, path).ok());
        const auto twin = tocsin::load_detector<forecasting<Rule>>(path);
        REQUIRE_MESSAGE(twin.has_value(), twin.error().message());
        REQUIRE(twin->identity() == detector.identity());
        tocsin_test::check_every_way_continues(detector, *twin);
    }
}
