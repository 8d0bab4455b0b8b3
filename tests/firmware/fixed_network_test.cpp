#include "tocsin/core/random.hpp"
#include "tocsin/firmware/fixed_network.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

namespace {

namespace fw = tocsin::firmware;

} // namespace

TEST_SUITE("firmware") {
    TEST_CASE("fixed: tanh within 1.5e-4, odd, never beyond 1; sigmoid within 1e-4") {
        for (std::int32_t x = -40'000; x <= 40'000; ++x) {
            const double exact = std::ldexp(x, -12);
            const double tanh = std::ldexp(fw::detail::fixed_tanh<12>(x), -15);
            const double sigmoid = std::ldexp(fw::detail::fixed_sigmoid<12>(x), -15);
            REQUIRE(std::abs(tanh - std::tanh(exact)) < 1.5e-4);
            REQUIRE(std::abs(sigmoid - 1 / (1 + std::exp(-exact))) < 1e-4);
            REQUIRE(fw::detail::fixed_tanh<12>(-x) == -fw::detail::fixed_tanh<12>(x));
        }
        CHECK(fw::detail::fixed_tanh<15>(fw::detail::largest_cell) == 32'767);
        CHECK(fw::detail::fixed_sigmoid<12>(INT32_MAX / 2) == 32'767);
        CHECK(fw::detail::fixed_sigmoid<12>(-INT32_MAX / 2) == 0);
        for (int k = 0; k <= 256; ++k) {
            CHECK(fw::detail::tanh_table[k] ==
                  std::min(32'767L, std::lround(32'768 * std::tanh(k / 32.0))));
        }
    }

    TEST_CASE("fixed: samples are rounded to the nearest, and cut off at the largest") {
        using fw::detail::to_sample;
        tocsin::random_generator random{1};
        for (int k = 0; k < 10'000; ++k) {
            const auto value = static_cast<float>(std::ldexp(random.normal(), k % 40 - 12));
            const double bound = fw::detail::largest_sample;
            CHECK(to_sample(value) == std::lround(std::clamp(double{value}, -bound, bound)));
        }
        CHECK(to_sample(0) == 0);
        CHECK(to_sample(-0.0F) == 0);
        CHECK(to_sample(1e-40F) == 0);
        CHECK(to_sample(1e38F) == fw::detail::largest_sample);
        CHECK(to_sample(-std::numeric_limits<float>::infinity()) == -fw::detail::largest_sample);
        CHECK(fw::detail::to_input(fw::detail::largest_sample) == 32'767);
        CHECK(fw::detail::to_input(-fw::detail::largest_sample) == -32'767);
        CHECK(fw::detail::to_input(24) == 2); // 1.5
    }

    TEST_CASE("fixed: a cell is the exact one within the steps of its numbers") {
        tocsin::random_generator random{2};
        for (int k = 0; k < 10'000; ++k) {
            std::int32_t z[4];
            double exact[4];
            for (int gate = 0; gate < 4; ++gate) {
                z[gate] = static_cast<std::int32_t>(3 * 4096 * random.normal());
                exact[gate] = std::ldexp(z[gate], -12);
            }
            auto cell = static_cast<std::int32_t>(2 * 32768 * random.normal());
            const auto sigmoid = [](double x) { return 1 / (1 + std::exp(-x)); };
            const double next =
                sigmoid(exact[1]) * std::ldexp(cell, -15) + sigmoid(exact[0]) * std::tanh(exact[2]);
            const double hidden = sigmoid(exact[3]) * std::tanh(next);
            const std::int16_t h = fw::detail::fixed_next_state(z, cell);
            CHECK(std::abs(std::ldexp(cell, -15) - next) <
                  1.2e-3); // |c| up to 8 times the error of f
            CHECK(std::abs(std::ldexp(h, -15) - hidden) < 1.4e-3);
        }
    }

    TEST_CASE("fixed: sums of quads are those of the definition, with either way to store them") {
        const std::int16_t vector[] = {1000, -2000, 30000, 4};
        const std::int16_t wide[] = {1, 20, -300, 4000};
        const std::int8_t narrow[] = {1, -30, 20, 40}; // columns 0, 2, 1, 3
        CHECK(fw::detail::add_quad(wide, vector, 7) == 7 + 1000 - 40'000 - 9'000'000 + 16'000);
        CHECK(fw::detail::add_quad(narrow, vector, 7) == 7 + 1000 - 40'000 - 900'000 + 160);
    }
}
