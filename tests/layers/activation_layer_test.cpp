#include "tocsin/layers/activation_layer.hpp"

#include <doctest/doctest.h>

#include "layers/layer_checks.hpp"
#include "support/reference_values.hpp"
#include <cmath>
#include <limits>
#include <string_view>

using tocsin::activation_layer;
using tocsin_test::block_error;
using tocsin_test::layer_problem;

namespace {

/// Moves inputs away from the kinks of a piecewise activation.
template <class Layer>
layer_problem<Layer> off_kinks(const Layer& layer, double kink) {
    layer_problem problem(layer);
    for (double& x : problem.variables) {
        x *= 2 * kink + 1;
        for (const double at : {-kink, 0.0, kink}) {
            x = std::abs(x - at) < 0.05 ? at + 0.1 : x;
        }
    }
    return problem;
}

} // namespace

TEST_SUITE("layers") {

    TEST_CASE("activation_layer: gradient equals finite differences") {
        using namespace tocsin;
        tocsin_test::check_layer_gradient(
            off_kinks(activation_layer<double, relu_activation>(3), 0));
        tocsin_test::check_layer_gradient(
            off_kinks(activation_layer<double, leaky_relu_activation>(3), 0));
        tocsin_test::check_layer_gradient(
            off_kinks(activation_layer<double, hard_sigmoid_activation<6>>(3), 3));
        tocsin_test::check_layer_gradient(
            off_kinks(activation_layer<double, hard_sigmoid_activation<5>>(3), 2.5));
        tocsin_test::check_layer_gradient(activation_layer<double, sigmoid_activation>(3));
        tocsin_test::check_layer_gradient(activation_layer<double, tanh_activation>(3));
        tocsin_test::check_layer_gradient(softmax_layer<double>(3));
        tocsin_test::check_layer_gradient(softmax_layer<double>(1));
    }

    TEST_CASE_TEMPLATE("activation_layer: values and slopes equal PyTorch's", Scalar, float,
                       double) {
        const tocsin_test::reference_values reference("activations");
        const double tolerance = tocsin_test::reference_tolerance<Scalar>;
        const auto check = [&](const auto& layer, const std::string& name) {
            CAPTURE(name);
            layer_problem problem(layer, 1, 7);
            problem.variables = reference.as<Scalar>("inputs");
            problem.weights = reference.as<Scalar>("output_weights");
            CHECK(block_error(problem.outputs(), reference[name]) <= tolerance);
            CHECK(block_error(problem.gradient(), reference[name + "_gradients"]) <= tolerance);
        };
        check(activation_layer<Scalar, tocsin::relu_activation>(3), "relu");
        check(activation_layer<Scalar, tocsin::leaky_relu_activation>(3), "leaky_relu");
        check(activation_layer<Scalar, tocsin::hard_sigmoid_activation<6>>(3), "hard_sigmoid");
        check(activation_layer<Scalar, tocsin::hard_sigmoid_activation<5>>(3),
              "hard_sigmoid_keras");
        check(activation_layer<Scalar, tocsin::sigmoid_activation>(3), "sigmoid");
        check(activation_layer<Scalar, tocsin::tanh_activation>(3), "tanh");
        check(tocsin::softmax_layer<Scalar>(3), "softmax");
    }

    TEST_CASE(
        "softmax: huge inputs do not overflow, columns add up to 1, NaN stays in its column") {
        const tocsin::softmax_layer<float> layer(2);
        layer_problem problem(layer, 2, 1);
        problem.variables = {1e30F, -1e30F, 5, std::numeric_limits<float>::quiet_NaN()};
        const auto outputs = problem.outputs();
        CHECK(outputs[0] == 1);
        CHECK(outputs[1] == 0);
        CHECK(std::isnan(outputs[2]));
        CHECK(std::isnan(outputs[3]));
    }

    TEST_CASE_TEMPLATE("piecewise activations: NaN stays NaN, flat ends are exact", Scalar, float,
                       double) {
        const Scalar nan = std::numeric_limits<Scalar>::quiet_NaN();
        tocsin::aligned_vector<Scalar> values(9, nan);
        tocsin::activate(tocsin::hard_sigmoid_activation<6>{}, values.data(), 9);
        CHECK(std::all_of(values.begin(), values.end(), [](Scalar x) { return std::isnan(x); }));
        values.assign(9, nan);
        tocsin::activate(tocsin::leaky_relu_activation{}, values.data(), 9);
        CHECK(std::all_of(values.begin(), values.end(), [](Scalar x) { return std::isnan(x); }));
        values = {-100, -3, 3, 100};
        tocsin::activate(tocsin::hard_sigmoid_activation<6>{}, values.data(), 4);
        CHECK(values == tocsin::aligned_vector<Scalar>{0, 0, 1, 1});
    }

    TEST_CASE("activation_layer: a size of 0 is named") {
        CHECK(!activation_layer<float, tocsin::relu_activation>(0).check().ok());
        CHECK(!tocsin::softmax_layer<float>(-1).check().ok());
    }

    TEST_CASE("activation_layer: a slope of leaky ReLU beyond (0, 1) is named") {
        using layer = activation_layer<float, tocsin::leaky_relu_activation>;
        CHECK(layer(2, {0.2}).check().ok());
        for (const double below : {0.0, -0.5, 1.0, std::numeric_limits<double>::quiet_NaN()}) {
            CHECK(layer(2, {below}).check().code() == tocsin::error_code::invalid_argument);
        }
        CHECK(std::string_view(layer(2, {-0.5}).check().message()) ==
              "leaky_relu: slope -0.5 must lie in (0, 1)");
    }
}
