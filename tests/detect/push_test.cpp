#include "tocsin/detect/detector.hpp"
#include "tocsin/errors/diagonal_gaussian.hpp"
#include "tocsin/series/generator.hpp"
#include "tocsin/threshold/manual_threshold.hpp"
#include "tocsin/threshold/sigma_threshold.hpp"

#include <doctest/doctest.h>

#include "support/allocation_counter.hpp"
#include "support/small_detectors.hpp"
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <numeric>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// push(): what is missing, lost, wrong, or stamped with a wrong time.

using tocsin::detector_settings;
using tocsin::index_t;
using tocsin::matrix;
using tocsin::missing_value;
using tocsin::sample_reason;
using tocsin::verdict;
using tocsin::verdict_kind;
using tocsin_test::learn_slow_waves;
using tocsin_test::push_each;
using tocsin_test::same_verdict;
using tocsin_test::same_verdicts;
using tocsin_test::slow_waves;
using tocsin_test::small_forecaster;
using tocsin_test::waves;
using tocsin_test::windows_over;

namespace {

constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();
constexpr float infinity = std::numeric_limits<float>::infinity();

template <class Statistic = tocsin::mahalanobis<>>
using forecasting =
    tocsin::detector<tocsin::forecaster<float>, tocsin::standard_scaler<float>, Statistic>;
using reconstructing = tocsin::detector<tocsin::encoder_decoder<float>>;

forecasting<> forecasting_detector(const detector_settings& settings = {}, int look_ahead = 2,
                                   int epochs = 25) {
    forecasting<> detector(small_forecaster(look_ahead), settings);
    learn_slow_waves(detector, epochs);
    return detector;
}
reconstructing reconstructing_detector(detector_settings settings = {}) {
    const auto values = slow_waves(200, 1);
    settings.window = 6;
    settings.scored = tocsin::scored_steps::newest;
    reconstructing detector(tocsin_test::small_lstm<float>(3), settings);
    tocsin_test::run_all_phases(detector, windows_over(values, 6));
    return detector;
}

template <class Detector>
std::vector<double> shares_of(const Detector& detector,
                              const typename Detector::stream_type& stream) {
    std::vector<double> shares(static_cast<std::size_t>(detector.features()), -1);
    detector.shares(stream, shares);
    return shares;
}
double sum_of(const std::vector<double>& values) {
    return std::accumulate(values.begin(), values.end(), 0.0);
}

/// Ten sensors: normal data to learn from and to watch.
template <class Detector>
struct ten_sensors {
    explicit ten_sensors(Detector made) : detector(std::move(made)) {
        tocsin::random_generator random(1);
        const auto generator =
            tocsin::sinusoid_generator<float>::make(
                {.features = 10, .length = 3000, .frequency = {0.1, 0.4}, .noise = 0.1}, random)
                .value();
        const matrix<float> training = generator.normal(1, random).value().values;
        live = generator.normal(1, random).value().values.leftCols(2000);
        const int length = Detector::reconstructs ? detector.settings().window : 200;
        const auto windows = windows_over(training, length, Detector::reconstructs ? 3 : 100);
        auto how = tocsin_test::quick_trainer(Detector::reconstructs ? 4 : 15);
        how.optimiser.learning_rate = 5e-3;
        how.truncation = Detector::reconstructs ? 0 : 50;
        tocsin_test::run_all_phases(detector, windows, how);
    }
    Detector detector;
    matrix<float> live;
};

/// One sensor dies, then another one is wrong.
template <class Detector>
void check_dead_sensor(const ten_sensors<Detector>& plant) {
    const auto& detector = plant.detector;
    matrix<float> live = plant.live;
    for (index_t t = 500; t < 2000; ++t) {
        live(3, t) = not_a_number;
        live(7, t) += t >= 1000 ? 20.0F : 0.0F;
    }
    auto stream = detector.make_stream();
    int before = 0;
    int alone = 0;
    int after = 0;
    int lost = 0;
    for (index_t t = 0; t < 2000; ++t) {
        const verdict outcome = detector.push(stream, live.col(t));
        const bool scored = outcome.scored();
        if (t >= 1000) {
            after += outcome.is_anomaly() ? 1 : 0;
        } else if (t >= 500) {
            alone += outcome.is_anomaly() ? 1 : 0;
            CHECK(scored);
        } else {
            before += outcome.is_anomaly() ? 1 : 0;
        }
        if (t >= 500) {
            CHECK(outcome.missing == 1);
            CHECK(outcome.lost == (t >= 500 + 49 ? 1 : 0));
            CHECK(stream.missing_samples(3) == t - 499);
            lost += outcome.kind == verdict_kind::sensor_lost ? 1 : 0;
        } else {
            CHECK(outcome.missing == 0);
            CHECK(outcome.lost == 0);
        }
        if (scored && t % 50 == 0) {
            const auto shares = shares_of(detector, stream);
            CHECK(sum_of(shares) == doctest::Approx(1));
            if (t >= 500) {
                CHECK(shares[3] == 0);
            }
        }
    }
    MESSAGE("anomalies: ", before, " of 500 before, ", alone, " of 500 with a dead sensor, ", after,
            " of 1000 with another one that is wrong");
    CHECK(before <= 25);
    CHECK(alone <= 50);
    CHECK(after >= 990);
    CHECK(lost >= 400); // while nothing else is wrong
}

/// What became of 2000 samples with times of these kinds.
std::map<sample_reason, int> run_clock(const forecasting<>& detector, const matrix<float>& live,
                                       const std::function<double(int)>& time_of, int* resets,
                                       int restart_at = -1) {
    std::map<sample_reason, int> counts;
    auto stream = detector.make_stream();
    *resets = 0;
    for (int t = 0; t < 2000; ++t) {
        if (t == restart_at) {
            stream.restart();
        }
        const verdict outcome = detector.push(stream, live.col(t), time_of(t));
        ++counts[outcome.reason];
        *resets += outcome.clock_reset ? 1 : 0;
    }
    return counts;
}

} // namespace

TEST_SUITE("detect") {
    TEST_CASE("push: normal samples pass, a frozen sensor is an anomaly with the largest share") {
        const auto detector = forecasting_detector();
        auto values = slow_waves(400, 3);
        values.row(0).segment(200, 40).setConstant(values(0, 200));
        auto stream = detector.make_stream();
        int false_alarms = 0;
        int hits = 0;
        double first_share = 0;
        for (index_t t = 0; t < values.cols(); ++t) {
            const auto outcome = detector.push(stream, values.col(t));
            CHECK(outcome.threshold == detector.threshold());
            CHECK(outcome.alarm == outcome.is_anomaly());
            if (t < detector.warm_up()) {
                CHECK(outcome.kind == verdict_kind::warming_up);
                CHECK(outcome.score == 0);
                CHECK(sum_of(shares_of(detector, stream)) == 0);
            } else if (t < 200) {
                false_alarms += outcome.is_anomaly() ? 1 : 0;
            } else if (t < 240 && outcome.is_anomaly()) {
                const auto shares = shares_of(detector, stream);
                first_share += hits == 0 ? shares[0] : 0;
                ++hits;
                CHECK(shares[2] == 0); // not forecast
            }
        }
        CHECK(false_alarms <= 6);
        CHECK(hits >= 10);
        CHECK(first_share > 0.8);
    }

    TEST_CASE("push: a threshold on the log density gives the verdicts of one on the distance") {
        using by_density =
            tocsin::detector<tocsin::forecaster<float>, tocsin::standard_scaler<float>,
                             tocsin::mahalanobis<>, tocsin::manual_threshold>;
        const double tau = -20;
        by_density detector(small_forecaster(), {}, {}, tocsin::manual_threshold(1));
        learn_slow_waves(detector, 2);
        const tocsin::gaussian_log_density density = detector.step_statistic().density();
        detector.set_rule(tocsin::manual_threshold(density.squared_distance(tau)));
        CHECK(detector.phase() == tocsin::detector_phase::tuned);
        auto changed = slow_waves(300, 3);
        changed.row(0).segment(200, 50).array() *= 3;
        auto stream = detector.make_stream();
        int anomalies = 0;
        for (index_t t = 0; t < changed.cols(); ++t) {
            const auto outcome = detector.push(stream, changed.col(t));
            if (outcome.scored()) {
                CHECK(outcome.is_anomaly() == (density.at(outcome.score) < tau));
                anomalies += outcome.is_anomaly() ? 1 : 0;
            }
        }
        CHECK(anomalies > 0);
        CHECK(anomalies < 200);
    }

    TEST_CASE("push: other policies fit in, a warm-up that is given is counted") {
        tocsin::detector<tocsin::forecaster<float>, tocsin::standard_scaler<float>,
                         tocsin::diagonal_gaussian<>, tocsin::sigma_threshold>
            detector(small_forecaster(1), {.warm_up = 5});
        learn_slow_waves(detector, 1);
        CHECK(detector.warm_up() == 5);
        auto stream = detector.make_stream();
        const auto outcomes = push_each(detector, stream, slow_waves(8));
        for (std::size_t t = 0; t < 8; ++t) {
            CHECK((outcomes[t].kind == verdict_kind::warming_up) == (t < 5));
        }
    }

    // ---- missing and lost -------------------------------------------------------------------

    TEST_CASE("push: one dead sensor of ten does not hide that another one is wrong") {
        using diagonal = forecasting<tocsin::diagonal_gaussian<>>;
        const auto model = tocsin::forecaster<float>::with_layers(10, 10, {32});
        check_dead_sensor(ten_sensors<forecasting<>>(forecasting<>(model)));
        check_dead_sensor(ten_sensors<diagonal>(diagonal(model)));
    }

    TEST_CASE("push: the same for windows, and with each way to replace what is missing") {
        for (const auto policy :
             {missing_value::hold, missing_value::forecast, missing_value::mean}) {
            check_dead_sensor(ten_sensors<reconstructing>(reconstructing(
                tocsin_test::small_lstm<float>(10, 16),
                {.window = 10, .scored = tocsin::scored_steps::newest, .missing = policy})));
        }
    }

    TEST_CASE("push: a value that is not finite counts as missing, the others are judged") {
        for (const auto policy :
             {missing_value::hold, missing_value::forecast, missing_value::mean}) {
            const auto detector = forecasting_detector({.missing = policy}, 2, 5);
            for (const float bad : {not_a_number, infinity, -infinity}) {
                const auto values = slow_waves(60, 6);
                auto broken = values;
                broken(0, 50) = bad;
                auto stream = detector.make_stream();
                const auto outcomes = push_each(detector, stream, broken.leftCols(51));
                const auto& outcome = outcomes.back();
                CHECK(outcome.scored());
                CHECK(outcome.missing == 1);
                CHECK(std::isfinite(outcome.score));
                CHECK(outcome.score > 0);
                const auto shares = shares_of(detector, stream);
                CHECK(shares[0] == 0);
                CHECK(shares[1] == doctest::Approx(1));
                CHECK(stream.missing_samples(0) == 1);
                broken(1, 51) += 30;
                CHECK(detector.push(stream, broken.col(51)).is_anomaly());
                CHECK(stream.missing_samples(0) == 0);
            }
        }
    }

    TEST_CASE("push: what the model reads in place of a missing value") {
        const auto values = slow_waves(60, 6);
        const auto forecast_after = [&](missing_value policy, float replaced) {
            const auto detector = forecasting_detector({.missing = policy}, 1, 5);
            auto stream = detector.make_stream();
            push_each(detector, stream, values.leftCols(50));
            const auto expected = detector.forecast(stream);
            auto filled = stream;
            detector.push(stream, {not_a_number, values(1, 50), values(2, 50)});
            const float value = policy == missing_value::forecast ? expected(0, 0) : replaced;
            detector.push(filled, {value, values(1, 50), values(2, 50)});
            return std::pair{detector.forecast(stream), detector.forecast(filled)};
        };
        const auto training = slow_waves(600);
        const float mean = training.row(0).leftCols(600).mean();
        for (const auto& [policy, value] :
             {std::pair{missing_value::hold, values(0, 49)},
              std::pair{missing_value::forecast, 0.0F}, std::pair{missing_value::mean, mean}}) {
            const auto [got, expected] = forecast_after(policy, value);
            CHECK((got - expected).cwiseAbs().maxCoeff() < 1e-3F);
        }
    }

    TEST_CASE("push: a sample is invalid where every value is missing, and says why") {
        const auto check = [](const auto& detector) {
            const auto values = slow_waves(60, 6);
            auto stream = detector.make_stream();
            push_each(detector, stream, values.leftCols(50));
            auto undisturbed = stream;
            const auto say = [&](std::initializer_list<float> sample) {
                return detector.push(stream, sample);
            };
            const auto all_nan = say({not_a_number, not_a_number, not_a_number});
            CHECK(all_nan.kind == verdict_kind::invalid_sample);
            CHECK(all_nan.reason == sample_reason::missing_value);
            CHECK(all_nan.missing == 3);
            CHECK(all_nan.score == 0);
            CHECK(all_nan.threshold == detector.threshold());
            CHECK_FALSE(all_nan.alarm);
            CHECK(sum_of(shares_of(detector, stream)) == 0);
            for (const auto& outcome :
                 {say({not_a_number, infinity, not_a_number}),
                  say({infinity, -infinity, not_a_number}), say({infinity, infinity, infinity})}) {
                CHECK(outcome.kind == verdict_kind::invalid_sample);
                CHECK(outcome.reason == sample_reason::not_finite);
                CHECK(outcome.missing == 3);
            }
            // A value that is there, but not one that is forecast, cannot be judged either.
            if constexpr (!std::remove_cvref_t<decltype(detector)>::reconstructs) {
                const auto unjudged = say({not_a_number, not_a_number, 0});
                CHECK(unjudged.kind == verdict_kind::invalid_sample);
                CHECK(unjudged.reason == sample_reason::missing_value);
                CHECK(unjudged.missing == 2);
                // The words must not say that nothing has come.
                CHECK(std::string_view(to_string(unjudged.reason)) ==
                      "values that the score needs are missing");
            }
        };
        check(forecasting_detector({}, 2, 5));
        check(reconstructing_detector());
    }

    TEST_CASE("push: a sample of another size is refused and changes nothing but the position") {
        const auto check = [](const auto& detector) {
            const auto values = slow_waves(60, 6);
            auto stream = detector.make_stream();
            auto undisturbed = detector.make_stream();
            std::vector<float> exact; // on the heap: reading beyond its end is found by tools
            for (index_t t = 0; t < 60; ++t) {
                for (const std::size_t size : {0U, 1U, 2U, 4U, 100U}) {
                    exact.assign(size, 1);
                    exact.shrink_to_fit();
                    const auto outcome = detector.push(stream, exact, static_cast<double>(t) + 0.5);
                    CHECK(outcome.kind == verdict_kind::invalid_sample);
                    CHECK(outcome.reason == sample_reason::wrong_size);
                    CHECK(outcome.missing == 0);
                    CHECK(outcome.score == 0);
                }
                const auto time = static_cast<double>(t);
                CHECK(same_verdict(detector.push(stream, values.col(t), time),
                                   detector.push(undisturbed, values.col(t), time)));
            }
            CHECK(stream.position() == 60 * 6);
            CHECK(undisturbed.position() == 60);
        };
        check(forecasting_detector({}, 2, 5));
        check(reconstructing_detector());
    }

    TEST_CASE("push: a sensor is lost after as many samples as set, and found again at once") {
        const auto check = [](const auto& detector) {
            const auto values = slow_waves(100, 6);
            auto stream = detector.make_stream();
            for (index_t t = 0; t < 100; ++t) {
                matrix<float> sample = values.col(t);
                const bool away = t >= 30 && t < 60;
                sample(1, 0) = away ? not_a_number : sample(1, 0);
                const auto outcome = detector.push(stream, sample.col(0));
                CHECK(outcome.missing == (away ? 1 : 0));
                CHECK(outcome.lost == (away && t >= 34 ? 1 : 0));
                CHECK(stream.missing_samples(1) == (away ? t - 29 : 0));
                CHECK((outcome.kind == verdict_kind::sensor_lost) ==
                      (outcome.lost > 0 && !(outcome.score > outcome.threshold)));
                if (outcome.kind == verdict_kind::sensor_lost) {
                    CHECK(outcome.alarm);
                    CHECK(outcome.scored());
                    CHECK_FALSE(outcome.is_anomaly());
                }
            }
        };
        check(forecasting_detector({.lost_after = 5}, 2, 5));
        check(reconstructing_detector({.lost_after = 5}));
    }

    TEST_CASE("push: all sensors at once can be lost, also before the first value") {
        const auto check = [](const auto& detector) {
            const matrix<float> nothing = matrix<float>::Constant(3, 60, not_a_number);
            const auto values = slow_waves(40, 6);
            for (const int first : {0, 40}) {
                auto stream = detector.make_stream();
                push_each(detector, stream, values.leftCols(first));
                const auto outcomes = push_each(detector, stream, nothing);
                for (std::size_t t = 0; t < 60; ++t) {
                    CAPTURE(t);
                    CHECK(outcomes[t].missing == 3);
                    CHECK(outcomes[t].lost == (t >= 4 ? 3 : 0));
                    CHECK(outcomes[t].kind ==
                          (t >= 4 ? verdict_kind::sensor_lost : verdict_kind::invalid_sample));
                    CHECK(outcomes[t].alarm == (t >= 4));
                    CHECK(outcomes[t].reason == sample_reason::missing_value);
                }
                const auto back = push_each(detector, stream, values);
                auto fresh = detector.make_stream();
                const auto expected = push_each(detector, fresh, values);
                CHECK(back[0].kind == verdict_kind::warming_up);
                CHECK(back[0].lost == 0);
                for (std::size_t t = 0; t < 40; ++t) {
                    CHECK(back[t].score == expected[t].score);
                }
            }
        };
        check(forecasting_detector({.lost_after = 5}, 2, 5));
        check(reconstructing_detector({.lost_after = 5}));
    }

    TEST_CASE("push: refused samples do not lengthen the time that a sensor has been away") {
        const auto detector = forecasting_detector({.lost_after = 3}, 1, 2);
        const auto values = slow_waves(20, 6);
        auto stream = detector.make_stream();
        push_each(detector, stream, values.leftCols(5));
        const std::vector<float> partial{values(0, 5), not_a_number, values(2, 5)};
        detector.push(stream, partial);
        detector.push(stream, {1.0F}); // of another size
        CHECK(stream.missing_samples(1) == 1);
        const auto complete = detector.push(stream, values.col(6));
        CHECK(complete.missing == 0);
        CHECK(stream.missing_samples(1) == 0);
        for (int k = 1; k <= 3; ++k) {
            CHECK(detector.push(stream, partial).lost == (k == 3 ? 1 : 0));
            CHECK(stream.missing_samples(1) == k);
        }
    }

    TEST_CASE("push: after too long a gap the stream starts anew") {
        const auto check = [](const auto& detector) {
            const auto values = slow_waves(80, 6);
            const matrix<float> nothing = matrix<float>::Constant(3, 10, not_a_number);
            for (const int gap : {3, 4, 10}) {
                auto stream = detector.make_stream();
                push_each(detector, stream, values.leftCols(40));
                for (const auto& outcome : push_each(detector, stream, nothing.leftCols(gap))) {
                    CHECK(outcome.kind == verdict_kind::invalid_sample);
                }
                const auto after = push_each(detector, stream, values.rightCols(40));
                auto fresh = detector.make_stream();
                const auto anew = push_each(detector, fresh, values.rightCols(40));
                CHECK((after[0].kind == verdict_kind::warming_up) == (gap > 3));
                if (gap > 3) {
                    CHECK(same_verdicts(after, anew));
                }
            }
        };
        check(forecasting_detector({.longest_gap = 3}, 2, 5));
        check(reconstructing_detector({.longest_gap = 3}));
    }

    TEST_CASE("push: a stream begins with its first value, also if others are missing") {
        const auto detector = forecasting_detector({.warm_up = 2}, 2, 5);
        const auto values = slow_waves(10);
        auto stream = detector.make_stream();
        CHECK(detector.push(stream, {not_a_number, not_a_number, not_a_number}).kind ==
              verdict_kind::invalid_sample);
        CHECK(detector.push(stream, {not_a_number, not_a_number, not_a_number}).kind ==
              verdict_kind::invalid_sample);
        CHECK(detector.push(stream, {1, not_a_number, 0}).kind == verdict_kind::warming_up);
        CHECK(detector.push(stream, values.col(1)).kind == verdict_kind::warming_up);
        CHECK(detector.push(stream, values.col(2)).scored());
    }

    // ---- clock ------------------------------------------------------------------------------

    TEST_CASE("push: a clock that is wrong costs a few samples, whatever is wrong with it") {
        const auto detector = forecasting_detector({.warm_up = 10}, 1);
        const matrix<float> live = slow_waves(2000, 7);
        struct clock_case {
            const char* name;
            std::function<double(int)> time_of;
            int refused; ///< samples
            int resets;
            int restart_at = -1;
            int warming = -1; ///< -1: ten after each start
        };
        const double epoch = 1.7e9;
        const std::vector<clock_case> cases{
            {"steady minutes", [](int t) { return 60.0 * t; }, 0, 0},
            {"an hour back", [](int t) { return 60.0 * t - (t >= 1000 ? 3600 : 0); }, 2, 1},
            {"an hour forward", [](int t) { return 60.0 * t + (t >= 1000 ? 3600 : 0); }, 2, 1},
            {"an hour back and forward",
             [](int t) { return 60.0 * t - (t >= 500 && t < 1500 ? 3600 : 0); }, 4, 2},
            {"one of 1970", [&](int t) { return t == 1000 ? 0.0 : epoch + 60.0 * t; }, 1, 0},
            {"one of 2099", [&](int t) { return t == 1000 ? 4.07e9 : epoch + 60.0 * t; }, 1, 0},
            {"the first of 2099", [&](int t) { return t == 0 ? 4.07e9 : epoch + 60.0 * t; }, 2, 1,
             -1, 11},
            {"2099 until a restart",
             [&](int t) { return t >= 1000 && t < 1200 ? 4.07e9 + t : epoch + 60.0 * t; }, 2, 1,
             1200},
            {"one of 2099, then a restart",
             [&](int t) { return t == 1199 ? 4.07e9 : epoch + 60.0 * t; }, 1, 0, 1200},
            {"not known", [](int t) { return t == 1000 ? NAN : 60.0 * t; }, 0, 0},
            {"never known", [](int) { return NAN; }, 0, 0},
            {"infinite", [](int t) { return t == 1000 ? HUGE_VAL : 60.0 * t; }, 1, 0},
            {"a day back for good",
             [&](int t) { return epoch + 60.0 * t - (t >= 1000 ? 86400 : 0); }, 2, 1},
            {"slower by twenty",
             [](int t) { return t < 1000 ? 60.0 * t : 60000 + 1200.0 * (t - 1000); }, 2, 1},
        };
        for (const auto& [name, time_of, refused, expected_resets, restart_at, given] : cases) {
            INFO(std::string(name));
            int resets = 0;
            const auto counts = run_clock(detector, live, time_of, &resets, restart_at);
            const auto count = [&](sample_reason reason) {
                const auto found = counts.find(reason);
                return found == counts.end() ? 0 : found->second;
            };
            CHECK(count(sample_reason::out_of_order) == refused);
            CHECK(resets == expected_resets);
            const int starts = 1 + resets + (restart_at >= 0 ? 1 : 0);
            const int warming = given < 0 ? 10 * starts : given;
            CHECK(count(sample_reason::warming_up) == warming);
            CHECK(count(sample_reason::scored) == 2000 - refused - warming);
        }
    }

    TEST_CASE("push: as many samples as set must agree before a time is taken over") {
        const matrix<float> live = slow_waves(2000, 7);
        for (const int agreement : {1, 2, 5, 20}) {
            const auto detector =
                forecasting_detector({.warm_up = 10, .clock_agreement = agreement}, 1, 2);
            int resets = 0;
            auto counts = run_clock(
                detector, live, [](int t) { return t < 1000 ? 60.0 * t : 60.0 * t - 86400; },
                &resets);
            CHECK(counts[sample_reason::out_of_order] == agreement - 1);
            CHECK(resets == 1);
        }
    }

    TEST_CASE("push: a refused sample leaves no trace in the model") {
        const auto check = [](const auto& detector) {
            const auto values = slow_waves(60, 7);
            auto stream = detector.make_stream();
            auto undisturbed = detector.make_stream();
            for (index_t t = 0; t < 60; ++t) {
                const auto time = static_cast<double>(t);
                CHECK(same_verdict(detector.push(stream, values.col(t), time),
                                   detector.push(undisturbed, values.col(t), time)));
                if (t > 0) {
                    const auto twice = detector.push(stream, values.col(3), time);
                    CHECK(twice.kind == verdict_kind::invalid_sample);
                    CHECK(twice.reason == sample_reason::out_of_order);
                    CHECK(detector.push(stream, values.col(3), time - 0.5).reason ==
                          sample_reason::out_of_order);
                    CHECK(stream.time() == time);
                }
            }
        };
        check(forecasting_detector({}, 2, 5));
        check(reconstructing_detector());
    }

    TEST_CASE("push: rows on both sides of a pause are never joined") {
        const auto check = [](const auto& detector, int warm_up) {
            const auto values = slow_waves(80, 7);
            auto stream = detector.make_stream();
            auto fresh = detector.make_stream();
            for (index_t t = 0; t < 40; ++t) {
                detector.push(stream, values.col(t), static_cast<double>(t));
            }
            for (index_t t = 40; t < 80; ++t) {
                const auto time = static_cast<double>(t) + 100;
                const auto got = detector.push(stream, values.col(t), time);
                if (t < 42) {
                    CHECK(got.reason == sample_reason::out_of_order);
                    continue;
                }
                CHECK(got.clock_reset == (t == 42));
                CHECK((got.kind == verdict_kind::warming_up) == (t < 42 + warm_up));
                const auto expected = detector.push(fresh, values.col(t), time);
                CHECK(got.score == expected.score);
                CHECK(got.kind == expected.kind);
            }
            // A sample without a time is taken as the next one.
            CHECK(detector.push(stream, values.col(0)).kind != verdict_kind::invalid_sample);
        };
        for (const double pause : {5.0, std::numeric_limits<double>::quiet_NaN()}) {
            const auto forecasts = forecasting_detector({.longest_pause = pause}, 2, 5);
            check(forecasts, forecasts.warm_up());
            const auto windows = reconstructing_detector({.longest_pause = pause});
            check(windows, 5);
        }
    }

    // ---- memory -----------------------------------------------------------------------------

    TEST_CASE("push: allocates nothing, whatever comes") {
        const auto check = [](const auto& detector) {
            const auto values = tocsin_test::with_holes(slow_waves(100), 0.1, 3);
            auto stream = detector.make_stream();
            double sum = 0;
            std::vector<double> shares(3);
            const long allocations = tocsin_test::allocations_during([&] {
                for (index_t t = 0; t < 100; ++t) {
                    sum += detector.push(stream, values.col(t), static_cast<double>(t)).score;
                    sum += detector.push(stream, {not_a_number, not_a_number, infinity}).score;
                    sum += detector.push(stream, {1.0F}).score;
                    if (t % 10 == 5) {
                        sum += detector.push(stream, values.col(t), 4e9).score;
                    }
                    detector.shares(stream, shares);
                    if (t % 40 == 39) {
                        stream.restart();
                    }
                }
            });
            CHECK(allocations == 0);
            CHECK(sum > 0);
            CHECK(tocsin_test::allocations_during([&] { detector.make_stream(); }) > 0);
        };
        check(forecasting_detector({}, 2, 5));
        check(reconstructing_detector());
    }

    TEST_CASE("push: a scratch that is too large for the stack lies in the stream") {
        // Windows of 900 samples: 2 * 2700 scalars of scratch are more than 16 KiB.
        const auto values = slow_waves(1100, 1);
        tocsin::detector<tocsin::encoder_decoder<float>, tocsin::standard_scaler<float>,
                         tocsin::diagonal_gaussian<>>
            detector(tocsin_test::small_lstm<float>(3),
                     {.window = 900, .scored = tocsin::scored_steps::newest});
        tocsin_test::run_all_phases(detector, windows_over(values, 900, 20),
                                    tocsin_test::quick_trainer(1));
        auto stream = detector.make_stream();
        auto memory = detector.make_workspace();
        for (index_t t = 0; t < 950; ++t) {
            verdict outcome;
            CHECK(tocsin_test::allocations_during(
                      [&] { outcome = detector.push(stream, values.col(t)); }) == 0);
            CHECK(outcome.scored() == (t >= 899));
            if (t >= 940) {
                CHECK(outcome.score ==
                      detector.score(values.middleCols(t - 899, 900), memory).step_score);
            }
        }
    }
}
