#include "tocsin/core/random.hpp"
#include "tocsin/math/activations.hpp"
#include "tocsin/math/elementwise.hpp"

#include <doctest/doctest.h>

#include "activation_errors.hpp"
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <type_traits>
#include <vector>

namespace {

using tocsin::index_t;

template <class Scalar>
using limits = std::numeric_limits<Scalar>;
/// Finite arguments of every magnitude (including denormals), with more where the functions bend.
template <class Scalar>
std::vector<Scalar> arguments() {
    using bits = std::conditional_t<std::is_same_v<Scalar, float>, std::uint32_t, std::uint64_t>;
    tocsin::random_generator random(5);
    std::vector<Scalar> values{Scalar(0),
                               -Scalar(0),
                               limits<Scalar>::max(),
                               limits<Scalar>::lowest(),
                               limits<Scalar>::denorm_min(),
                               -limits<Scalar>::denorm_min(),
                               limits<Scalar>::min(),
                               Scalar(-16.637930),
                               std::log(limits<Scalar>::min()),
                               std::log(limits<Scalar>::max())};
    for (int k = 0; k < 60'000; ++k) {
        const auto any = std::bit_cast<Scalar>(static_cast<bits>(random()));
        values.push_back(std::isfinite(any) ? any : Scalar(1));
        values.push_back(static_cast<Scalar>(random.uniform(-800, 800)));
        values.push_back(static_cast<Scalar>(random.uniform(-40, 40)));
        values.push_back(static_cast<Scalar>(random.uniform(-2, 2)));
    }
    return values;
}

/// Whether vector registers take numbers that are not normal for 0, as those of 32-bit Arm do.
#if defined(__arm__)
constexpr bool flushes_tiny = tocsin::widest_lanes<float> > 1;
#else
constexpr bool flushes_tiny = false;
#endif

template <int Width, class Scalar>
void check_claims(double tanh_ulp) {
    // Elsewhere (32-bit Arm) long double is double, and what is measured is no error.
    constexpr bool reference_is_finer = limits<wide<Scalar>>::digits > limits<Scalar>::digits;
    const std::vector<Scalar> x = arguments<Scalar>();
    const activation_errors sigmoid =
        measure_errors<Width>(tocsin::sigmoid_activation{}, exact_sigmoid{}, x);
    CHECK(sigmoid.nan == 0);
    CHECK(sigmoid.ulp <= 3);
    // Positive control: the formula rounds three times.
    CHECK((!reference_is_finer || sigmoid.ulp > 0.5));
    CHECK(sigmoid.absolute <= 1.25);
    CHECK(sigmoid.tiny < (flushes_tiny ? 1.01 : 1));
    const activation_errors tanh =
        measure_errors<Width>(tocsin::tanh_activation{}, exact_tanh{}, x);
    CHECK(tanh.nan == 0);
    CHECK(tanh.ulp <= tanh_ulp);
    CHECK((!reference_is_finer || tanh.ulp > 0.5));
    CHECK(tanh.absolute <= 1.25);
    CHECK(tanh.tiny < (flushes_tiny && Width != 1 ? 1 : 0.01));
}

template <int Width, class Scalar, class Activation>
Scalar apply(Scalar x) {
    Scalar value = x;
    tocsin::activate<Width>(Activation{}, &value, 1);
    return value;
}

template <int Width, class Scalar>
void check_special_values() {
    const Scalar infinity = limits<Scalar>::infinity();
    const Scalar nan = limits<Scalar>::quiet_NaN();
    CHECK(apply<Width, Scalar, tocsin::sigmoid_activation>(infinity) == Scalar(1));
    CHECK(apply<Width, Scalar, tocsin::sigmoid_activation>(-infinity) == Scalar(0));
    CHECK(apply<Width, Scalar, tocsin::sigmoid_activation>(Scalar(0)) == Scalar(0.5));
    CHECK(std::isnan(apply<Width, Scalar, tocsin::sigmoid_activation>(nan)));
    CHECK(apply<Width, Scalar, tocsin::tanh_activation>(infinity) == Scalar(1));
    CHECK(apply<Width, Scalar, tocsin::tanh_activation>(-infinity) == Scalar(-1));
    CHECK(apply<Width, Scalar, tocsin::tanh_activation>(Scalar(0)) == Scalar(0));
    CHECK(std::isnan(apply<Width, Scalar, tocsin::tanh_activation>(nan)));
    CHECK(apply<Width, Scalar, tocsin::relu_activation>(infinity) == infinity);
    CHECK(apply<Width, Scalar, tocsin::relu_activation>(-infinity) == Scalar(0));
    CHECK(apply<Width, Scalar, tocsin::relu_activation>(Scalar(-0.25)) == Scalar(0));
    CHECK(apply<Width, Scalar, tocsin::relu_activation>(Scalar(0.25)) == Scalar(0.25));
    CHECK(std::isnan(apply<Width, Scalar, tocsin::relu_activation>(nan)));
    CHECK(apply<Width, Scalar, tocsin::identity_activation>(-infinity) == -infinity);
    CHECK(std::isnan(apply<Width, Scalar, tocsin::identity_activation>(nan)));
}

} // namespace

TEST_SUITE("math") {

    TEST_CASE_TEMPLATE("activations: errors of single scalars stay within what is stated", Scalar,
                       float, double) {
        check_claims<1, Scalar>(3);
    }

    TEST_CASE_TEMPLATE("activations: errors of the widest registers stay within what is stated",
                       Scalar, float, double) {
        check_claims<tocsin::widest_register, Scalar>(3.5);
    }

    TEST_CASE("activations: errors over all floats stay within what is stated") {
        const auto check = [](const char* name, const errors_on_both_paths& worst,
                              double scalar_ulp, double native_ulp) {
            MESSAGE(std::string(name)
                    << ": scalar " << worst.scalar.absolute << " epsilon, " << worst.scalar.ulp
                    << " ulp; native " << worst.native.absolute << " epsilon, " << worst.native.ulp
                    << " ulp");
            CHECK(worst.nan_lost == 0);
            CHECK(worst.scalar.nan + worst.native.nan == 0);
            CHECK(worst.scalar.ulp <= scalar_ulp);
            CHECK(worst.native.ulp <= native_ulp);
            CHECK(std::max(worst.scalar.absolute, worst.native.absolute) <= 1.25);
            CHECK(std::max(worst.scalar.tiny, worst.native.tiny) < 1);
            CHECK(std::max(worst.scalar.highest, worst.native.highest) == 1);
        };
        check("sigmoid", measure_all_floats(tocsin::sigmoid_activation{}, exact_sigmoid{}), 3, 3);
        check("tanh", measure_all_floats(tocsin::tanh_activation{}, exact_tanh{}), 3, 3.5);
    }

    TEST_CASE_TEMPLATE("activations: infinities reach the limits, NaN stays NaN, wide and single",
                       Scalar, float, double) {
        check_special_values<1, Scalar>();
        check_special_values<tocsin::widest_register, Scalar>();
    }

    TEST_CASE("activations: the slope by the output is the derivative by the argument") {
        const auto check = [](const auto& activation, double x) {
            const double h = 1e-5;
            const double expected = (activation(x + h) - activation(x - h)) / (2 * h);
            CHECK(activation.slope(activation(x)) == doctest::Approx(expected).epsilon(1e-8));
        };
        for (const double x : {-3.0, -0.7, -0.01, 0.01, 0.3, 2.0}) {
            check(tocsin::identity_activation{}, x);
            check(tocsin::sigmoid_activation{}, x);
            check(tocsin::tanh_activation{}, x);
            check(tocsin::relu_activation{}, x);
        }
        CHECK(tocsin::relu_activation{}.slope(0.0) == 0);
        CHECK(std::isnan(tocsin::relu_activation{}.slope(limits<double>::quiet_NaN())) == false);
    }
}
