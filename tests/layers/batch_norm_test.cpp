#include "tocsin/layers/batch_norm.hpp"

#include <doctest/doctest.h>

#include "layers/layer_checks.hpp"
#include "support/reference_values.hpp"
#include <string>
#include <string_view>

using tocsin::batch_norm;
using tocsin::batch_norm_settings;
using tocsin_test::block_error;
using tocsin_test::layer_problem;

TEST_SUITE("layers") {

    TEST_CASE("batch_norm: gradient equals finite differences; static sizes give the same") {
        const batch_norm<double> layer(4);
        static_assert(tocsin::layer_with_statistics<batch_norm<double>>);
        static_assert(tocsin::layer_with_inference<batch_norm<double>>);
        tocsin_test::check_layer_gradient(layer);
        tocsin_test::check_same_layer(batch_norm<double, 4>(4), layer);
        tocsin_test::check_layer_gradient(batch_norm<double>(2, batch_norm_settings::keras()));
    }

    TEST_CASE_TEMPLATE(
        "batch_norm: outputs, gradients, running values and inference equal PyTorch's and "
        "Keras', each with its defaults",
        Scalar, float, double) {
        for (const char* name : {"pytorch", "keras"}) {
            const tocsin_test::reference_values reference(std::string("batch_norm_") + name);
            const auto settings = std::string(name) == "keras" ? batch_norm_settings::keras()
                                                               : batch_norm_settings::pytorch();
            const batch_norm<Scalar> layer(4, settings);
            const double tolerance = tocsin_test::reference_tolerance<Scalar>;
            layer_problem problem(layer, 3, 5);
            problem.variables = reference.as<Scalar>("parameters");
            const auto inputs = reference.as<Scalar>("inputs");
            problem.variables.insert(problem.variables.end(), inputs.begin(), inputs.end());
            problem.weights = reference.as<Scalar>("output_weights");
            CHECK(block_error(problem.outputs(), reference["outputs"]) <= tolerance);

            auto statistics = tocsin_test::garbage<Scalar>(layer.statistics_count());
            layer.initialise_statistics(statistics);
            for (int batch = 0; batch < 3; ++batch) {
                auto measured = tocsin_test::zeros<Scalar>(layer.statistics_count());
                layer.measure(problem.tape(), measured);
                layer.update_statistics(statistics, measured);
            }
            CHECK(block_error(statistics, reference["statistics"]) <= tolerance);

            auto expected = reference["parameter_gradients"];
            const auto& of_inputs = reference["input_gradients"];
            expected.insert(expected.end(), of_inputs.begin(), of_inputs.end());
            CHECK(block_error(problem.gradient(), expected) <= tolerance);

            layer.infer(problem.parameters(), statistics, problem.inputs(), problem.tape());
            const auto inferred = layer.outputs(problem.tape());
            CHECK(block_error(inferred.span(), reference["inferred"]) <= tolerance);
        }
    }

    TEST_CASE("batch_norm: Keras' running variance divides by n, PyTorch's by n - 1") {
        const auto variance_of_1_and_3 = [](const batch_norm_settings& settings) {
            const batch_norm<double> layer(1, settings);
            layer_problem problem(layer, 1, 2);
            problem.inputs().step(0)(0, 0) = 1;
            problem.inputs().step(1)(0, 0) = 3;
            problem.outputs();
            auto measured = tocsin_test::zeros<double>(2);
            layer.measure(problem.tape(), measured);
            CHECK(measured[0] == 2);
            return measured[1];
        };
        CHECK(variance_of_1_and_3(batch_norm_settings::keras()) == 1);
        CHECK(variance_of_1_and_3(batch_norm_settings::pytorch()) == 2);
        CHECK(variance_of_1_and_3({}) == 2);
    }

    TEST_CASE("batch_norm: a constant channel and a single column give the shift, not NaN") {
        const batch_norm<float> layer(2);
        layer_problem problem(layer, 1, 1);
        const auto outputs = problem.outputs();
        CHECK(outputs[0] == problem.parameters()[2]);
        CHECK(outputs[1] == problem.parameters()[3]);
        auto measured = tocsin_test::zeros<float>(4);
        layer.measure(problem.tape(), measured);
        CHECK(measured[2] == 0);
    }

    TEST_CASE("batch_norm: settings out of range are named") {
        CHECK(!batch_norm<float>(0).check().ok());
        CHECK(!batch_norm<float>(1, {.epsilon = 0}).check().ok());
        // 0 or infinite as a float.
        CHECK(!batch_norm<float>(1, {.epsilon = 1e-50}).check().ok());
        CHECK(!batch_norm<float>(1, {.epsilon = 1e50}).check().ok());
        CHECK(batch_norm<double>(1, {.epsilon = 1e-50}).check().ok());
        CHECK(
            std::string_view(batch_norm<float>(1, {.keep = 1}).check().message()).find("keep 1") !=
            std::string_view::npos);
    }
}
