#include "tocsin/core/random.hpp"
#include "tocsin/math/activations.hpp"
#include "tocsin/math/elementwise.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>
#include <vector>

namespace {

using tocsin::index_t;

template <class Scalar>
using limits = std::numeric_limits<Scalar>;
/// A type in which the exact value is known to many more digits.
template <class Scalar>
using wide = std::conditional_t<std::is_same_v<Scalar, float>, double, long double>;

struct exact_sigmoid {
    template <class Wide>
    Wide operator()(Wide x) const {
        return x >= 0 ? 1 / (1 + std::exp(-x)) : std::exp(x) / (1 + std::exp(x));
    }
};
struct exact_tanh {
    template <class Wide>
    Wide operator()(Wide x) const {
        return std::tanh(x);
    }
};

/// Worst errors over a set of arguments.
struct errors {
    double ulp = 0;      ///< where the exact result is a normal number
    double absolute = 0; ///< everywhere, in epsilons
    double tiny = 0;     ///< absolute, where the exact result is not normal, in smallest normals
    bool nan = false;
};

template <class Path, class Scalar, class Activation, class Exact>
errors measure(const Activation& activation, const Exact& exact,
               const std::vector<Scalar>& arguments) {
    auto values = arguments;
    tocsin::activate<Path>(activation, values.data(), static_cast<index_t>(values.size()));
    errors worst;
    for (std::size_t k = 0; k < values.size(); ++k) {
        const wide<Scalar> expected = exact(static_cast<wide<Scalar>>(arguments[k]));
        const wide<Scalar> error = std::abs(static_cast<wide<Scalar>>(values[k]) - expected);
        worst.nan = worst.nan || std::isnan(values[k]);
        worst.absolute =
            std::max(worst.absolute, static_cast<double>(error / limits<Scalar>::epsilon()));
        if (std::abs(expected) < limits<Scalar>::min()) {
            worst.tiny = std::max(worst.tiny, static_cast<double>(error / limits<Scalar>::min()));
            continue;
        }
        int exponent = 0;
        std::frexp(expected, &exponent);
        const wide<Scalar> ulp = std::ldexp(wide<Scalar>(1), exponent - limits<Scalar>::digits);
        worst.ulp = std::max(worst.ulp, static_cast<double>(error / ulp));
    }
    return worst;
}

/// Finite arguments of every magnitude (denormals included), more of them where functions bend.
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

template <class Path, class Scalar>
void check_claims(double tanh_ulp) {
    const std::vector<Scalar> x = arguments<Scalar>();
    const errors sigmoid = measure<Path>(tocsin::sigmoid_activation{}, exact_sigmoid{}, x);
    CHECK_FALSE(sigmoid.nan);
    CHECK(sigmoid.ulp <= 3);
    CHECK(sigmoid.ulp > 0.5); // positive control: the formula rounds three times
    CHECK(sigmoid.absolute <= 1.25);
    CHECK(sigmoid.tiny < 1);
    const errors tanh = measure<Path>(tocsin::tanh_activation{}, exact_tanh{}, x);
    CHECK_FALSE(tanh.nan);
    CHECK(tanh.ulp <= tanh_ulp);
    CHECK(tanh.ulp > 0.5);
    CHECK(tanh.absolute <= 1.25);
    CHECK(tanh.tiny < 0.01);
}

template <class Path, class Scalar, class Activation>
Scalar apply(Scalar x) {
    Scalar value = x;
    tocsin::activate<Path>(Activation{}, &value, 1);
    return value;
}

template <class Path, class Scalar>
void check_special_values() {
    const Scalar infinity = limits<Scalar>::infinity();
    const Scalar nan = limits<Scalar>::quiet_NaN();
    CHECK(apply<Path, Scalar, tocsin::sigmoid_activation>(infinity) == Scalar(1));
    CHECK(apply<Path, Scalar, tocsin::sigmoid_activation>(-infinity) == Scalar(0));
    CHECK(apply<Path, Scalar, tocsin::sigmoid_activation>(Scalar(0)) == Scalar(0.5));
    CHECK(std::isnan(apply<Path, Scalar, tocsin::sigmoid_activation>(nan)));
    CHECK(apply<Path, Scalar, tocsin::tanh_activation>(infinity) == Scalar(1));
    CHECK(apply<Path, Scalar, tocsin::tanh_activation>(-infinity) == Scalar(-1));
    CHECK(apply<Path, Scalar, tocsin::tanh_activation>(Scalar(0)) == Scalar(0));
    CHECK(std::isnan(apply<Path, Scalar, tocsin::tanh_activation>(nan)));
    CHECK(apply<Path, Scalar, tocsin::relu_activation>(infinity) == infinity);
    CHECK(apply<Path, Scalar, tocsin::relu_activation>(-infinity) == Scalar(0));
    CHECK(apply<Path, Scalar, tocsin::relu_activation>(Scalar(-0.25)) == Scalar(0));
    CHECK(apply<Path, Scalar, tocsin::relu_activation>(Scalar(0.25)) == Scalar(0.25));
    CHECK(std::isnan(apply<Path, Scalar, tocsin::relu_activation>(nan)));
    CHECK(apply<Path, Scalar, tocsin::identity_activation>(-infinity) == -infinity);
    CHECK(std::isnan(apply<Path, Scalar, tocsin::identity_activation>(nan)));
}

} // namespace

TEST_SUITE("math") {

    TEST_CASE_TEMPLATE("activations: errors of the scalar path stay within what is stated", Scalar,
                       float, double) {
        check_claims<tocsin::scalar_path, Scalar>(3);
    }

    TEST_CASE_TEMPLATE("activations: errors of the native path stay within what is stated", Scalar,
                       float, double) {
        check_claims<tocsin::native_path, Scalar>(TOCSIN_HAS_XSIMD ? 2 : 3);
    }

    TEST_CASE_TEMPLATE("activations: infinities reach the limits, NaN stays NaN, on both paths",
                       Scalar, float, double) {
        check_special_values<tocsin::scalar_path, Scalar>();
        check_special_values<tocsin::native_path, Scalar>();
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
