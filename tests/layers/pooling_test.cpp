#include "tocsin/io/byte_archive.hpp"
#include "tocsin/layers/pooling.hpp"

#include <doctest/doctest.h>

#include "layers/layer_checks.hpp"
#include <cmath>
#include <limits>
#include <string>

using tocsin_test::layer_problem;

TEST_SUITE("layers") {

    TEST_CASE_TEMPLATE("pooling: gradient equals finite differences", Rule,
                       tocsin::average_over_time, tocsin::maximum_over_time, tocsin::last_step,
                       tocsin::last_step_of_both_directions) {
        // Random inputs have no ties within the steps of the differences.
        tocsin_test::check_layer_gradient(tocsin::pooling<double, Rule>(4), 1e-4);
    }

    TEST_CASE("pooling: mean, maximum and last outputs of each batch item") {
        const auto of = [](auto rule, tocsin::aligned_vector<double> inputs) {
            tocsin::pooling<double, decltype(rule)> layer(2);
            layer_problem problem(layer, 2, 3);
            problem.variables = std::move(inputs);
            return problem.outputs();
        };
        // [time][batch][feature]
        const tocsin::aligned_vector<double> inputs{1, 2, 3, 4, 5, 0, 1, 8, 0, 4, 2, 0};
        using values = tocsin::aligned_vector<double>;
        CHECK(of(tocsin::average_over_time{}, inputs) == values{2, 2, 2, 4});
        CHECK(of(tocsin::maximum_over_time{}, inputs) == values{5, 4, 3, 8});
        CHECK(of(tocsin::last_step{}, inputs) == values{0, 4, 2, 0});
        CHECK(of(tocsin::last_step_of_both_directions{}, inputs) == values{0, 2, 2, 4});
    }

    TEST_CASE("pooling: an odd number of features has no halves, also in a file") {
        using halves = tocsin::pooling<double, tocsin::last_step_of_both_directions>;
        CHECK(halves(4).check().ok());
        CHECK(std::string(halves(3).check().message()) ==
              "last_step_of_both_directions: size 3 must be a multiple of 2");
        CHECK(tocsin::pooling<double, tocsin::last_step>(3).check().ok());
        const auto reloaded = [](int size) {
            tocsin::byte_writer writer;
            halves saved(size);
            saved.exchange(writer);
            tocsin::byte_reader reader(writer.bytes());
            halves loaded;
            loaded.exchange(reader);
            return std::string(reader.outcome().message());
        };
        CHECK(reloaded(4).empty());
        CHECK(reloaded(3).find("multiple of 2") != std::string::npos);
    }

    TEST_CASE("global_max_pooling: the first of equal steps has the slope, NaN is kept") {
        layer_problem problem(tocsin::global_max_pooling<float>(1), 1, 3);
        problem.variables = {7, 7, 7};
        problem.weights = {2};
        CHECK(problem.outputs()[0] == 7);
        CHECK(problem.gradient() == tocsin::aligned_vector<float>{2, 0, 0});
        problem.variables = {7, std::numeric_limits<float>::quiet_NaN(), 9};
        CHECK(std::isnan(problem.outputs()[0]));
        CHECK(!tocsin::global_max_pooling<float>(0).check().ok());
    }
}
