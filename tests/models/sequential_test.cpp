#include "tocsin/layers/activation_layer.hpp"
#include "tocsin/layers/batch_norm.hpp"
#include "tocsin/layers/bidirectional_lstm.hpp"
#include "tocsin/layers/conv1d.hpp"
#include "tocsin/layers/dense.hpp"
#include "tocsin/layers/dropout_layer.hpp"
#include "tocsin/layers/lstm_stack.hpp"
#include "tocsin/layers/penalised.hpp"
#include "tocsin/layers/pooling.hpp"
#include "tocsin/models/sequential.hpp"
#include "tocsin/training/adam.hpp"
#include "tocsin/training/classification_losses.hpp"
#include "tocsin/training/gradient_check.hpp"

#include <doctest/doctest.h>

#include "every_layer.hpp"
#include "support/allocation_counter.hpp"
#include "support/random_values.hpp"
#include "support/reference_values.hpp"
#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>
#include <vector>

using namespace tocsin;
using tocsin_test::block_error;
using tocsin_test::everything;
using tocsin_test::garbage;
using tocsin_test::random_values;
using tocsin_test::zeros;

namespace {

template <class Scalar>
auto convolutional() {
    return sequential(
        conv1d<Scalar>(2, 4, {.kernel = 8}), batch_norm<Scalar>(4, {1e-3, 0.99, true}),
        activation_layer<Scalar, relu_activation>(4), conv1d<Scalar>(4, 3, {3, padding::valid}),
        batch_norm<Scalar>(3), activation_layer<Scalar, leaky_relu_activation>(3),
        global_average_pooling<Scalar>(3), dense<Scalar>(3, 2));
}
template <class Scalar>
auto recurrent() {
    return sequential(bidirectional_lstm<Scalar>(2, 3), lstm<Scalar>(6, 4),
                      pooling<Scalar, last_step>(4), dense<Scalar, tanh_activation>(4, 5),
                      dense<Scalar>(5, 2));
}

template <class Scalar>
auto with_penalties() {
    const conv1d<Scalar> dilated(2, 4, {.kernel = 3, .padding = padding::valid, .dilation = 2});
    return sequential(penalised(dilated, {0.01, 0.02}),
                      activation_layer<Scalar, tanh_activation>(4), global_max_pooling<Scalar>(4),
                      penalised(dense<Scalar, tanh_activation>(4, 5), {0, 0.03}),
                      dense<Scalar>(5, 2));
}

/// A network with its buffers and the cross entropy with given targets.
template <class Network>
struct network_run {
    using scalar = typename Network::scalar_type;

    network_run(const Network& shape, int batch_size, int steps)
        : network{shape}, batch{batch_size}, time{steps},
          parameters(static_cast<std::size_t>(network.parameter_count())),
          inputs(random_values<scalar>(index_t{network.features()} * batch * time, 2)),
          targets(zeros<scalar>(2 * batch)), gradients(parameters.size()) {
        random_generator random(1);
        network.initialise(parameters, random);
        for (int b = 0; b < batch; ++b) {
            targets[static_cast<std::size_t>(2 * b + b % 2)] = 1;
        }
    }
    double evaluate() {
        zero(std::span<scalar>(gradients));
        random_generator random(53);
        auto work = garbage<scalar>(network.training_work_size(batch, time));
        return network.loss_and_gradient(
            parameters, view(),
            [&](sequence_view<const scalar> outputs, sequence_view<scalar> slopes) {
                return categorical_cross_entropy{2}(std::span<const scalar>(outputs.span()),
                                                    std::span<const scalar>(targets),
                                                    slopes.span());
            },
            std::span<scalar>(gradients), random, std::span<scalar>(work));
    }
    aligned_vector<scalar> infer() const {
        auto work = garbage<scalar>(network.infer_work_size(batch, time));
        const auto outputs = network.infer(parameters, view(), work);
        return {outputs.data(), outputs.data() + outputs.size()};
    }
    sequence_view<const scalar> view() const {
        return {inputs.data(), network.features(), batch, time};
    }

    Network network;
    int batch;
    int time;
    aligned_vector<scalar> parameters;
    aligned_vector<scalar> inputs;
    aligned_vector<scalar> targets;
    aligned_vector<scalar> gradients;
};

template <class Network>
void check_against_pytorch(const Network& network, const char* name, int time) {
    using scalar = typename Network::scalar_type;
    const tocsin_test::reference_values reference(name);
    const double tolerance = tocsin_test::reference_tolerance<scalar>;
    network_run run(network, 4, time);
    const auto trained = static_cast<std::size_t>(network.trained_count());
    const auto given = reference.as<scalar>("parameters");
    REQUIRE(given.size() == trained);
    std::copy(given.begin(), given.end(), run.parameters.begin());
    run.inputs = reference.as<scalar>("inputs");
    run.targets = reference.as<scalar>("targets");

    const adam rule{.learning_rate = 0.001};
    auto state = zeros<scalar>(rule.state_size(network.trained_count()));
    for (int step = 1; step <= 10; ++step) {
        const double expected = reference["losses"][static_cast<std::size_t>(step - 1)];
        CHECK(run.evaluate() == doctest::Approx(expected).epsilon(tolerance));
        const std::span<scalar> gradients(run.gradients);
        if (step == 1) {
            CHECK(block_error(gradients.first(trained), reference["parameter_gradients"]) <=
                  tolerance);
        }
        rule.update(std::span<scalar>(run.parameters).first(trained),
                    std::span<const scalar>(gradients.first(trained)), std::span<scalar>(state),
                    step, 1.0);
        network.update_statistics(run.parameters, run.gradients);
    }
    // A bias before a normalisation has a gradient of rounding errors, by whose sign Adam moves it:
    // in float, such biases may go either way. Nothing depends on them.
    const double after = std::is_same_v<scalar, float> ? 0.02 : 1e-9;
    const std::span<const scalar> parameters(run.parameters);
    CHECK(block_error(parameters.first(trained), reference["parameters_after"]) <= after);
    if (network.statistics_count() > 0) {
        CHECK(block_error(parameters.subspan(trained), reference["statistics_after"]) <= after);
    }
    CHECK(block_error(run.infer(), reference["logits"]) <= after);
}

} // namespace

TEST_SUITE("models") {

    TEST_CASE("sequential: gradient of a network of all layers equals finite differences") {
        network_run run(everything<double>(), 3, 9);
        CHECK(run.network.check().ok());
        CHECK(run.network.output_time(9) == 1);
        run.evaluate();
        const auto trained = static_cast<std::size_t>(run.network.trained_count());
        const aligned_vector<double> gradient(
            run.gradients.begin(), run.gradients.begin() + static_cast<index_t>(trained));
        CHECK(std::count(gradient.begin(), gradient.end(), 0.0) < 5);
        const auto worst =
            check_gradient([&] { return run.evaluate(); },
                           std::span<double>(run.parameters).first(trained), gradient, 1e-4);
        CAPTURE(worst.position);
        CHECK(worst.relative_error <= 1e-6);
    }

    TEST_CASE_TEMPLATE("sequential: losses, gradients, ten steps of Adam, running statistics and "
                       "inference equal PyTorch's",
                       Scalar, float, double) {
        check_against_pytorch(convolutional<Scalar>(), "network_convolutional", 14);
        check_against_pytorch(recurrent<Scalar>(), "network_recurrent", 7);
        check_against_pytorch(with_penalties<Scalar>(), "network_penalised", 11);
    }

    TEST_CASE("sequential: static sizes give the same as sizes at run time") {
        network_run fixed(sequential(conv1d<double, 2, 4>(2, 4, {.kernel = 3}),
                                     batch_norm<double, 4>(4), bidirectional_lstm<double, 4, 3>(),
                                     pooling<double, last_step_of_both_directions>(6),
                                     dense<double, identity_activation, 6, 2>()),
                          3, 7);
        network_run sized(sequential(conv1d<double>(2, 4, {.kernel = 3}), batch_norm<double>(4),
                                     bidirectional_lstm<double>(4, 3),
                                     pooling<double, last_step_of_both_directions>(6),
                                     dense<double>(6, 2)),
                          3, 7);
        CHECK(fixed.evaluate() == doctest::Approx(sized.evaluate()).epsilon(1e-13));
        CHECK(block_error(fixed.gradients, sized.gradients) <= 1e-12);
        CHECK(block_error(fixed.infer(), sized.infer()) <= 1e-13);
    }

    TEST_CASE("sequential: a stack is a layer, with its dropout in training alone") {
        network_run stacked(sequential(lstm_stack<double>({2, 4, 3}, 0.4),
                                       pooling<double, last_step>(3), dense<double>(3, 2)),
                            3, 7);
        network_run apart(sequential(lstm<double>(2, 4), lstm<double>(4, 3),
                                     pooling<double, last_step>(3), dense<double>(3, 2)),
                          3, 7);
        CHECK(block_error(stacked.infer(), apart.infer()) <= 1e-13);
        CHECK(stacked.evaluate() != doctest::Approx(apart.evaluate()).epsilon(1e-6));
        const aligned_vector<double> gradient = stacked.gradients;
        const auto worst = check_gradient([&] { return stacked.evaluate(); },
                                          std::span<double>(stacked.parameters), gradient, 1e-4);
        CAPTURE(worst.position);
        CHECK(worst.relative_error <= 1e-6);
    }

    TEST_CASE("sequential: blocks follow each other, statistics last, and initialise() fills all") {
        const auto network = convolutional<float>();
        std::vector<std::string> names;
        index_t next = 0;
        network.for_each_parameter_block(
            [&](const char* name, index_t offset, index_t rows, index_t cols) {
                CHECK(offset == next);
                next += rows * cols;
                names.emplace_back(name);
            });
        CHECK(next == network.parameter_count());
        CHECK(names == std::vector<std::string>{"0.weights", "1.scale", "1.shift", "3.weights",
                                                "4.scale", "4.shift", "7.weights", "1.mean",
                                                "1.variance", "4.mean", "4.variance"});
        auto parameters = garbage<float>(network.parameter_count());
        random_generator random(1);
        network.initialise(parameters, random);
        CHECK(std::all_of(parameters.begin(), parameters.end(),
                          [](float value) { return std::isfinite(value); }));
    }

    TEST_CASE("sequential: inference depends on its own window only, up to rounding") {
        network_run many(everything<float>(), 5, 9);
        const auto together = many.infer();
        network_run one(everything<float>(), 1, 9);
        for (int t = 0; t < 9; ++t) {
            for (std::size_t f = 0; f < 2; ++f) {
                one.inputs[static_cast<std::size_t>(t) * 2 + f] =
                    many.inputs[(static_cast<std::size_t>(t) * 5 + 3) * 2 + f];
            }
        }
        const auto alone = one.infer();
        CHECK(alone[0] == doctest::Approx(together[6]).epsilon(1e-5));
        CHECK(alone[1] == doctest::Approx(together[7]).epsilon(1e-5));
    }

    TEST_CASE("sequential: inference of one window allocates nothing") {
        const network_run run(everything<float>(), 1, 9);
        auto work = garbage<float>(run.network.infer_work_size(1, 9));
        CHECK(tocsin_test::allocations_during(
                  [&] { run.network.infer(run.parameters, run.view(), work); }) == 0);
        int* volatile kept = nullptr;
        CHECK(tocsin_test::allocations_during([&] { kept = new int(3); }) == 1);
        delete kept;
    }

    TEST_CASE("sequential: layers that do not fit, and wrong layers, are named") {
        const sequential misfit(dense<float>(3, 4), dense<float>(5, 2));
        CHECK(std::string_view(misfit.check().message())
                  .find("layer 1 reads 5 features, the one before gives 4") !=
              std::string_view::npos);
        CHECK(!sequential(dense<float>(3, 4), dropout_layer<float>(4, 1.5)).check().ok());
        const sequential narrow(conv1d<float>(1, 1, {5, padding::valid}),
                                conv1d<float>(1, 1, {5, padding::valid}));
        CHECK(narrow.output_time(8) < 1);
        CHECK(narrow.output_time(9) == 1);
    }
}
