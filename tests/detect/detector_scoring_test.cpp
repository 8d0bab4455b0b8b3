#include "tocsin/detect/detector.hpp"

#include <doctest/doctest.h>

#include "support/allocation_counter.hpp"
#include "support/small_detectors.hpp"
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

// score() and push() over LSTM networks.

using tocsin::detector_settings;
using tocsin::index_t;
using tocsin::matrix;
using tocsin::scored_steps;
using tocsin::verdict_kind;
using tocsin_test::same_bits;
using tocsin_test::sample_of;
using tocsin_test::small_lstm;
using tocsin_test::static_lstm;
using tocsin_test::waves;
using tocsin_test::windows_over;

namespace {

constexpr int window_length = 6;

template <class Scalar>
using dynamic_model = tocsin::encoder_decoder<Scalar>;
template <class Scalar>
using dynamic_detector = tocsin::detector<dynamic_model<Scalar>>;

/// Batches use matrix products, single windows matrix-vector products, which round differently.
template <class Scalar>
double tolerance() {
    return std::is_same_v<Scalar, float> ? 1e-3 : 1e-9;
}

template <class Scalar>
dynamic_detector<Scalar> ready_detector(const tocsin::windows<Scalar>& windows,
                                        scored_steps scored = scored_steps::all) {
    dynamic_detector<Scalar> detector(
        small_lstm<Scalar>(windows.features()),
        detector_settings{.window = windows.length(), .scored = scored, .batch_size = 16});
    tocsin_test::run_all_phases(detector, windows);
    return detector;
}

using scoring = dynamic_detector<float>;
using sample = std::span<const float>;
static_assert(noexcept(std::declval<scoring&>().push(std::declval<sample>())));
static_assert(noexcept(std::declval<scoring&>().score(std::declval<const matrix<float>&>())));
static_assert(noexcept(
    std::declval<scoring&>().score(std::declval<const tocsin::matrix_view<const float>&>())));
static_assert(noexcept(std::declval<scoring&>().restart_stream()));
static_assert(noexcept(std::declval<scoring&>().override_thresholds(1, 2)));
static_assert(noexcept(std::declval<const scoring&>().step_threshold()));
static_assert(noexcept(std::declval<const scoring&>().feature_threshold()));
static_assert(noexcept(std::declval<const scoring&>().check()));

/// Everything that score() and push() do, then one call that allocates for certain.
template <class Model>
void check_allocations(Model model) {
    using scalar = typename Model::scalar_type;
    const auto values = waves<scalar>(3, 60, 1);
    const auto windows = windows_over(values, window_length);
    auto broken = values;
    broken(1, 20) = std::numeric_limits<scalar>::quiet_NaN();
    broken(2, 30) = std::numeric_limits<scalar>::max();
    const auto broken_windows = windows_over(broken, window_length);
    for (const auto scored : {scored_steps::all, scored_steps::newest}) {
        tocsin::detector<Model> detector(
            model, detector_settings{.window = window_length, .scored = scored});
        tocsin_test::run_all_phases(detector, windows);
        double sum = 0;
        const long during = tocsin_test::allocations_during([&] {
            for (index_t k = 0; k < windows.count(); ++k) {
                sum += detector.score(windows.window(k)).step_score;
                detector.score(broken_windows.window(k));
            }
            for (index_t t = 0; t < broken.cols(); ++t) {
                sum += detector.push(sample_of(values, t)).score;
                detector.push(sample_of(broken, t));
            }
            detector.restart_stream();
            detector.override_thresholds(1, 2);
        });
        std::vector<double> per_step;
        std::vector<double> per_feature;
        const long control = tocsin_test::allocations_during(
            [&] { static_cast<void>(detector.scores(windows, per_step, per_feature)); });
        CHECK(during == 0);
        CHECK(control > 0);
        CHECK(sum != 0);
    }
}

} // namespace

TEST_SUITE("detect") {
    TEST_CASE_TEMPLATE("score: agrees with scores() and reconstruct(), which work in batches",
                       Scalar, float, double) {
        const auto values = waves<Scalar>(3, 60, 1);
        const auto windows = windows_over(values, window_length);
        auto detector = ready_detector(windows);
        std::vector<double> per_step;
        std::vector<double> per_feature;
        REQUIRE(detector.scores(windows, per_step, per_feature).ok());
        std::vector<matrix<Scalar>> reconstructions;
        REQUIRE(detector
                    .reconstruct(windows,
                                 [&](index_t k, const auto& window, const auto& prediction) {
                                     CHECK(k == static_cast<index_t>(reconstructions.size()));
                                     CHECK(window == windows.window(k));
                                     reconstructions.push_back(prediction);
                                 })
                    .ok());
        REQUIRE(reconstructions.size() == per_step.size());
        detector.override_thresholds(per_step[20], per_feature[20]);

        int flagged = 0;
        for (index_t k = 0; k < windows.count(); ++k) {
            CAPTURE(k);
            const auto verdict = detector.score(windows.window(k));
            const auto at = static_cast<std::size_t>(k);
            CHECK(verdict.valid);
            CHECK(verdict.step_score == doctest::Approx(per_step[at]).epsilon(tolerance<Scalar>()));
            CHECK(verdict.feature_score ==
                  doctest::Approx(per_feature[at]).epsilon(tolerance<Scalar>()));
            CHECK((verdict.reconstruction - reconstructions[at]).cwiseAbs().maxCoeff() <
                  static_cast<Scalar>(tolerance<Scalar>()));
            REQUIRE(verdict.step_distances.size() == window_length);
            REQUIRE(verdict.feature_distances.size() == 3);
            CHECK(verdict.step_score ==
                  *std::max_element(verdict.step_distances.begin(), verdict.step_distances.end()));
            CHECK(verdict.feature_score == *std::max_element(verdict.feature_distances.begin(),
                                                             verdict.feature_distances.end()));
            CHECK(verdict.flagged_by_step == (verdict.step_score > detector.step_threshold()));
            CHECK(verdict.flagged_by_feature ==
                  (verdict.feature_score > detector.feature_threshold()));
            flagged += verdict.flagged_by_step ? 1 : 0;
        }
        CHECK(flagged > 0);
        CHECK(flagged < windows.count());
    }

    TEST_CASE("score: the distances are those of the statistics for the residual of the window") {
        const auto values = waves<double>(2, 60, 1);
        const auto windows = windows_over(values, window_length);
        auto detector = ready_detector(windows);
        const auto verdict = detector.score(windows.window(9));
        matrix<double> original = windows.window(9);
        matrix<double> reconstruction = verdict.reconstruction;
        detector.data_scaler().transform(original);
        detector.data_scaler().transform(reconstruction);
        const matrix<double> errors = (original - reconstruction).cwiseAbs();
        auto per_step = detector.step_statistic();
        auto per_feature = detector.feature_statistic();
        for (int t = 0; t < window_length; ++t) {
            CHECK(verdict.step_distances[static_cast<std::size_t>(t)] ==
                  doctest::Approx(per_step.squared_distance(errors.col(t))).epsilon(1e-9));
        }
        for (int f = 0; f < 2; ++f) {
            CHECK(verdict.feature_distances[static_cast<std::size_t>(f)] ==
                  doctest::Approx(per_feature.squared_distance(errors.row(f).transpose()))
                      .epsilon(1e-9));
        }
        CHECK(per_step.dimension() == 2);
        CHECK(per_feature.dimension() == window_length);
        // Every step of every window is one error vector, every feature of every window another.
        CHECK(per_step.accumulated().count() == windows.count() * window_length);
        CHECK(per_feature.accumulated().count() == windows.count() * 2);
    }

    TEST_CASE("score: with the newest step alone there is one distance, fitted to newest steps") {
        const auto values = waves<float>(3, 60, 1);
        const auto windows = windows_over(values, window_length);
        auto detector = ready_detector(windows, scored_steps::newest);
        CHECK(detector.step_statistic().accumulated().count() == windows.count());
        matrix<float> window = windows.window(5);
        const auto before = detector.score(window);
        REQUIRE(before.step_distances.size() == 1);
        CHECK(before.step_distances[0] == before.step_score);
        CHECK(before.feature_distances.size() == 3);
        CHECK_FALSE(before.flagged_by_step);
        window(1, window_length - 1) += 20;
        CHECK(detector.score(window).flagged_by_step);
    }

    TEST_CASE("score: a window with NaN or infinity is not valid and flags nothing") {
        const auto values = waves<float>(2, 60, 1);
        const auto windows = windows_over(values, window_length);
        for (const auto scored : {scored_steps::all, scored_steps::newest}) {
            auto detector = ready_detector(windows, scored);
            detector.override_thresholds(-1, -1); // every number would exceed it
            for (const float bad :
                 {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                  -std::numeric_limits<float>::infinity()}) {
                for (const int t : {0, window_length - 1}) {
                    CAPTURE(bad);
                    CAPTURE(t);
                    auto broken = values;
                    broken(1, t) = bad;
                    const auto first = windows_over(broken, window_length);
                    const auto verdict = detector.score(first.window(0));
                    CHECK_FALSE(verdict.valid);
                    CHECK_FALSE(verdict.flagged_by_step);
                    CHECK_FALSE(verdict.flagged_by_feature);
                    CHECK(std::isnan(verdict.step_score));
                    CHECK(std::isnan(verdict.feature_score));

                    std::vector<double> per_step;
                    std::vector<double> per_feature;
                    REQUIRE(detector.scores(first, per_step, per_feature).ok());
                    CHECK(std::isnan(per_step[0]));
                    CHECK(std::isnan(per_feature[0]));
                    CHECK(std::isfinite(per_step[static_cast<std::size_t>(t) + 1]));
                }
            }
            // It leaves nothing behind.
            const auto after = detector.score(windows.window(0));
            CHECK(after.valid);
            CHECK(after.flagged_by_step);
            CHECK(std::isfinite(after.step_score));
        }
    }

    TEST_CASE_TEMPLATE("score, push: finite values that overflow are as anomalous as can be",
                       Scalar, float, double) {
        // Small units, so that scaling huge values overflows.
        const matrix<Scalar> values = waves<Scalar>(3, 60, 1) * Scalar(0.01);
        const auto windows = windows_over(values, window_length);
        const Scalar huge = std::is_same_v<Scalar, float> ? Scalar(1e38) : Scalar(1e308);
        for (const auto scored : {scored_steps::all, scored_steps::newest}) {
            auto detector = ready_detector(windows, scored);
            for (const Scalar value : {huge, Scalar(-huge)}) {
                for (const int t : {0, window_length - 1}) {
                    CAPTURE(t);
                    matrix<Scalar> window = windows.window(3);
                    window(2, t) = value;
                    const auto whole = detector.score(window);
                    CHECK(whole.valid);
                    CHECK(whole.feature_score == std::numeric_limits<double>::infinity());
                    CHECK(whole.flagged_by_feature);
                    if (scored == scored_steps::all || t == window_length - 1) {
                        CHECK(whole.step_score == std::numeric_limits<double>::infinity());
                        CHECK(whole.flagged_by_step);
                    }
                    detector.restart_stream();
                    tocsin::verdict last;
                    for (int k = 0; k < window_length; ++k) {
                        last = detector.push(sample_of(window, k));
                    }
                    CHECK(last.score == whole.step_score);
                    CHECK(last.is_anomaly() == whole.flagged_by_step);
                    REQUIRE(last.shares.size() == 3);
                    CHECK(std::accumulate(last.shares.begin(), last.shares.end(), 0.0) ==
                          doctest::Approx(1));
                    if (std::isinf(last.score)) {
                        CHECK(last.shares[2] == doctest::Approx(1));
                    }
                }
            }
        }
    }

    TEST_CASE_TEMPLATE("push: a stream gives the bits that score() gives for the same windows",
                       Scalar, float, double) {
        const auto training = waves<Scalar>(3, 60, 1);
        const auto windows = windows_over(training, window_length);
        auto stream = waves<Scalar>(3, 70, 2);
        stream(1, 30) += 20;
        const auto stream_windows = windows_over(stream, window_length);
        for (const auto scored : {scored_steps::all, scored_steps::newest}) {
            auto detector = ready_detector(windows, scored);
            auto other = detector; // so that score() does not write between two pushes
            int anomalies = 0;
            for (index_t t = 0; t < stream.cols(); ++t) {
                CAPTURE(t);
                const auto verdict = detector.push(sample_of(stream, t));
                if (t + 1 < window_length) {
                    CHECK(verdict.kind == verdict_kind::warming_up);
                    CHECK(verdict.score == 0);
                    CHECK(verdict.shares.empty());
                    continue;
                }
                const auto expected = other.score(stream_windows.window(t + 1 - window_length));
                CHECK(verdict.score == expected.step_score);
                CHECK(verdict.threshold == detector.step_threshold());
                CHECK(verdict.is_anomaly() == expected.flagged_by_step);
                CHECK((verdict.kind == verdict_kind::anomaly ||
                       verdict.kind == verdict_kind::normal));
                REQUIRE(verdict.shares.size() == 3);
                CHECK(std::accumulate(verdict.shares.begin(), verdict.shares.end(), 0.0) ==
                      doctest::Approx(1));
                anomalies += verdict.is_anomaly() ? 1 : 0;
                if (t == 30) {
                    CHECK(verdict.is_anomaly());
                    CHECK(verdict.shares[1] > 0.8);
                }
            }
            CHECK(anomalies > 0);
            CHECK(anomalies < 30);
        }
    }

    TEST_CASE("push: score() between two samples does not disturb the stream") {
        const auto values = waves<float>(2, 60, 1);
        const auto windows = windows_over(values, window_length);
        auto detector = ready_detector(windows);
        auto undisturbed = detector;
        for (index_t t = 0; t < 20; ++t) {
            detector.score(windows.window(40));
            CHECK(detector.push(sample_of(values, t)).score ==
                  undisturbed.push(sample_of(values, t)).score);
        }
    }

    TEST_CASE("push: a sample that is not finite is reported and left out of the window") {
        const auto values = waves<float>(2, 60, 1);
        const auto windows = windows_over(values, window_length);
        auto detector = ready_detector(windows);
        auto undisturbed = detector;
        for (index_t t = 0; t < 30; ++t) {
            CAPTURE(t);
            for (const float bad : {std::numeric_limits<float>::quiet_NaN(),
                                    std::numeric_limits<float>::infinity()}) {
                const std::vector<float> broken{values(0, t), bad};
                const auto verdict = detector.push(broken);
                CHECK(verdict.kind == verdict_kind::invalid_sample);
                CHECK_FALSE(verdict.is_anomaly());
                CHECK(verdict.score == 0);
                CHECK(verdict.shares.empty());
            }
            const auto verdict = detector.push(sample_of(values, t));
            const auto expected = undisturbed.push(sample_of(values, t));
            CHECK(verdict.kind == expected.kind);
            CHECK(verdict.score == expected.score);
        }
    }

    TEST_CASE("push: restart_stream() forgets the samples") {
        const auto values = waves<float>(2, 60, 1);
        const auto windows = windows_over(values, window_length);
        auto detector = ready_detector(windows);
        auto fresh = detector;
        for (index_t t = 0; t < 10; ++t) {
            detector.push(sample_of(values, t));
        }
        detector.restart_stream();
        for (index_t t = 20; t < 30; ++t) {
            const auto verdict = detector.push(sample_of(values, t));
            const auto expected = fresh.push(sample_of(values, t));
            CHECK(verdict.kind == expected.kind);
            CHECK((verdict.kind == verdict_kind::warming_up) == (t < 20 + window_length - 1));
            CHECK(verdict.score == expected.score);
        }
        // New weights are a new detector: its stream starts afresh, too.
        REQUIRE(detector.train(windows, {}, tocsin_test::quick_trainer()).ok());
        REQUIRE(detector.fit_errors(windows).ok());
        CHECK(detector.push(sample_of(values, 0)).kind == verdict_kind::warming_up);
    }

    TEST_CASE("push: a window of one sample and one feature is judged at once") {
        const auto values = waves<float>(1, 60, 1);
        const auto windows = windows_over(values, 1);
        auto detector = ready_detector(windows);
        const auto verdict = detector.push(sample_of(values, 0));
        CHECK(verdict.kind != verdict_kind::warming_up);
        CHECK(verdict.score == detector.score(windows.window(0)).step_score);
        REQUIRE(verdict.shares.size() == 1);
        CHECK(verdict.shares[0] == doctest::Approx(1));
        const float far_out = 1000;
        CHECK(detector.push({&far_out, 1}).is_anomaly());
    }

    TEST_CASE("score, push: allocate nothing with sizes at run time") {
        check_allocations(small_lstm<float>(3));
    }

    TEST_CASE("score, push: allocate nothing in double") {
        check_allocations(small_lstm<double>(3));
    }

    TEST_CASE("score, push: allocate nothing with sizes at compile time") {
        check_allocations(static_lstm<float, 3, 4>{});
    }

    TEST_CASE("score, push: static and dynamic sizes agree") {
        const auto values = waves<float>(3, 60, 1);
        const auto windows = windows_over(values, window_length);
        auto detector = ready_detector(windows);
        tocsin::detector<static_lstm<float, 3, 4>> fixed(
            {}, detector_settings{.window = window_length});
        auto how = tocsin_test::quick_trainer(0);
        auto state = tocsin::training_state<float>::fresh(fixed.model(), how.optimiser, 1);
        REQUIRE(state.parameters.size() == detector.parameters().size());
        std::copy(detector.parameters().begin(), detector.parameters().end(),
                  state.best_parameters.begin());
        REQUIRE(fixed.train_from(state, windows, {}, how).ok());
        REQUIRE(fixed.fit_errors(windows).ok());
        for (index_t k = 0; k < windows.count(); k += 7) {
            CHECK(fixed.score(windows.window(k)).step_score ==
                  doctest::Approx(detector.score(windows.window(k)).step_score).epsilon(1e-3));
        }
    }
}
