#include "tocsin/detect/detector.hpp"
#include "tocsin/threshold/f_beta_threshold.hpp"
#include "tocsin/threshold/manual_threshold.hpp"
#include "tocsin/threshold/sigma_threshold.hpp"

#include <doctest/doctest.h>

#include "support/own_policies.hpp"
#include "support/small_detectors.hpp"
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

// Phases, refusals, thresholds. The model is the smallest there is: none of this depends on it.

using tocsin::detector_phase;
using tocsin::detector_settings;
using tocsin::error_code;
using tocsin::error_view;
using tocsin::matrix;
using tocsin::status;
using tocsin_test::all_scores;
using tocsin_test::judge;
using tocsin_test::quick_trainer;
using tocsin_test::run_all_phases;
using tocsin_test::same_bits;
using tocsin_test::says;
using tocsin_test::waves;
using tocsin_test::window_mean;
using tocsin_test::windows_over;

namespace {

const float not_a_number = std::numeric_limits<float>::quiet_NaN();
const double infinity = std::numeric_limits<double>::infinity();

template <class Rule = tocsin::quantile_threshold, class Scalar = float>
using mean_detector = tocsin::detector<window_mean<Scalar>, tocsin::standard_scaler<Scalar>,
                                       tocsin::mahalanobis<>, Rule>;

/// What a caller can see of a detector with fitted errors, but for its phase.
template <class Detector, class Windows>
std::vector<double> visible(const Detector& detector, const Windows& windows) {
    std::vector<double> all = all_scores(detector, windows);
    all.push_back(detector.threshold());
    all.push_back(detector.threshold(error_view::per_feature));
    all.insert(all.end(), detector.parameters().begin(), detector.parameters().end());
    return all;
}

template <class Detector>
tocsin::verdict first_verdict(const Detector& detector, const matrix<float>& values) {
    auto stream = detector.make_stream();
    return detector.push(stream, values.col(0));
}

/// A window that the detectors below have never seen anything like.
matrix<float> disturbed(const matrix<float>& values, int length) {
    matrix<float> window = values.leftCols(length);
    window.row(0).tail(1).array() += 40;
    return window;
}

} // namespace

TEST_SUITE("detect") {
    TEST_CASE("detector: each phase before its predecessor says what to call") {
        const auto values = waves<float>(2, 60, 1);
        const auto windows = windows_over(values, 5);
        mean_detector<> detector(window_mean<float>(2), detector_settings{.window = 5});
        const auto scores = [&] { return detector.scores(windows).error(); };
        const auto ignore = [](auto&&...) {};

        CHECK(detector.phase() == detector_phase::created);
        for (const auto& [outcome, what] :
             {std::pair{detector.fit_errors(windows), "fit_errors: call train() first"},
              std::pair{detector.tune(windows), "tune: call fit_errors() first"},
              std::pair{scores(), "scores: call fit_errors() first"},
              std::pair{detector.reconstruct(windows, ignore),
                        "reconstruct: call train() first"}}) {
            CHECK(outcome.code() == error_code::not_ready);
            CHECK(std::string_view(outcome.message()) == what);
        }
        CHECK(first_verdict(detector, values).kind == tocsin::verdict_kind::not_ready);
        CHECK_FALSE(judge(detector, windows.window(0)).scored());

        REQUIRE(detector.train(windows, {}, quick_trainer()).ok());
        CHECK(detector.phase() == detector_phase::trained);
        CHECK(detector.tune(windows).code() == error_code::not_ready);
        CHECK(scores().code() == error_code::not_ready);
        CHECK(detector.reconstruct(windows, ignore).ok());
        CHECK(first_verdict(detector, values).kind == tocsin::verdict_kind::not_ready);
        CHECK_FALSE(judge(detector, windows.window(0)).scored());

        REQUIRE(detector.fit_errors(windows).ok());
        CHECK(detector.phase() == detector_phase::errors_fitted);
        CHECK(detector.threshold() == infinity);
        CHECK(detector.threshold(error_view::per_feature) == infinity);
        const auto far_out = disturbed(values, 5);
        const auto before = judge(detector, far_out);
        CHECK(before.scored());
        CHECK(before.step_score > 100);
        CHECK_FALSE(before.flagged_by_step);
        CHECK_FALSE(before.flagged_by_feature);

        REQUIRE(detector.tune(windows).ok());
        CHECK(detector.phase() == detector_phase::tuned);
        CHECK(judge(detector, far_out).flagged_by_step);
        CHECK(judge(detector, far_out).flagged_by_feature);
    }

    TEST_CASE("detector: one that waits to be loaded refuses every phase") {
        mean_detector<> detector;
        const auto values = waves<float>(2, 60, 1);
        const auto windows = windows_over(values, 5);
        const status outcome = detector.train(windows, {}, quick_trainer());
        CHECK(outcome.code() == error_code::invalid_argument);
        CHECK(says(outcome, "window_mean: 0 features"));
        CHECK_FALSE(detector.check().ok());
        CHECK_FALSE(detector.fit_errors(windows).ok());
        CHECK_FALSE(detector.tune(windows).ok());
    }

    TEST_CASE("detector: settings out of range are reported by every phase") {
        const auto values = waves<float>(2, 60, 1);
        const auto windows = windows_over(values, 5);
        mean_detector<> detector(window_mean<float>(2), detector_settings{.window = 0});
        for (const status& outcome :
             {detector.check(), detector.train(windows, {}, quick_trainer()),
              detector.fit_errors(windows), detector.tune(windows)}) {
            CHECK(outcome.code() == error_code::invalid_argument);
            CHECK(says(outcome, "window 0"));
        }
        mean_detector<> no_batch(window_mean<float>(2),
                                 detector_settings{.window = 5, .batch_size = 0});
        CHECK(says(no_batch.train(windows, {}, quick_trainer()), "batch size 0"));
    }

    TEST_CASE("detector: windows that do not fit are refused with their shape") {
        const auto values = waves<float>(2, 60, 1);
        const auto windows = windows_over(values, 5);
        const auto three_features = waves<float>(3, 60, 1);
        mean_detector<> detector(window_mean<float>(2), detector_settings{.window = 5});
        run_all_phases(detector, windows);
        const auto expected = visible(detector, windows);
        struct wrong_windows {
            tocsin::windows<float> windows;
            error_code code;
            const char* what;
        };
        for (const auto& [wrong, code, what] :
             {wrong_windows{windows_over(three_features, 5), error_code::invalid_argument,
                            "3 features and 5 steps do not fit a detector of 2 features and 5"},
              wrong_windows{windows_over(values, 6), error_code::invalid_argument,
                            "2 features and 6 steps do not fit a detector of 2 features and 5"},
              wrong_windows{{}, error_code::invalid_data, "there are no windows"}}) {
            CAPTURE(what);
            for (const auto& [outcome, caller] :
                 {std::pair{detector.train(wrong, {}, quick_trainer()), "train: "},
                  std::pair{detector.fit_errors(wrong), "fit_errors: "},
                  std::pair{detector.tune(wrong), "tune: "},
                  std::pair{detector.scores(wrong).error(), "scores: "},
                  std::pair{detector.reconstruct(wrong, [](auto&&...) {}), "reconstruct: "}}) {
                CHECK(outcome.code() == code);
                CHECK(says(outcome, what));
                CHECK(std::string_view(outcome.message()).starts_with(caller));
            }
        }
        // Validation windows may be absent, but not of another shape.
        CHECK(says(detector.train(windows, windows_over(values, 6), quick_trainer()), "6 steps"));
        CHECK(detector.phase() == detector_phase::tuned);
        CHECK(same_bits(visible(detector, windows), expected));
    }

    TEST_CASE("detector: infinities in training data are refused, naming feature and sample") {
        auto values = waves<float>(2, 60, 1);
        const auto windows = windows_over(values, 5);
        mean_detector<> detector(window_mean<float>(2), detector_settings{.window = 5});
        run_all_phases(detector, windows);
        const auto expected = visible(detector, windows);

        auto broken = values;
        broken(1, 17) = not_a_number; // says that a value is missing, which training leaves out
        const auto broken_windows = windows_over(broken, 5);
        auto patient = detector;
        CHECK(patient.train(broken_windows, broken_windows, quick_trainer()).ok());
        broken(1, 17) = -std::numeric_limits<float>::infinity();
        for (const status& outcome : {detector.train(broken_windows, {}, quick_trainer()),
                                      detector.train(windows, broken_windows, quick_trainer())}) {
            CHECK(outcome.code() == error_code::invalid_data);
            CHECK(says(outcome, "feature 1 of sample 17 is -inf"));
        }
        broken(1, 17) = std::numeric_limits<float>::infinity();
        CHECK(says(detector.train(broken_windows, {}, quick_trainer()),
                   "feature 1 of sample 17 is inf"));
        // A feature without any finite value is found by the scaler.
        broken.row(0).setConstant(not_a_number);
        CHECK(says(detector.train(broken_windows, {}, quick_trainer()), "feature 0"));
        CHECK(detector.phase() == detector_phase::tuned);
        CHECK(same_bits(visible(detector, windows), expected));
    }

    TEST_CASE("detector: a NaN outside of all windows does not matter") {
        auto values = waves<float>(2, 60, 1);
        values(0, 7) = not_a_number;
        const tocsin::windows<float> around({values.data(), 2, 60}, {0, 2, 8, 20, 40, 55}, 5);
        mean_detector<> detector(window_mean<float>(2), detector_settings{.window = 5});
        run_all_phases(detector, around);
        for (const double score : all_scores(detector, around)) {
            CHECK(std::isfinite(score));
        }
    }

    TEST_CASE("detector: failing phases leave it as it was") {
        const auto values = waves<float>(2, 60, 1);
        const auto windows = windows_over(values, 5);
        auto broken = values;
        broken.setConstant(not_a_number);
        const auto broken_windows = windows_over(broken, 5);
        mean_detector<tocsin::f_beta_threshold> detector(window_mean<float>(2),
                                                         detector_settings{.window = 5});
        std::vector<std::uint8_t> labels(static_cast<std::size_t>(windows.count()));
        labels[3] = 1;
        REQUIRE(detector.train(windows, {}, quick_trainer()).ok());
        REQUIRE(detector.fit_errors(windows).ok());
        REQUIRE(detector.tune(windows, labels).ok());
        const auto expected = visible(detector, windows);

        auto bad_rate = quick_trainer();
        bad_rate.optimiser.learning_rate = -1;
        CHECK(says(detector.train(windows, {}, bad_rate), "learning rate -1"));
        auto diverging = quick_trainer();
        diverging.optimiser.learning_rate = 1e38;
        CHECK(says(detector.train(windows, {}, diverging), "diverged in epoch 0"));
        CHECK(detector.fit_errors(broken_windows).code() == error_code::invalid_data);
        CHECK(detector.fit_errors(broken_windows.slice(0, 1)).code() == error_code::invalid_data);
        CHECK(says(detector.tune(broken_windows, labels), "there are no scores"));
        CHECK(says(detector.tune(windows), "labels are needed"));
        CHECK(says(detector.tune(windows, std::span(labels).first(5)), "5 labels"));
        CHECK(detector.phase() == detector_phase::tuned);
        CHECK(same_bits(visible(detector, windows), expected));
    }

    TEST_CASE("detector: a new fit takes tuned thresholds away, but not the caller's") {
        const auto values = waves<float>(2, 60, 1);
        const auto windows = windows_over(values, 5);
        mean_detector<> detector(window_mean<float>(2), detector_settings{.window = 5});
        run_all_phases(detector, windows);
        REQUIRE(std::isfinite(detector.threshold()));

        REQUIRE(detector.fit_errors(windows.slice(0, 20)).ok());
        CHECK(detector.phase() == detector_phase::errors_fitted);
        CHECK(detector.threshold() == infinity);
        CHECK(detector.threshold(error_view::per_feature) == infinity);
        CHECK_FALSE(judge(detector, disturbed(values, 5)).flagged_by_step);

        REQUIRE(detector.tune(windows).ok());
        detector.override_thresholds(7, 8);
        REQUIRE(detector.fit_errors(windows).ok());
        CHECK(detector.phase() == detector_phase::tuned);
        CHECK(detector.threshold() == 7);
        CHECK(detector.threshold(error_view::per_feature) == 8);

        REQUIRE(detector.train(windows, {}, quick_trainer()).ok());
        CHECK(detector.phase() == detector_phase::trained);
        CHECK_FALSE(judge(detector, windows.window(0)).scored());
        detector.override_thresholds(std::nullopt, std::nullopt);
        CHECK(detector.phase() == detector_phase::trained);
        CHECK(detector.threshold() == infinity);
    }

    TEST_CASE("detector: thresholds of the caller, before and after tune(), and their removal") {
        const auto values = waves<float>(2, 60, 1);
        const auto windows = windows_over(values, 5);
        const auto far_out = disturbed(values, 5);
        mean_detector<> detector(window_mean<float>(2), detector_settings{.window = 5});

        // Too early to be ready, yet not forgotten.
        detector.override_thresholds(3, 4);
        CHECK(detector.phase() == detector_phase::created);
        REQUIRE(detector.train(windows, {}, quick_trainer()).ok());
        CHECK(detector.phase() == detector_phase::trained);
        REQUIRE(detector.fit_errors(windows).ok());
        CHECK(detector.phase() == detector_phase::tuned);
        CHECK(detector.threshold() == 3);
        CHECK(detector.threshold(error_view::per_feature) == 4);
        CHECK(judge(detector, far_out).flagged_by_step);
        CHECK(judge(detector, far_out).flagged_by_feature);

        // One view alone is not enough to be ready; none takes the thresholds away.
        detector.override_thresholds(3, std::nullopt);
        CHECK(detector.phase() == detector_phase::errors_fitted);
        CHECK(judge(detector, far_out).flagged_by_step);
        CHECK_FALSE(judge(detector, far_out).flagged_by_feature);
        detector.override_thresholds(std::nullopt, std::nullopt);
        CHECK(detector.phase() == detector_phase::errors_fitted);
        CHECK(detector.threshold() == infinity);

        REQUIRE(detector.tune(windows).ok());
        const double tuned_step = detector.threshold();
        const double tuned_feature = detector.threshold(error_view::per_feature);
        CHECK(std::isfinite(tuned_step));
        detector.override_thresholds(1e9, std::nullopt);
        CHECK(detector.phase() == detector_phase::tuned);
        CHECK_FALSE(judge(detector, far_out).flagged_by_step);
        CHECK(judge(detector, far_out).flagged_by_feature);
        CHECK(detector.threshold() == 1e9);
        CHECK(detector.threshold(error_view::per_feature) == tuned_feature);

        // Tuning again does not touch the caller's.
        REQUIRE(detector.tune(windows).ok());
        CHECK(detector.threshold() == 1e9);
        detector.override_thresholds(std::nullopt, infinity); // keeps one view silent
        CHECK(detector.phase() == detector_phase::tuned);
        CHECK(detector.threshold() == tuned_step);
        CHECK(judge(detector, far_out).flagged_by_step);
        CHECK_FALSE(judge(detector, far_out).flagged_by_feature);
        detector.override_thresholds(std::nullopt, std::nullopt);
        CHECK(detector.threshold(error_view::per_feature) == tuned_feature);
        CHECK(detector.phase() == detector_phase::tuned);
    }

    TEST_CASE("detector: tuned with labels, its threshold separates what is separable") {
        auto values = waves<float>(2, 200, 1);
        const auto normal = waves<float>(2, 200, 2);
        for (const int t : {52, 53, 121, 178}) {
            values(1, t) += 25;
        }
        const auto windows = windows_over(values, 5, 5);
        std::vector<std::uint8_t> labels(static_cast<std::size_t>(windows.count()));
        for (const int k : {10, 24, 35}) {
            labels[static_cast<std::size_t>(k)] = 1;
        }
        mean_detector<tocsin::f_beta_threshold> detector(window_mean<float>(2),
                                                         detector_settings{.window = 5});
        const auto normal_windows = windows_over(normal, 5);
        REQUIRE(detector.train(normal_windows, {}, quick_trainer()).ok());
        REQUIRE(detector.fit_errors(normal_windows).ok());
        REQUIRE(detector.tune(windows, labels).ok());
        for (tocsin::index_t k = 0; k < windows.count(); ++k) {
            CAPTURE(k);
            const bool anomalous = labels[static_cast<std::size_t>(k)] != 0;
            const auto verdict = judge(detector, windows.window(k));
            CHECK(verdict.flagged_by_step == anomalous);
            CHECK(verdict.flagged_by_feature == anomalous);
        }
    }

    TEST_CASE("detector: without labels the rules see the scores that scores() gives") {
        const auto seen = waves<float>(2, 100, 1); // by fit_errors(): these would be corrected
        const auto values = waves<float>(2, 100, 2);
        const auto windows = windows_over(values, 5);
        mean_detector<> largest(window_mean<float>(2), detector_settings{.window = 5}, {},
                                tocsin::quantile_threshold(1.0));
        run_all_phases(largest, windows_over(seen, 5));
        REQUIRE(largest.tune(windows).ok());
        mean_detector<tocsin::sigma_threshold> sigma(
            window_mean<float>(2), detector_settings{.window = 5}, {}, tocsin::sigma_threshold(2));
        run_all_phases(sigma, windows_over(seen, 5));
        REQUIRE(sigma.tune(windows).ok());
        const auto scores = largest.scores(windows);
        REQUIRE(scores.has_value());
        const auto& [per_step, per_feature] = *scores;
        REQUIRE(per_step.size() == static_cast<std::size_t>(windows.count()));
        CHECK(largest.threshold() == *std::max_element(per_step.begin(), per_step.end()));
        CHECK(largest.threshold(error_view::per_feature) ==
              *std::max_element(per_feature.begin(), per_feature.end()));

        double mean = 0;
        for (const double score : per_step) {
            mean += score / static_cast<double>(per_step.size());
        }
        double variance = 0;
        for (const double score : per_step) {
            variance += (score - mean) * (score - mean) / static_cast<double>(per_step.size() - 1);
        }
        CHECK(sigma.threshold() == doctest::Approx(mean + 2 * std::sqrt(variance)));

        // Labels take the anomalous windows out.
        std::vector<std::uint8_t> labels(per_step.size());
        labels[static_cast<std::size_t>(std::max_element(per_step.begin(), per_step.end()) -
                                        per_step.begin())] = 1;
        const double before = largest.threshold();
        REQUIRE(largest.tune(windows, labels).ok());
        CHECK(largest.threshold() < before);
    }

    TEST_CASE("detector: a manual rule is ready as soon as errors are fitted") {
        const auto values = waves<float>(2, 60, 1);
        const auto windows = windows_over(values, 5);
        mean_detector<tocsin::manual_threshold> detector(
            window_mean<float>(2), detector_settings{.window = 5}, {}, tocsin::manual_threshold(6));
        REQUIRE(detector.train(windows, {}, quick_trainer()).ok());
        REQUIRE(detector.fit_errors(windows).ok());
        CHECK(detector.phase() == detector_phase::tuned);
        CHECK(detector.threshold() == 6);
        CHECK(judge(detector, disturbed(values, 5)).flagged_by_step);
        REQUIRE(detector.tune(windows).ok());
        CHECK(detector.threshold() == 6);
    }

    TEST_CASE("detector: another rule takes the place of both") {
        const auto values = waves<float>(2, 60, 1);
        const auto windows = windows_over(values, 5);
        mean_detector<> detector(window_mean<float>(2), detector_settings{.window = 5});
        run_all_phases(detector, windows);
        const double before = detector.threshold();
        detector.set_rule(tocsin::quantile_threshold(0.5));
        CHECK(detector.phase() == detector_phase::errors_fitted);
        CHECK(detector.threshold() == infinity);
        REQUIRE(detector.tune(windows).ok());
        CHECK(detector.phase() == detector_phase::tuned);
        CHECK(detector.threshold() < before);
    }

    TEST_CASE_TEMPLATE("detector: works with one feature, windows of one, one batch for all",
                       Scalar, float, double) {
        struct shape {
            int features;
            int window;
            int batch_size;
        };
        constexpr int huge = std::numeric_limits<int>::max();
        for (const auto& [features, window, batch_size] :
             {shape{1, 5, 64}, shape{2, 1, 64}, shape{1, 1, 1}, shape{3, 4, huge},
              shape{2, 60, 7}}) {
            CAPTURE(features);
            CAPTURE(window);
            CAPTURE(batch_size);
            const auto values = waves<Scalar>(features, 62, 1);
            const auto windows = windows_over(values, window);
            mean_detector<tocsin::quantile_threshold, Scalar> detector(
                window_mean<Scalar>(features),
                detector_settings{.window = window, .batch_size = batch_size});
            auto how = quick_trainer(2);
            how.batch_size = batch_size;
            run_all_phases(detector, windows, how);
            for (const double score : all_scores(detector, windows)) {
                CHECK(std::isfinite(score));
            }
            auto workspace = detector.make_workspace();
            CHECK(detector.score(windows.window(0), workspace).scored());
            CHECK(static_cast<int>(workspace.step_scores().size()) == window);
            CHECK(static_cast<int>(workspace.feature_scores().size()) == features);
        }
    }

    TEST_CASE("detector: a constant feature is harmless while constant and seen when it moves") {
        auto values = waves<float>(2, 80, 1);
        values.row(1).setConstant(5);
        const auto windows = windows_over(values, 5);
        mean_detector<> detector(window_mean<float>(2), detector_settings{.window = 5});
        run_all_phases(detector, windows);
        for (const double score : all_scores(detector, windows)) {
            CHECK(std::isfinite(score));
        }
        matrix<float> moved = windows.window(0);
        CHECK_FALSE(judge(detector, moved).flagged_by_step);
        moved(1, 3) = 6;
        CHECK(judge(detector, moved).flagged_by_step);
        CHECK(judge(detector, moved).flagged_by_feature);
    }

    TEST_CASE("detector: a window longer than the series cannot even be listed") {
        const auto values = waves<float>(2, 10, 1);
        const auto made = tocsin::make_windows(values, 11);
        REQUIRE_FALSE(made.has_value());
        CHECK(says(made.error(), "length 11 is longer than the series of 10 samples"));
    }

    TEST_CASE("detector: copies are independent") {
        const auto values = waves<float>(2, 60, 1);
        const auto windows = windows_over(values, 5);
        mean_detector<> detector(window_mean<float>(2), detector_settings{.window = 5});
        run_all_phases(detector, windows);
        const auto expected = visible(detector, windows);
        const auto identity = detector.identity();
        auto copy = detector;
        CHECK(copy.identity() == identity);
        CHECK(same_bits(visible(copy, windows), expected));
        copy.override_thresholds(1, 1);
        CHECK(copy.identity() != identity);
        REQUIRE(copy.train(windows, {}, quick_trainer(2, 9)).ok());
        CHECK(same_bits(visible(detector, windows), expected));
        CHECK(detector.identity() == identity);
    }
}
