#include "tocsin/core/random.hpp"
#include "tocsin/math/radix_sort.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

namespace {

using tocsin::detail::key_of;
using tocsin::detail::value_of;

/// Doubles of every magnitude and sign, including infinities, with ties.
std::vector<double> any_doubles(std::size_t count) {
    tocsin::random_generator random(41);
    std::vector<double> values{0.0,
                               -0.0,
                               std::numeric_limits<double>::infinity(),
                               -std::numeric_limits<double>::infinity(),
                               std::numeric_limits<double>::max(),
                               std::numeric_limits<double>::lowest(),
                               std::numeric_limits<double>::denorm_min(),
                               -std::numeric_limits<double>::denorm_min()};
    while (values.size() < count) {
        const auto any = std::bit_cast<double>(static_cast<std::uint64_t>(random()));
        values.push_back(std::isnan(any) ? 1.0 : any);
        values.push_back(std::floor(random.uniform(-20, 20)));
    }
    values.resize(count);
    return values;
}

void check_sorting(std::vector<double> values) {
    std::vector<std::uint64_t> keys;
    for (const double value : values) {
        keys.push_back(key_of(value));
    }
    tocsin::detail::radix_sort(keys);
    std::sort(values.begin(), values.end());
    for (std::size_t k = 0; k < values.size(); ++k) {
        REQUIRE(value_of(keys[k]) == values[k]);
    }
}

} // namespace

TEST_SUITE("metrics") {

    TEST_CASE("radix sort: keys are in the order of their doubles and give them back") {
        const auto values = any_doubles(300);
        for (const double a : values) {
            CHECK(value_of(key_of(a)) == a);
            for (const double b : values) {
                REQUIRE((key_of(a) < key_of(b)) == (a < b));
            }
        }
        CHECK(key_of(0.0) == key_of(-0.0));
    }

    TEST_CASE("radix sort: the order equals std::sort's, few keys or many") {
        for (const std::size_t count : {0U, 1U, 2U, 67U, 1023U, 1024U, 1025U, 20'000U}) {
            check_sorting(any_doubles(count));
        }
    }

    TEST_CASE("radix sort: keys that share digits, or are all equal, are sorted") {
        check_sorting(std::vector<double>(5000, -2.5));
        std::vector<double> near(5000, 1.0);
        for (std::size_t k = 0; k < near.size(); ++k) {
            near[k] += static_cast<double>((k * 7919) % 5000) * 0x1p-50;
        }
        check_sorting(near);
    }
}
