#include "tocsin/core/random.hpp"
#include "tocsin/math/elementwise.hpp"
#include "tocsin/math/rational_activations.hpp"

#include <doctest/doctest.h>

#include "activation_errors.hpp"
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

namespace {

using tocsin::index_t;
using tocsin::rational_sigmoid;
using tocsin::rational_tanh;

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();

/// The activation of one value on a path.
template <int Width, class Activation>
float apply(Activation activation, float x) {
    tocsin::activate<Width>(activation, &x, 1);
    return x;
}

/// Floats of every magnitude, with more where the functions bend.
std::vector<float> floats(int count) {
    tocsin::random_generator random(11);
    std::vector<float> values;
    for (int k = 0; k < count; ++k) {
        const auto any = std::bit_cast<float>(static_cast<std::uint32_t>(random()));
        values.push_back(std::isnan(any) ? 0.5F : any);
        values.push_back(static_cast<float>(random.uniform(-25, 25)));
        values.push_back(static_cast<float>(random.uniform(-2, 2)));
    }
    return values;
}

template <int Width>
void check_limits() {
    CHECK(apply<Width>(rational_tanh{}, infinity) == 1);
    CHECK(apply<Width>(rational_tanh{}, -infinity) == -1);
    CHECK(apply<Width>(rational_tanh{}, 9.5F) == 1);
    CHECK(apply<Width>(rational_tanh{}, 0.0F) == 0);
    CHECK(std::signbit(apply<Width>(rational_tanh{}, -0.0F)));
    CHECK(std::isnan(apply<Width>(rational_tanh{}, not_a_number)));
    CHECK(std::isnan(apply<Width>(rational_tanh{}, -not_a_number)));
    CHECK(apply<Width>(rational_sigmoid{}, infinity) == 1);
    CHECK(apply<Width>(rational_sigmoid{}, -infinity) == 0);
    CHECK(apply<Width>(rational_sigmoid{}, 20.0F) == 1);
    CHECK(apply<Width>(rational_sigmoid{}, -20.0F) == 0);
    CHECK(apply<Width>(rational_sigmoid{}, 0.0F) == 0.5F);
    CHECK(apply<Width>(rational_sigmoid{}, std::numeric_limits<float>::denorm_min()) == 0.5F);
    CHECK(std::isnan(apply<Width>(rational_sigmoid{}, not_a_number)));
    CHECK(std::isnan(apply<Width>(rational_sigmoid{}, -not_a_number)));
}

} // namespace

TEST_SUITE("math") {

    TEST_CASE("rational tanh: stays within the stated errors, and in [-1, 1]") {
        const auto worst = measure_all_floats(rational_tanh{}, exact_tanh{});
        MESSAGE("scalar " << worst.scalar.absolute << " epsilon, " << worst.scalar.ulp
                          << " ulp; native " << worst.native.absolute << " epsilon, "
                          << worst.native.ulp << " ulp");
        CHECK(worst.nan_lost == 0);
        for (const auto& errors : {worst.scalar, worst.native}) {
            CHECK(errors.nan == 0);
            CHECK(errors.absolute <= 1.5);
            CHECK(errors.absolute > 0.25); // positive control: the formula rounds several times
            CHECK(errors.ulp <= 6);
            CHECK(errors.tiny < 0.01);
            CHECK(errors.highest == 1);
            CHECK(errors.lowest == -1);
        }
    }

    TEST_CASE("rational sigmoid: stays within the stated errors, and in [0, 1]") {
        const auto worst = measure_all_floats(rational_sigmoid{}, exact_sigmoid{});
        MESSAGE("scalar " << worst.scalar.absolute << " epsilon, " << worst.scalar.ulp_from_quarter
                          << " ulp; native " << worst.native.absolute << " epsilon, "
                          << worst.native.ulp_from_quarter << " ulp from 1/4");
        CHECK(worst.nan_lost == 0);
        for (const auto& errors : {worst.scalar, worst.native}) {
            CHECK(errors.nan == 0);
            CHECK(errors.absolute <= 1.25);
            CHECK(errors.absolute > 0.25);
            CHECK(errors.ulp_from_quarter <= 4);
            CHECK(errors.highest == 1);
            CHECK(errors.lowest == 0);
        }
    }

    TEST_CASE("rational activations: infinities reach the limits, NaN stays NaN, wide and single") {
        check_limits<1>();
        check_limits<tocsin::widest_register>();
    }

    TEST_CASE("rational activations: NaN stays NaN in every lane and leaves the others alone") {
        for (index_t count = 1; count <= 67; ++count) {
            for (index_t at = 0; at < count; ++at) {
                std::vector<float> values(static_cast<std::size_t>(count), 0.75F);
                values[static_cast<std::size_t>(at)] = not_a_number;
                auto others = values;
                tocsin::activate(rational_tanh{}, values.data(), count);
                tocsin::activate(rational_sigmoid{}, others.data(), count);
                for (index_t k = 0; k < count; ++k) {
                    REQUIRE(std::isnan(values[static_cast<std::size_t>(k)]) == (k == at));
                    REQUIRE(std::isnan(others[static_cast<std::size_t>(k)]) == (k == at));
                }
            }
        }
    }

    TEST_CASE("rational tanh: is odd to the bit and returns tiny arguments as they are") {
        for (const float x : floats(2000)) {
            for (const float sign : {1.0F, -1.0F}) {
                CHECK(apply<tocsin::widest_register>(rational_tanh{}, sign * x) ==
                      -apply<tocsin::widest_register>(rational_tanh{}, -sign * x));
                CHECK(apply<1>(rational_tanh{}, sign * x) == -apply<1>(rational_tanh{}, -sign * x));
            }
        }
        for (const float x : {1e-5F, 3e-9F, 7e-20F, 1e-35F}) {
            CHECK(apply<tocsin::widest_register>(rational_tanh{}, x) ==
                  doctest::Approx(x).epsilon(4e-7));
            CHECK(apply<1>(rational_tanh{}, x) == doctest::Approx(x).epsilon(4e-7));
        }
    }

    TEST_CASE("rational activations: numerators and denominators keep to the stated ranges") {
        for (const float x : floats(20'000)) {
            const auto tanh = rational_tanh::parts(x);
            CHECK(tanh.denominator >= 0.24F);
            CHECK(tanh.denominator <= 180);
            CHECK(std::abs(tanh.numerator) <= tanh.denominator);
            const auto sigmoid = rational_sigmoid::parts(x);
            CHECK(sigmoid.denominator >= 1.99F);
            CHECK(sigmoid.denominator <= 2600);
            CHECK(sigmoid.numerator >= 0);
            CHECK(sigmoid.numerator <= sigmoid.denominator);
        }
    }

    TEST_CASE("rational activations: a value does not depend on where in an array it stands") {
        const std::vector<float> source = floats(40);
        for (std::size_t offset = 0; offset < 3; ++offset) {
            for (std::size_t count = 1; count <= 67; ++count) {
                std::vector<float> values(source.begin(), source.begin() + 80);
                auto others = values;
                tocsin::activate(rational_tanh{}, values.data() + offset,
                                 static_cast<index_t>(count));
                tocsin::activate(rational_sigmoid{}, others.data() + offset,
                                 static_cast<index_t>(count));
                for (std::size_t k = 0; k < 80; ++k) {
                    const bool inside = k >= offset && k < offset + count;
                    const float x = source[k];
                    REQUIRE(values[k] ==
                            (inside ? apply<tocsin::widest_register>(rational_tanh{}, x) : x));
                    REQUIRE(others[k] ==
                            (inside ? apply<tocsin::widest_register>(rational_sigmoid{}, x) : x));
                }
            }
        }
    }

    TEST_CASE("rational activations: the slope by the output is the derivative by the argument") {
        for (const float x : {-3.0F, -0.7F, -0.01F, 0.01F, 0.3F, 2.0F}) {
            const double t = std::tanh(static_cast<double>(x));
            CHECK(rational_tanh{}.slope(rational_tanh{}(x)) ==
                  doctest::Approx(1 - t * t).epsilon(1e-5));
            const double s = exact_sigmoid{}(static_cast<double>(x));
            CHECK(rational_sigmoid{}.slope(rational_sigmoid{}(x)) ==
                  doctest::Approx(s * (1 - s)).epsilon(1e-5));
        }
    }
}
