#include "tocsin/alarm/rate_monitor.hpp"
#include "tocsin/detect/charted_detector.hpp"
#include "tocsin/detect/detector.hpp"
#include "tocsin/detect/ensemble.hpp"
#include "tocsin/io/detector_file.hpp"
#include "tocsin/io/stream_file.hpp"
#include "tocsin/models/linear_forecaster.hpp"
#include "tocsin/training/least_squares.hpp"

#include <doctest/doctest.h>

#include "io/temporary_directory.hpp"
#include "support/allocation_counter.hpp"
#include "support/small_detectors.hpp"
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <utility>
#include <vector>

using tocsin::status;
using tocsin::verdict;
using tocsin_test::says;
using tocsin_test::windows_over;

namespace {

using forecasting = tocsin::detector<tocsin::forecaster<float>>;
using charted = tocsin::charted_detector<forecasting>;

/// Two sensors of noise around a slow wave.
tocsin::matrix<float> noisy_waves(int rows, std::uint64_t seed) {
    tocsin::random_generator random(seed);
    tocsin::matrix<float> values(2, rows);
    for (int t = 0; t < rows; ++t) {
        values(0, t) = static_cast<float>(std::sin(0.05 * t) + 0.2 * random.normal());
        values(1, t) = static_cast<float>(std::cos(0.05 * t) + 0.2 * random.normal());
    }
    return values;
}

forecasting learned() {
    forecasting detector(tocsin::forecaster<float>::with_layers(2, 2, {6}));
    const auto training = noisy_waves(1000, 1);
    REQUIRE(
        detector.train(windows_over(training, 50, 10), {}, tocsin_test::quick_trainer(15)).ok());
    REQUIRE(detector.fit_errors(windows_over(noisy_waves(1000, 2), 1000)).ok());
    return detector;
}

charted ready(double promised = 10) {
    charted detector(learned(), {.promised = promised});
    const auto fitted = detector.fit(noisy_waves(6000, 3));
    REQUIRE_MESSAGE(fitted.ok(), fitted.message());
    return detector;
}

struct counts {
    int before = 0; ///< clusters of anomalies
    int after = 0;  ///< anomalies
};

/// With a given warm-up, a short one.
forecasting learned_with(const tocsin::detector_settings& settings) {
    forecasting inner(tocsin::forecaster<float>::with_layers(2, 2, {6}), settings);
    const auto training = noisy_waves(1000, 1);
    REQUIRE(inner.train(windows_over(training, 50, 10), {}, tocsin_test::quick_trainer(5)).ok());
    REQUIRE(inner.fit_errors(windows_over(noisy_waves(1000, 2), 1000)).ok());
    return inner;
}

/// Pushes rows; from `change` on, they are changed.
template <class Change>
counts judge(const charted& detector, int change, Change&& changed) {
    auto stream = detector.make_stream();
    auto values = noisy_waves(change + 600, 4);
    counts found;
    int last = -1000;
    for (int t = 0; t < values.cols(); ++t) {
        if (t >= change) {
            changed(values, t);
        }
        const bool anomaly = detector.push(stream, values.col(t)).is_anomaly();
        // Charts of up to 300 rows stay high for a while.
        found.before += t < change && anomaly && t - last > 100 ? 1 : 0;
        found.after += t >= change && anomaly ? 1 : 0;
        last = anomaly ? t : last;
    }
    return found;
}

} // namespace

static_assert(tocsin::ensemble_member<charted, float>);

TEST_SUITE("detect") {

    TEST_CASE("charted_detector: finds what single errors do not show") {
        const charted detector = ready();
        auto alone = learned();
        REQUIRE(alone.tune(windows_over(noisy_waves(6000, 3), 6000)).ok());
        const auto quiet = [](tocsin::matrix<float>& values, int t) {
            values(1, t) = static_cast<float>(std::cos(0.05 * t));
        };
        const auto step = [](tocsin::matrix<float>& values, int t) { values(0, t) += 0.3F; };
        const counts of_quiet = judge(detector, 6000, quiet);
        const counts of_step = judge(detector, 6000, step);
        MESSAGE(of_quiet.before, " clusters of false alarms in 6000 rows, 6 are promised; ",
                of_quiet.after, " of 600 rows of a quiet sensor, ", of_step.after,
                " of a small step");
        CHECK(of_quiet.before < 18);
        CHECK(of_quiet.after > 300);
        CHECK(of_step.after > 300);
        // The errors themselves become smaller where a sensor goes quiet.
        auto stream = alone.make_stream();
        auto values = noisy_waves(6600, 4);
        int found = 0;
        for (int t = 0; t < values.cols(); ++t) {
            if (t >= 6000) {
                quiet(values, t);
            }
            found += alone.push(stream, values.col(t)).is_anomaly() && t >= 6000 ? 1 : 0;
        }
        CHECK(found < 30);
    }

    TEST_CASE("charted_detector: says which sensor and which charts") {
        const charted detector = ready();
        auto stream = detector.make_stream();
        auto values = noisy_waves(1200, 5);
        for (int t = 600; t < 1200; ++t) {
            values(1, t) += 0.6F;
        }
        for (int t = 0; t < 1200; ++t) {
            detector.push(stream, values.col(t));
        }
        REQUIRE(stream.last().is_anomaly());
        CHECK(stream.last().score > stream.last().threshold);
        CHECK(stream.scores().origin_of(tocsin::chart_family::level).target == 1);
        CHECK(stream.scores().origin_of(tocsin::chart_family::level).rows > 0);
        std::vector<double> shares(2);
        detector.shares(stream, shares);
        CHECK(shares[0] == 0);
        CHECK(shares[1] == 1);
    }

    TEST_CASE("charted_detector: a missing value, a sample of the wrong size, the start") {
        const charted detector = ready();
        auto stream = detector.make_stream();
        CHECK(detector.push(stream, {1.0F, 2.0F}).kind == tocsin::verdict_kind::warming_up);
        CHECK(detector.push(stream, {1.0F}).reason == tocsin::sample_reason::wrong_size);
        const float missing = std::numeric_limits<float>::quiet_NaN();
        const auto values = noisy_waves(400, 6);
        for (int t = 0; t < 400; ++t) {
            detector.push(stream, values.col(t));
        }
        const auto one = detector.push(stream, {missing, 0.5F});
        CHECK(one.missing == 1);
        CHECK(one.scored());
        const auto both = detector.push(stream, {missing, missing});
        CHECK(both.kind == tocsin::verdict_kind::invalid_sample);
        CHECK(std::isnan(both.expected_false_alarms));
    }

    TEST_CASE("charted_detector: a lost sensor, and a gap in time") {
        forecasting inner(tocsin::forecaster<float>::with_layers(2, 2, {6}),
                          {.longest_gap = 3, .lost_after = 5});
        const auto training = noisy_waves(1000, 1);
        REQUIRE(
            inner.train(windows_over(training, 50, 10), {}, tocsin_test::quick_trainer(5)).ok());
        REQUIRE(inner.fit_errors(windows_over(noisy_waves(1000, 2), 1000)).ok());
        charted detector(inner, {.promised = 10});
        const float missing = std::numeric_limits<float>::quiet_NaN();
        const auto push_lost = [&] { // before and after fit()
            auto stream = detector.make_stream();
            for (int t = 0; t < 40; ++t) {
                detector.push(stream, {0.0F, 1.0F});
            }
            tocsin::verdict last;
            for (int t = 0; t < 6; ++t) {
                last = detector.push(stream, {0.0F, missing});
            }
            return last;
        };
        CHECK(push_lost().kind == tocsin::verdict_kind::sensor_lost);
        REQUIRE(detector.fit(noisy_waves(3000, 3)).ok());
        CHECK(push_lost().lost == 1);
        CHECK(push_lost().kind != tocsin::verdict_kind::normal);

        auto stream = detector.make_stream();
        const auto values = noisy_waves(400, 9);
        for (int t = 0; t < 400; ++t) {
            detector.push(stream, values.col(t), t);
        }
        REQUIRE(stream.last().scored());
        CHECK(stream.scores().of(tocsin::chart_family::level) ==
              stream.scores().of(tocsin::chart_family::level)); // not NaN
        const auto after = detector.push(stream, values.col(0), 1000);
        CHECK_FALSE(after.scored());
        for (int t = 1; t < 4; ++t) {
            detector.push(stream, values.col(t), 1000 + t);
        }
        // The shortest chart has 10 rows: none joins rows across the gap.
        CHECK(std::isnan(stream.scores().of(tocsin::chart_family::level)));
    }

    TEST_CASE("charted_detector: charts start anew after a gap while a sensor is lost") {
        charted detector(learned_with({.warm_up = 4, .lost_after = 5}), {.promised = 10});
        REQUIRE(detector.fit(noisy_waves(3000, 3)).ok());
        auto stream = detector.make_stream();
        auto values = noisy_waves(400, 9);
        values.row(1).setConstant(std::numeric_limits<float>::quiet_NaN());
        for (int t = 0; t < 400; ++t) {
            detector.push(stream, values.col(t), t);
        }
        CHECK_FALSE(std::isnan(stream.scores().of(tocsin::chart_family::level)));
        for (int t = 0; t < 9; ++t) {
            detector.push(stream, values.col(t), 1000 + t);
        }
        CHECK(stream.last().lost == 1);
        CHECK_FALSE(std::isnan(stream.scores().of(tocsin::chart_family::magnitude)));
        CHECK(std::isnan(stream.scores().of(tocsin::chart_family::level))); // of 10 rows or more
    }

    TEST_CASE("charted_detector: fitted to rows with gaps, no chart joins rows across one") {
        // Stretches of 14 rows, of which 8 are scored: too few for the charts of 10 to 300 rows.
        std::vector<double> times;
        for (int t = 0; t < 6000; ++t) {
            times.push_back(t % 14 + 1000.0 * (t / 14));
        }
        charted detector(learned_with({.warm_up = 4}), {.promised = 10});
        REQUIRE(detector.fit(noisy_waves(6000, 3), times).ok());
        // A sensor that goes quiet shows in these alone, and they have no rule.
        const counts found = judge(detector, 1000, [](tocsin::matrix<float>& values, int t) {
            values(1, t) = static_cast<float>(std::cos(0.05 * t));
        });
        CHECK(found.after < 30);
    }

    TEST_CASE("charted_detector: streams of another fit are not judged") {
        charted detector(learned(), {.promised = 10});
        const auto values = noisy_waves(400, 6);
        auto early = detector.make_stream();
        REQUIRE(detector.fit(noisy_waves(3000, 3)).ok());
        auto stream = detector.make_stream();
        for (int t = 0; t < 400; ++t) {
            detector.push(early, values.col(t));
            detector.push(stream, values.col(t));
        }
        CHECK(stream.last().scored());
        const std::int64_t before = early.position();
        CHECK(detector.push(early, values.col(0)).reason == tocsin::sample_reason::not_ready);
        CHECK(early.position() == before);
        CHECK_FALSE(tocsin::save_stream(detector, early).ok());

        REQUIRE(detector.fit(noisy_waves(3000, 7)).ok());
        CHECK(detector.push(stream, values.col(0)).kind == tocsin::verdict_kind::not_ready);
        std::vector<double> shares(2, 1.0);
        detector.shares(stream, shares);
        CHECK(shares == std::vector<double>{0, 0});
        CHECK_FALSE(tocsin::save_stream(detector, stream).ok());

        auto fresh = detector.make_stream();
        for (int t = 0; t < 400; ++t) {
            detector.push(fresh, values.col(t));
        }
        CHECK(fresh.last().scored());
        const auto moved = std::move(fresh);
        // NOLINTNEXTLINE(bugprone-use-after-move): what is left is no stream
        CHECK(detector.push(fresh, values.col(0)).kind == tocsin::verdict_kind::not_ready);
    }

    TEST_CASE("charted_detector: a stream that restarts joins no rows") {
        charted detector(learned_with({.warm_up = 4}), {.promised = 10});
        REQUIRE(detector.fit(noisy_waves(3000, 3)).ok());
        const auto values = noisy_waves(40, 6);
        auto stream = detector.make_stream();
        auto fresh = detector.make_stream();
        for (int t = 0; t < 40; ++t) {
            detector.push(stream, values.col(39 - t));
        }
        stream.restart();
        CHECK(stream.position() == 40);
        for (int t = 0; t < 40; ++t) {
            const auto again = detector.push(stream, values.col(t));
            const auto first = detector.push(fresh, values.col(t));
            CHECK(again.kind == first.kind);
            CHECK(again.score == first.score);
        }
    }

    TEST_CASE("charted_detector: cross-fitting keeps the promise where a model fits its own rows "
              "too well") {
        // Ten sensors of noise: with 80 inputs for each of ten targets, 300 rows are learned by heart.
        const auto noise = [](int rows, std::uint64_t seed) {
            tocsin::random_generator random(seed);
            tocsin::matrix<float> values(10, rows);
            for (float& value : values.reshaped()) {
                value = static_cast<float>(random.normal());
            }
            return values;
        };
        using linear = tocsin::detector<tocsin::linear_forecaster<float>>;
        const auto normal = noise(300, 1);
        const auto windows = windows_over(normal, 9);
        const tocsin::least_squares trainer{.ridge = 1e-3};
        tocsin::charted_detector<linear> by_its_own(
            [&] {
                linear inner{{10, 10, 8}};
                REQUIRE(inner.train(windows, {}, trainer).ok());
                REQUIRE(inner.fit_errors(windows).ok());
                return inner;
            }(),
            {.promised = 10});
        REQUIRE(by_its_own.fit(normal).ok());
        tocsin::charted_detector<linear> cross_fitted(linear{{10, 10, 8}}, {.promised = 10});
        const status fitted = cross_fitted.fit(windows, trainer, tocsin::cross_fit{});
        REQUIRE_MESSAGE(fitted.ok(), fitted.message());
        const auto rows = noise(10'000, 2);
        const auto false_alarms = [&](const auto& detector) {
            auto stream = detector.make_stream();
            int found = 0;
            for (int t = 0; t < rows.cols(); ++t) {
                found += detector.push(stream, rows.col(t)).is_anomaly() ? 1 : 0;
            }
            return found;
        };
        const int own = false_alarms(by_its_own);
        const int held_out = false_alarms(cross_fitted);
        MESSAGE(own, " and, cross-fitted, ", held_out, " anomalies in 10000 rows");
        CHECK(held_out < 200); // 10 clusters are promised, and one lasts for some rows
        CHECK(own > 2000);
    }

    TEST_CASE("charted_detector: a start is no alarm; recordings that touch are not joined") {
        using linear = tocsin::detector<tocsin::linear_forecaster<float>>;
        // Recordings of 500 rows, the first sensor alternately 8 higher: no chart may see the steps.
        auto values = noisy_waves(4000, 8);
        const std::vector<tocsin::index_t> lengths(8, 500);
        for (int t = 0; t < 4000; ++t) {
            values(0, t) += t / 500 % 2 == 0 ? 0.0F : 8.0F;
        }
        const auto windows = tocsin::make_windows(values, lengths, 20);
        REQUIRE(windows.has_value());
        tocsin::charted_detector<linear> detector(linear{{2, 2, 10}}, {.promised = 10});
        REQUIRE(
            detector.fit(*windows, tocsin::least_squares{}, tocsin::cross_fit{.folds = 4}).ok());
        auto stream = detector.make_stream();
        auto shifted = noisy_waves(700, 9);
        int found = 0;
        for (int t = 0; t < 700; ++t) {
            shifted(0, t) += t < 500 ? 0.0F : 3.0F;
            found += detector.push(stream, shifted.col(t)).is_anomaly() && t >= 500 ? 1 : 0;
        }
        CHECK(found > 50);
        int alarms = 0;
        int judged = 0;
        const auto rows = noisy_waves(20'000, 10);
        for (int start = 0; start < 500; ++start) {
            auto fresh = detector.make_stream();
            for (int t = 0; t < 30; ++t) {
                const verdict outcome = detector.push(fresh, rows.col(40 * start + t));
                judged += outcome.scored() ? 1 : 0;
                alarms += outcome.is_anomaly() ? 1 : 0;
            }
        }
        MESSAGE(found, " of 200 shifted rows, ", alarms, " of ", judged, " rows after starts");
        CHECK(judged > 5000);
        CHECK(alarms < judged / 100);
    }

    TEST_CASE(
        "charted_detector: one wrong reading among the rows of the fit does not make it blind") {
        auto rows = noisy_waves(6000, 3);
        rows(0, 3000) = -9999;
        charted detector(learned_with({.warm_up = 4}), {.promised = 10});
        REQUIRE(detector.fit(rows).ok());
        const counts found = judge(
            detector, 2000, [](tocsin::matrix<float>& values, int t) { values(0, t) += 0.4F; });
        MESSAGE(found.after, " of 600 rows of a shift");
        CHECK(found.after > 300);
        CHECK(found.before < 10);
    }

    TEST_CASE("charted_detector: says which charts it has") {
        using linear = tocsin::detector<tocsin::linear_forecaster<float>>;
        using tocsin::chart_family;
        const auto values = noisy_waves(3000, 5);
        const auto fitted_to = [&](int stride) {
            tocsin::charted_detector<linear> detector(linear{{2, 2, 5}}, {.promised = 10});
            CHECK(detector.targets_with(chart_family::magnitude, 0) == 0);
            REQUIRE(detector
                        .fit(windows_over(values, 20, stride), tocsin::least_squares{},
                             tocsin::cross_fit{})
                        .ok());
            return detector;
        };
        const auto all = fitted_to(1);
        const auto apart = fitted_to(30);
        for (const int rows : tocsin::level_chart_rows) {
            CHECK(all.targets_with(chart_family::level, rows) == 2);
            CHECK(apart.targets_with(chart_family::level, rows) == (rows == 10 ? 2 : 0));
        }
        for (const int rows : tocsin::variance_chart_rows) {
            CHECK(all.targets_with(chart_family::variance, rows) == 2);
            CHECK(apart.targets_with(chart_family::variance, rows) == 0);
        }
        CHECK(apart.targets_with(chart_family::magnitude, 0) == 2);
        CHECK(all.targets_with(chart_family::level, 0) == 0);
        CHECK(all.targets_with(chart_family::variance, 10) == 0);
        CHECK(all.targets_with(chart_family::magnitude, 10) == 0);
    }

    TEST_CASE("charted_detector: a failure of a held-out model names the windows it lacks") {
        using linear = tocsin::detector<tocsin::linear_forecaster<float>>;
        auto values = noisy_waves(2000, 5);
        values.row(1).tail(1700).setConstant(std::numeric_limits<float>::quiet_NaN());
        tocsin::charted_detector<linear> detector(linear{{2, 2, 5}});
        CHECK(says(detector.fit(windows_over(values, 10), tocsin::least_squares{},
                                tocsin::cross_fit{.folds = 4}),
                   "feature 1 has no finite training sample (learning without the windows 0 to "
                   "497 of 1991)"));
        values.row(1).setConstant(1);
        values.row(1).head(900).setConstant(std::numeric_limits<float>::quiet_NaN());
        CHECK(says(detector.fit(windows_over(values, 10), tocsin::least_squares{},
                                tocsin::rolling_origin{}),
                   "feature 1 has no finite training sample (learning from what comes before the "
                   "window 796 of 1991)"));
    }

    TEST_CASE("charted_detector: a start of constant sensors is no alarm, a jump is one") {
        using linear = tocsin::detector<tocsin::linear_forecaster<float>>;
        tocsin::random_generator random(1);
        const tocsin::matrix<float> constant = tocsin::matrix<float>::Constant(1, 5000, 5);
        auto mostly = constant;
        for (float& value : mostly.reshaped()) {
            value += random.uniform() < 0.001 ? static_cast<float>(random.normal()) : 0.0F;
        }
        for (const auto& normal : {constant, mostly}) {
            tocsin::charted_detector<linear> detector(linear{{1, 1, 10}}, {.promised = 10});
            REQUIRE(
                detector.fit(windows_over(normal, 20), tocsin::least_squares{}, tocsin::cross_fit{})
                    .ok());
            auto stream = detector.make_stream();
            int alarms = 0;
            for (int t = 0; t < 1000; ++t) {
                if (t % 100 == 0) {
                    stream.restart();
                }
                alarms += detector.push(stream, constant.col(t)).is_anomaly() ? 1 : 0;
            }
            CHECK(alarms == 0);
            CHECK(detector.push(stream, {15.0F}).is_anomaly());
        }
    }

    TEST_CASE(
        "charted_detector: cross-fitting leaves out labelled rows, and fails without a trace") {
        using linear = tocsin::detector<tocsin::linear_forecaster<float>>;
        auto values = noisy_waves(2000, 5);
        std::vector<std::uint8_t> labels(2000);
        for (int t = 900; t < 1000; ++t) {
            values(0, t) += 50;
            labels[static_cast<std::size_t>(t)] = 1;
        }
        const auto windows = windows_over(values, 10);
        const auto fit = [&](std::span<const std::uint8_t> given) {
            tocsin::charted_detector<linear> detector(linear{{2, 2, 5}}, {.promised = 10});
            REQUIRE(detector
                        .fit({windows, windows, given}, tocsin::least_squares{},
                             tocsin::cross_fit{.folds = 3})
                        .ok());
            auto stream = detector.make_stream();
            auto fresh = noisy_waves(400, 6);
            fresh(0, 350) += 5; // ten times the noise, a tenth of what was labelled
            bool found = false;
            for (int t = 0; t < 400; ++t) {
                found = detector.push(stream, fresh.col(t)).is_anomaly() || found;
            }
            return found;
        };
        CHECK(fit(labels));
        CHECK_FALSE(fit({}));

        tocsin::charted_detector<linear> detector(linear{{2, 2, 5}});
        CHECK(says(detector.fit(windows, tocsin::least_squares{}, tocsin::cross_fit{.folds = 1}),
                   "folds"));
        CHECK(says(detector.fit({windows, windows, std::span(labels).first(7)},
                                tocsin::least_squares{}, tocsin::cross_fit{}),
                   "7 labels for 2000 samples"));
        const auto few = noisy_waves(16, 7);
        CHECK_FALSE(
            detector
                .fit(windows_over(few, 8), tocsin::least_squares{}, tocsin::cross_fit{.folds = 2})
                .ok());
        CHECK_FALSE(detector.fitted());
        CHECK(detector.detector().phase() == tocsin::detector_phase::created);
    }

    TEST_CASE("charted_detector: unusable settings and data") {
        charted untrained;
        CHECK(says(untrained.fit(noisy_waves(100, 1)), "no fitted errors"));
        charted detector(learned());
        CHECK(says(detector.fit(noisy_waves(10, 1)), "needed are at least"));
        CHECK(says(detector.fit(tocsin::matrix<float>::Zero(3, 100)), "rows of 3 features"));
        const std::vector<double> times(99);
        CHECK(says(detector.fit(noisy_waves(100, 1), times), "99 times for 100 rows"));
        CHECK_FALSE(detector.fitted());
        auto stream = detector.make_stream();
        const auto values = noisy_waves(100, 1);
        for (int t = 0; t < 100; ++t) {
            CHECK_FALSE(detector.push(stream, values.col(t)).scored());
        }
        charted wrong(learned(), {.promised = 0});
        CHECK(says(wrong.fit(noisy_waves(100, 1)), "promised 0"));
    }

    TEST_CASE("charted_detector: saved and loaded, the same bits; push allocates nothing") {
        const charted detector = ready();
        const tocsin_test::temporary_directory directory;
        const auto path = directory / "charted.tocsin";
        REQUIRE(tocsin::save_detector(detector, path).ok());
        const auto loaded = tocsin::load_detector<charted>(path);
        REQUIRE_MESSAGE(loaded.has_value(), loaded.error().message());
        CHECK(loaded->identity() == detector.identity());

        constexpr int samples = 10'700;
        const auto values = noisy_waves(samples, 7);
        auto stream = detector.make_stream();
        for (int t = 0; t < 700; ++t) {
            detector.push(stream, values.col(t));
        }
        const auto bytes = tocsin::save_stream(detector, stream);
        REQUIRE_MESSAGE(bytes.has_value(), bytes.error().message());
        auto twin = tocsin::load_stream(*loaded, *bytes);
        REQUIRE_MESSAGE(twin.has_value(), twin.error().message());
        std::vector<tocsin::verdict> expected;
        const tocsin::column<float> missing =
            tocsin::column<float>::Constant(values.rows(), std::numeric_limits<float>::quiet_NaN());
        const long allocations = tocsin_test::allocations_during([&] {
            detector.push(stream, values.col(700));
            detector.push(stream, missing);
            detector.push(stream, values.col(701));
        });
        CHECK(allocations == 0);
        loaded->push(*twin, values.col(700));
        loaded->push(*twin, missing);
        loaded->push(*twin, values.col(701));
        int different = 0;
        for (int t = 702; t < samples; ++t) {
            different += tocsin_test::same_verdict(detector.push(stream, values.col(t)),
                                                   loaded->push(*twin, values.col(t)))
                             ? 0
                             : 1;
        }
        CHECK(different == 0);
        charted other = ready(1);
        CHECK_FALSE(tocsin::load_stream(other, *bytes).has_value());
    }

    TEST_CASE("charted_detector: a stream cannot bring charts that were fitted otherwise") {
        const charted detector = ready();
        auto stream = detector.make_stream();
        const auto values = noisy_waves(100, 7);
        for (int t = 0; t < 100; ++t) {
            detector.push(stream, values.col(t));
        }
        const auto saved = *tocsin::save_stream(detector, stream);
        const std::size_t content = saved.size() - sizeof(std::uint32_t);
        int refused = 0;
        for (std::size_t at = 24; at < content; at += 4) { // the last bit of each number
            auto bytes = saved;
            bytes[at] ^= std::byte{1};
            const std::uint32_t checksum = tocsin::crc32(std::span(bytes).first(content));
            for (std::size_t k = 0; k < sizeof checksum; ++k) {
                bytes[content + k] = static_cast<std::byte>(checksum >> (8 * k));
            }
            const auto loaded = tocsin::load_stream(detector, bytes);
            refused += !loaded && says(loaded.error(), "fitted to other residuals") ? 1 : 0;
        }
        const int learned = 12; // mean, scale and units
        CHECK(refused >= learned * detector.detector().model().targets());
    }

    TEST_CASE("charted_detector: its alarm control is read from a stream") {
        tocsin::charted_detector<forecasting, tocsin::rate_monitor> detector(
            learned_with({.warm_up = 4}), {.promised = 10}, tocsin::rate_monitor(10));
        REQUIRE(detector.fit(noisy_waves(3000, 3)).ok());
        auto stream = detector.make_stream();
        const auto values = noisy_waves(400, 6);
        for (int t = 0; t < 400; ++t) {
            detector.push(stream, values.col(t));
        }
        CHECK(stream.alarm_control().promised() == 10);
        CHECK(stream.alarm_control().rows() == 396);
    }

    TEST_CASE("charted_detector: only anomalies have a score above the threshold") {
        const charted detector = ready();
        auto stream = detector.make_stream();
        auto values = noisy_waves(500, 8);
        values(1, 400) += 20;
        int without = 0;
        for (int t = 0; t < 500; ++t) {
            const auto said = detector.push(stream, values.col(t));
            CHECK(said.threshold == doctest::Approx(3)); // 10 in 10 000 rows
            CHECK((said.score > said.threshold) == said.is_anomaly());
            CHECK((said.scored() ? said.score >= 0 : said.score == 0));
            CHECK((t != 400 || said.is_anomaly()));
            without += said.scored() ? 0 : 1;
        }
        CHECK(without > 0);
    }

    TEST_CASE("charted_detector: a member of an ensemble") {
        const tocsin::ensemble both({.promised = 10}, ready(), ready());
        REQUIRE(both.check().ok());
        auto stream = both.make_stream();
        const auto values = noisy_waves(500, 8);
        for (int t = 0; t < 500; ++t) {
            both.push(stream, values.col(t));
        }
        CHECK(stream.last().combined.scored());
    }
}
