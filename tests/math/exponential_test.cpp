#include "tocsin/core/random.hpp"
#include "tocsin/math/activations.hpp"
#include "tocsin/math/lanes.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <type_traits>

namespace {

/// exp on the widest registers.
template <class Scalar>
Scalar exponential(Scalar x) {
    tocsin::for_each_pack<tocsin::lanes_of<Scalar>>(
        1, [&](auto pack) { pack.store(&x, tocsin::detail::exp_of(pack.load(&x))); });
    return x;
}

} // namespace

TEST_SUITE("math") {

    TEST_CASE_TEMPLATE("exponential: packs are within 1.5 ulp of the exact value", Scalar, float,
                       double) {
        using wide = std::conditional_t<std::is_same_v<Scalar, float>, double, long double>;
        using limits = std::numeric_limits<Scalar>;
        tocsin::random_generator random(19);
        const double bound = std::is_same_v<Scalar, float> ? 86.6 : 707.7;
        double worst = 0;
        for (int k = 0; k < 100'000; ++k) {
            const auto x = static_cast<Scalar>(k % 2 == 0 ? random.uniform(-bound, bound)
                                                          : random.uniform(-2, 2));
            const wide expected = std::exp(static_cast<wide>(x));
            int exponent = 0;
            std::frexp(expected, &exponent);
            const wide error = std::abs(static_cast<wide>(exponential(x)) - expected);
            worst =
                std::max(worst, static_cast<double>(std::ldexp(error, limits::digits - exponent)));
        }
        CHECK(worst <= 1.5);
        CHECK(worst > 0.4); // positive control
    }

    TEST_CASE_TEMPLATE("exponential: the ends of the range, infinities and NaN", Scalar, float,
                       double) {
        using limits = std::numeric_limits<Scalar>;
        const Scalar infinity = limits::infinity();
        CHECK(exponential(Scalar(0)) == 1);
        CHECK(exponential(infinity) == infinity);
        CHECK(exponential(limits::max()) == infinity);
        CHECK(exponential(-infinity) == 0);
        CHECK(exponential(limits::lowest()) == 0);
        CHECK(std::isnan(exponential(limits::quiet_NaN())));
        const Scalar highest = std::nextafter(std::log(limits::max()), Scalar(0));
        CHECK(exponential(highest) ==
              doctest::Approx(static_cast<double>(std::exp(highest))).epsilon(1e-5));
        CHECK(exponential(highest * Scalar(1.001)) == infinity);
        CHECK(exponential(std::log(limits::min())) <= 2 * limits::min());
    }
}
