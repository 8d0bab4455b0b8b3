#include "tocsin/layers/dense.hpp"
#include "tocsin/layers/lstm.hpp"
#include "tocsin/layers/pooling.hpp"
#include "tocsin/layers/repeat.hpp"
#include "tocsin/models/sequential.hpp"

#include <doctest/doctest.h>

#include "layers/layer_checks.hpp"
#include <limits>
#include <string>

using tocsin_test::layer_problem;

TEST_SUITE("layers") {

    TEST_CASE("repeat: gradient equals finite differences") {
        tocsin_test::check_layer_gradient(tocsin::repeat<double>(4, 3), 1e-4);
        tocsin_test::check_layer_gradient(tocsin::repeat<double>(2, 1), 1e-4);
    }

    TEST_CASE_TEMPLATE("repeat: copies of a step follow it, and their slopes add up", Scalar, float,
                       double) {
        using values = tocsin::aligned_vector<Scalar>;
        layer_problem problem(tocsin::repeat<Scalar>(2, 3), 1, 2);
        problem.variables = {1, 2, 3, 4};
        CHECK(problem.outputs() == values{1, 2, 1, 2, 1, 2, 3, 4, 3, 4, 3, 4});
        problem.weights = {1, 0, 2, 0, 4, 8, 0, 1, 0, 1, 0, 5};
        CHECK(problem.gradient() == values{7, 8, 0, 7});
        // Batch items stay apart: [time][batch][feature].
        layer_problem pair(tocsin::repeat<Scalar>(1, 2), 2, 2);
        pair.variables = {1, 2, 3, 4};
        CHECK(pair.outputs() == values{1, 2, 1, 2, 3, 4, 3, 4});
    }

    TEST_CASE("repeat: an encoder and its decoder are a network of one line") {
        const tocsin::sequential network(
            tocsin::lstm<float>(3, 5), tocsin::pooling<float, tocsin::last_step>(5),
            tocsin::repeat<float>(5, 8), tocsin::lstm<float>(5, 4), tocsin::dense<float>(4, 3));
        CHECK(network.check().ok());
        CHECK(network.output_time(20) == 8);
        CHECK(network.output_size() == network.features());
    }

    TEST_CASE("repeat: numbers out of range are named, and steps never overflow") {
        const auto says = [](const tocsin::repeat<float>& layer, const char* part) {
            CHECK(std::string(layer.check().message()).find(part) != std::string::npos);
        };
        says({0, 3}, "repeat: size 0 must be at least 1");
        says({2, 0}, "repeat: 0 times, expected 1 to 65536");
        says({2, 65537}, "repeat: 65537 times");
        const tocsin::repeat<float> most(1, 65536);
        CHECK(most.check().ok());
        CHECK(most.output_time(32767) == 32767 * 65536);
        CHECK(most.output_time(32768) == 0);
        CHECK(most.output_time(0) == 0);
        CHECK(most.output_time(-1) == 0);
    }
}
