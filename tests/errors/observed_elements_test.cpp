#include "tocsin/errors/observed_elements.hpp"

#include <doctest/doctest.h>

#include <array>
#include <limits>
#include <span>
#include <vector>

using tocsin::detail::all_nan;
using tocsin::detail::has_infinite;
using tocsin::detail::has_nan;
using tocsin::detail::keep_observed_shares;

namespace {

const double not_a_number = std::numeric_limits<double>::quiet_NaN();
const double infinity = std::numeric_limits<double>::infinity();

} // namespace

TEST_SUITE("errors") {

    TEST_CASE("observed elements: NaN is missing, infinite is not") {
        const std::vector<double> finite{0, -0.0, std::numeric_limits<double>::max()};
        CHECK_FALSE(has_nan(finite));
        CHECK_FALSE(all_nan(finite));
        CHECK_FALSE(has_infinite(finite));
        const std::vector<double> partial{1, not_a_number};
        CHECK(has_nan(partial));
        CHECK_FALSE(all_nan(partial));
        CHECK_FALSE(has_infinite(partial));
        const std::vector<double> nothing{not_a_number, -not_a_number};
        CHECK(has_nan(nothing));
        CHECK(all_nan(nothing));
        const std::vector<double> far{-infinity, 1};
        CHECK_FALSE(has_nan(far));
        CHECK(has_infinite(far));
    }

    TEST_CASE("observed elements: shares of the others add up to one again") {
        std::array<double, 4> shares{0.4, 0.3, 0.2, 0.1};
        keep_observed_shares(std::array{1.0, not_a_number, 3.0, not_a_number}, shares);
        CHECK(shares[0] == doctest::Approx(2.0 / 3));
        CHECK(shares[1] == 0);
        CHECK(shares[2] == doctest::Approx(1.0 / 3));
        CHECK(shares[3] == 0);
        // All of the score came from what is missing: nothing is left to share.
        std::array<double, 2> none{0, 1};
        keep_observed_shares(std::array{1.0, not_a_number}, none);
        CHECK(none == std::array<double, 2>{0, 0});
    }
}
