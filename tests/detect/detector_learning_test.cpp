#include "tocsin/detect/detector.hpp"
#include "tocsin/metrics/confusion.hpp"
#include "tocsin/series/generator.hpp"
#include "tocsin/threshold/f_beta_threshold.hpp"

#include <doctest/doctest.h>

#include "support/small_detectors.hpp"
#include <cstdint>
#include <utility>
#include <vector>

// Whole runs: that a detector finds anomalies, and finds the same ones every time.

using tocsin::detector_settings;
using tocsin::error_view;
using tocsin_test::same_bits;

namespace {

using learned_detector =
    tocsin::detector<tocsin::encoder_decoder<float>, tocsin::standard_scaler<float>,
                     tocsin::mahalanobis<>, tocsin::f_beta_threshold>;

/// Noisy sinusoids: normal ones to learn from, mixed ones to tune and to test.
struct sinusoid_problem {
    tocsin::sequence_set<float> training;
    tocsin::sequence_set<float> validation;
    tocsin::sequence_set<float> tuning;
    tocsin::sequence_set<float> test;
};

template <class T>
T value_of(tocsin::result<T> made) {
    REQUIRE_MESSAGE(made.has_value(), made.error().message());
    return *std::move(made);
}

sinusoid_problem make_problem() {
    tocsin::random_generator random(11);
    const auto generator = value_of(tocsin::sinusoid_generator<float>::make(
        {.features = 3, .length = 20, .noise = 0.5}, random));
    const tocsin::anomaly_settings anomaly{.anomalous_steps = 6, .amplitude_factor = {2, 4}};
    sinusoid_problem problem;
    problem.training = value_of(generator.normal(120, random));
    problem.validation = value_of(generator.normal(60, random));
    problem.tuning = value_of(generator.mixed(40, 20, anomaly, random));
    problem.test = value_of(generator.mixed(80, 40, anomaly, random));
    return problem;
}

/// All phases on the problem, with dropout, so that every use of random numbers is covered.
learned_detector learned(const sinusoid_problem& problem, std::uint64_t seed, int epochs) {
    learned_detector detector({tocsin::lstm_stack<float>{{3, 8}, 0.1},
                               tocsin::lstm_stack<float>{{3, 8}, 0.1},
                               tocsin::dense_head<float>{{8, 3}}},
                              detector_settings{.window = 20});
    auto how = tocsin_test::quick_trainer(epochs, seed);
    how.optimiser.learning_rate = 0.01;
    for (const tocsin::status& outcome :
         {detector.train(problem.training.windows(), problem.validation.windows(), how),
          detector.fit_errors(problem.validation.windows()),
          detector.tune(problem.tuning.windows(), problem.tuning.labels)}) {
        REQUIRE_MESSAGE(outcome.ok(), outcome.message());
    }
    return detector;
}

/// Every number that a run produces.
std::vector<double> outcome_of(learned_detector detector, const sinusoid_problem& problem) {
    std::vector<double> all = tocsin_test::all_scores(detector, problem.test.windows());
    all.insert(all.end(), detector.parameters().begin(), detector.parameters().end());
    for (const auto* statistic : {&detector.step_statistic(), &detector.feature_statistic()}) {
        all.insert(all.end(), statistic->mean().begin(), statistic->mean().end());
        const auto covariance = statistic->covariance().reshaped();
        all.insert(all.end(), covariance.begin(), covariance.end());
    }
    all.push_back(detector.threshold());
    all.push_back(detector.threshold(error_view::per_feature));
    return all;
}

} // namespace

TEST_SUITE("detect") {
    TEST_CASE("detector: finds anomalous amplitudes in held-out sequences") {
        const auto problem = make_problem();
        auto detector = learned(problem, 3, 20);
        tocsin::confusion_counts by_step;
        tocsin::confusion_counts by_feature;
        for (tocsin::index_t k = 0; k < problem.test.count(); ++k) {
            const bool anomalous = problem.test.labels[static_cast<std::size_t>(k)] != 0;
            const auto verdict = tocsin_test::judge(detector, problem.test.sequence(k));
            by_step.add(verdict.flagged_by_step, anomalous);
            by_feature.add(verdict.flagged_by_feature, anomalous);
        }
        MESSAGE("F1 by step ", by_step.f_beta(1), ", by feature ", by_feature.f_beta(1));
        CHECK(by_step.f_beta(1) >= 0.9);
        CHECK(by_feature.f_beta(1) >= 0.9);
    }

    TEST_CASE("detector: one seed gives the same bits each time, another seed other ones") {
        const auto problem = make_problem();
        const auto first = outcome_of(learned(problem, 1, 2), problem);
        const auto first_again = outcome_of(learned(problem, 1, 2), problem);
        const auto second = outcome_of(learned(problem, 2, 2), problem);
        const auto second_again = outcome_of(learned(problem, 2, 2), problem);
        CHECK(same_bits(first, first_again));
        CHECK(same_bits(second, second_again));
        REQUIRE(first.size() == second.size());
        std::size_t equal = 0;
        for (std::size_t k = 0; k < first.size(); ++k) {
            equal += first[k] == second[k] ? 1 : 0;
        }
        // Initial biases may coincide; nothing that was learned does.
        CHECK(equal < first.size() / 20);
    }
}
