#include "tocsin/models/encoder_decoder.hpp"
#include "tocsin/models/forecaster.hpp"
#include "tocsin/models/linear_forecaster.hpp"
#include "tocsin/models/mean_of_models.hpp"
#include "tocsin/models/row_autoencoder.hpp"
#include "tocsin/series/series.hpp"
#include "tocsin/training/fit.hpp"

#include <doctest/doctest.h>

#include "models/model_checks.hpp"
#include "support/small_detectors.hpp"
#include <algorithm>
#include <cmath>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace {

using tocsin::index_t;
using tocsin::mean_of_models;
using forecaster = tocsin::forecaster<double>;
using row_model = decltype(tocsin::make_row_autoencoder<double>(2));

static_assert(tocsin::forecasting_model<mean_of_models<forecaster>>);
static_assert(tocsin::stateful_model<mean_of_models<forecaster>>);
static_assert(tocsin::forecasting_model<mean_of_models<tocsin::linear_forecaster<double>>>);
static_assert(!tocsin::stateful_model<mean_of_models<tocsin::linear_forecaster<double>>>);
static_assert(!tocsin::forecasting_model<mean_of_models<tocsin::encoder_decoder<double>>>);
static_assert(!tocsin::packable_model<mean_of_models<row_model>> &&
              tocsin::sequence_model<mean_of_models<row_model>>);

mean_of_models<forecaster> three_forecasters() {
    return {tocsin_test::small_forecaster<double>(2, {5, 4}), 3};
}
/// The mean of what members predict alone.
template <class Model>
std::vector<double> mean_of_predictions(const tocsin_test::model_run<mean_of_models<Model>>& run) {
    std::vector<double> mean(run.windows.size());
    for (int k = 0; k < run.model.members(); ++k) {
        tocsin_test::model_run one(run.model.member(), run.batch, run.time);
        one.windows = run.windows;
        const auto own = run.model.parameters_of(run.weights(), k);
        one.parameters.assign(own.begin(), own.end());
        const auto predicted = one.predict();
        for (std::size_t at = 0; at < mean.size(); ++at) {
            mean[at] += predicted[at] / run.model.members();
        }
    }
    return mean;
}

} // namespace

TEST_SUITE("models") {

    TEST_CASE("mean_of_models: predicts the mean of its members, packed or not") {
        const auto check = [](const auto& model) {
            const tocsin_test::model_run run(model, 3, 5);
            CHECK(tocsin_test::block_error(run.predict(), mean_of_predictions(run)) <= 1e-13);
            tocsin_test::check_batch_independence(model);
            tocsin_test::check_predict_allocates_nothing(model);
        };
        check(three_forecasters());
        check(mean_of_models(tocsin_test::small_lstm<double>(2), 4));
        check(mean_of_models(tocsin::make_row_autoencoder<double>(2, {.outer = 5, .inner = 4}), 2));
    }

    TEST_CASE("mean_of_models: what members copy stays the same to the last bit") {
        const mean_of_models<tocsin::forecaster<float>> model{tocsin_test::small_forecaster(), 5};
        const tocsin_test::model_run run(model, 2, 6);
        const auto predictions = run.predict();
        for (std::size_t at = 2; at < predictions.size(); at += 3) { // the input that is no target
            CHECK(predictions[at] == run.windows[at]);
        }
    }

    TEST_CASE("mean_of_models: gradient of every parameter equals finite differences") {
        CHECK(tocsin_test::gradient_error(three_forecasters()) <= 1e-6);
        CHECK(tocsin_test::gradient_error(mean_of_models(tocsin_test::small_lstm<double>(2), 2)) <=
              1e-6);
    }

    TEST_CASE("mean_of_models: the loss is the mean of the members' losses") {
        tocsin_test::model_run run(three_forecasters(), 3, 6);
        const double together = run.evaluate();
        double sum = 0;
        for (int k = 0; k < 3; ++k) {
            tocsin_test::model_run one(run.model.member(), 3, 6);
            const auto own = run.model.parameters_of(run.weights(), k);
            one.windows = run.windows;
            one.parameters.assign(own.begin(), own.end());
            sum += one.evaluate();
        }
        CHECK(together == doctest::Approx(sum / 3).epsilon(1e-12));
    }

    TEST_CASE("mean_of_models: a truncation within the members' warm-up is refused") {
        const mean_of_models<forecaster> model(forecaster::with_layers(2, 2, {4}, 1, 0, 30), 2);
        CHECK(model.warm_up() == 30);
        tocsin::sequence_set<double> set;
        set.length = 60;
        set.values.setZero(2, 60);
        tocsin::trainer<> how;
        how.truncation = 20;
        auto state = tocsin::training_state<double>::fresh(model, how.optimiser, 1);
        CHECK(std::string_view(how.fit(model, set.windows(), {}, state).message()) ==
              "fit: truncation 20 must be more than the 30 steps of warm-up, which do not count");
    }

    TEST_CASE("mean_of_models: pieces of windows with the state between them are the whole") {
        tocsin_test::model_run run(three_forecasters(), 2, 9);
        const auto& model = run.model;
        std::vector<double> state(static_cast<std::size_t>(model.state_size(2)), 0.0);
        auto work = tocsin_test::garbage<double>(model.training_work_size(2, 9));
        tocsin::aligned_vector<double> gradients(run.parameters.size(), 0.0);
        tocsin::random_generator random(1);
        const auto loss_of = [&](int first, int count) {
            return model.loss_and_gradient(run.weights(), run.input().steps(first, count), run.loss,
                                           std::span<double>(gradients), random,
                                           std::span<double>(work), std::span<double>(state),
                                           first);
        };
        const double pieces = loss_of(0, 5) * 3 + loss_of(3, 6) * 4; // 3 and 4 steps with forecasts
        CHECK(pieces / 7 == doctest::Approx(run.evaluate()).epsilon(1e-12));
    }

    TEST_CASE("mean_of_models: members start from weights of their own; blocks have names") {
        const auto model = three_forecasters();
        std::vector<std::string> names;
        tocsin_test::check_blocks(model, names);
        REQUIRE(names.size() % 3 == 0);
        CHECK(names.front().starts_with("member0.stack."));
        CHECK(names.back().starts_with("member2.head."));
        std::vector<double> parameters(static_cast<std::size_t>(model.parameter_count()));
        tocsin::random_generator random(1);
        model.initialise(parameters, random);
        const auto first = model.parameters_of(std::span<const double>(parameters), 0);
        const auto second = model.parameters_of(std::span<const double>(parameters), 1);
        CHECK_FALSE(std::equal(first.begin(), first.end(), second.begin()));
    }

    TEST_CASE("mean_of_models: a wrong number of members or a wrong member is named") {
        CHECK(three_forecasters().check().ok());
        const mean_of_models single(tocsin_test::small_forecaster<double>(), 1);
        CHECK(std::string_view(single.check().message()) ==
              "mean_of_models: 1 members must lie in [2, 1000]");
        CHECK(
            tocsin_test::says(mean_of_models(tocsin::linear_forecaster<double>{2, 3, 4}, 5).check(),
                              "3 targets must be from 1 to the 2 features"));
    }
}
