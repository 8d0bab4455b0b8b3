#include "tocsin/layers/bidirectional_lstm.hpp"
#include "tocsin/layers/hard_sigmoid_precision.hpp"

#include <doctest/doctest.h>

#include "layers/layer_checks.hpp"
#include "support/reference_values.hpp"

using tocsin::bidirectional_lstm;
using tocsin::index_t;
using tocsin::lstm;
using tocsin_test::block_error;
using tocsin_test::layer_problem;

TEST_SUITE("layers") {

    TEST_CASE(
        "bidirectional_lstm: gradient equals finite differences; static sizes give the same") {
        const bidirectional_lstm<double> layer(3, 4);
        tocsin_test::check_layer_gradient(layer);
        tocsin_test::check_same_layer(bidirectional_lstm<double, 3, 4>(), layer);
    }

    TEST_CASE("bidirectional_lstm: halves are an LSTM over the sequence and one over its reverse, "
              "which ends at t = 0") {
        constexpr int time = 6;
        const bidirectional_lstm<float> layer(2, 5);
        layer_problem both(layer, 3, time);
        const auto outputs = both.outputs();
        const lstm<float> one(2, 5);
        for (const int half : {0, 1}) {
            layer_problem alone(one, 3, time);
            std::copy_n(both.variables.begin() + half * one.parameter_count(),
                        one.parameter_count(), alone.variables.begin());
            for (int t = 0; t < time; ++t) {
                alone.inputs().step(t) = both.inputs().step(half == 0 ? t : time - 1 - t);
            }
            const auto expected = alone.outputs();
            for (int t = 0; t < time; ++t) {
                const int at = half == 0 ? t : time - 1 - t;
                for (int b = 0; b < 3; ++b) {
                    for (int k = 0; k < 5; ++k) {
                        CHECK(outputs[static_cast<std::size_t>((at * 3 + b) * 10 + half * 5 + k)] ==
                              expected[static_cast<std::size_t>((t * 3 + b) * 5 + k)]);
                    }
                }
            }
        }
    }

    TEST_CASE_TEMPLATE("bidirectional_lstm: outputs and gradients equal PyTorch's", Scalar, float,
                       double) {
        const tocsin_test::reference_values reference("bidirectional_lstm");
        layer_problem problem(bidirectional_lstm<Scalar>(4, 5), 3, 6);
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

    TEST_CASE("hard_sigmoid_precision: gradient equals finite differences, a step alone equals the "
              "sequence") {
        const lstm<double, tocsin::dynamic, tocsin::dynamic, tocsin::hard_sigmoid_precision<5>>
            layer(3, 4);
        tocsin_test::check_layer_gradient(layer);
        layer_problem problem(layer, 1, 7);
        const auto expected = problem.outputs();
        auto packed = tocsin_test::garbage<double>(layer.packed_size());
        layer.pack(problem.parameters(), packed);
        auto memory = tocsin_test::zeros<double>(layer.state_size(1));
        auto work = tocsin_test::garbage<double>(layer.step_work_size(1));
        auto state = layer.make_state(memory, 1);
        tocsin::aligned_vector<double> values;
        for (int t = 0; t < 7; ++t) {
            layer.step({packed}, problem.inputs().step(t), state, work);
            values.insert(values.end(), state.hidden.data(), state.hidden.data() + 4);
        }
        CHECK(block_error(values, expected) <= 1e-14);

        layer_problem soft(lstm<double>(3, 4), 1, 7);
        CHECK(block_error(soft.outputs(), expected) > 1e-3);
    }
}
