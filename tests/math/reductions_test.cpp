#include "tocsin/core/random.hpp"
#include "tocsin/math/reductions.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace {

using tocsin::index_t;

template <class Scalar>
std::vector<Scalar> values(int count) {
    tocsin::random_generator random(8);
    std::vector<Scalar> all;
    for (int k = 0; k < count; ++k) {
        all.push_back(static_cast<Scalar>(random.uniform(-3, 3)));
    }
    return all;
}

template <int Width, class Scalar>
double squares(const std::vector<Scalar>& all, index_t offset, index_t count) {
    return tocsin::sum_of_squares<Width>(all.data() + offset, count);
}

} // namespace

TEST_SUITE("math") {

    TEST_CASE_TEMPLATE("reductions: sums of squares agree on wide registers, on single scalars and "
                       "with a plain sum",
                       Scalar, float, double) {
        const auto all = values<Scalar>(200);
        for (const index_t offset : {0, 1, 3}) {
            for (index_t count = 0; count <= 131; ++count) {
                double plain = 0;
                for (index_t k = offset; k < offset + count; ++k) {
                    const auto value = static_cast<double>(all[static_cast<std::size_t>(k)]);
                    plain += value * value;
                }
                const auto native = squares<tocsin::widest_register>(all, offset, count);
                const auto scalar = squares<1>(all, offset, count);
                REQUIRE(native == doctest::Approx(plain).epsilon(1e-14));
                REQUIRE(scalar == doctest::Approx(plain).epsilon(1e-14));
                if (std::is_same_v<Scalar, float>) {
                    REQUIRE(native == scalar);
                }
            }
        }
    }

    TEST_CASE_TEMPLATE("reductions: a sum with a NaN is NaN, with an infinity infinite, anywhere",
                       Scalar, float, double) {
        for (std::size_t at = 0; at < 67; ++at) {
            auto all = values<Scalar>(67);
            all[at] = std::numeric_limits<Scalar>::quiet_NaN();
            REQUIRE(std::isnan(squares<tocsin::widest_register>(all, 0, 67)));
            REQUIRE(std::isnan(squares<1>(all, 0, 67)));
            all[at] = -std::numeric_limits<Scalar>::infinity();
            REQUIRE(std::isinf(squares<tocsin::widest_register>(all, 0, 67)));
            REQUIRE(std::isinf(squares<1>(all, 0, 67)));
        }
    }

    TEST_CASE("reductions: squares of the largest and of denormal floats keep their value") {
        const std::vector<float> large(20, std::numeric_limits<float>::max());
        const double most = std::numeric_limits<float>::max();
        CHECK(squares<tocsin::widest_register>(large, 0, 20) == doctest::Approx(20 * most * most));
        const std::vector<float> small(20, std::numeric_limits<float>::denorm_min());
        const double least = std::numeric_limits<float>::denorm_min();
        CHECK(squares<tocsin::widest_register>(small, 0, 20) == 20 * least * least);
    }

    TEST_CASE_TEMPLATE("reductions: scaling multiplies the elements asked for alone", Scalar, float,
                       double) {
        const auto before = values<Scalar>(72);
        for (index_t count = 0; count <= 67; ++count) {
            for (index_t offset = 0; offset < 3; ++offset) {
                auto all = before;
                tocsin::scale(Scalar(0.3), all.data() + offset, count);
                for (index_t k = 0; k < 72; ++k) {
                    const auto at = static_cast<std::size_t>(k);
                    const bool inside = k >= offset && k < offset + count;
                    REQUIRE(all[at] == (inside ? before[at] * Scalar(0.3) : before[at]));
                }
            }
        }
    }
}
