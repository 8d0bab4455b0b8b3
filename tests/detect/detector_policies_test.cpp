#include "tocsin/detect/detector.hpp"
#include "tocsin/errors/diagonal_gaussian.hpp"
#include "tocsin/series/scaler.hpp"

#include <doctest/doctest.h>

#include "support/own_policies.hpp"
#include "support/small_detectors.hpp"
#include <array>

// A caller's own policies: they meet the concepts and work together, deriving from nothing.

using tocsin::detector_settings;
using tocsin::error_view;
using tocsin_test::halving_scaler;
using tocsin_test::judge;
using tocsin_test::largest_error;
using tocsin_test::twice_the_largest;
using tocsin_test::window_mean;

namespace {

static_assert(tocsin::sequence_model<window_mean<float>>);
static_assert(tocsin::sequence_model<window_mean<double>>);
static_assert(tocsin::scaler<halving_scaler<float>>);
static_assert(tocsin::error_statistic<largest_error>);
static_assert(tocsin::threshold_rule<twice_the_largest>);

static_assert(!tocsin::adapting_statistic<largest_error>);
static_assert(!tocsin::adapting_rule<twice_the_largest>);
static_assert(tocsin::detector_model<window_mean<float>>);

/// Predicts, but cannot be trained.
struct without_training {
    using scalar_type = float;
    tocsin::status check() const;
    int features() const;
    tocsin::index_t parameter_count() const;
    tocsin::index_t predict_work_size(int, int) const;
    void initialise(std::span<float>, tocsin::random_generator&) const;
    template <class Visit>
    void for_each_parameter_block(Visit&&) const;
    void predict(std::span<const float>, tocsin::sequence_view<const float>,
                 tocsin::sequence_view<float>, std::span<float>) const noexcept;
};
static_assert(!tocsin::sequence_model<without_training>);
static_assert(!tocsin::scaler<window_mean<float>>);
static_assert(!tocsin::error_statistic<twice_the_largest>);
static_assert(!tocsin::threshold_rule<largest_error>);

template <class Scalar>
using own_detector =
    tocsin::detector<window_mean<Scalar>, halving_scaler<Scalar>, largest_error, twice_the_largest>;

} // namespace

TEST_SUITE("detect") {
    TEST_CASE_TEMPLATE("detector: own policies work together", Scalar, float, double) {
        // One feature at 4, the other at -2; halved 2 and -1. After training the constant of the
        // model is near 0, the mean of a window is its prediction.
        tocsin::matrix<Scalar> values(2, 40);
        for (int t = 0; t < 40; ++t) {
            values(0, t) = static_cast<Scalar>(4 + 0.2 * (t % 2));
            values(1, t) = static_cast<Scalar>(-2 + 0.1 * (t % 2));
        }
        const auto windows = tocsin_test::windows_over(values, 4);
        own_detector<Scalar> detector(window_mean<Scalar>(2), detector_settings{.window = 4});
        tocsin_test::run_all_phases(detector, windows, tocsin_test::quick_trainer(60));

        // The largest score on normal data is 1 by construction, the threshold twice that.
        CHECK(detector.threshold() == doctest::Approx(2));
        CHECK(detector.threshold(error_view::per_feature) == doctest::Approx(2));
        for (tocsin::index_t k = 0; k < windows.count(); ++k) {
            const auto verdict = judge(detector, windows.window(k));
            CHECK(verdict.step_score <= doctest::Approx(1));
            CHECK_FALSE(verdict.flagged_by_step);
        }
        tocsin::matrix<Scalar> window = windows.window(0);
        window(1, 2) += 2;
        auto workspace = detector.make_workspace();
        const auto verdict = detector.score(window, workspace);
        CHECK(verdict.flagged_by_step);
        CHECK(verdict.flagged_by_feature);
        CHECK(workspace.feature_scores()[1] > workspace.feature_scores()[0]);
        // In original units: the mean of the window, up to the small constant.
        CHECK(workspace.reconstruction()(1, 0) ==
              doctest::Approx(static_cast<double>(window.row(1).mean())).epsilon(0.1));

        auto stream = detector.make_stream();
        for (int t = 0; t < 3; ++t) {
            CHECK(detector.push(stream, window.col(t)).kind == tocsin::verdict_kind::warming_up);
        }
        CHECK(detector.push(stream, window.col(3)).kind == tocsin::verdict_kind::anomaly);
        std::array<double, 2> shares{};
        detector.shares(stream, shares);
        CHECK(shares[0] == 0);
        CHECK(shares[1] == 1);
    }

    TEST_CASE("detector: own policies refuse in their own words") {
        const tocsin::matrix<float> zeros = tocsin::matrix<float>::Zero(1, 20);
        const auto windows = tocsin_test::windows_over(zeros, 2);
        own_detector<float> detector(window_mean<float>(1), detector_settings{.window = 2});
        auto exact = tocsin_test::quick_trainer(1);
        auto state = tocsin::training_state<float>::fresh(detector.model(), exact.optimiser, 1);
        state.parameters[0] = state.best_parameters[0] = 0; // errors are exactly zero
        state.history.resize(1);                            // its one epoch is over
        REQUIRE(detector.train_from(state, windows, {}, exact).ok());
        const tocsin::status outcome = detector.fit_errors(windows);
        CHECK(outcome.code() == tocsin::error_code::invalid_data);
        CHECK(tocsin_test::says(outcome, "largest_error: every error is 0"));
        CHECK(detector.phase() == tocsin::detector_phase::trained);
    }

    TEST_CASE("detector: takes any scaler and the diagonal statistic") {
        const auto values = tocsin_test::waves<float>(3, 100, 1);
        const auto windows = tocsin_test::windows_over(values, 6);
        tocsin::detector<window_mean<float>, tocsin::robust_scaler<float, 3>,
                         tocsin::diagonal_gaussian<>>
            detector(window_mean<float>(3), detector_settings{.window = 6});
        tocsin_test::run_all_phases(detector, windows);
        tocsin::matrix<float> window = windows.window(10);
        CHECK_FALSE(judge(detector, window).flagged_by_step);
        window(2, 4) -= 30;
        CHECK(judge(detector, window).flagged_by_step);
        CHECK(judge(detector, window).flagged_by_feature);
    }
}
