#include "tocsin/detect/detector.hpp"
#include "tocsin/errors/diagonal_gaussian.hpp"
#include "tocsin/threshold/f_beta_threshold.hpp"
#include "tocsin/threshold/manual_threshold.hpp"

#include <doctest/doctest.h>

#include "support/small_detectors.hpp"
#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// What a detector does is the same for models of windows and for forecasters.

using tocsin::detector_phase;
using tocsin::detector_settings;
using tocsin::error_code;
using tocsin::error_view;
using tocsin::index_t;
using tocsin::matrix;
using tocsin_test::all_scores;
using tocsin_test::push_each;
using tocsin_test::quick_trainer;
using tocsin_test::same_bits;
using tocsin_test::same_verdicts;
using tocsin_test::says;
using tocsin_test::slow_waves;
using tocsin_test::windows_over;

namespace {

const double infinity = std::numeric_limits<double>::infinity();
constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();
constexpr int length = 12;

template <class Model>
Model small_model();
template <>
tocsin::forecaster<float> small_model() {
    return tocsin_test::small_forecaster(1);
}
template <>
tocsin::encoder_decoder<float> small_model() {
    return tocsin_test::small_lstm<float>(3);
}

template <class Model, class Rule = tocsin::quantile_threshold,
          class Statistic = tocsin::mahalanobis<>>
struct kind_of {
    using model = Model;
    using detector = tocsin::detector<Model, tocsin::standard_scaler<float>, Statistic, Rule>;
    static detector make(detector_settings settings = {}) {
        settings.window = length;
        return detector(small_model<Model>(), settings);
    }
    static detector learned() {
        auto made = make();
        const auto values = slow_waves(240);
        tocsin_test::run_all_phases(made, windows_over(values, length));
        return made;
    }
};
template <class Rule = tocsin::quantile_threshold>
using forecasting = kind_of<tocsin::forecaster<float>, Rule>;
template <class Rule = tocsin::quantile_threshold>
using reconstructing = kind_of<tocsin::encoder_decoder<float>, Rule>;
#define TOCSIN_BOTH_KINDS forecasting<>, reconstructing<>

template <class Detector>
std::vector<double> visible(const Detector& detector, const tocsin::windows<float>& windows) {
    auto all = all_scores(detector, windows);
    all.push_back(detector.threshold());
    all.push_back(static_cast<double>(detector.warm_up()));
    all.insert(all.end(), detector.parameters().begin(), detector.parameters().end());
    return all;
}

} // namespace

TEST_SUITE("detect") {
    TEST_CASE_TEMPLATE("both kinds: phases come in order", Kind, TOCSIN_BOTH_KINDS) {
        const auto values = slow_waves(240);
        const auto windows = windows_over(values, length);
        auto detector = Kind::make();
        CHECK(detector.phase() == detector_phase::created);
        CHECK(std::string_view(detector.fit_errors(windows).message()) ==
              "fit_errors: call train() first");
        CHECK(detector.scores(windows).error().code() == error_code::not_ready);
        CHECK(detector.tune(windows).code() == error_code::not_ready);
        CHECK(detector.threshold() == infinity);
        CHECK(detector.parameters().empty());
        CHECK(says(detector.train({}, {}, quick_trainer()), "train: there are no windows"));
        REQUIRE(detector.train(windows, {}, quick_trainer(1)).ok());
        CHECK(detector.phase() == detector_phase::trained);
        CHECK(std::ssize(detector.parameters()) == detector.model().parameter_count());
        REQUIRE(detector.fit_errors(windows).ok());
        CHECK(detector.phase() == detector_phase::errors_fitted);
        CHECK(detector.threshold() == infinity);
        REQUIRE(detector.tune(windows).ok());
        CHECK(detector.phase() == detector_phase::tuned);
        CHECK(std::isfinite(detector.threshold()));
    }

    TEST_CASE_TEMPLATE("both kinds: windows of other features and labels of another number are "
                       "refused, nothing changes",
                       Kind, TOCSIN_BOTH_KINDS) {
        const auto values = slow_waves(240);
        const auto windows = windows_over(values, length);
        auto detector = Kind::learned();
        const auto expected = visible(detector, windows);
        const auto identity = detector.identity();
        const matrix<float> two = values.topRows(2);
        const auto wrong = windows_over(two, length);
        for (const auto& outcome :
             {detector.train(wrong, {}, quick_trainer()),
              detector.train(windows, wrong, quick_trainer()), detector.fit_errors(wrong),
              detector.tune(wrong), detector.scores(wrong).error()}) {
            CHECK(outcome.code() == error_code::invalid_argument);
            CHECK(says(outcome, "windows of 2 features"));
            CHECK(says(outcome, "do not fit a detector of 3"));
        }
        const std::vector<std::uint8_t> labels(3);
        CHECK(says(detector.tune(windows, labels), "but 3 labels"));
        auto bad = quick_trainer();
        bad.optimiser.learning_rate = -1;
        CHECK(says(detector.train(windows, {}, bad), "learning rate -1"));
        CHECK(detector.phase() == detector_phase::tuned);
        CHECK(detector.identity() == identity);
        CHECK(same_bits(visible(detector, windows), expected));
    }

    TEST_CASE_TEMPLATE("both kinds: a manual threshold of a wrong sign is still the caller's", Kind,
                       forecasting<tocsin::manual_threshold>,
                       reconstructing<tocsin::manual_threshold>) {
        typename Kind::detector detector(small_model<typename Kind::model>(), {.window = length},
                                         {}, tocsin::manual_threshold(6));
        const auto values = slow_waves(240);
        const auto windows = windows_over(values, length);
        REQUIRE(detector.train(windows, {}, quick_trainer(1)).ok());
        REQUIRE(detector.fit_errors(windows).ok());
        CHECK(detector.phase() == detector_phase::tuned);
        CHECK(detector.threshold() == 6);
        REQUIRE(detector.tune(windows).ok());
        CHECK(detector.threshold() == 6);
    }

    TEST_CASE_TEMPLATE("both kinds: training continues from a state as if it had never stopped",
                       Kind, TOCSIN_BOTH_KINDS) {
        const auto values = slow_waves(240);
        const auto windows = windows_over(values, length);
        auto whole = Kind::make();
        REQUIRE(whole.train(windows, {}, quick_trainer(4)).ok());
        auto parts = Kind::make();
        const auto how = quick_trainer(2);
        auto state = tocsin::training_state<float>::fresh(parts.model(), how.optimiser, how.seed);
        REQUIRE(parts.train_from(state, windows, {}, how).ok());
        CHECK(state.finished_epochs() == 2);
        REQUIRE(parts.train_from(state, windows, {}, quick_trainer(4)).ok());
        CHECK(std::equal(whole.parameters().begin(), whole.parameters().end(),
                         parts.parameters().begin(), parts.parameters().end()));
        CHECK(whole.identity() == parts.identity());
    }

    TEST_CASE_TEMPLATE("both kinds: callbacks of the trainer are called", Kind, TOCSIN_BOTH_KINDS) {
        const auto values = slow_waves(240);
        auto detector = Kind::make();
        int epochs = 0;
        REQUIRE(detector
                    .train(windows_over(values, length), {}, quick_trainer(3),
                           [&](const auto&) { return ++epochs < 2; })
                    .ok());
        CHECK(epochs == 2);
    }

    TEST_CASE_TEMPLATE("both kinds: infinities are refused in training, missing values left out",
                       Kind, TOCSIN_BOTH_KINDS) {
        const auto values = slow_waves(240);
        const auto windows = windows_over(values, length);
        auto detector = Kind::learned();
        auto broken = values;
        broken(1, 17) = not_a_number;
        broken(0, 100) = std::numeric_limits<float>::infinity();
        const auto broken_windows = windows_over(broken, length);
        CHECK(says(detector.train(broken_windows, {}, quick_trainer()),
                   "feature 0 of sample 100 is inf"));
        broken(0, 100) = not_a_number;
        auto again = Kind::make();
        CHECK(again.train(broken_windows, {}, quick_trainer()).ok());
        CHECK(std::all_of(again.parameters().begin(), again.parameters().end(),
                          [](auto weight) { return std::isfinite(weight); }));
        broken(0, 100) = std::numeric_limits<float>::infinity();
        CHECK(detector.phase() == detector_phase::tuned);

        const double before = detector.threshold();
        REQUIRE(detector.tune(broken_windows).ok());
        CHECK(detector.threshold() == doctest::Approx(before).epsilon(0.5));
        REQUIRE(detector.fit_errors(broken_windows).ok());
        REQUIRE(detector.tune(windows).ok());
        CHECK(detector.threshold() == doctest::Approx(before).epsilon(0.5));
        for (const double score : all_scores(detector, broken_windows)) {
            CHECK((std::isnan(score) || std::isfinite(score)));
        }
        const double now = detector.threshold();
        broken.setConstant(not_a_number);
        for (const auto& outcome :
             {detector.tune(broken_windows), detector.fit_errors(broken_windows)}) {
            CHECK(outcome.code() == error_code::invalid_data);
        }
        CHECK(detector.threshold() == now);
        CHECK(detector.phase() == detector_phase::tuned);
    }

    TEST_CASE_TEMPLATE("both kinds: labels stay with their scores where some have none", Kind,
                       forecasting<tocsin::f_beta_threshold>,
                       reconstructing<tocsin::f_beta_threshold>) {
        auto values = slow_waves(300);
        const auto normal = slow_waves(300, 2);
        const auto normal_windows = windows_over(normal, length);
        auto detector = Kind::make();
        REQUIRE(detector.train(normal_windows, {}, quick_trainer(10)).ok());
        REQUIRE(detector.fit_errors(normal_windows).ok());
        CHECK(says(detector.tune(normal_windows), "labels are needed"));
        for (const index_t t : {47, 143, 263}) {
            values(1, t) += 40;
        }
        for (const index_t t : {10, 20, 30, 200, 250}) { // nothing to score there
            values.col(t).setConstant(not_a_number);
        }
        const auto windows = windows_over(values, length, length);
        constexpr bool by_window = Kind::detector::reconstructs;
        std::vector<std::uint8_t> labels(by_window ? 25 : 300);
        for (const std::size_t t : {47U, 143U, 263U}) {
            labels[by_window ? t / length : t] = 1;
        }
        const auto outcome = detector.tune(windows, labels);
        REQUIRE_MESSAGE(outcome.ok(), outcome.message());
        const auto scores = detector.scores(windows);
        REQUIRE(scores.has_value());
        REQUIRE(scores->per_step.size() == labels.size());
        for (std::size_t k = 0; k < labels.size(); ++k) {
            CAPTURE(k);
            if (labels[k] != 0) {
                CHECK(scores->per_step[k] > detector.threshold());
            }
        }
    }

    TEST_CASE_TEMPLATE("both kinds: thresholds of the caller win, and are taken away", Kind,
                       TOCSIN_BOTH_KINDS) {
        auto detector = Kind::learned();
        const double tuned = detector.threshold();
        constexpr bool two_views = Kind::detector::reconstructs;
        const auto set = [&](double first, [[maybe_unused]] double second) {
            if constexpr (two_views) {
                detector.override_thresholds(first, second);
            } else {
                detector.override_thresholds(first);
            }
        };
        set(7, 8);
        CHECK(detector.threshold() == 7);
        CHECK(detector.threshold(error_view::per_feature) == (two_views ? 8 : 7));
        const auto values = slow_waves(240);
        const auto windows = windows_over(values, length);
        REQUIRE(detector.fit_errors(windows).ok());
        CHECK(detector.phase() == detector_phase::tuned);
        CHECK(detector.threshold() == 7);
        detector.override_thresholds(std::nullopt);
        CHECK(detector.phase() == detector_phase::errors_fitted);
        CHECK(detector.threshold() == infinity);
        REQUIRE(detector.tune(windows).ok());
        CHECK(detector.threshold() == tuned);
        set(not_a_number, not_a_number);
        CHECK(detector.threshold() == infinity); // as streams with it can be saved and loaded
        auto stream = detector.make_stream();
        auto far_out = values;
        far_out.row(0).array() += 100;
        for (const auto& outcome : push_each(detector, stream, far_out)) {
            CHECK_FALSE(outcome.is_anomaly());
        }
    }

    TEST_CASE_TEMPLATE("both kinds: set_rule() takes the tuned threshold away", Kind,
                       TOCSIN_BOTH_KINDS) {
        auto detector = Kind::learned();
        const double before = detector.threshold();
        detector.set_rule(tocsin::quantile_threshold(0.5));
        CHECK(detector.phase() == detector_phase::errors_fitted);
        CHECK(detector.threshold() == infinity);
        const auto values = slow_waves(240);
        REQUIRE(detector.tune(windows_over(values, length)).ok());
        CHECK(detector.threshold() < before);
        CHECK(detector.rule().threshold() == detector.threshold());
    }

    TEST_CASE_TEMPLATE("both kinds: the largest quantile is the largest score", Kind,
                       TOCSIN_BOTH_KINDS) {
        auto detector = Kind::learned();
        detector.set_rule(tocsin::quantile_threshold(1.0));
        const auto values = slow_waves(240, 2); // not the windows of fit_errors()
        const auto windows = windows_over(values, length);
        REQUIRE(detector.tune(windows).ok());
        const auto scores = detector.scores(windows);
        REQUIRE(scores.has_value());
        double largest = 0;
        for (const double score : scores->per_step) {
            largest = score > largest ? score : largest;
        }
        CHECK(detector.threshold() == largest);
    }

    TEST_CASE_TEMPLATE("both kinds: a detector borrows weights from memory of the caller", Kind,
                       TOCSIN_BOTH_KINDS) {
        const auto original = Kind::learned();
        const auto values = slow_waves(240);
        const auto windows = windows_over(values, length);
        const std::vector<float> flash(original.parameters().begin(), original.parameters().end());
        tocsin::aligned_vector<float> packed(
            static_cast<std::size_t>(original.model().packed_size()));
        original.model().pack(std::span<const float>(flash), std::span<float>(packed));
        const tocsin::vector_view<const float> none(nullptr, 0);
        const tocsin::column<float> mean = values.rowwise().mean();

        for (const bool with_packed : {false, true}) {
            auto borrowing = Kind::make();
            tocsin::borrowed_weights<float> weights{.parameters = flash};
            if (with_packed) {
                weights.packed = packed;
            }
            const auto outcome = borrowing.borrow(weights, original.data_scaler(), mean);
            REQUIRE_MESSAGE(outcome.ok(), outcome.message());
            CHECK(borrowing.phase() == detector_phase::trained);
            CHECK(borrowing.parameters().data() == flash.data());
            REQUIRE(borrowing.fit_errors(windows).ok());
            REQUIRE(borrowing.tune(windows).ok());
            CHECK(same_bits(visible(borrowing, windows), visible(original, windows)));
            auto stream = borrowing.make_stream();
            auto expected = original.make_stream();
            const auto live = slow_waves(100, 8);
            CHECK(same_verdicts(push_each(borrowing, stream, live),
                                push_each(original, expected, live)));
        }
    }

    TEST_CASE_TEMPLATE("both kinds: weights of another size are refused with the number", Kind,
                       TOCSIN_BOTH_KINDS) {
        auto detector = Kind::learned();
        const auto identity = detector.identity();
        const std::vector<float> all(detector.parameters().begin(), detector.parameters().end());
        const std::string expected = std::to_string(all.size());
        const auto& scaler = detector.data_scaler();
        const std::vector<float> mean{0, 0, 0};
        CHECK(says(detector.borrow({.parameters = std::span(all).first(10)}, scaler, mean),
                   "10 parameters for a model of " + expected));
        CHECK(says(
            detector.borrow({.parameters = all, .packed = std::span(all).first(7)}, scaler, mean),
            "7 packed weights for a model of " + std::to_string(detector.model().packed_size())));
        auto broken = all;
        broken[3] = std::numeric_limits<float>::quiet_NaN();
        CHECK(says(detector.borrow({.parameters = broken}, scaler, mean), "parameter 3 is"));
        CHECK(says(detector.borrow({.parameters = all}, scaler,
                                   {1.0F, std::numeric_limits<float>::infinity(), 1.0F}),
                   "mean 1 is inf"));
        CHECK(says(detector.borrow({.parameters = all}, scaler, {1.0F, 2.0F}),
                   "a mean of 2 and a scaler of 3 features for a detector of 3"));
        CHECK(says(detector.borrow({.parameters = all}, {}, mean), "a scaler of 0 features"));
        CHECK(detector.phase() == detector_phase::tuned);
        CHECK(detector.identity() == identity);
        CHECK(detector.parameters().data() != all.data());
    }
}
