// RealtimeSanitizer (preset rtsan) stops this program where something that must never wait allocates,
// locks or calls the system. With any other build the same calls run, and nothing is checked.
#include "tocsin/alarm/alarm_control.hpp"
#include "tocsin/alarm/anomaly_likelihood.hpp"
#include "tocsin/detect/detector.hpp"
#include "tocsin/dynamic/dynamic_threshold_stream.hpp"
#include "tocsin/errors/diagonal_gaussian.hpp"
#include "tocsin/series/moving_window.hpp"
#include "tocsin/series/smoothing.hpp"
#include "tocsin/sketch/quantile_sketch.hpp"
#include "tocsin/tail/drift_spot_threshold.hpp"
#include "tocsin/tail/spot_threshold.hpp"

#include <doctest/doctest.h>

#include "nonblocking.hpp"
#include "support/small_detectors.hpp"
#include <cmath>
#include <cstdlib>
#include <span>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>
#include <vector>

using tocsin::index_t;
using tocsin_test::is_checked;
using tocsin_test::must_not_block;
using tocsin_test::normal_scores;
using tocsin_test::not_a_number;

namespace {

/// Streams alone and in groups, learning, with gaps, times and nonsense.
template <class Detector>
void drive(const Detector& detector, const tocsin::matrix<float>& values,
           const tocsin::learning_settings& how) {
    std::vector<typename Detector::stream_type> streams(3, detector.make_stream());
    for (auto& stream : streams) {
        const auto enabled = detector.enable_learning(stream, how);
        REQUIRE_MESSAGE(enabled.ok(), enabled.message());
    }
    auto workspace = detector.make_fleet_workspace(2);
    std::vector<tocsin::verdict> verdicts(3);
    std::vector<double> shares(static_cast<std::size_t>(detector.features()));
    const std::vector<float> missing(static_cast<std::size_t>(detector.features()), not_a_number);
    const std::vector<float> huge(static_cast<std::size_t>(detector.features()), 3e38F);
    const auto rows = values.rows();
    int scored = 0;
    for (index_t t = 0; t + 3 <= values.cols(); t += 3) {
        auto& stream = streams[0];
        scored += detector.push(stream, values.col(t), static_cast<double>(t)).scored() ? 1 : 0;
        detector.learn(stream);
        detector.shares(stream, shares);
        detector.push_all(streams, {values.data() + t * rows, rows, 3}, verdicts, workspace);
        for (auto& each : streams) {
            detector.learn(each);
        }
        if (t % 900 == 897) {
            detector.push(stream, missing, static_cast<double>(t - 100));
            detector.push(stream, huge);
            detector.learn(stream);
            must_not_block([&] { stream.restart(); });
        }
    }
    CHECK(scored > 0);
}

tocsin::spot_settings small_spot() {
    tocsin::spot_settings settings;
    settings.q = 1e-3;
    settings.level = 0.9;
    settings.memory = 50;
    return settings;
}

template <class Statistic>
void drive_statistic(int dimension) {
    Statistic statistic(dimension);
    tocsin::random_generator random{9};
    std::vector<double> errors(static_cast<std::size_t>(dimension));
    for (int k = 0; k < 200; ++k) {
        for (double& error : errors) {
            error = random.normal();
        }
        statistic.accumulate(std::span<const double>(errors));
    }
    REQUIRE(statistic.fit().ok());
    std::vector<double> shares(errors.size());
    double sum = 0;
    for (int k = 0; k < 50; ++k) {
        errors[static_cast<std::size_t>(k % dimension)] =
            k % 7 == 0 ? std::nan("") : random.normal();
        must_not_block([&] {
            sum += statistic.score(std::span<const double>(errors));
            statistic.shares(std::span<const double>(errors), std::span<double>(shares));
            statistic.adapt(std::span<const double>(errors), 0.01);
        });
    }
    CHECK(sum != 0);
}

/// A statistic that allocates in score() once it is told to.
struct allocating_statistic : tocsin::diagonal_gaussian<> {
    using diagonal_gaussian::diagonal_gaussian;
    static inline bool allocates = false;
    double score(std::span<const double> error) const noexcept {
        void* volatile memory = allocates ? std::malloc(64) : nullptr;
        std::free(memory);
        return diagonal_gaussian::score(error);
    }
};

/// Whether the function ends a process of its own.
template <class Function>
bool is_stopped(Function&& function) {
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        std::fclose(stderr); // its report is expected
        function();
        _exit(0);
    }
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    return !(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

} // namespace

TEST_SUITE("realtime") {
    TEST_CASE("realtime: a nonblocking function that allocates is stopped") {
        if (!is_checked) {
            MESSAGE("skipped: not built with RealtimeSanitizer (preset rtsan)");
            return;
        }
        CHECK(is_stopped([] {
            void* volatile memory = nullptr;
            must_not_block([&] { memory = std::malloc(64); });
            std::free(memory);
        }));
    }

    TEST_CASE(
        "realtime: push() is marked itself, so that an own statistic that allocates is stopped") {
        using namespace tocsin;
        detector<forecaster<float>, standard_scaler<float>, allocating_statistic> tested(
            tocsin_test::small_forecaster(1), {.warm_up = 2});
        tocsin_test::learn_slow_waves(tested, 1);
        auto stream = tested.make_stream();
        const auto values = tocsin_test::slow_waves(10, 3);
        for (index_t t = 0; t < 9; ++t) {
            tested.push(stream, values.col(t));
        }
        REQUIRE(stream.last().scored());
        CHECK_FALSE(is_stopped([&] { tested.push(stream, values.col(9)); }));
        if (!is_checked) {
            MESSAGE("skipped: not built with RealtimeSanitizer (preset rtsan)");
            return;
        }
        allocating_statistic::allocates = true;
        CHECK(is_stopped([&] { tested.push(stream, values.col(9)); }));
        allocating_statistic::allocates = false;
    }

    TEST_CASE("realtime: detectors push, push_all, score, learn") {
        using namespace tocsin;
        {
            detector<forecaster<float>, standard_scaler<float>, diagonal_gaussian<>, spot_threshold,
                     alarm_chain<m_of_n, suppression>>
                tested(tocsin_test::small_forecaster(2), {.longest_gap = 2, .lost_after = 3}, {},
                       spot_threshold{small_spot()}, alarm_chain{m_of_n{2, 3}, suppression{4}});
            tocsin_test::learn_slow_waves(tested, 2);
            drive(tested, tocsin_test::slow_waves(3000, 3),
                  {.half_life = 50,
                   .rule = true,
                   .model = online_training_settings{.every = 5, .steps = 10}});
        }
        {
            detector<encoder_decoder<float>> tested(
                tocsin_test::small_lstm<float>(2),
                {.window = 5, .scored = scored_steps::newest, .view = error_view::per_step});
            const auto values = tocsin_test::waves<float>(2, 300, 1);
            tocsin_test::run_all_phases(tested, tocsin_test::windows_over(values, 5));
            drive(tested, values, {.half_life = 50, .model = online_training_settings{}});
            auto workspace = tested.make_workspace();
            int valid = 0;
            for (index_t t = 0; t + 5 <= 100; ++t) {
                valid += tested.score(values.middleCols(t, 5), workspace).scored() ? 1 : 0;
            }
            CHECK(valid > 90);
        }
        {
            detector<encoder_decoder<float>> tested(
                tocsin_test::small_lstm<float>(2),
                {.window = 40, .view = error_view::per_feature}); // works in its stream's memory
            const auto values = tocsin_test::waves<float>(2, 400, 1);
            tocsin_test::run_all_phases(tested, tocsin_test::windows_over(values, 40, 3));
            auto stream = tested.make_stream();
            for (index_t t = 0; t < 100; ++t) {
                tested.push(stream, values.col(t));
            }
            CHECK(stream.last().scored());
        }
    }

    TEST_CASE("realtime: statistics score, share, adapt") {
        for (const int dimension : {1, 3, 40}) {
            drive_statistic<tocsin::mahalanobis<>>(dimension);
            drive_statistic<tocsin::diagonal_gaussian<>>(dimension);
        }
    }

    TEST_CASE("realtime: rules, windows, sketch, alarm control") {
        using namespace tocsin;
        spot_threshold spot{small_spot()};
        drift_spot_threshold drift{small_spot(), 20};
        REQUIRE(spot.fit(normal_scores(1000), {}).ok());
        REQUIRE(drift.fit(normal_scores(1000), {}).ok());
        moving_window window(20);
        ewma smoother(0.1);
        quantile_sketch sketch(50, 3);
        auto likelihood = *anomaly_likelihood::make({30, 4, 10, 1e-6});
        dynamic_threshold_settings batches;
        batches.batch = 5;
        batches.window = 20;
        batches.warm_up = 10;
        auto dynamic = *dynamic_threshold_stream::make(batches);
        hysteresis levels{2, 1};
        alarm_chain chain{m_of_n{2, 3}, minimum_duration{2}, suppression{5}};
        int flags = 0;
        for (const double score : normal_scores(20000)) {
            must_not_block([&] {
                spot.push(score);
                drift.push(score);
                window.push(score);
                smoother.push(score);
                sketch.push(score);
                likelihood.push(score);
                dynamic.push(std::abs(score), score);
                flags += chain.push(levels.push(score)) ? 1 : 0;
                flags += spot.threshold() < 0 || dynamic.threshold() < 0 ? 1000000 : 0;
            });
        }
        CHECK(flags > 0);
        CHECK(flags < 1000000);
    }
}
