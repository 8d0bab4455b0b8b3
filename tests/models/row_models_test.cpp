#include "tocsin/layers/batch_norm.hpp"
#include "tocsin/layers/conv1d.hpp"
#include "tocsin/layers/repeat.hpp"
#include "tocsin/models/row_autoencoder.hpp"
#include "tocsin/models/variational_autoencoder.hpp"
#include "tocsin/training/adam.hpp"
#include "tocsin/training/fit.hpp"

#include <doctest/doctest.h>

#include "models/model_checks.hpp"
#include "support/random_values.hpp"
#include "support/reference_values.hpp"
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

using namespace tocsin;
using tocsin_test::model_run;

namespace {

template <class Scalar>
auto smooth_autoencoder() {
    return row_autoencoder(sequential(dense<Scalar, tanh_activation>(4, 3), dense<Scalar>(3, 2),
                                      dense<Scalar, tanh_activation>(2, 3),
                                      dense<Scalar, sigmoid_activation>(3, 4)));
}
template <class Scalar>
auto smooth_variational(double weight = 0.5) {
    return variational_autoencoder(
        sequential(dense<Scalar, tanh_activation>(4, 3), dense<Scalar>(3, 4)),
        sequential(dense<Scalar, tanh_activation>(2, 3), dense<Scalar, sigmoid_activation>(3, 4)),
        weight);
}

static_assert(sequence_model<decltype(smooth_autoencoder<float>())>);
static_assert(sequence_model<decltype(smooth_variational<double>())>);

/// Rows near a curve in [0, 1]^4.
matrix<float> curve(index_t rows, std::uint64_t seed) {
    random_generator random(seed);
    matrix<float> values(4, rows);
    for (index_t t = 0; t < rows; ++t) {
        const double at = random.uniform();
        const double each[4] = {at, 1 - at, at * at, 0.5 + 0.4 * std::sin(6 * at)};
        for (index_t k = 0; k < 4; ++k) {
            values(k, t) = static_cast<float>(each[k] + 0.01 * random.normal());
        }
    }
    return values;
}

/// @param model of the rows and layers of the file
template <class Model>
void check_against_pytorch(const Model& model, const char* name) {
    using scalar = typename Model::scalar_type;
    const tocsin_test::reference_values reference(name);
    const double tolerance = tocsin_test::reference_tolerance<scalar>;
    model_run run(model, 3, 2);
    run.parameters = reference.as<scalar>("parameters");
    run.windows = reference.as<scalar>("windows");
    REQUIRE(static_cast<index_t>(run.parameters.size()) == model.parameter_count());
    REQUIRE(run.windows.size() == 24);
    CHECK(tocsin_test::block_error(run.predict(), reference["predictions"]) <= tolerance);
    const adam rule{.learning_rate = 0.001};
    auto state = tocsin_test::zeros<scalar>(rule.state_size(model.parameter_count()));
    for (int step = 1; step <= 10; ++step) {
        const double expected = reference["losses"][static_cast<std::size_t>(step - 1)];
        CHECK(run.evaluate() == doctest::Approx(expected).epsilon(tolerance));
        if (step == 1) {
            CHECK(tocsin_test::block_error(run.gradients, reference["parameter_gradients"]) <=
                  tolerance);
        }
        rule.update(std::span<scalar>(run.parameters), std::span<const scalar>(run.gradients),
                    std::span<scalar>(state), step, 1.0);
    }
    CHECK(tocsin_test::block_error(run.parameters, reference["parameters_after"]) <=
          10 * tolerance);
    CHECK(tocsin_test::block_error(run.predict(), reference["predictions_after"]) <=
          10 * tolerance);
}

} // namespace

TEST_SUITE("models") {

    TEST_CASE_TEMPLATE("row_autoencoder, variational_autoencoder: losses, gradients, ten steps of "
                       "Adam and reconstructions equal PyTorch's, with the same noise",
                       Scalar, float, double) {
        check_against_pytorch(smooth_autoencoder<Scalar>(), "row_autoencoder");
        check_against_pytorch(smooth_variational<Scalar>(), "variational_autoencoder");
    }

    TEST_CASE("row_autoencoder, variational_autoencoder: gradients equal finite differences") {
        CHECK(tocsin_test::gradient_error(smooth_autoencoder<double>()) <= 1e-6);
        CHECK(tocsin_test::gradient_error(smooth_variational<double>()) <= 1e-6);
        CHECK(tocsin_test::gradient_error(smooth_variational<double>(0)) <= 1e-6);
    }

    TEST_CASE("row_autoencoder, variational_autoencoder: blocks, batches, NaN") {
        std::vector<std::string> names;
        tocsin_test::check_blocks(smooth_autoencoder<float>(), names);
        tocsin_test::check_blocks(smooth_variational<float>(), names);
        CHECK(names[4] == "encoder.0.weights");
        CHECK(names.back() == "decoder.1.weights");
        tocsin_test::check_batch_independence(smooth_autoencoder<float>());
        tocsin_test::check_batch_independence(smooth_variational<double>());

        model_run run(smooth_variational<double>(), 3, 1);
        const auto clean = run.predict();
        run.windows[5] = std::numeric_limits<double>::quiet_NaN();
        const auto spoilt = run.predict();
        CHECK(std::isnan(spoilt[4]));
        CHECK(spoilt[3] == clean[3]);
        CHECK(spoilt[8] == clean[8]);
    }

    TEST_CASE(
        "variational_autoencoder: the loss is the squared error plus the weighted divergence") {
        const auto with = smooth_variational<double>(3);
        const auto without = smooth_variational<double>(0);
        model_run a(with, 2, 1);
        model_run b(without, 2, 1);
        // Encoders without weights: mean 0.3, log variance -0.2 for both latent variables.
        for (auto* run : {&a.parameters, &b.parameters}) {
            std::fill(run->begin(), run->begin() + with.parameter_count() / 2, 0.0);
            const std::size_t bias = 15 + 12;
            for (std::size_t k = 0; k < 4; ++k) {
                (*run)[15 + k] = (*run)[19 + k] = (*run)[23 + k] = 0;
                (*run)[bias + k] = k < 2 ? 0.3 : -0.2;
            }
        }
        const double divergence = 0.5 * 2 * (0.09 + std::exp(-0.2) - 1 + 0.2);
        CHECK(a.evaluate() - b.evaluate() == doctest::Approx(3 * divergence / 4));
    }

    TEST_CASE(
        "row models: trained on rows near a curve, they reconstruct it and miss what is off it; "
        "drawn reconstructions scatter around the reconstruction of the mean") {
        const matrix<float> training = curve(400, 1);
        const matrix<float> normal = curve(100, 2);
        matrix<float> odd = normal;
        odd.row(0) = odd.row(0).reverse().eval();
        const auto rows = make_windows(training, 1).value();
        trainer<mean_squared_error, adam, constant_rate, never_stop> how;
        how.epochs = 60;
        how.optimiser.learning_rate = 0.01;
        const auto error_of = [](const auto& model, std::span<const float> parameters,
                                 const matrix<float>& values) {
            double sum = 0;
            predict_windows(model, parameters, make_windows(values, 1).value(), 50,
                            [&](index_t, const auto& row, const auto& made) {
                                sum += static_cast<double>((row - made).squaredNorm());
                            });
            return sum / static_cast<double>(values.cols());
        };
        const auto check = [&](const auto& model) {
            auto state = training_state<float>::fresh(model, how.optimiser, 3);
            REQUIRE(how.fit(model, rows, {}, state).ok());
            const std::span<const float> best(state.best_parameters);
            CHECK(error_of(model, best, normal) < 0.15);
            CHECK(error_of(model, best, odd) > 2 * error_of(model, best, normal));
            return state;
        };
        check(make_row_autoencoder<float>(4, {8, 6, 2}));
        const auto model = make_variational_autoencoder<float>(4, {8, 6, 2}, 0.01);
        const auto state = check(model);

        const std::span<const float> best(state.best_parameters);
        const sequence_view<const float> one(normal.data(), 4, 1, 1);
        auto work = tocsin_test::garbage<float>(model.predict_work_size(1, 1));
        aligned_vector<float> made(4);
        const sequence_view<float> to(made.data(), 4, 1, 1);
        model.predict(best, one, to, work);
        const auto of_mean = made;
        random_generator random(4);
        column<double> sum = column<double>::Zero(4);
        double scatter = 0;
        for (int k = 0; k < 500; ++k) {
            model.predict_drawn(best, one, to, random, work);
            for (index_t j = 0; j < 4; ++j) {
                const auto at = static_cast<std::size_t>(j);
                sum[j] += static_cast<double>(made[at]) / 500;
                scatter += std::abs(static_cast<double>(made[at] - of_mean[at]));
            }
        }
        CHECK(scatter > 0);
        for (index_t j = 0; j < 4; ++j) {
            CHECK(sum[j] ==
                  doctest::Approx(static_cast<double>(of_mean[static_cast<std::size_t>(j)]))
                      .epsilon(0.1));
        }
    }

    TEST_CASE("row models: sizes that do not fit are named") {
        const auto says = [](const status& outcome, std::string_view part) {
            return !outcome.ok() &&
                   std::string_view(outcome.message()).find(part) != std::string_view::npos;
        };
        CHECK(says(row_autoencoder(sequential(dense<float>(4, 3))).check(),
                   "outputs of the network: 4 and 3 differ"));
        CHECK(says(row_autoencoder(sequential(dense<float>(4, 4), batch_norm<float>(4))).check(),
                   "the network has a layer that keeps statistics"));
        CHECK(says(row_autoencoder(
                       sequential(conv1d<float>(4, 4, {.kernel = 3, .padding = padding::valid})))
                       .check(),
                   "the network makes 5 steps of 7"));
        CHECK(says(variational_autoencoder(
                       sequential(conv1d<float>(4, 4, {.kernel = 3, .padding = padding::valid})),
                       sequential(dense<float>(2, 4)))
                       .check(),
                   "the encoder makes 5 steps of 7"));
        CHECK(says(variational_autoencoder(sequential(dense<float>(4, 4)),
                                           sequential(dense<float>(2, 4), repeat<float>(4, 7)))
                       .check(),
                   "the decoder makes 49 steps of 7"));
        CHECK(says(
            variational_autoencoder(sequential(dense<float>(4, 3)), sequential(dense<float>(2, 4)))
                .check(),
            "3 outputs, the decoder 2"));
        CHECK(says(make_variational_autoencoder<float>(4, {}, -1).check(), "weight -1"));
        CHECK(make_row_autoencoder<float>(18).parameter_count() ==
              19 * 15 + 16 * 7 + 8 * 2 + 3 * 7 + 8 * 15 + 16 * 18);
    }
}
