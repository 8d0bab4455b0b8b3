#include "tocsin/layers/dense.hpp"
#include "tocsin/layers/lstm.hpp"
#include "tocsin/layers/penalised.hpp"

#include <doctest/doctest.h>

#include "layers/layer_checks.hpp"

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
