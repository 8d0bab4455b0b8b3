#include "tocsin/layers/dropout_layer.hpp"

#include <doctest/doctest.h>

#include "layers/layer_checks.hpp"
#include <algorithm>

using tocsin_test::layer_problem;

TEST_SUITE("layers") {

    TEST_CASE("dropout_layer: gradient equals finite differences under one mask") {
        tocsin_test::check_layer_gradient(tocsin::dropout_layer<double>(4, 0.4));
    }

    TEST_CASE("dropout_layer: training zeroes the share and keeps the mean, inference copies") {
        const tocsin::dropout_layer<float> layer(10, 0.3);
        layer_problem problem(layer, 50, 20);
        std::fill(problem.variables.begin(), problem.variables.end(), 1.0F);
        const auto outputs = problem.outputs();
        const auto gone = std::count(outputs.begin(), outputs.end(), 0.0F);
        CHECK(std::abs(static_cast<double>(gone) / 10000 - 0.3) < 0.02);
        CHECK(*std::max_element(outputs.begin(), outputs.end()) == doctest::Approx(1 / 0.7));
        layer.infer({}, {}, problem.inputs(), problem.tape());
        const auto inferred = layer.outputs(problem.tape()).span();
        CHECK(std::all_of(inferred.begin(), inferred.end(), [](float x) { return x == 1; }));
    }

    TEST_CASE("dropout_layer: a rate of 1 and a size of 0 are named") {
        CHECK(!tocsin::dropout_layer<float>(3, 1).check().ok());
        CHECK(!tocsin::dropout_layer<float>(0, 0.5).check().ok());
    }
}
