#include "tocsin/training/clipping.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <span>
#include <vector>

TEST_SUITE("training") {

    TEST_CASE_TEMPLATE("clipping: a long gradient keeps its direction and gets the largest norm",
                       Scalar, float, double) {
        std::vector<Scalar> gradients{3, -4, 12};
        CHECK(tocsin::clip_by_global_norm(std::span<Scalar>(gradients), 1.0) ==
              doctest::Approx(13));
        CHECK(tocsin::global_norm(std::span<const Scalar>(gradients)) == doctest::Approx(1));
        CHECK(static_cast<double>(gradients[1]) == doctest::Approx(-4.0 / 13));
    }

    TEST_CASE("clipping: a short gradient, a limit of zero, an empty gradient stay as they are") {
        std::vector<double> gradients{3, -4};
        CHECK(tocsin::clip_by_global_norm(std::span<double>(gradients), 5.0) == 5);
        CHECK(gradients == std::vector<double>{3, -4});
        CHECK(tocsin::clip_by_global_norm(std::span<double>(gradients), 0.0) == 5);
        CHECK(gradients == std::vector<double>{3, -4});
        CHECK(tocsin::clip_by_global_norm(std::span<double>{}, 1.0) == 0);
    }

    TEST_CASE("clipping: a norm that is not finite is reported and changes nothing") {
        std::vector<double> gradients{3, std::numeric_limits<double>::quiet_NaN()};
        CHECK(std::isnan(tocsin::clip_by_global_norm(std::span<double>(gradients), 1.0)));
        CHECK(gradients[0] == 3);
        gradients[1] = std::numeric_limits<double>::infinity();
        CHECK(std::isinf(tocsin::clip_by_global_norm(std::span<double>(gradients), 1.0)));
        CHECK(gradients[0] == 3);
    }

    TEST_CASE("clipping: squares of large floats do not overflow") {
        const std::vector<float> gradients(4, 1e30F);
        CHECK(tocsin::global_norm(std::span<const float>(gradients)) ==
              doctest::Approx(2e30).epsilon(1e-6));
    }
}
