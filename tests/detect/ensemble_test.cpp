#include "tocsin/alarm/alarm_control.hpp"
#include "tocsin/alarm/rate_monitor.hpp"
#include "tocsin/comparators/lagged_value.hpp"
#include "tocsin/comparators/scored_comparator.hpp"
#include "tocsin/detect/charted_detector.hpp"
#include "tocsin/detect/detector.hpp"
#include "tocsin/detect/ensemble.hpp"
#include "tocsin/io/detector_file.hpp"
#include "tocsin/io/stream_file.hpp"
#include "tocsin/tail/alarm_rate.hpp"

#include <doctest/doctest.h>

#include "io/temporary_directory.hpp"
#include "support/rated_forecaster.hpp"
#include "support/small_detectors.hpp"
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

using tocsin::combination;
using tocsin::combined_false_alarms;
using tocsin_test::rated_forecaster;
using tocsin_test::windows_over;

namespace {

rated_forecaster learned_forecaster(int look_ahead) {
    return tocsin_test::learned_forecaster(tocsin_test::small_forecaster(look_ahead), 20);
}

/// Judges the change since the last sample; fitted to slow_waves().
tocsin::scored_comparator<tocsin::lagged_value> fitted_changes() {
    tocsin::scored_comparator<tocsin::lagged_value> last(tocsin::lagged_value{},
                                                         tocsin::alarm_rate({.alarms = 10}));
    REQUIRE(last.fit(tocsin_test::slow_waves(600).cast<double>(),
                     tocsin_test::slow_waves(600, 2).cast<double>())
                .ok());
    return last;
}

} // namespace

TEST_SUITE("detect") {

    TEST_CASE("combinations of expected false alarms, by hand") {
        const double none = std::numeric_limits<double>::quiet_NaN();
        const std::array<double, 4> each = {8, 0.5, none, 2};
        CHECK(combined_false_alarms(each, combination::bonferroni) == 1.5);
        CHECK(combined_false_alarms(each, combination::second_smallest) == 2);
        CHECK(combined_false_alarms(each, combination::mean_log) == doctest::Approx(2));
        for (const auto how :
             {combination::bonferroni, combination::second_smallest, combination::mean_log}) {
            CHECK(combined_false_alarms(std::array{none, 3.0}, how) == doctest::Approx(3));
            CHECK(std::isnan(combined_false_alarms(std::array{none, none}, how)));
            CHECK(combined_false_alarms(std::array{4.0, 4.0}, how) ==
                  doctest::Approx(how == combination::bonferroni ? 8 : 4));
        }
        CHECK(combined_false_alarms(std::array{0.0, 1.0}, combination::mean_log) >= 0);
    }

    TEST_CASE("ensemble: says which member and which sensor") {
        const auto last = fitted_changes();
        const tocsin::ensemble both({.combine = combination::bonferroni, .promised = 10},
                                    learned_forecaster(1), last);
        REQUIRE(both.check().ok());
        auto stream = both.make_stream();
        auto alone = both.member<0>().make_stream();
        auto comparator = last.make_stream();
        int anomalies = 0;
        const auto fresh = tocsin_test::slow_waves(600, 3);
        for (int t = 0; t < 600; ++t) {
            const auto found = both.push(stream, fresh.col(t));
            const std::array<double, 2> expected = {
                both.member<0>().push(alone, fresh.col(t)).expected_false_alarms,
                last.push(comparator, fresh.col(t)).expected_false_alarms};
            const double combined = combined_false_alarms(expected, combination::bonferroni);
            CHECK((found.combined.expected_false_alarms == combined ||
                   (std::isnan(combined) && found.member == -1)));
            CHECK(found.is_anomaly() == (combined < 10));
            anomalies += found.is_anomaly() ? 1 : 0;
        }
        CHECK(anomalies < 30);
        auto wrong = fresh.col(0).eval();
        wrong[1] += 50;
        const auto found = both.push(stream, wrong);
        CHECK(found.is_anomaly());
        CHECK(found.member >= 0);
        CHECK(found.combined.score > found.combined.threshold);
        if (found.member == 0) {
            std::array<double, 3> shares{};
            both.shares(stream, shares);
            CHECK(shares[1] > 0.8);
        }
    }

    TEST_CASE("ensemble: a sample that the first member refuses reaches no other") {
        const auto last = fitted_changes();
        const tocsin::ensemble both({.promised = 10}, learned_forecaster(1), last);
        auto stream = both.make_stream();
        auto other = both.make_stream();
        const auto values = tocsin_test::slow_waves(60, 3);
        for (int t = 0; t < 60; ++t) {
            const auto found = both.push(stream, values.col(t), t);
            const auto expected = both.push(other, values.col(t), t);
            CHECK(tocsin_test::same_verdict(found.combined, expected.combined));
            if (t == 40) { // of an earlier time, and far off
                const auto refused = both.push(stream, {50.0F, 50.0F, 50.0F}, 10);
                CHECK(refused.combined.reason == tocsin::sample_reason::out_of_order);
                CHECK(refused.member == -1);
            }
        }
        CHECK(stream.position() == 61);
    }

    TEST_CASE("ensemble: where the first member takes over a new time, the others start anew") {
        const auto last = fitted_changes();
        const tocsin::ensemble both({.promised = 10}, learned_forecaster(1), last);
        auto stream = both.make_stream();
        const auto values = tocsin_test::slow_waves(100, 3);
        for (int t = 0; t < 50; ++t) {
            both.push(stream, values.col(t), t);
        }
        int resets = 0;
        for (int t = 50; t < 100; ++t) { // after a pause
            const auto found = both.push(stream, values.col(t), 10000 + t);
            if (found.combined.clock_reset) {
                ++resets;
                CHECK(found.member == -1); // a change needs two samples
            }
        }
        CHECK(resets == 1);

        // A second detector must not wait until it believes the time as well.
        const auto forecaster = learned_forecaster(1);
        const tocsin::ensemble twice({.promised = 10}, forecaster, forecaster);
        auto pair = twice.make_stream();
        auto alone = forecaster.make_stream();
        int scored = 0;
        for (int t = 0; t < 100; ++t) {
            const double time = t < 50 ? t : 10000 + t;
            const auto found = twice.push(pair, values.col(t), time);
            const auto one = forecaster.push(alone, values.col(t), time);
            CHECK(found.combined.scored() == one.scored());
            if (one.scored()) {
                CHECK(found.combined.expected_false_alarms == 2 * one.expected_false_alarms);
                scored += t >= 50 ? 1 : 0;
            }
        }
        CHECK(scored > 20);
    }

    TEST_CASE("ensemble: a stream that restarts continues as one that begins") {
        const tocsin::ensemble both({.promised = 10}, learned_forecaster(1), fitted_changes());
        auto stream = both.make_stream();
        auto fresh = both.make_stream();
        const auto values = tocsin_test::slow_waves(40, 3);
        for (int t = 0; t < 40; ++t) {
            both.push(stream, values.col(t), 5000 + t);
        }
        stream.restart();
        CHECK(stream.position() == 40);
        for (int t = 0; t < 40; ++t) {
            const auto again = both.push(stream, values.col(t), t);
            const auto first = both.push(fresh, values.col(t), t);
            CHECK(again.combined.kind == first.combined.kind);
            CHECK(again.combined.score == first.combined.score);
        }
    }

    TEST_CASE("ensemble: a stream that is saved continues with the same verdicts") {
        const tocsin::ensemble both({.combine = combination::second_smallest, .promised = 10},
                                    learned_forecaster(1), learned_forecaster(2));
        auto here = both.make_stream();
        const auto values = tocsin_test::slow_waves(300, 3);
        for (int t = 0; t < 150; ++t) {
            both.push(here, values.col(t));
        }
        const auto bytes = tocsin::save_stream(both, here);
        REQUIRE_MESSAGE(bytes.ok(), bytes.error().message());
        auto there = tocsin::load_stream(both, *bytes);
        REQUIRE_MESSAGE(there.ok(), there.error().message());
        CHECK(there->position() == 150);
        for (int t = 150; t < 300; ++t) {
            const auto a = both.push(here, values.col(t));
            const auto b = both.push(*there, values.col(t));
            CHECK(tocsin_test::same_verdict(a.combined, b.combined));
            CHECK(a.member == b.member);
        }
        const tocsin::ensemble other({.promised = 5}, both.member<0>(), both.member<1>());
        CHECK_FALSE(tocsin::load_stream(other, *bytes).ok());
    }

    TEST_CASE("ensemble: says that a member has far more alarms than promised") {
        using counting = tocsin::detector<tocsin::forecaster<float>, tocsin::standard_scaler<float>,
                                          tocsin::mahalanobis<>, tocsin::alarm_rate,
                                          tocsin::alarm_chain<tocsin::rate_monitor>>;
        counting member(tocsin_test::small_forecaster(1), {.warm_up = 20}, {},
                        tocsin::alarm_rate({.alarms = 10}),
                        tocsin::alarm_chain{tocsin::rate_monitor(10)});
        tocsin_test::learn_slow_waves(member, 4);
        const tocsin::ensemble both({.promised = 10}, fitted_changes(), member);
        auto stream = both.make_stream();
        const auto values = tocsin_test::slow_waves(300, 3);
        for (int t = 0; t < 300; ++t) {
            auto sample = values.col(t).eval();
            sample[1] += t > 30 && t % 20 == 0 ? 50.0F : 0.0F;
            const auto found = both.push(stream, sample);
            CHECK((t > 30 || !found.combined.rate_exceeded));
        }
        CHECK(stream.last().combined.rate_exceeded);

        // How many there are is read from a stream.
        auto alone = member.make_stream();
        for (int t = 0; t < 300; ++t) {
            auto sample = values.col(t).eval();
            sample[1] += t > 30 && t % 20 == 0 ? 50.0F : 0.0F;
            member.push(alone, sample);
        }
        const auto& [monitor] = alone.alarm_control().pieces();
        CHECK(monitor.promised() == 10);
        CHECK(monitor.rows() == 280); // scored ones
        CHECK(monitor.alarms() >= 13);
        CHECK(monitor.realised() ==
              doctest::Approx(1e4 * static_cast<double>(monitor.alarms()) / 280).epsilon(0.1));

        const tocsin::ensemble timed({.promised = 10}, learned_forecaster(1), member);
        auto late = timed.make_stream();
        for (int t = 0; t < 300; ++t) {
            auto sample = values.col(t).eval();
            sample[1] += t > 30 && t % 20 == 0 ? 50.0F : 0.0F;
            timed.push(late, sample, t);
        }
        REQUIRE(late.last().combined.rate_exceeded);
        // A stream that was saved says so as well.
        const auto bytes = tocsin::save_stream(timed, late);
        REQUIRE_MESSAGE(bytes.ok(), bytes.error().message());
        auto loaded = tocsin::load_stream(timed, *bytes);
        REQUIRE_MESSAGE(loaded.ok(), loaded.error().message());
        const auto refused = timed.push(late, values.col(0), 10);
        CHECK(tocsin_test::same_verdict(timed.push(*loaded, values.col(0), 10).combined,
                                        refused.combined));
        CHECK(refused.combined.reason == tocsin::sample_reason::out_of_order);
        CHECK(refused.combined.rate_exceeded);
    }

    TEST_CASE("ensemble: its alarm control is read from a stream") {
        const tocsin::basic_ensemble both({.promised = 10}, tocsin::rate_monitor(10),
                                          fitted_changes(), fitted_changes());
        auto stream = both.make_stream();
        const auto values = tocsin_test::slow_waves(100, 3);
        for (int t = 0; t < 100; ++t) {
            auto sample = values.col(t).eval();
            sample[1] += t == 50 ? 50.0F : 0.0F;
            both.push(stream, sample);
        }
        CHECK(stream.alarm_control().promised() == 10);
        CHECK(stream.alarm_control().rows() == 99); // a change needs two samples
        CHECK(stream.alarm_control().alarms() == 1);
        CHECK(stream.alarm_control().realised() == doctest::Approx(10000.0 / 99).epsilon(0.01));
    }

    TEST_CASE("ensemble: what cannot work is named") {
        using zero = tocsin::ensemble<rated_forecaster, rated_forecaster>;
        const rated_forecaster three(tocsin_test::small_forecaster(1));
        const rated_forecaster two(tocsin::forecaster<float>::with_layers(2, 1, {4}));
        CHECK(tocsin_test::says(zero({}, three, two).check(), "2 features, another one has 3"));
        CHECK(tocsin_test::says(zero({.promised = 0}, three, three).check(), "promised 0"));
        const zero unfitted({}, three, three);
        CHECK(tocsin_test::says(unfitted.check(), "member 0 expects no false alarms yet"));
        auto stream = unfitted.make_stream();
        const auto found = unfitted.push(stream, {1.0F, 2.0F, 3.0F});
        CHECK(found.combined.kind == tocsin::verdict_kind::not_ready);
        CHECK(found.member == -1);
    }

    TEST_CASE("ensemble: a member that would never count is named, and nothing is saved with it") {
        const auto fitted = learned_forecaster(1);
        const auto check_named = [&](const auto& member) {
            const tocsin::ensemble pair({.combine = combination::second_smallest}, fitted, member);
            CHECK(tocsin_test::says(pair.check(), "member 1 expects no false alarms yet"));
            const tocsin_test::temporary_directory directory;
            const auto saved = tocsin::save_detector(pair, directory / "detector");
            CHECK(tocsin_test::says(saved, "member 1 expects no false alarms yet"));
            CHECK(tocsin::ensemble({}, fitted, fitted).check().ok());
        };
        auto untuned = fitted;
        const auto other = tocsin_test::slow_waves(600, 2);
        REQUIRE(untuned.fit_errors(windows_over(other, 300, 300)).ok());
        check_named(untuned);
        untuned.override_thresholds(10.0); // judges, but knows no expectation
        auto stream = untuned.make_stream();
        for (int t = 0; t < 40; ++t) {
            untuned.push(stream, other.col(t));
        }
        REQUIRE(stream.last().scored());
        CHECK(std::isnan(stream.last().expected_false_alarms));
        check_named(untuned);
        check_named(tocsin::charted_detector(fitted));
        auto unrated = fitted_changes();
        const auto few = tocsin_test::slow_waves(15).cast<double>().eval(); // for a rule
        REQUIRE_FALSE(unrated.fit(other.cast<double>(), few).ok());
        check_named(unrated);

        auto by_hand = fitted; // the rule still knows
        by_hand.override_thresholds(10.0);
        const tocsin::ensemble usable({}, fitted, by_hand);
        CHECK(usable.check().ok());
    }

    TEST_CASE("ensemble: a score without expected false alarms is no anomaly") {
        auto untuned = learned_forecaster(1);
        const auto other = tocsin_test::slow_waves(600, 2);
        REQUIRE(untuned.fit_errors(windows_over(other, 300, 300)).ok());
        untuned.override_thresholds(0.5); // below most scores
        const tocsin::ensemble alone({.promised = 10}, untuned);
        const tocsin::ensemble pair({.promised = 10}, untuned, fitted_changes());
        auto stream = alone.make_stream();
        auto of_pair = pair.make_stream();
        int flagged = 0;
        for (int t = 0; t < 600; ++t) {
            const auto found = alone.push(stream, other.col(t));
            CHECK_FALSE(found.combined.scored());
            CHECK_FALSE(found.is_anomaly());
            CHECK(found.combined.score == 0);
            flagged += found.of_member.is_anomaly() ? 1 : 0;
            if (found.of_member.scored()) {
                CHECK(found.combined.kind == tocsin::verdict_kind::not_ready);
                CHECK(found.combined.reason == tocsin::sample_reason::not_ready);
            } else {
                CHECK(found.combined.reason == found.of_member.reason);
            }
            CHECK((pair.push(of_pair, other.col(t)).combined.scored() || t == 0));
        }
        CHECK(flagged > 100);
    }

    TEST_CASE("ensemble: only anomalies have a score above the threshold") {
        const tocsin::ensemble both({.promised = 10}, learned_forecaster(1), fitted_changes());
        auto stream = both.make_stream();
        const auto values = tocsin_test::slow_waves(400, 3);
        int without = 0;
        int anomalies = 0;
        for (int t = 0; t < 400; ++t) {
            auto sample = values.col(t).eval();
            sample[1] += t % 100 == 50 ? 50.0F : 0.0F;
            if (t % 100 == 70) {
                sample.setConstant(std::numeric_limits<float>::quiet_NaN());
            }
            const auto said = both.push(stream, sample).combined;
            CHECK(said.threshold == doctest::Approx(3)); // 10 in 10 000 rows
            CHECK((said.score > said.threshold) == said.is_anomaly());
            CHECK(said.score >= 0);
            if (said.scored()) {
                CHECK(said.score ==
                      doctest::Approx(std::max(
                          0.0, 4 - std::log10(std::max(said.expected_false_alarms, 1e-300)))));
            } else {
                CHECK(said.score == 0);
            }
            without += said.scored() ? 0 : 1;
            anomalies += said.is_anomaly() ? 1 : 0;
        }
        CHECK(without > 1);
        CHECK(anomalies >= 4);
    }
}
