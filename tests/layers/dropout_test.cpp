#include "tocsin/layers/dropout.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <span>
#include <string_view>
#include <vector>

TEST_SUITE("layers") {

    TEST_CASE_TEMPLATE("dropout: a mask holds 0 or 1 / (1 - rate), with expectation 1", Scalar,
                       float, double) {
        for (const double rate : {0.1, 0.5, 0.8}) {
            std::vector<Scalar> mask(200'000);
            tocsin::random_generator random(3);
            tocsin::dropout{rate}.draw(std::span<Scalar>(mask), random);
            double sum = 0;
            double zeros = 0;
            const auto kept = static_cast<Scalar>(1 / (1 - rate));
            bool two_values = true;
            for (const Scalar factor : mask) {
                two_values = two_values && (factor == 0 || factor == kept);
                sum += static_cast<double>(factor);
                zeros += factor == 0 ? 1 : 0;
            }
            CHECK(two_values);
            const double count = static_cast<double>(mask.size());
            // Five standard deviations of the mean of independent draws.
            CHECK(std::abs(zeros / count - rate) < 5 * std::sqrt(rate * (1 - rate) / count));
            CHECK(std::abs(sum / count - 1) < 5 * std::sqrt(rate / (1 - rate) / count));
        }
    }

    TEST_CASE("dropout: a rate of zero keeps everything as it is") {
        std::vector<double> mask(100, -1);
        tocsin::random_generator random(3);
        tocsin::dropout{}.draw(std::span<double>(mask), random);
        CHECK(mask == std::vector<double>(100, 1.0));
        CHECK_FALSE(tocsin::dropout{}.active());
        CHECK(tocsin::dropout{0.1}.active());
    }

    TEST_CASE("dropout: one seed gives one mask, another seed another") {
        const auto draw = [](std::uint64_t seed) {
            std::vector<float> mask(64);
            tocsin::random_generator random(seed);
            tocsin::dropout{0.5}.draw(std::span<float>(mask), random);
            return mask;
        };
        CHECK(draw(1) == draw(1));
        CHECK(draw(1) != draw(2));
    }

    TEST_CASE("dropout: rates outside [0, 1) are named") {
        CHECK(tocsin::dropout{0}.check().ok());
        CHECK(tocsin::dropout{0.999}.check().ok());
        CHECK(std::string_view(tocsin::dropout{1}.check().message()) ==
              "dropout: rate 1 is outside [0, 1)");
        CHECK_FALSE(tocsin::dropout{-0.1}.check().ok());
        CHECK_FALSE(tocsin::dropout{std::numeric_limits<double>::quiet_NaN()}.check().ok());
    }
}
