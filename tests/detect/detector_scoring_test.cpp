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

// score() and scores() of windows.

using tocsin::detector_settings;
using tocsin::error_view;
using tocsin::index_t;
using tocsin::matrix;
using tocsin::scored_steps;
using tocsin_test::judge;
using tocsin_test::small_lstm;
using tocsin_test::static_lstm;
using tocsin_test::waves;
using tocsin_test::windows_over;

namespace {

constexpr int window_length = 6;

template <class Scalar>
using dynamic_detector = tocsin::detector<tocsin::encoder_decoder<Scalar>>;

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

using scoring = const dynamic_detector<float>;
using workspace = tocsin::window_workspace<float>;
static_assert(noexcept(std::declval<scoring&>().score(std::declval<const matrix<float>&>(),
                                                      std::declval<workspace&>())));
static_assert(noexcept(std::declval<scoring&>().score(
    std::declval<const tocsin::matrix_view<const float>&>(), std::declval<workspace&>())));
static_assert(noexcept(std::declval<scoring&>().threshold()));
static_assert(noexcept(std::declval<scoring&>().check()));

/// score(), then one call that allocates for certain.
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
        auto memory = detector.make_workspace();
        const long during = tocsin_test::allocations_during([&] {
            for (index_t k = 0; k < windows.count(); ++k) {
                sum += detector.score(windows.window(k), memory).step_score;
                detector.score(broken_windows.window(k), memory);
            }
        });
        const long control = tocsin_test::allocations_during(
            [&] { static_cast<void>(detector.scores(windows).has_value()); });
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
        const auto scores = detector.scores(windows);
        REQUIRE(scores.has_value());
        const auto& [per_step, per_feature] = *scores;
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
        auto memory = detector.make_workspace();
        for (index_t k = 0; k < windows.count(); ++k) {
            CAPTURE(k);
            const auto verdict = detector.score(windows.window(k), memory);
            const auto at = static_cast<std::size_t>(k);
            CHECK(verdict.scored());
            CHECK(verdict.step_score == doctest::Approx(per_step[at]).epsilon(tolerance<Scalar>()));
            CHECK(verdict.feature_score ==
                  doctest::Approx(per_feature[at]).epsilon(tolerance<Scalar>()));
            CHECK((memory.reconstruction() - reconstructions[at]).cwiseAbs().maxCoeff() <
                  static_cast<Scalar>(tolerance<Scalar>()));
            const auto by_step = memory.step_scores();
            const auto by_feature = memory.feature_scores();
            REQUIRE(by_step.size() == window_length);
            REQUIRE(by_feature.size() == 3);
            CHECK(verdict.step_score == *std::max_element(by_step.begin(), by_step.end()));
            CHECK(verdict.feature_score == *std::max_element(by_feature.begin(), by_feature.end()));
            CHECK(verdict.flagged_by_step == (verdict.step_score > detector.threshold()));
            CHECK(verdict.flagged_by_feature ==
                  (verdict.feature_score > detector.threshold(error_view::per_feature)));
            flagged += verdict.flagged_by_step ? 1 : 0;
        }
        CHECK(flagged > 0);
        CHECK(flagged < windows.count());
    }

    TEST_CASE("score: the scores are those of the statistics for the residual of the window") {
        const auto values = waves<double>(2, 60, 1);
        const auto windows = windows_over(values, window_length);
        const auto detector = ready_detector(windows);
        auto memory = detector.make_workspace();
        detector.score(windows.window(9), memory);
        matrix<double> original = windows.window(9);
        matrix<double> reconstruction = memory.reconstruction();
        detector.data_scaler().transform(original);
        detector.data_scaler().transform(reconstruction);
        const matrix<double> errors = (original - reconstruction).cwiseAbs();
        const matrix<double> transposed = errors.transpose();
        const auto column = [](const matrix<double>& of, index_t k) {
            return std::span<const double>(of.data() + k * of.rows(),
                                           static_cast<std::size_t>(of.rows()));
        };
        const auto& per_step = detector.step_statistic();
        const auto& per_feature = detector.feature_statistic();
        for (int t = 0; t < window_length; ++t) {
            CHECK(memory.step_scores()[static_cast<std::size_t>(t)] ==
                  doctest::Approx(per_step.score(column(errors, t))).epsilon(1e-9));
        }
        for (int f = 0; f < 2; ++f) {
            CHECK(memory.feature_scores()[static_cast<std::size_t>(f)] ==
                  doctest::Approx(per_feature.score(column(transposed, f))).epsilon(1e-9));
        }
        CHECK(per_step.dimension() == 2);
        CHECK(per_feature.dimension() == window_length);
        // Every step of every window is one error vector, every feature of every window another.
        CHECK(per_step.accumulated().count() == windows.count() * window_length);
        CHECK(per_feature.accumulated().count() == windows.count() * 2);
    }

    TEST_CASE("score: with the newest step alone there is one score, fitted to newest steps") {
        const auto values = waves<float>(3, 60, 1);
        const auto windows = windows_over(values, window_length);
        const auto detector = ready_detector(windows, scored_steps::newest);
        CHECK(detector.step_statistic().accumulated().count() == windows.count());
        matrix<float> window = windows.window(5);
        auto memory = detector.make_workspace();
        const auto before = detector.score(window, memory);
        REQUIRE(memory.step_scores().size() == 1);
        CHECK(memory.step_scores()[0] == before.step_score);
        CHECK(memory.feature_scores().size() == 3);
        CHECK_FALSE(before.flagged_by_step);
        window(1, window_length - 1) += 20;
        CHECK(detector.score(window, memory).flagged_by_step);
    }

    TEST_CASE("score: one missing value does not hide the others") {
        const auto values = waves<float>(3, 60, 1);
        const auto windows = windows_over(values, window_length);
        for (const auto scored : {scored_steps::all, scored_steps::newest}) {
            const auto detector = ready_detector(windows, scored);
            for (const float bad :
                 {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                  -std::numeric_limits<float>::infinity()}) {
                for (const int t : {0, window_length - 1}) {
                    CAPTURE(bad);
                    CAPTURE(t);
                    matrix<float> window = windows.window(8);
                    window(1, t) = bad;
                    const auto verdict = judge(detector, window);
                    CHECK(verdict.scored());
                    CHECK(std::isfinite(verdict.step_score));
                    CHECK(std::isfinite(verdict.feature_score));
                    const auto scores = detector.scores(windows_over(window, window_length));
                    REQUIRE(scores.has_value());
                    CHECK(scores->per_step[0] == doctest::Approx(verdict.step_score).epsilon(1e-3));
                    CHECK(scores->per_feature[0] ==
                          doctest::Approx(verdict.feature_score).epsilon(1e-3));
                    window(2, window_length - 1) += 20;
                    CHECK(judge(detector, window).flagged_by_step);
                    CHECK(judge(detector, window).flagged_by_feature);
                }
            }
        }
    }

    TEST_CASE("score: a window without any value is not valid and flags nothing") {
        const auto values = waves<float>(2, 60, 1);
        const auto windows = windows_over(values, window_length);
        auto detector = ready_detector(windows);
        detector.override_thresholds(-1, -1); // every number would exceed it
        const matrix<float> nothing =
            matrix<float>::Constant(2, window_length, std::numeric_limits<float>::quiet_NaN());
        auto memory = detector.make_workspace();
        const auto verdict = detector.score(nothing, memory);
        CHECK_FALSE(verdict.scored());
        CHECK(verdict.reason == tocsin::sample_reason::missing_value);
        CHECK_FALSE(verdict.flagged_by_step);
        CHECK_FALSE(verdict.flagged_by_feature);
        CHECK(std::isnan(verdict.step_score));
        CHECK(std::isnan(verdict.feature_score));
        const auto scores = detector.scores(windows_over(nothing, window_length));
        REQUIRE(scores.has_value());
        CHECK(std::isnan(scores->per_step[0]));
        CHECK(std::isnan(scores->per_feature[0]));
        // It leaves nothing behind.
        const auto after = detector.score(windows.window(0), memory);
        CHECK(after.scored());
        CHECK(after.flagged_by_step);
        CHECK(after.step_score == judge(detector, windows.window(0)).step_score);
    }

    TEST_CASE("score: a window of another shape, or memory of another detector, is not valid") {
        const auto values = waves<float>(2, 60, 1);
        const auto detector = ready_detector(windows_over(values, window_length));
        using tocsin::sample_reason;
        const auto reason = [&](const matrix<float>& window) {
            const auto verdict = judge(detector, window);
            CHECK_FALSE(verdict.scored());
            return verdict.reason;
        };
        CHECK(reason(matrix<float>::Zero(2, 5)) == sample_reason::wrong_size);
        CHECK(reason(matrix<float>::Zero(3, window_length)) == sample_reason::wrong_size);
        CHECK(reason(matrix<float>()) == sample_reason::wrong_size);
        CHECK(judge(detector, values.leftCols(window_length)).reason == sample_reason::scored);
        workspace none;
        CHECK(detector.score(values.leftCols(window_length), none).reason ==
              sample_reason::not_ready);
    }

    TEST_CASE_TEMPLATE("score: finite values that are huge are as anomalous as can be", Scalar,
                       float, double) {
        // Small units, so that scaling huge values overflows.
        const matrix<Scalar> values = waves<Scalar>(3, 60, 1) * Scalar(0.01);
        const auto windows = windows_over(values, window_length);
        const Scalar huge = std::numeric_limits<Scalar>::max();
        for (const auto scored : {scored_steps::all, scored_steps::newest}) {
            const auto detector = ready_detector(windows, scored);
            for (const Scalar value : {huge, Scalar(-huge)}) {
                for (const int t : {0, window_length - 1}) {
                    CAPTURE(t);
                    matrix<Scalar> window = windows.window(3);
                    window(2, t) = value;
                    const auto whole = judge(detector, window);
                    CHECK(whole.scored());
                    CHECK(whole.feature_score > 1e25);
                    CHECK(whole.flagged_by_feature);
                    if (scored == scored_steps::all || t == window_length - 1) {
                        CHECK(whole.step_score > 1e25);
                        CHECK(whole.flagged_by_step);
                    }
                    auto stream = detector.make_stream();
                    const auto last = tocsin_test::push_each(detector, stream, window).back();
                    CHECK(last.score == whole.step_score);
                    CHECK(last.is_anomaly() == whole.flagged_by_step);
                    std::vector<double> shares(3);
                    detector.shares(stream, shares);
                    CHECK(std::accumulate(shares.begin(), shares.end(), 0.0) == doctest::Approx(1));
                    if (last.score > 1e25) {
                        CHECK(shares[2] > 0.9); // the rest is what it has in common with others
                    }
                }
            }
        }
    }

    TEST_CASE("score: does not disturb a stream of the same detector") {
        const auto values = waves<float>(2, 60, 1);
        const auto windows = windows_over(values, window_length);
        const auto detector = ready_detector(windows);
        auto memory = detector.make_workspace();
        auto stream = detector.make_stream();
        auto undisturbed = detector.make_stream();
        for (index_t t = 0; t < 20; ++t) {
            detector.score(windows.window(40), memory);
            CHECK(detector.push(stream, values.col(t)).score ==
                  detector.push(undisturbed, values.col(t)).score);
        }
    }

    TEST_CASE("score, push: a window of one sample and one feature is judged at once") {
        const auto values = waves<float>(1, 60, 1);
        const auto windows = windows_over(values, 1);
        const auto detector = ready_detector(windows);
        auto stream = detector.make_stream();
        const auto verdict = detector.push(stream, values.col(0));
        CHECK(verdict.scored());
        CHECK(verdict.score == judge(detector, windows.window(0)).step_score);
        std::vector<double> shares(1);
        detector.shares(stream, shares);
        CHECK(shares[0] == doctest::Approx(1));
        CHECK(detector.push(stream, {1000.0F}).is_anomaly());
    }

    TEST_CASE("score: allocates nothing with sizes at run time") {
        check_allocations(small_lstm<float>(3));
    }

    TEST_CASE("score: allocates nothing in double") {
        check_allocations(small_lstm<double>(3));
    }

    TEST_CASE("score: allocates nothing with sizes at compile time") {
        check_allocations(static_lstm<float, 3, 4>{});
    }

    TEST_CASE("score: static and dynamic sizes agree") {
        const auto values = waves<float>(3, 60, 1);
        const auto windows = windows_over(values, window_length);
        const auto detector = ready_detector(windows);
        tocsin::detector<static_lstm<float, 3, 4>> fixed(
            {}, detector_settings{.window = window_length});
        auto how = tocsin_test::quick_trainer(1);
        auto state = tocsin::training_state<float>::fresh(fixed.model(), how.optimiser, 1);
        REQUIRE(state.parameters.size() == detector.parameters().size());
        std::copy(detector.parameters().begin(), detector.parameters().end(),
                  state.best_parameters.begin());
        state.history.resize(1); // its one epoch is over
        REQUIRE(fixed.train_from(state, windows, {}, how).ok());
        REQUIRE(fixed.fit_errors(windows).ok());
        for (index_t k = 0; k < windows.count(); k += 7) {
            CHECK(judge(fixed, windows.window(k)).step_score ==
                  doctest::Approx(judge(detector, windows.window(k)).step_score).epsilon(1e-3));
        }
    }
}
