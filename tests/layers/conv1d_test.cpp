#include "tocsin/layers/conv1d.hpp"

#include <doctest/doctest.h>

#include "layers/layer_checks.hpp"
#include "support/reference_values.hpp"
#include <string>
#include <string_view>
#include <utility>

using tocsin::conv1d;
using tocsin::index_t;
using tocsin::padding;
using tocsin_test::block_error;
using tocsin_test::layer_problem;

TEST_SUITE("layers") {

    TEST_CASE("conv1d: gradient equals finite differences for each padding, even kernels, "
              "dilation; static sizes give the same") {
        for (const padding around : {padding::valid, padding::same, padding::causal}) {
            for (const int kernel : {1, 2, 3, 4}) {
                for (const int dilation : {1, 2}) {
                    CAPTURE(kernel);
                    CAPTURE(dilation);
                    const conv1d<double> layer(3, 4, {kernel, around, dilation});
                    tocsin_test::check_layer_gradient(layer);
                    tocsin_test::check_same_layer(
                        conv1d<double, 3, 4>(3, 4, {kernel, around, dilation}), layer);
                }
            }
        }
    }

    TEST_CASE("conv1d: outputs are sums over the taps, with zeros around the inputs") {
        constexpr int inputs = 3;
        constexpr int outputs = 5;
        constexpr int batch = 2;
        constexpr int time = 11;
        for (const std::pair<int, int>& form :
             {std::pair{1, 1}, {3, 1}, {8, 1}, {2, 2}, {3, 2}, {4, 3}, {2, 9}}) {
            const int kernel = form.first;
            const int dilation = form.second;
            for (const padding around : {padding::valid, padding::same, padding::causal}) {
                CAPTURE(kernel);
                CAPTURE(dilation);
                const conv1d<double> layer(inputs, outputs, {kernel, around, dilation});
                const int reach = (kernel - 1) * dilation;
                // As PyTorch and Keras: where they cannot be equal, one zero less before than after.
                const int before = around == padding::valid  ? 0
                                   : around == padding::same ? reach / 2
                                                             : reach;
                layer_problem problem(layer, batch, time);
                const auto values = problem.outputs();
                const auto weight = problem.parameters();
                tocsin::aligned_vector<double> expected;
                const int steps = around == padding::valid ? time - reach : time;
                REQUIRE(layer.output_time(time) == steps);
                for (int t = 0; t < steps; ++t) {
                    for (int b = 0; b < batch; ++b) {
                        for (int o = 0; o < outputs; ++o) {
                            double sum =
                                weight[static_cast<std::size_t>(kernel * inputs * outputs + o)];
                            for (int k = 0; k < kernel; ++k) {
                                const int at = t + k * dilation - before;
                                for (int i = 0; i < inputs && at >= 0 && at < time; ++i) {
                                    sum += weight[static_cast<std::size_t>(
                                               (k * inputs + i) * outputs + o)] *
                                           problem.inputs().step(at)(i, b);
                                }
                            }
                            expected.push_back(sum);
                        }
                    }
                }
                CHECK(block_error(values, expected) <= 1e-14);
            }
        }
    }

    TEST_CASE("conv1d: with dilation, for each padding by hand") {
        // y_t = x of the older tap + 10 x of the newer one, two steps later; x = 1, 2, 3, 4, 5.
        const auto outputs = [](padding around) {
            layer_problem problem(conv1d<double>(1, 1, {2, around, 2}), 1, 5);
            problem.variables = {1, 10, 0, 1, 2, 3, 4, 5};
            return problem.outputs();
        };
        using values = tocsin::aligned_vector<double>;
        CHECK(outputs(padding::valid) == values{31, 42, 53});
        CHECK(outputs(padding::same) == values{20, 31, 42, 53, 4});
        CHECK(outputs(padding::causal) == values{10, 20, 31, 42, 53});
    }

    TEST_CASE("conv1d: a kernel of 8 with the same number of steps has 3 zeros before, 4 after") {
        const conv1d<float> layer(1, 1, {.kernel = 8});
        CHECK(layer.steps_before() == 3);
        CHECK(layer.steps_after() == 4);
        CHECK(layer.output_time(20) == 20);
        CHECK(conv1d<float>(1, 1, {8, padding::valid, 2}).output_time(20) == 6);
        CHECK(conv1d<float>(1, 1, {8, padding::valid, 3}).output_time(20) < 1);
    }

    TEST_CASE_TEMPLATE("conv1d: outputs and gradients equal PyTorch's", Scalar, float, double) {
        for (const char* name : {"same", "valid_dilated"}) {
            const tocsin_test::reference_values reference(std::string("conv1d_") + name);
            const bool same = std::string(name) == "same";
            const conv1d<Scalar> layer(3, 4,
                                       {.kernel = same ? 8 : 3,
                                        .padding = same ? padding::same : padding::valid,
                                        .dilation = same ? 1 : 2});
            layer_problem problem(layer, 2, 12);
            problem.variables = reference.as<Scalar>("parameters");
            const auto inputs = reference.as<Scalar>("inputs");
            problem.variables.insert(problem.variables.end(), inputs.begin(), inputs.end());
            problem.weights = reference.as<Scalar>("output_weights");
            const double tolerance = tocsin_test::reference_tolerance<Scalar>;
            CHECK(block_error(problem.outputs(), reference["outputs"]) <= tolerance);
            auto expected = reference["parameter_gradients"];
            const auto& of_inputs = reference["input_gradients"];
            expected.insert(expected.end(), of_inputs.begin(), of_inputs.end());
            CHECK(block_error(problem.gradient(), expected) <= tolerance);
        }
    }

    TEST_CASE("conv1d: an output is computed alike in any batch, and of causal ones only the past "
              "counts") {
        const conv1d<float> layer(4, 9, {.kernel = 3, .padding = padding::causal});
        layer_problem many(layer, 5, 12);
        const auto together = many.outputs();
        layer_problem one(layer, 1, 12);
        std::copy_n(many.variables.begin(), layer.parameter_count(), one.variables.begin());
        for (int t = 0; t < 12; ++t) {
            one.inputs().step(t).col(0) = many.inputs().step(t).col(2);
        }
        const auto alone = one.outputs();
        for (int t = 0; t < 12; ++t) {
            for (int k = 0; k < 9; ++k) {
                CHECK(alone[static_cast<std::size_t>(t * 9 + k)] ==
                      doctest::Approx(together[static_cast<std::size_t>((t * 5 + 2) * 9 + k)])
                          .epsilon(1e-5));
            }
        }
        one.inputs().step(8).setConstant(100); // changes nothing before
        const auto later = one.outputs();
        CHECK(std::equal(later.begin(), later.begin() + 8 * 9, alone.begin()));
        CHECK(later[8 * 9] != alone[8 * 9]);
    }

    TEST_CASE("conv1d: bad sizes are named") {
        CHECK(std::string_view(conv1d<float>(0, 4, {3}).check().message()).find("input size 0") !=
              std::string_view::npos);
        CHECK(std::string_view(conv1d<float>(1, 4, {0}).check().message()).find("kernel 0") !=
              std::string_view::npos);
        CHECK(!conv1d<float>(1, 4, {3, padding::same, 0}).check().ok());
    }
}
