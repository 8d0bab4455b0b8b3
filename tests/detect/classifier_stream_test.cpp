#include "tocsin/alarm/alarm_control.hpp"
#include "tocsin/detect/classifier_detector.hpp"
#include "tocsin/models/classifiers.hpp"
#include "tocsin/threshold/f_beta_threshold.hpp"
#include "tocsin/training/fit_classifier.hpp"

#include <doctest/doctest.h>

#include "labelled_recording.hpp"
#include "support/allocation_counter.hpp"
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string_view>
#include <vector>

// Time, gaps, missing values, alarms and many streams of a classifier_detector.

using namespace tocsin;

namespace {

using tocsin_test::recording;
using tocsin_test::small_network;

constexpr float hole = std::numeric_limits<float>::quiet_NaN();
constexpr int window = 10;

using plain = classifier_detector<decltype(small_network())>;
using chain = alarm_chain<m_of_n, minimum_duration, suppression>;
using alarming = classifier_detector<decltype(small_network()), robust_scaler<float>, chain>;

template <class Detector>
Detector trained(Detector detector) {
    const recording training(600, 1);
    const recording validation(300, 2);
    classifier_trainer<> trainer;
    trainer.epochs = 8;
    trainer.optimiser.learning_rate = 0.01;
    const status done = detector.train(training.view(), training.labels, validation.view(),
                                       validation.labels, trainer);
    REQUIRE_MESSAGE(done.ok(), done.message());
    REQUIRE(detector.tune(validation.view(), validation.labels, f_beta_threshold(1)).ok());
    return detector;
}
plain trained_plain(classifier_detector_settings settings = {.window = window, .stride = 2}) {
    return trained(plain(small_network(), settings));
}

bool says(const status& outcome, std::string_view part) {
    return !outcome.ok() &&
           std::string_view(outcome.message()).find(part) != std::string_view::npos;
}

/// Calls a callback of training once per epoch and counts the windows of the first.
struct window_counter {
    index_t windows = 0;
    bool operator()(const classification_event<float>& /*event*/) const noexcept { return false; }
    bool after_batch(const batch_event& event) noexcept {
        windows = event.windows;
        return true;
    }
};

} // namespace

TEST_SUITE("detect") {

    TEST_CASE("classifier stream: scores of a recording with gaps, holes and wrong clocks are "
              "those of the stream") {
        const auto detector = trained_plain();
        recording test(500, 3);
        test.values(0, 60) = hole;
        test.values(2, 201) = std::numeric_limits<float>::infinity();
        test.values.col(90).setConstant(hole);
        test.values.middleCols(250, 14).setConstant(hole); // longer than the longest gap
        for (std::size_t t = 120; t < 500; ++t) {
            test.times[t] += 1000; // a pause
        }
        test.times[150] = -5; // one wrong stamp
        for (std::size_t t = 330; t < 500; ++t) {
            test.times[t] -= 400; // the clock is set back
        }
        test.times[400] = std::numeric_limits<double>::quiet_NaN();
        const auto expected = detector.probabilities(test.view(), test.times).value();
        auto stream = detector.make_stream();
        std::array<int, 7> reasons{};
        int resets = 0;
        for (index_t t = 0; t < 500; ++t) {
            const verdict said =
                detector.push(stream, test.sample(t), test.times[static_cast<std::size_t>(t)]);
            const double p = expected[static_cast<std::size_t>(t)];
            CAPTURE(t);
            CHECK(said.scored() == !std::isnan(p));
            if (said.scored()) {
                CHECK(said.score == doctest::Approx(p).epsilon(1e-4));
            }
            ++reasons[static_cast<std::size_t>(said.reason)];
            resets += said.clock_reset ? 1 : 0;
            if (t == 60 || t == 201) {
                CHECK(said.scored());
                CHECK(said.missing == 1);
            }
            if (t == 122 || t == 332) { // the third sample that agrees
                CHECK(said.clock_reset);
            }
        }
        const auto count = [&](sample_reason reason) {
            return reasons[static_cast<std::size_t>(reason)];
        };
        CHECK(resets == 2);
        CHECK(count(sample_reason::out_of_order) == 5); // twice 2 of a pause, one wrong stamp
        CHECK(count(sample_reason::missing_value) == 15);
        // Nine samples after each of four starts.
        CHECK(count(sample_reason::warming_up) == 4 * (window - 1));
        CHECK(count(sample_reason::scored) == 500 - 5 - 15 - 4 * (window - 1));
        // Without times, there are fewer starts.
        const auto untimed = detector.probabilities(test.view()).value();
        CHECK(!std::isnan(untimed[121]));
        CHECK(std::isnan(expected[121]));
    }

    TEST_CASE("classifier stream: settings say what a pause is, restart() begins anew") {
        const auto detector = trained_plain(
            {.window = window, .stride = 2, .longest_pause = 5, .clock_agreement = 1});
        const recording test(60, 4);
        auto stream = detector.make_stream();
        for (index_t t = 0; t < 20; ++t) {
            detector.push(stream, test.sample(t), static_cast<double>(t));
        }
        CHECK(stream.last().scored());
        CHECK(stream.time() == 19);
        CHECK(detector.push(stream, test.sample(20), 24).scored());
        const verdict after = detector.push(stream, test.sample(21), 29.5);
        CHECK(after.clock_reset);
        CHECK(after.kind == verdict_kind::warming_up);
        for (index_t t = 22; t < 40; ++t) {
            detector.push(stream, test.sample(t), static_cast<double>(t) + 10);
        }
        CHECK(stream.last().scored());
        stream.restart();
        CHECK(std::isnan(stream.time()));
        double shares[3] = {1, 1, 1};
        detector.explain(stream, shares); // the window is gone
        CHECK(shares[0] + shares[1] + shares[2] == 0);
        const verdict first = detector.push(stream, test.sample(40), 3);
        CHECK(first.reason == sample_reason::warming_up);
        CHECK(stream.position() == 41);
    }

    TEST_CASE("classifier stream: a sensor that is gone is reported as lost, anomalies still are") {
        const auto detector = trained_plain({.window = window, .stride = 2, .lost_after = 20});
        recording test(200, 5);
        test.values.row(2).rightCols(140).setConstant(hole);
        auto stream = detector.make_stream();
        int lost = 0;
        int anomalies = 0;
        for (index_t t = 0; t < 200; ++t) {
            const verdict said = detector.push(stream, test.sample(t));
            CHECK(said.missing == (t < 60 ? 0 : 1));
            CHECK(said.lost == (t < 60 + 19 ? 0 : 1));
            lost += said.kind == verdict_kind::sensor_lost ? 1 : 0;
            anomalies += said.is_anomaly() && t > 80 ? 1 : 0;
        }
        CHECK(stream.missing_samples(2) == 140);
        CHECK(lost > 30);
        CHECK(anomalies > 20);
        CHECK(lost + anomalies <= 121);
    }

    TEST_CASE("classifier stream: the mean in the place of a missing value is that of training") {
        const auto hold = trained_plain();
        const auto mean =
            trained_plain({.window = window, .stride = 2, .missing = missing_value::mean});
        recording test(40, 6);
        test.values.row(1).middleCols(12, 5).setConstant(hole);
        recording centred = test;
        matrix<float> centre = matrix<float>::Zero(3, 1);
        mean.data_scaler().inverse(centre);
        centred.values.row(1).middleCols(12, 5).setConstant(centre(1, 0));
        const auto found = mean.probabilities(test.view()).value();
        const auto expected = mean.probabilities(centred.view()).value();
        const auto held = hold.probabilities(test.view()).value();
        int different = 0;
        for (std::size_t t = window - 1; t < found.size(); ++t) {
            CHECK(found[t] == doctest::Approx(expected[t]).epsilon(1e-4));
            different += std::abs(found[t] - held[t]) > 1e-3 ? 1 : 0;
        }
        CHECK(different > 3);
        const plain wrong(small_network(), {.window = window, .missing = missing_value::forecast});
        CHECK(says(wrong.check(), "forecasts nothing"));
        CHECK(says(plain(small_network(), {.window = window, .lost_after = 0}).check(),
                   "lost_after 0"));
        CHECK(says(plain(small_network(), {.window = window, .longest_pause = -1}).check(), "-1"));
    }

    TEST_CASE("classifier: training windows span neither recordings nor long gaps") {
        recording data(220, 7);
        const recording judged(300, 2);
        classifier_trainer<> trainer;
        const auto windows_with = [&](const std::vector<index_t>& recordings) {
            plain detector(small_network(), {.window = window});
            window_counter counter;
            const status done = detector.train({data.view(), data.labels, recordings},
                                               {judged.view(), judged.labels}, trainer, counter);
            REQUIRE_MESSAGE(done.ok(), done.message());
            return counter.windows;
        };
        CHECK(windows_with({}) == 211);
        CHECK(windows_with({220}) == 211);
        CHECK(windows_with({100, 120}) == 91 + 111);
        CHECK(windows_with({100, 0, 9, 111}) == 91 + 102);
        data.values.middleCols(50, 20).setConstant(hole);
        // Before the gap 41, after it as many as in a recording of its own. A stream does not judge
        // rows without any value.
        CHECK(windows_with({}) == 41 + 141);
        data.values.middleCols(50, 12).setOnes();
        CHECK(windows_with({}) == 211 - 8); // a short gap is filled
        plain detector(small_network(), {.window = window});
        const std::vector<index_t> wrong{100, 119};
        const auto fails = [&](std::span<const index_t> recordings, std::string_view part) {
            return says(detector.train({data.view(), data.labels, recordings},
                                       {judged.view(), judged.labels}, trainer),
                        part);
        };
        CHECK(fails(wrong, "1 samples belong to none of 2 recordings"));
        CHECK(fails(std::vector<index_t>{100, 121}, "a recording of 121 samples where 120"));
        CHECK(fails(std::vector<index_t>(44, 5), "no window of 10 samples in 220"));
    }

    TEST_CASE("classifier: by the next row, the last window of a recording has no label") {
        const recording data(220, 7);
        classifier_trainer<> trainer;
        trainer.best_by = classification_metric::training_loss;
        const auto windows_with = [&](const std::vector<index_t>& recordings, int length) {
            plain detector(small_network(), {.window = length, .label = window_label::next_row});
            window_counter counter;
            const status done =
                detector.train({data.view(), data.labels, recordings}, {}, trainer, counter);
            REQUIRE_MESSAGE(done.ok(), done.message());
            return counter.windows;
        };
        CHECK(windows_with({}, 10) == 210);
        CHECK(windows_with({100, 0, 10, 110}, 10) == 90 + 0 + 100);
        CHECK(windows_with({100, 0, 10, 110}, 1) == 99 + 9 + 109);
        plain detector(small_network(), {.window = 10, .label = window_label::next_row});
        const std::vector<index_t> tens(22, 10);
        CHECK(says(detector.train({data.view(), data.labels, tens}, {}, trainer),
                   "no window of 10 samples with one after it in 220"));

        detail::judged_windows<float> judged;
        judged.last_rows = {0, 1, 2, 3, 4, 5};
        judged.first_columns = {10, 11, 12, 13, 14, 15};
        const std::vector<index_t> recordings{2, 0, 1, 3};
        detail::keep_followed_windows<float>(judged, recordings, 6);
        CHECK(judged.last_rows == std::vector<index_t>{0, 3, 4});
        CHECK(judged.first_columns == std::vector<index_t>{10, 13, 14});
    }

    TEST_CASE("classifier stream: alarm control stands between verdicts and alarms") {
        const alarming detector =
            trained(alarming(small_network(), {.window = window, .stride = 2}, {},
                             chain{m_of_n(4, 6), minimum_duration(2), suppression(30)}));
        const recording test(400, 8);
        auto stream = detector.make_stream();
        chain by_hand = detector.alarm_control();
        int alarms = 0;
        int anomalies = 0;
        for (index_t t = 0; t < 400; ++t) {
            const verdict said = detector.push(stream, test.sample(t));
            anomalies += said.is_anomaly() ? 1 : 0;
            alarms += said.alarm ? 1 : 0;
            if (said.scored()) {
                CHECK(said.alarm == by_hand.push(said.is_anomaly()));
            } else {
                CHECK(!said.alarm);
            }
        }
        CHECK(alarms > 10);
        CHECK(alarms < anomalies);
        CHECK(detector.identity() != trained_plain().identity());
        const alarming wrong(small_network(), {.window = window}, {},
                             chain{m_of_n(7, 6), minimum_duration(2), suppression(30)});
        CHECK(!wrong.check().ok());
        CHECK(!wrong.probabilities(test.view()).ok());
    }

    TEST_CASE("classifier push_all: as each stream alone, with gaps and holes") {
        const auto detector = trained_plain();
        constexpr std::size_t streams = 7;
        constexpr index_t rows = 150;
        std::vector<recording> data;
        for (std::size_t k = 0; k < streams; ++k) {
            data.emplace_back(static_cast<int>(rows), 20 + k);
        }
        data[1].values.col(60).setConstant(hole);
        data[2].values(0, 61) = hole;
        for (std::size_t t = 70; t < rows; ++t) {
            data[3].times[t] += 500;
        }
        for (const int group : {1, 3, 16}) {
            std::vector<plain::stream_type> together(streams, detector.make_stream());
            auto alone = together;
            auto workspace = detector.make_fleet_workspace(group);
            std::vector<verdict> verdicts(streams);
            matrix<float> samples(3, streams);
            std::vector<double> times(streams);
            int scored = 0;
            int unscored = 0;
            long allocated = 0;
            for (index_t t = 0; t < rows; ++t) {
                for (std::size_t k = 0; k < streams; ++k) {
                    samples.col(static_cast<index_t>(k)) = data[k].values.col(t);
                    times[k] = data[k].times[static_cast<std::size_t>(t)];
                }
                if (t % 5 == 4) { // streams at different places of their rings
                    detector.push(together[0], data[0].sample(0), times[0]);
                    detector.push(alone[0], data[0].sample(0), times[0]);
                }
                allocated += tocsin_test::allocations_during([&] {
                    detector.push_all(together, {samples.data(), 3, streams}, verdicts, workspace,
                                      times);
                });
                for (std::size_t k = 0; k < streams; ++k) {
                    const verdict expected = detector.push(alone[k], data[k].sample(t), times[k]);
                    CHECK(verdicts[k].kind == expected.kind);
                    CHECK(verdicts[k].reason == expected.reason);
                    CHECK(verdicts[k].missing == expected.missing);
                    CHECK(verdicts[k].score == doctest::Approx(expected.score).epsilon(1e-4));
                    scored += expected.scored() ? 1 : 0;
                    unscored += expected.scored() ? 0 : 1;
                }
            }
            CHECK(allocated == 0);
            CHECK(scored > 900);
            CHECK(unscored > 60);
        }
        const plain shorter(small_network(), {.window = 5});
        auto small_workspace = shorter.make_fleet_workspace(1);
        std::vector<plain::stream_type> one(1, detector.make_stream());
        verdict said;
        detector.push_all(one, {data[0].values.data(), 3, 1}, {&said, 1}, small_workspace);
        CHECK(said.kind == verdict_kind::not_ready);
    }
}
