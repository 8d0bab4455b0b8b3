#include "tocsin/alarm/alarm_control.hpp"
#include "tocsin/detect/detector.hpp"
#include "tocsin/errors/diagonal_gaussian.hpp"
#include "tocsin/models/linear_forecaster.hpp"
#include "tocsin/threshold/manual_threshold.hpp"
#include "tocsin/training/least_squares.hpp"

#include <doctest/doctest.h>

#include "support/allocation_counter.hpp"
#include "support/small_detectors.hpp"
#include <array>
#include <cmath>
#include <cstdint>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

// One detector, many streams.

using tocsin::detector_phase;
using tocsin::detector_settings;
using tocsin::index_t;
using tocsin::sample_reason;
using tocsin::scored_steps;
using tocsin::verdict;
using tocsin::verdict_kind;
using tocsin_test::learn_slow_waves;
using tocsin_test::push_each;
using tocsin_test::same_verdict;
using tocsin_test::same_verdicts;
using tocsin_test::slow_waves;
using tocsin_test::small_forecaster;
using tocsin_test::static_lstm;
using tocsin_test::waves;
using tocsin_test::windows_over;

namespace {

using forecasting = tocsin::detector<tocsin::forecaster<float>>;
using reconstructing = tocsin::detector<tocsin::encoder_decoder<float>>;

/// Everything that a stream needs while it runs.
template <class Detector, class Stream = typename Detector::stream_type>
constexpr bool runs_without_exceptions =
    noexcept(std::declval<const Detector&>().push(std::declval<Stream&>(),
                                                  std::declval<std::span<const float>>(), 1.0)) &&
    noexcept(std::declval<const Detector&>().push_all(
        std::declval<std::span<Stream>>(), std::declval<const tocsin::matrix<float>&>(),
        std::declval<std::span<verdict>>(), std::declval<tocsin::fleet_workspace<float>&>(),
        std::declval<std::span<const double>>())) &&
    noexcept(std::declval<const Detector&>().learn(std::declval<Stream&>())) &&
    noexcept(std::declval<const Detector&>().shares(std::declval<const Stream&>(),
                                                    std::declval<std::span<double>>())) &&
    noexcept(std::declval<Stream&>().restart()) && std::is_nothrow_move_constructible_v<Stream> &&
    std::is_copy_constructible_v<Stream>;
static_assert(runs_without_exceptions<forecasting>);
static_assert(runs_without_exceptions<reconstructing>);

forecasting forecasting_detector(int look_ahead = 2, int epochs = 25) {
    forecasting detector(small_forecaster(look_ahead));
    learn_slow_waves(detector, epochs);
    return detector;
}
reconstructing reconstructing_detector(scored_steps scored = scored_steps::newest,
                                       std::uint64_t data = 1) {
    const auto values = slow_waves(120, data);
    reconstructing detector(tocsin_test::small_lstm<float>(3), {.window = 6, .scored = scored});
    tocsin_test::run_all_phases(detector, windows_over(values, 6));
    return detector;
}

template <class Detector>
void check_interleaved(const Detector& detector) {
    const auto a = tocsin_test::with_holes(slow_waves(80, 11), 0.05, 1);
    const auto b = slow_waves(80, 12);
    auto alone = detector.make_stream();
    const auto expected_a = push_each(detector, alone, a);
    auto other = detector.make_stream();
    const auto expected_b = push_each(detector, other, b);

    std::vector<typename Detector::stream_type> streams(2);
    streams[0] = detector.make_stream();
    streams[1] = detector.make_stream();
    std::vector<verdict> got_a;
    std::vector<verdict> got_b;
    for (index_t t = 0; t < 80; ++t) {
        got_b.push_back(detector.push(streams[1], b.col(t)));
        got_a.push_back(detector.push(streams[0], a.col(t)));
    }
    CHECK(same_verdicts(got_a, expected_a));
    CHECK(same_verdicts(got_b, expected_b));
    CHECK(streams[0].position() == 80);
    CHECK(same_verdict(streams[0].last(), got_a.back()));
}

template <class Detector>
void check_copied_midway(const Detector& detector) {
    const auto values = slow_waves(120, 13);
    auto stream = detector.make_stream();
    push_each(detector, stream, values.leftCols(50));
    auto copy = stream;
    std::vector<typename Detector::stream_type> grown; // moved whenever the vector grows
    grown.push_back(stream);
    const auto expected = push_each(detector, stream, values.rightCols(70));
    CHECK(same_verdicts(push_each(detector, copy, values.rightCols(70)), expected));
    for (int k = 0; k < 20; ++k) {
        grown.push_back(detector.make_stream());
    }
    CHECK(same_verdicts(push_each(detector, grown.front(), values.rightCols(70)), expected));
    // The detector is no part of the past: another copy of it continues as well.
    const Detector other = detector;
    auto assigned = detector.make_stream();
    assigned = std::move(copy);
    auto last = other.push(assigned, values.col(0));
    CHECK(same_verdict(last, detector.push(stream, values.col(0))));
}

template <class Detector>
void check_not_ready(const Detector& detector, const Detector& another) {
    const auto values = slow_waves(20, 1);
    typename Detector::stream_type none;
    auto foreign = another.make_stream();
    auto moved_from = detector.make_stream();
    const auto moved_to = std::move(moved_from);
    // NOLINTNEXTLINE(bugprone-use-after-move): what becomes of it is what is tested
    for (auto* stream : {&none, &foreign, &moved_from}) {
        for (index_t t = 0; t < 20; ++t) {
            const verdict outcome = detector.push(*stream, values.col(t), 1.0);
            CHECK(outcome.kind == verdict_kind::not_ready);
            CHECK(outcome.reason == sample_reason::not_ready);
        }
        CHECK(stream->position() == 0);
        detector.learn(*stream);
        std::vector<double> shares(3, 9.0);
        detector.shares(*stream, shares);
        CHECK(shares == std::vector<double>(3, 0.0));
        CHECK(detector.enable_learning(*stream, {}).code() == tocsin::error_code::invalid_argument);
        CHECK_FALSE(stream->learns());
    }
    CHECK(none.last().kind == verdict_kind::not_ready);
    for (auto* stream : {&none, &moved_from}) {
        CHECK(stream->missing_samples(0) == 0);
        stream->restart();
    }
}

/// A detector all of whose sizes are known at compile time.
using static_window = tocsin::detector<static_lstm<float, 3, 4>, tocsin::standard_scaler<float, 3>,
                                       tocsin::mahalanobis<3>, tocsin::quantile_threshold,
                                       tocsin::no_alarm_control, 6>;
using dynamic_window = tocsin::detector<tocsin::encoder_decoder<float>,
                                        tocsin::standard_scaler<float>, tocsin::mahalanobis<>>;

} // namespace

TEST_SUITE("detect") {
    TEST_CASE("stream: two of one detector, in turn, have the bits of each alone") {
        check_interleaved(forecasting_detector());
        check_interleaved(reconstructing_detector());
        check_interleaved(reconstructing_detector(scored_steps::all));
    }

    TEST_CASE("stream: a copy in the middle continues with the same bits") {
        check_copied_midway(forecasting_detector());
        check_copied_midway(reconstructing_detector());
    }

    TEST_CASE("stream: one of no detector or of another one is not ready") {
        const auto two_ahead = forecasting_detector(2);
        check_not_ready(two_ahead, forecasting_detector(1));
        const reconstructing wider(tocsin_test::small_lstm<float>(3), {.window = 9});
        check_not_ready(reconstructing_detector(), wider);
        // Of the same sizes, with other weights and units.
        check_not_ready(forecasting_detector(), forecasting_detector(2, 3));
        check_not_ready(reconstructing_detector(),
                        reconstructing_detector(scored_steps::newest, 2));
        // Before fit_errors() no stream is ready.
        const forecasting empty(small_forecaster());
        auto stream = empty.make_stream();
        CHECK(empty.push(stream, {1.0F, 2.0F, 3.0F}).kind == verdict_kind::not_ready);
        const forecasting nothing;
        auto of_nothing = nothing.make_stream();
        CHECK(nothing.push(of_nothing, {}).kind == verdict_kind::not_ready);
    }

    TEST_CASE("stream: other thresholds do not make it one of another detector") {
        auto detector = forecasting_detector();
        auto stream = detector.make_stream();
        const auto values = slow_waves(40, 1);
        push_each(detector, stream, values);
        detector.override_thresholds(0.0);
        const verdict outcome = detector.push(stream, values.col(0));
        CHECK(outcome.is_anomaly());
        CHECK(outcome.threshold == 0);
    }

    TEST_CASE("stream: a detector that was moved from judges nothing") {
        auto detector = forecasting_detector();
        auto stream = detector.make_stream();
        auto moved_to = std::move(detector);
        const auto values = slow_waves(40, 1);
        // NOLINTNEXTLINE(bugprone-use-after-move): what becomes of it is what is tested
        CHECK(detector.push(stream, values.col(0)).kind == verdict_kind::not_ready);
        CHECK(moved_to.push(stream, values.col(0)).kind == verdict_kind::warming_up);
    }

    TEST_CASE_TEMPLATE("detector: one that was moved from waits to be trained", Detector,
                       forecasting, tocsin::detector<tocsin::linear_forecaster<float>>,
                       tocsin::detector<tocsin::encoder_decoder<float>>) {
        const auto values = slow_waves(300, 1);
        const auto windows = tocsin_test::windows_over(values, 20);
        auto detector = [] {
            if constexpr (std::is_same_v<Detector, forecasting>) {
                return forecasting_detector();
            } else if constexpr (Detector::reconstructs) {
                return Detector(tocsin_test::small_lstm<float>(3), {.window = 20});
            } else {
                return Detector({3, 3, 4});
            }
        }();
        if constexpr (!std::is_same_v<Detector, forecasting>) {
            const auto trained = [&] {
                if constexpr (Detector::reconstructs) {
                    return detector.train(windows, {}, tocsin_test::quick_trainer(1));
                } else {
                    return detector.train(windows, {}, tocsin::least_squares{});
                }
            }();
            REQUIRE(trained.ok());
            REQUIRE(detector.fit_errors(windows).ok());
            REQUIRE(detector.tune(windows).ok());
        }
        Detector moved_to = std::move(detector);
        // NOLINTBEGIN(bugprone-use-after-move): what becomes of it is what is tested
        CHECK(detector.phase() == detector_phase::created);
        CHECK_FALSE(detector.fit_errors(windows).ok());
        CHECK_FALSE(detector.tune(windows).ok());
        CHECK_FALSE(detector.scores(windows).ok());
        CHECK(detector.parameters().empty());
        const Detector copy = detector;
        CHECK(copy.phase() == detector_phase::created);
        // NOLINTEND(bugprone-use-after-move)
        CHECK(moved_to.scores(windows).ok());
        auto& same = moved_to;
        moved_to = std::move(same);
        auto stream = moved_to.make_stream();
        CHECK(moved_to.push(stream, values.col(0)).kind == verdict_kind::not_ready);
        CHECK_FALSE(moved_to.scores(windows).ok());
    }

    TEST_CASE("detector: a fitted one takes another alarm control; earlier streams keep theirs") {
        using controlled =
            tocsin::detector<tocsin::linear_forecaster<float>, tocsin::standard_scaler<float>,
                             tocsin::mahalanobis<>, tocsin::manual_threshold, tocsin::m_of_n>;
        const auto values = slow_waves(300, 1);
        const auto windows = tocsin_test::windows_over(values, 20);
        controlled detector({3, 3, 4}, {}, {}, tocsin::manual_threshold(0), tocsin::m_of_n(1, 1));
        REQUIRE(detector.train(windows, {}, tocsin::least_squares{}).ok());
        REQUIRE(detector.fit_errors(windows).ok());
        REQUIRE(detector.tune(windows).ok());
        auto before = detector.make_stream();
        const auto identity = detector.identity();
        CHECK_FALSE(detector.set_alarm_control(tocsin::m_of_n(3, 2)).ok());
        CHECK(detector.identity() == identity);
        REQUIRE(detector.set_alarm_control(tocsin::m_of_n(2, 2)).ok());
        CHECK(detector.identity() != identity);
        CHECK(detector.phase() == detector_phase::tuned);
        auto after = detector.make_stream();
        int rows_before = 0;
        int rows_after = 0;
        for (int t = 0; t < 20; ++t) { // every score exceeds the threshold
            rows_before += detector.push(before, values.col(t)).alarm ? 1 : 0;
            rows_after += detector.push(after, values.col(t)).alarm ? 1 : 0;
        }
        CHECK(rows_after > 5);
        CHECK(rows_before == rows_after + 1); // the second of two
    }

    TEST_CASE("stream: its size is what it takes, and known before") {
        const auto detector = forecasting_detector();
        using stream_type = forecasting::stream_type;
        std::vector<stream_type> streams;
        streams.reserve(1);
        const long allocations =
            tocsin_test::allocations_during([&] { streams.push_back(detector.make_stream()); });
        CHECK(allocations == 1);
        // State [h c], forecasts, sample; errors; counters of missing samples.
        const std::size_t scalars = 16 + 2 * 4 + 3;
        const std::size_t bytes = (scalars * sizeof(float) + 7) / 8 * 8 + 4 * sizeof(double) +
                                  (3 * sizeof(std::int32_t) + 7) / 8 * 8;
        CHECK(detector.stream_size() == sizeof(stream_type) + bytes);
        CHECK(detector.stream_size() < 600);

        const forecasting wide(tocsin::forecaster<float>::with_layers(8, 8, {64}));
        CHECK(wide.stream_size() * 100'000 < 100'000'000);
        CHECK(std::is_same_v<decltype(wide.stream_size()), std::size_t>);
        static_assert(sizeof(static_window::stream_type) > 2 * 6 * 3 * sizeof(float));
        CHECK(static_window().stream_size() == sizeof(static_window::stream_type));
    }

    TEST_CASE("stream: with sizes known at compile time nothing is on the heap") {
        const auto values = waves<float>(3, 90, 1);
        const auto windows = windows_over(values, 6);
        for (const auto scored : {scored_steps::newest, scored_steps::all}) {
            for (const auto view :
                 {tocsin::error_view::per_step, tocsin::error_view::per_feature}) {
                const detector_settings settings{.window = 6, .scored = scored, .view = view};
                dynamic_window dynamic(tocsin_test::small_lstm<float>(3), settings);
                static_window fixed({}, settings);
                tocsin_test::run_all_phases(dynamic, windows);
                tocsin_test::run_all_phases(fixed, windows);
                CHECK(fixed.threshold(view) ==
                      doctest::Approx(dynamic.threshold(view)).epsilon(1e-3));

                auto broken = waves<float>(3, 60, 2);
                broken(1, 20) += 20;
                broken(2, 30) = NAN;
                std::vector<verdict> got(60);
                const long allocations = tocsin_test::allocations_during([&] {
                    auto stream = fixed.make_stream();
                    std::array<static_window::stream_type, 3> more{stream, stream, stream};
                    std::array<double, 3> shares{};
                    for (index_t t = 0; t < 60; ++t) {
                        got[static_cast<std::size_t>(t)] = fixed.push(stream, broken.col(t));
                        fixed.push(more[static_cast<std::size_t>(t % 3)], broken.col(t));
                        fixed.shares(stream, shares);
                    }
                    stream.restart();
                });
                CHECK(allocations == 0);
                auto stream = dynamic.make_stream();
                const auto expected = push_each(dynamic, stream, broken);
                for (std::size_t t = 0; t < 60; ++t) {
                    CAPTURE(t);
                    CHECK(got[t].reason == expected[t].reason);
                    CHECK(got[t].missing == expected[t].missing);
                    CHECK(got[t].score == doctest::Approx(expected[t].score).epsilon(2e-3));
                }
                CHECK(got[20].is_anomaly());
            }
        }
        // The counter counts.
        const dynamic_window heap(tocsin_test::small_lstm<float>(3), {.window = 6});
        CHECK(tocsin_test::allocations_during([&] { heap.make_stream(); }) > 0);
    }

    TEST_CASE("stream: a window of another length than the type says is refused") {
        const static_window other({}, {.window = 7});
        CHECK(tocsin_test::says(other.check(), "window 7 of a detector for windows of 6"));
        CHECK(static_window().settings().window == 6);
    }

    TEST_CASE("stream: as many errors as features, but of one target: inputs have no shares") {
        forecasting detector(tocsin::forecaster<float>::with_layers(3, 1, {6}, 3));
        learn_slow_waves(detector);
        auto stream = detector.make_stream();
        push_each(detector, stream, slow_waves(60, 1));
        REQUIRE(stream.last().scored());
        std::vector<double> shares(3, 9.0);
        detector.shares(stream, shares);
        CHECK(shares[0] == doctest::Approx(1));
        CHECK(shares[1] == 0);
        CHECK(shares[2] == 0);
    }

    TEST_CASE("stream: restart() forgets the past, not the position") {
        const auto values = slow_waves(60, 4);
        const auto check = [&](const auto& detector, int warm_up) {
            auto stream = detector.make_stream();
            auto fresh = detector.make_stream();
            push_each(detector, stream, values.leftCols(30));
            stream.restart();
            const auto again = push_each(detector, stream, values.rightCols(30));
            CHECK(same_verdicts(again, push_each(detector, fresh, values.rightCols(30))));
            for (int t = 0; t < 30; ++t) {
                CHECK((again[static_cast<std::size_t>(t)].kind == verdict_kind::warming_up) ==
                      (t < warm_up));
            }
            CHECK(stream.position() == 60);
            CHECK(fresh.position() == 30);
        };
        const auto forecasts = forecasting_detector();
        check(forecasts, forecasts.warm_up());
        const auto windows = reconstructing_detector();
        CHECK(windows.warm_up() == 5);
        check(windows, 5);
    }

    TEST_CASE("stream: a sample may come as a column, a span or a list") {
        const auto detector = forecasting_detector();
        const auto values = slow_waves(5, 4);
        auto by_column = detector.make_stream();
        auto by_span = detector.make_stream();
        auto by_list = detector.make_stream();
        for (index_t t = 0; t < 5; ++t) {
            const auto expected = detector.push(by_column, values.col(t));
            CHECK(
                same_verdict(detector.push(by_span, tocsin_test::sample_of(values, t)), expected));
            CHECK(same_verdict(detector.push(by_list, {values(0, t), values(1, t), values(2, t)}),
                               expected));
        }
    }

    TEST_CASE("stream: a forecast is in original units, the next sample first") {
        const auto detector = forecasting_detector();
        const auto values = slow_waves(100, 8);
        auto stream = detector.make_stream();
        const auto before = detector.forecast(stream);
        CHECK(before.rows() == 2);
        CHECK(before.cols() == 2);
        CHECK(before.array().isNaN().all());
        push_each(detector, stream, values.leftCols(98));
        const auto forecast = detector.forecast(stream);
        for (index_t ahead = 0; ahead < 2; ++ahead) {
            CHECK(std::abs(forecast(0, ahead) - values(0, 98 + ahead)) < 1.5F);
            CHECK(std::abs(forecast(1, ahead) - values(1, 98 + ahead)) < 0.3F);
        }
    }

    TEST_CASE("stream: alarm control is each stream's own") {
        using chain = tocsin::alarm_chain<tocsin::minimum_duration>;
        tocsin::detector<tocsin::forecaster<float>, tocsin::standard_scaler<float>,
                         tocsin::mahalanobis<>, tocsin::quantile_threshold, chain>
            detector(small_forecaster(1), {.warm_up = 3}, {}, tocsin::quantile_threshold{},
                     chain(tocsin::minimum_duration(3)));
        learn_slow_waves(detector, 2);
        detector.override_thresholds(-1); // everything is an anomaly
        const auto values = slow_waves(10, 4);
        auto a = detector.make_stream();
        auto b = detector.make_stream();
        for (index_t t = 0; t < 10; ++t) {
            const auto outcome = detector.push(a, values.col(t));
            CHECK(outcome.is_anomaly() == (t >= 3));
            CHECK(outcome.alarm == (t >= 5));
            if (t >= 8) {
                CHECK_FALSE(detector.push(b, values.col(t)).alarm);
            }
        }
        // An invalid sample neither starts nor ends an alarm.
        CHECK(detector.push(a, {1.0F}).alarm);
        CHECK_FALSE(detector.push(b, {1.0F}).alarm);
    }
}
