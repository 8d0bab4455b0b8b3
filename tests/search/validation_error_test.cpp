#include "tocsin/layers/dense.hpp"
#include "tocsin/models/classifiers.hpp"
#include "tocsin/search/search.hpp"
#include "tocsin/search/validation_error.hpp"
#include "tocsin/training/fit_classifier.hpp"

#include <doctest/doctest.h>

#include "support/small_detectors.hpp"
#include <string>

using tocsin::running_trial;
using tocsin::search_space;

TEST_SUITE_BEGIN("search");

TEST_CASE("validation error: the settings of a forecaster and its trainer are searched") {
    const auto values = tocsin_test::slow_waves<float>(400);
    const auto other = tocsin_test::slow_waves<float>(200, 2);
    const tocsin::validation_error objective{
        tocsin_test::windows_over(values, 30, 10), tocsin_test::windows_over(other, 30, 10),
        [](const running_trial& trial) {
            auto trainer = tocsin_test::quick_trainer(9);
            trainer.optimiser.learning_rate = trial.real("learning rate");
            return tocsin::trial_model{tocsin_test::small_forecaster(2, {trial.integer("hidden")}),
                                       trainer};
        }};
    search_space space;
    space.add_log_real("learning rate", 1e-5, 0.1).add_log_integer("hidden", 1, 16);
    const auto found = tocsin::search(
        space, {.trials = 10, .parallel = 2, .seed = 1, .halving = {.first = 1, .factor = 3}},
        objective);
    REQUIRE_MESSAGE(found.has_value(), found.error().message());
    int stopped = 0;
    for (const auto& trial : found->trials) {
        CHECK(trial.value >= found->best_trial().value);
        stopped += trial.outcome == tocsin::trial_outcome::stopped ? 1 : 0;
        if (trial.outcome == tocsin::trial_outcome::finished) {
            CHECK(trial.reports.size() == 9);
            CHECK(trial.reports.back().value == trial.value);
        }
    }
    CHECK(stopped > 0);
    // Trained again with the best values, it reaches the same error.
    running_trial again(space, 0, found->best_trial().values);
    const auto value = objective(again);
    REQUIRE(value.has_value());
    CHECK(*value == found->best_trial().value);
}

TEST_CASE("validation error: the settings of a classifier are searched by any of its metrics") {
    tocsin::random_generator random(3);
    tocsin::matrix<float> values(1, 600);
    tocsin::labelled_windows<float> parts[2];
    std::vector<tocsin::index_t> first[2];
    for (tocsin::index_t k = 0; k < 60; ++k) {
        const int wave = static_cast<int>(random.below(2));
        for (tocsin::index_t t = 0; t < 10; ++t) {
            const double angle = (wave != 0 ? 0.5 : 1.1) * static_cast<double>(t);
            values(0, 10 * k + t) = static_cast<float>(std::sin(angle) + 0.3 * random.normal());
        }
        const std::size_t part = k < 40 ? 0 : 1;
        first[part].push_back(10 * k);
        parts[part].classes.push_back(wave);
    }
    for (const std::size_t part : {0U, 1U}) {
        parts[part].inputs = {{values.data(), 1, 600}, first[part], 10};
    }
    const tocsin::validation_error objective{
        parts[0], parts[1], [](const running_trial& trial) {
            tocsin::classifier_trainer<> trainer{.epochs = 12, .batch_size = 8};
            trainer.best_by = tocsin::classification_metric::accuracy;
            trainer.optimiser.learning_rate = trial.real("learning rate");
            return tocsin::trial_model{tocsin::lstm_classifier<float>(1, 1, 6), trainer};
        }};
    search_space space;
    space.add_log_real("learning rate", 1e-6, 0.1);
    const auto found = tocsin::search(space, {.trials = 6}, objective);
    REQUIRE_MESSAGE(found.has_value(), found.error().message());
    CHECK(found->best_trial().value < -0.8); // accuracy, negated
}

TEST_CASE("validation error: what cannot be trained is a failure of the trial") {
    const auto values = tocsin_test::slow_waves<float>(100);
    const auto windows = tocsin_test::windows_over(values, 30, 10);
    search_space space;
    space.add_real("learning rate", 0, 1);
    running_trial trial(space, 0, {0.0});
    const auto with = [&](int batch_size, const tocsin::windows<float>& validation) {
        return tocsin::validation_error{windows, validation, [batch_size](const running_trial&) {
                                            auto trainer = tocsin_test::quick_trainer(1);
                                            trainer.batch_size = batch_size;
                                            return tocsin::trial_model{
                                                tocsin_test::small_forecaster(), trainer};
                                        }};
    };
    CHECK(std::string(with(0, windows)(trial).error().message()).find("batch size 0") !=
          std::string::npos);
    CHECK(std::string(with(4, {})(trial).error().message()).find("no validation windows") !=
          std::string::npos);
}

TEST_SUITE_END();
