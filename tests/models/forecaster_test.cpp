#include "tocsin/models/autoencoder.hpp"
#include "tocsin/models/batches.hpp"
#include "tocsin/models/forecaster.hpp"
#include "tocsin/series/series.hpp"
#include "tocsin/training/fit.hpp"

#include <doctest/doctest.h>

#include "models/model_checks.hpp"
#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace {

using tocsin::index_t;
using tocsin_test::block_error;
using tocsin_test::random_values;

template <class Scalar>
using model_of = tocsin::forecaster<Scalar>;
using model = model_of<double>;

/// Three features, two of them forecast, two steps ahead, with two LSTM layers.
template <class Scalar = double>
model_of<Scalar> make_model(double dropout = 0, int warm_up = 0) {
    return model_of<Scalar>::with_layers(3, 2, {5, 4}, 2, dropout, warm_up);
}

std::string refusal(const model& shape) {
    return std::string(shape.check().message());
}

/// Forecasts of a batch of streams, step by step, `[targets * look_ahead x (batch * time)]`.
template <class Model>
tocsin::aligned_vector<typename Model::scalar_type>
stream(const Model& shape, std::span<const typename Model::scalar_type> parameters,
       tocsin::sequence_view<const typename Model::scalar_type> samples) {
    using scalar = typename Model::scalar_type;
    const int batch = samples.batch();
    auto packed = tocsin_test::garbage<scalar>(shape.packed_size());
    shape.pack(parameters, packed);
    auto state = tocsin_test::zeros<scalar>(shape.state_size(batch));
    auto work = tocsin_test::garbage<scalar>(shape.step_work_size(batch));
    auto forecasts = tocsin_test::garbage<scalar>(shape.forecast_size(batch) * samples.time());
    for (int t = 0; t < samples.time(); ++t) {
        shape.step({packed}, samples.step(t), state,
                   tocsin::matrix_view<scalar>(forecasts.data() + shape.forecast_size(batch) * t,
                                               shape.head().output_size(), batch),
                   work, tocsin::order_of_step(t));
    }
    return forecasts;
}

} // namespace

TEST_SUITE("models") {

    TEST_CASE("forecaster: gradient of every parameter equals finite differences") {
        CHECK(tocsin_test::gradient_error(make_model()) <= 1e-6);
        CHECK(tocsin_test::gradient_error(make_model(0.3)) <= 1e-6);
        CHECK(tocsin_test::gradient_error(make_model(0, 2)) <= 1e-6);
    }

    TEST_CASE("forecaster: static sizes give the results of dynamic ones") {
        using fixed = tocsin::forecaster<double, tocsin::lstm_stack<double, 3, 5, 4>,
                                         tocsin::dense_head<double, 4, 4>>;
        tocsin_test::check_same_results(fixed{{}, {}, 2}, make_model(), 1e-12);
    }

    TEST_CASE_TEMPLATE(
        "forecaster: forecasts of a stream are what training compares with the samples "
        "that follow",
        Scalar, float, double) {
        const double tolerance = 32 * static_cast<double>(std::numeric_limits<Scalar>::epsilon());
        constexpr int time = 6;
        constexpr int batch = 3;
        const auto shape = make_model<Scalar>();
        tocsin_test::model_run run(shape, batch, time);
        const auto forecasts = stream(shape, run.weights(), run.input());
        // Mean over steps 0 to time - look_ahead - 1, batch, targets and steps ahead.
        double sum = 0;
        int terms = 0;
        for (int t = 0; t + 2 < time; ++t) {
            for (int b = 0; b < batch; ++b) {
                for (int ahead = 0; ahead < 2; ++ahead) {
                    for (int f = 0; f < 2; ++f) {
                        const double forecast =
                            static_cast<double>(forecasts[static_cast<std::size_t>(
                                (t * batch + b) * 4 + ahead * 2 + f)]);
                        const double sample =
                            static_cast<double>(run.input().step(t + 1 + ahead)(f, b));
                        sum += (forecast - sample) * (forecast - sample);
                        ++terms;
                    }
                }
            }
        }
        CHECK(run.evaluate() == doctest::Approx(sum / terms).epsilon(tolerance));
    }

    TEST_CASE_TEMPLATE(
        "forecaster: predictions of windows are the stream's forecasts one step ahead", Scalar,
        float, double) {
        const double tolerance = 32 * static_cast<double>(std::numeric_limits<Scalar>::epsilon());
        const auto shape = make_model<Scalar>();
        tocsin_test::model_run run(shape, 3, 6);
        const auto predictions = run.predict();
        const auto forecasts = stream(shape, run.weights(), run.input());
        const tocsin::sequence_view<const Scalar> predicted(predictions.data(), 3, 3, 6);
        const tocsin::sequence_view<const Scalar> forecast(forecasts.data(), 4, 3, 6);
        CHECK(predicted.step(0) == run.input().step(0));
        for (int t = 1; t < 6; ++t) {
            CHECK((predicted.step(t).topRows(2) - forecast.step(t - 1).topRows(2))
                      .cwiseAbs()
                      .maxCoeff() <= tolerance);
            CHECK(predicted.step(t).bottomRows(1) == run.input().step(t).bottomRows(1));
        }
    }

    TEST_CASE("forecaster: windows with the state of those before them are one long window") {
        const auto shape = make_model();
        constexpr int batch = 2;
        constexpr int time = 12;
        tocsin_test::model_run whole(shape, batch, time);
        const double expected = whole.evaluate();
        // The whole has 10 steps with forecasts: two parts of 5, each with 2 more samples ahead.
        auto state = tocsin_test::zeros<double>(shape.state_size(batch));
        auto work = tocsin_test::garbage<double>(shape.training_work_size(batch, 7));
        auto gradients = tocsin_test::zeros<double>(shape.parameter_count());
        tocsin::random_generator random(1);
        double sum = 0;
        for (const int first : {0, 5}) {
            sum += shape.loss_and_gradient(
                whole.weights(), whole.input().steps(first, 7), tocsin::mean_squared_error{},
                std::span<double>(gradients), random, std::span<double>(work),
                std::span<double>(state), first);
        }
        CHECK(sum / 2 == doctest::Approx(expected).epsilon(1e-13));
        // The kept state equals the state of a stream of 10 samples.
        auto packed = tocsin_test::garbage<double>(shape.packed_size());
        shape.pack(whole.weights(), packed);
        auto streamed = tocsin_test::zeros<double>(shape.state_size(batch));
        auto step_work = tocsin_test::garbage<double>(shape.step_work_size(batch));
        auto forecasts = tocsin_test::garbage<double>(shape.forecast_size(batch));
        for (int t = 0; t < 10; ++t) {
            shape.step({packed}, whole.input().step(t), streamed,
                       tocsin::matrix_view<double>(forecasts.data(), 4, batch), step_work);
        }
        CHECK(block_error(state, streamed) <= 1e-13);
    }

    TEST_CASE_TEMPLATE("forecaster: an item alone is predicted as in a batch", Scalar, float,
                       double) {
        tocsin_test::check_batch_independence(make_model<Scalar>());
    }

    TEST_CASE("forecaster: predict and step allocate nothing") {
        tocsin_test::check_predict_allocates_nothing(model::with_layers(3, 3, {40, 30}, 4));
    }

    TEST_CASE("forecaster: a NaN sample spoils the forecasts after it, in its own stream") {
        const auto shape = make_model();
        tocsin_test::model_run run(shape, 3, 6);
        run.windows[(2 * 3 + 1) * 3] = std::numeric_limits<double>::quiet_NaN(); // step 2, item 1
        const auto forecasts = stream(shape, run.weights(), run.input());
        for (std::size_t k = 0; k < forecasts.size(); ++k) {
            const bool spoilt = k / 4 / 3 >= 2 && k / 4 % 3 == 1;
            CHECK(std::isnan(forecasts[k]) == spoilt);
        }
        CHECK(std::isnan(run.evaluate()));
    }

    TEST_CASE("forecaster: parameter blocks cover all parameters in order") {
        std::vector<std::string> names;
        tocsin_test::check_blocks(make_model(), names);
        CHECK(names == std::vector<std::string>{"stack.lstm.0", "stack.lstm.1", "head.dense.0"});
    }

    TEST_CASE("forecaster: settings that do not fit are named with their values") {
        CHECK(make_model().check().ok());
        CHECK(make_model().look_ahead() == 2);
        CHECK(make_model(0, 4).shortest_window() == 7);
        CHECK(refusal(model::with_layers(3, 4, {5}, 1)) ==
              "forecaster: 4 targets must be from 1 to the 3 features, warm-up 0 from 0 to 65536");
        CHECK_FALSE(model::with_layers(3, 1, {5}, 1, 0, -1).check().ok());
        CHECK_FALSE(model::with_layers(3, 1, {5}, 0).check().ok());
        CHECK(refusal({tocsin::lstm_stack<double>{{3, 5}}, tocsin::dense_head<double>{{5, 3}},
                       2}) == "forecaster: 3 outputs of the head are no multiple of 2 targets");
        CHECK(
            refusal({tocsin::lstm_stack<double>{{3, 5}}, tocsin::dense_head<double>{{6, 2}}, 2}) ==
            "forecaster: outputs of the LSTM and inputs of the head: 5 and 6 differ");
        CHECK_FALSE(model{}.check().ok());
    }

    TEST_CASE("forecaster: training refuses windows without a forecast, and learns a sine") {
        tocsin::sequence_set<double> set;
        set.length = 20;
        set.values.resize(1, 20 * 30);
        for (int k = 0; k < set.values.cols(); ++k) {
            set.values(0, k) = std::sin(0.3 * k);
        }
        tocsin::trainer<> how;
        how.epochs = 60;
        how.batch_size = 10;
        how.optimiser.learning_rate = 0.02;

        const auto too_long = model::with_layers(1, 1, {8}, 20);
        auto refused = tocsin::training_state<double>::fresh(too_long, how.optimiser, 1);
        CHECK(std::string_view(how.fit(too_long, set.windows(), {}, refused).message()) ==
              "fit: windows of 20 samples are shorter than the 21 that the model needs");

        const auto shape = model::with_layers(1, 1, {8}, 3, 0, 4);
        auto state = tocsin::training_state<double>::fresh(shape, how.optimiser, 1);
        CHECK(how.fit(shape, set.windows(), {}, state).ok());
        CHECK(state.history.back().training_loss < 0.01 * state.history.front().training_loss);
    }

    TEST_CASE(
        "forecaster: stateful training takes the gradients of pieces, with the state between") {
        // Two recordings of 23 samples in pieces of 5 with 2 ahead: they begin at 0, 5, 10, 15, 20.
        for (const int warm_up : {0, 3}) {
            CAPTURE(warm_up);
            const auto shape = make_model(0, warm_up);
            tocsin::sequence_set<double> set;
            set.length = 23;
            set.values.resize(3, 2 * 23);
            const auto values = random_values<double>(set.values.size(), 8);
            std::copy(values.begin(), values.end(), set.values.data());
            tocsin::trainer<> how;
            how.epochs = 1;
            how.batch_size = 2;
            how.truncation = 5;
            how.clip_norm = 0;
            how.optimiser.learning_rate = 1e-3;
            auto state = tocsin::training_state<double>::fresh(shape, how.optimiser, 3);
            auto parameters = state.parameters;
            REQUIRE(how.fit(shape, set.windows(), {}, state).ok());
            CHECK(state.step == 5);

            auto kept = tocsin_test::zeros<double>(shape.state_size(2));
            auto rule_state =
                tocsin_test::zeros<double>(how.optimiser.state_size(shape.parameter_count()));
            auto work = tocsin_test::garbage<double>(shape.training_work_size(2, 7));
            tocsin::random_generator random(1);
            auto samples = tocsin_test::garbage<double>(3 * 2 * 7);
            double loss = 0;
            for (int piece = 0; piece < 5; ++piece) {
                const int count = std::min(7, 23 - 5 * piece);
                const tocsin::sequence_view<double> batch(samples.data(), 3, 2, count);
                const std::vector<index_t> order{0, 1}; // their order does not change the mean
                tocsin::gather_batch<double>(set.windows(), order, batch, 5 * piece);
                auto gradients = tocsin_test::zeros<double>(shape.parameter_count());
                // The state has settled after the warm-up, which lies within the first piece.
                const int counted = count - 2 - (piece == 0 ? warm_up : 0);
                loss += counted * shape.loss_and_gradient(
                                      std::span<const double>(parameters),
                                      tocsin::sequence_view<const double>(batch),
                                      tocsin::mean_squared_error{}, std::span<double>(gradients),
                                      random, std::span<double>(work), std::span<double>(kept),
                                      5 * piece);
                how.optimiser.update(std::span<double>(parameters),
                                     std::span<const double>(gradients),
                                     std::span<double>(rule_state), piece + 1, 1.0);
            }
            CHECK(state.history.front().training_loss ==
                  doctest::Approx(loss / (21 - warm_up)).epsilon(1e-12));
            CHECK(block_error(state.parameters, parameters) <= 1e-10);
        }
    }

    TEST_CASE(
        "forecaster: truncation beyond the window is none, within the warm-up it is refused") {
        tocsin::sequence_set<double> set;
        set.length = 12;
        set.values.resize(3, 24);
        const auto values = random_values<double>(set.values.size(), 8);
        std::copy(values.begin(), values.end(), set.values.data());
        const auto shape = make_model(0, 3);
        const auto trained = [&](int truncation) {
            tocsin::trainer<> how;
            how.epochs = 1;
            how.truncation = truncation;
            auto state = tocsin::training_state<double>::fresh(shape, how.optimiser, 3);
            REQUIRE(how.fit(shape, set.windows(), {}, state).ok());
            return state.parameters;
        };
        const auto whole = trained(0);
        CHECK(trained(12) == whole);
        CHECK(trained(std::numeric_limits<int>::max()) == whole);

        tocsin::trainer<> how;
        how.truncation = 3;
        auto state = tocsin::training_state<double>::fresh(shape, how.optimiser, 3);
        CHECK(std::string_view(how.fit(shape, set.windows(), {}, state).message()) ==
              "fit: truncation 3 must be more than the 3 steps of warm-up, which do not count");
        CHECK_FALSE(make_model(0, 1 << 20).check().ok());
    }

    TEST_CASE("forecaster: stateful training is for models that keep a state") {
        CHECK(tocsin::stateful_model<model>);
        CHECK_FALSE(tocsin::stateful_model<tocsin::autoencoder<double>>);
        const auto shape = tocsin::autoencoder<double>::with_embedding(1, 2);
        tocsin::sequence_set<double> set;
        set.length = 10;
        set.values.setZero(1, 20);
        tocsin::trainer<> how;
        how.truncation = 4;
        auto state = tocsin::training_state<double>::fresh(shape, how.optimiser, 1);
        CHECK(std::string_view(how.fit(shape, set.windows(), {}, state).message()) ==
              "fit: truncation 4 needs a model that keeps its state from window to window");
        how.truncation = -1;
        CHECK_FALSE(how.check().ok());
    }
}
