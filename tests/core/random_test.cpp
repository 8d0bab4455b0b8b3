#include "tocsin/core/random.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <span>
#include <vector>

using tocsin::random_generator;

TEST_SUITE("core") {
    TEST_CASE("random: the stream is xoshiro256++ seeded through splitmix64") {
        // The state for seed 0 is the known start of splitmix64; the outputs follow from the
        // reference code of Blackman and Vigna for that state.
        random_generator random{0};
        CHECK(random.state() ==
              random_generator::state_type{0xE220A8397B1DCDAFU, 0x6E789E6AA1B965F4U,
                                           0x06C45D188009454FU, 0xF88BB8A8724C81ECU});
        random.set_state({1, 2, 3, 4});
        constexpr std::array<std::uint64_t, 4> expected = {41943041U, 58720359U, 3588806011781223U,
                                                           3591011842654386U};
        for (const std::uint64_t value : expected) {
            CHECK(random() == value);
        }
    }

    TEST_CASE("random: a state that is set again continues the same stream") {
        random_generator first{42};
        (void)first.normal();
        random_generator second{7};
        second.set_state(first.state());
        for (int k = 0; k < 100; ++k) {
            CHECK(first.normal() == second.normal());
        }
    }

    TEST_CASE("random: uniforms stay in their range and fill it evenly") {
        random_generator random{1};
        constexpr int count = 20000;
        std::array<int, 10> bins{};
        for (int k = 0; k < count; ++k) {
            const double value = random.uniform(-2, 3);
            REQUIRE(value >= -2);
            REQUIRE(value < 3);
            ++bins[static_cast<std::size_t>((value + 2) * 2)];
        }
        for (const int bin : bins) { // standard deviation of a bin: 42
            CHECK(std::abs(bin - count / 10) < 220);
        }
    }

    TEST_CASE("random: integers below a bound reach every value and no other") {
        random_generator random{2};
        std::array<int, 7> counts{};
        for (int k = 0; k < 7000; ++k) {
            ++counts.at(static_cast<std::size_t>(random.below(7)));
        }
        CHECK(*std::min_element(counts.begin(), counts.end()) > 800);
        CHECK(random.below(1) == 0);
    }

    TEST_CASE("random: normals have mean 0, variance 1, kurtosis 3") {
        random_generator random{3};
        constexpr int count = 100000;
        double sum = 0;
        double squares = 0;
        double fourth = 0;
        for (int k = 0; k < count; ++k) {
            const double value = random.normal();
            sum += value;
            squares += value * value;
            fourth += value * value * value * value;
        }
        CHECK(std::abs(sum / count) < 0.02);
        CHECK(std::abs(squares / count - 1) < 0.03);
        CHECK(std::abs(fourth / count - 3) < 0.2);
    }

    TEST_CASE("random: a shuffle keeps all items and repeats for one seed") {
        std::vector<int> items(50);
        std::iota(items.begin(), items.end(), 0);
        const std::vector<int> sorted = items;
        std::vector<int> again = items;
        random_generator first{9};
        random_generator second{9};
        tocsin::shuffle(std::span<int>{items}, first);
        tocsin::shuffle(std::span<int>{again}, second);
        CHECK(items == again);
        CHECK(items != sorted);
        std::sort(items.begin(), items.end());
        CHECK(items == sorted);
        tocsin::shuffle(std::span<int>{}, first); // nothing to do
    }
}
