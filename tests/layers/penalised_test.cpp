#include "tocsin/layers/bidirectional_lstm.hpp"
#include "tocsin/layers/conv1d.hpp"
#include "tocsin/layers/dense.hpp"
#include "tocsin/layers/lstm.hpp"
#include "tocsin/layers/lstm_stack.hpp"
#include "tocsin/layers/penalised.hpp"
#include "tocsin/layers/pooling.hpp"
#include "tocsin/models/sequential.hpp"

#include <doctest/doctest.h>

#include "layers/layer_checks.hpp"
#include <algorithm>
#include <string_view>
#include <vector>

using tocsin::penalised;
using tocsin_test::layer_problem;

TEST_SUITE("layers") {

    TEST_CASE_TEMPLATE(
        "penalised: the gradient of the penalty equals finite differences, biases and "
        "recurrent weights are free",
        Layer, tocsin::dense<double>, tocsin::lstm<double>) {
        const penalised layer(Layer(3, 4), {.l1 = 0.02, .l2 = 0.3});
        tocsin_test::check_layer_gradient(layer);
        layer_problem problem(layer);
        auto gradient = tocsin_test::zeros<double>(layer.parameter_count());
        auto unused = gradient;
        layer.penalty(problem.parameters(), gradient);
        const auto worst =
            tocsin::check_gradient([&] { return layer.penalty(problem.parameters(), unused); },
                                   problem.parameters(), gradient, 1e-6);
        CHECK(worst.relative_error <= 1e-6);
        CHECK(gradient[0] != 0);
        CHECK(gradient.back() == 0);
    }

    TEST_CASE("penalised: the weights of all taps of a convolution, whose output may be shorter") {
        const tocsin::conv1d<double> inner(2, 3, {.kernel = 3, .padding = tocsin::padding::valid});
        const penalised layer(inner, {.l1 = 0.02, .l2 = 0.3});
        auto gradient = tocsin_test::zeros<double>(layer.parameter_count());
        const std::vector<double> ones(gradient.size(), 1.0);
        const double penalty = layer.penalty(ones, gradient);
        CHECK(penalty == doctest::Approx(2 * 3 * 3 * 0.32));           // inputs, taps, outputs
        CHECK(std::count(gradient.begin(), gradient.end(), 0.0) == 3); // the biases
        CHECK(layer.output_time(10) == 8);

        // The layers behind it see the shorter sequence, forward and backward.
        const auto network = tocsin::sequential(layer, tocsin::global_average_pooling<double>(3),
                                                tocsin::dense<double>(3, 1));
        const auto plain = tocsin::sequential(inner, tocsin::global_average_pooling<double>(3),
                                              tocsin::dense<double>(3, 1));
        CHECK(network.output_time(10) == plain.output_time(10));
        CHECK(network.training_work_size(4, 10) == plain.training_work_size(4, 10));
    }

    TEST_CASE("penalised: a layer with several blocks of weights is refused") {
        const penalised both(tocsin::bidirectional_lstm<double>(2, 3), {.l2 = 0.1});
        CHECK(std::string_view(both.check().message()) ==
              "penalised: a layer with 2 blocks of parameters; it must be one that has a single "
              "block (dense, lstm, conv1d)");
        const penalised stack(tocsin::lstm_stack<double>{{2, 3, 4}}, {.l2 = 0.1});
        CHECK_FALSE(stack.check().ok());
    }

    TEST_CASE("weight_penalty: Keras' formula, bad factors are named") {
        const tocsin::weight_penalty penalty{.l1 = 0.1, .l2 = 0.01};
        const double weights[3] = {1, -2, 0};
        double gradients[3] = {};
        CHECK(penalty(std::span<const double>(weights), std::span<double>(gradients)) ==
              doctest::Approx(0.1 * 3 + 0.01 * 5));
        CHECK(gradients[0] == doctest::Approx(0.12));
        CHECK(gradients[1] == doctest::Approx(-0.14));
        CHECK(gradients[2] == 0);
        CHECK(!tocsin::weight_penalty{.l1 = -1}.check().ok());
    }
}
