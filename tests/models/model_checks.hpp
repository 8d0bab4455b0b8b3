/// @file model_checks.hpp
/// @brief Checks that every sequence model must pass.
#pragma once

#include "tocsin/models/predictor.hpp"
#include "tocsin/models/sequence_model.hpp"
#include "tocsin/training/adam.hpp"
#include "tocsin/training/gradient_check.hpp"
#include "tocsin/training/losses.hpp"

#include <doctest/doctest.h>

#include "support/allocation_counter.hpp"
#include "support/random_values.hpp"
#include "support/reference_values.hpp"
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <span>
#include <string>
#include <vector>

namespace tocsin_test {

/// A model with random parameters, a batch of random windows and all buffers it needs.
template <class Model, class Loss = tocsin::mean_squared_error>
struct model_run {
    using scalar = typename Model::scalar_type;

    model_run(Model shape, int batch_size, int steps, Loss loss_function = {})
        : model{shape}, batch{batch_size}, time{steps}, loss{loss_function},
          parameters(random_values<scalar>(model.parameter_count(), 51, 0.7)),
          windows(random_values<scalar>(tocsin::index_t{model.features()} * batch * time, 52)),
          gradients(parameters.size()) {}

    tocsin::sequence_view<const scalar> input() const {
        return {windows.data(), model.features(), batch, time};
    }
    std::span<const scalar> weights() const { return parameters; }

    /// Loss of a training pass; `gradients` then has its gradient.
    double evaluate() {
        tocsin::random_generator random(53); // same dropout each time
        tocsin::zero(std::span<scalar>(gradients));
        auto work = garbage<scalar>(model.training_work_size(batch, time));
        return model.loss_and_gradient(weights(), input(), loss, std::span<scalar>(gradients),
                                       random, std::span<scalar>(work));
    }
    tocsin::aligned_vector<scalar> predict() const {
        auto predictions = garbage<scalar>(static_cast<tocsin::index_t>(windows.size()));
        tocsin::predictor<Model> predicting(model, batch, time);
        predicting.prepare(model, weights());
        predicting.predict(
            model, weights(), input(),
            tocsin::sequence_view<scalar>(predictions.data(), model.features(), batch, time));
        return predictions;
    }
    double loss_of_predictions() const {
        const auto predictions = predict();
        auto unused = predictions;
        return loss(std::span<const scalar>(predictions), std::span<const scalar>(windows),
                    std::span<scalar>(unused));
    }

    /// Gives the hidden ReLU layers of a head biases larger than any weighted sum of inputs of
    /// magnitude up to 2, so that no pre-activation comes near the kink; every other unit is
    /// active.
    void hold_head_off_kinks() {
        model.for_each_parameter_block([&](const char* name, tocsin::index_t offset,
                                           tocsin::index_t rows, tocsin::index_t cols) {
            if (std::strcmp(name, "head.dense.0") == 0 && rows != model.features()) {
                for (tocsin::index_t row = 0; row < rows; ++row) {
                    parameters[static_cast<std::size_t>(offset + rows * (cols - 1) + row)] =
                        static_cast<scalar>((row % 2 == 0 ? 2 : -2) * 0.7 *
                                            static_cast<double>(cols - 1));
                }
            }
        });
    }

    /// Worst relative error of a gradient against finite differences.
    double worst_against(tocsin::aligned_vector<double> gradient) {
        return tocsin::check_gradient([&] { return evaluate(); }, std::span<double>(parameters),
                                      std::span<const double>(gradient))
            .relative_error;
    }

    Model model;
    int batch;
    int time;
    Loss loss;
    tocsin::aligned_vector<scalar> parameters;
    tocsin::aligned_vector<scalar> windows;
    tocsin::aligned_vector<scalar> gradients;
};

/// Worst relative error over all parameters, 5 time steps, 3 batch items.
template <class Model>
double gradient_error(const Model& model) {
    model_run run(model, 3, 5);
    run.hold_head_off_kinks();
    run.evaluate();
    const auto analytic = run.gradients;
    // A parameter without influence would go unnoticed, so most must have some. Inactive units of a
    // ReLU layer have none.
    const auto active =
        std::count_if(analytic.begin(), analytic.end(), [](double entry) { return entry != 0; });
    CHECK(4 * active > 3 * static_cast<std::ptrdiff_t>(analytic.size()));
    return run.worst_against(analytic);
}

/// Two models of the same shape agree in loss, gradient and predictions.
template <class One, class Other>
void check_same_results(const One& one, const Other& other, double tolerance) {
    model_run a(one, 3, 5);
    model_run b(other, 3, 5);
    REQUIRE(a.parameters.size() == b.parameters.size());
    CHECK(a.evaluate() == doctest::Approx(b.evaluate()).epsilon(tolerance));
    CHECK(block_error(a.gradients, b.gradients) <= tolerance);
    CHECK(block_error(a.predict(), b.predict()) <= tolerance);
}

/// Predictions, loss, gradients and ten steps of Adam equal the values of a fixture.
template <class Model, class Loss>
void check_against_pytorch(const Model& model, const char* fixture, int time, const Loss& loss) {
    using scalar = typename Model::scalar_type;
    const reference_values reference(fixture);
    const double tolerance = reference_tolerance<scalar>;
    model_run<Model, Loss> run(model, 3, time, loss);
    REQUIRE(run.parameters.size() == reference["parameters"].size());
    REQUIRE(run.windows.size() == reference["windows"].size());
    run.parameters = reference.as<scalar>("parameters");
    run.windows = reference.as<scalar>("windows");

    CHECK(block_error(run.predict(), reference["predictions"]) <= tolerance);
    CHECK(run.evaluate() == doctest::Approx(reference.number("loss")).epsilon(tolerance));
    CHECK(block_error(run.gradients, reference["parameter_gradients"]) <= tolerance);

    tocsin::adam rule;
    rule.learning_rate = 0.001;
    auto state = zeros<scalar>(rule.state_size(model.parameter_count()));
    for (int step = 1; step <= 10; ++step) {
        const double expected = reference["losses"][static_cast<std::size_t>(step - 1)];
        CHECK(run.evaluate() == doctest::Approx(expected).epsilon(tolerance));
        rule.update(std::span<scalar>(run.parameters), std::span<const scalar>(run.gradients),
                    std::span<scalar>(state), step, 1.0);
    }
    CHECK(block_error(run.parameters, reference["parameters_after"]) <= tolerance);
}

/// Every item of a batch is predicted as when alone, within rounding.
template <class Model>
void check_batch_independence(const Model& model) {
    using scalar = typename Model::scalar_type;
    const double tolerance = 64 * static_cast<double>(std::numeric_limits<scalar>::epsilon());
    constexpr int items = 7;
    constexpr int time = 5;
    model_run many(model, items, time);
    const auto together = many.predict();
    const auto features = static_cast<std::size_t>(model.features());
    for (std::size_t item = 0; item < items; ++item) {
        model_run one(model, 1, time);
        std::vector<scalar> expected(features * time);
        for (std::size_t t = 0; t < time; ++t) {
            for (std::size_t f = 0; f < features; ++f) {
                const std::size_t at = (t * items + item) * features + f;
                one.windows[t * features + f] = many.windows[at];
                expected[t * features + f] = together[at];
            }
        }
        CHECK(block_error(one.predict(), expected) <= tolerance);
    }
}

/// Positive controls show that the counter sees new, malloc and Eigen's allocations.
template <class Model>
void check_predict_allocates_nothing(const Model& model) {
    using scalar = typename Model::scalar_type;
    const model_run run(model, 1, 6);
    auto predictions = zeros<scalar>(static_cast<tocsin::index_t>(run.windows.size()));
    tocsin::predictor<Model> predicting(model, 1, 6);
    const long during = allocations_during([&] {
        predicting.prepare(model, run.weights());
        predicting.predict(
            model, run.weights(), run.input(),
            tocsin::sequence_view<scalar>(predictions.data(), model.features(), 1, 6));
    });
    CHECK(during == 0);
    CHECK(predictions[0] != 0);

    int* volatile kept = nullptr;
    CHECK(allocations_during([&] { kept = new int(3); }) == 1);
    delete kept;
    void* volatile raw = nullptr;
    CHECK(allocations_during([&] { raw = std::malloc(7); }) == 1);
    std::free(raw);
    CHECK(allocations_during([&] { Eigen::VectorXd(100).setZero(); }) >= 1);
}

/// With NaN in one window of a batch, all predictions of that window are NaN and the others are
/// unchanged.
template <class Model>
void check_nan_stays_in_its_window(const Model& model) {
    model_run run(model, 3, 5);
    const auto clean = run.predict();
    const auto features = static_cast<std::size_t>(model.features());
    run.windows[(2 * 3 + 1) * features] = std::numeric_limits<double>::quiet_NaN();
    const auto spoilt = run.predict();
    for (std::size_t k = 0; k < clean.size(); ++k) {
        const bool item = k / features % 3 == 1;
        CHECK(std::isnan(spoilt[k]) == item);
        CHECK((item || spoilt[k] == clean[k]));
    }
    CHECK(std::isnan(run.evaluate()));
}

/// Blocks follow each other without gaps up to parameter_count(); initialise() fills all of them.
template <class Model>
void check_blocks(const Model& model, std::vector<std::string>& names) {
    tocsin::index_t next = 0;
    model.for_each_parameter_block(
        [&](const char* name, tocsin::index_t offset, tocsin::index_t rows, tocsin::index_t cols) {
            CHECK(offset == next);
            next += rows * cols;
            names.emplace_back(name);
        });
    CHECK(next == model.parameter_count());
    auto parameters = garbage<typename Model::scalar_type>(model.parameter_count());
    tocsin::random_generator random(1);
    model.initialise(parameters, random);
    CHECK(std::all_of(parameters.begin(), parameters.end(),
                      [](auto value) { return std::isfinite(value); }));
}

} // namespace tocsin_test
