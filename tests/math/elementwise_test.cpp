#include "tocsin/math/elementwise.hpp"

#include <doctest/doctest.h>

#include "support/random_values.hpp"
#include <cmath>
#include <vector>

namespace {

using tocsin::index_t;

template <class Scalar>
constexpr double tolerance = 8 * static_cast<double>(std::numeric_limits<Scalar>::epsilon());

/// Compares both functions with a plain loop for one length and misalignment, and checks that the
/// scalars around the range are unchanged.
template <class Scalar, class Activation>
bool same_as_loop(index_t length, index_t offset) {
    constexpr index_t room = 5;
    const Activation activation;
    const Scalar guard = Scalar(1234);
    auto values = tocsin_test::random_values<Scalar>(length + offset + room, 7, 4);
    const auto gradients = tocsin_test::random_values<Scalar>(length + offset + room, 8);
    const auto original = values;
    const auto at = [](index_t k) { return static_cast<std::size_t>(k); };
    for (index_t k = 0; k < offset; ++k) {
        values[at(k)] = guard;
    }
    for (index_t k = offset + length; k < offset + length + room; ++k) {
        values[at(k)] = guard;
    }
    bool same = true;
    tocsin::activate(activation, values.data() + offset, length);
    auto slopes = values;
    tocsin::activate_backward(activation, slopes.data() + offset, gradients.data() + offset,
                              length);
    for (index_t k = 0; k < offset + length + room; ++k) {
        if (k < offset || k >= offset + length) {
            same = same && values[at(k)] == guard && slopes[at(k)] == guard;
            continue;
        }
        const Scalar expected = activation(original[at(k)]);
        same = same && std::abs(values[at(k)] - expected) <= tolerance<Scalar>;
        same = same && std::abs(slopes[at(k)] - gradients[at(k)] * activation.slope(expected)) <=
                           tolerance<Scalar>;
    }
    return same;
}

template <class Scalar, class Activation>
void check_all_lengths() {
    for (index_t length = 0; length <= 67; ++length) {
        for (index_t offset = 0; offset < 4; ++offset) {
            if (!same_as_loop<Scalar, Activation>(length, offset)) {
                CAPTURE(length);
                CAPTURE(offset);
                CHECK_MESSAGE(false, Activation::name << " differs from a plain loop");
            }
        }
    }
}

} // namespace

TEST_SUITE("math") {

    TEST_CASE_TEMPLATE("elementwise: every length and alignment equals a plain loop", Scalar, float,
                       double) {
        check_all_lengths<Scalar, tocsin::sigmoid_activation>();
        check_all_lengths<Scalar, tocsin::tanh_activation>();
        check_all_lengths<Scalar, tocsin::relu_activation>();
        check_all_lengths<Scalar, tocsin::identity_activation>();
        CHECK(same_as_loop<Scalar, tocsin::tanh_activation>(67, 1));
    }

    TEST_CASE_TEMPLATE("elementwise: a value does not depend on its place in the array", Scalar,
                       float, double) {
        for (const Scalar x : {Scalar(-1.7), Scalar(0.3), Scalar(2.9)}) {
            Scalar alone_sigmoid = x;
            Scalar alone_tanh = x;
            tocsin::activate(tocsin::sigmoid_activation{}, &alone_sigmoid, 1);
            tocsin::activate(tocsin::tanh_activation{}, &alone_tanh, 1);
            std::vector<Scalar> sigmoids(67, x);
            std::vector<Scalar> tanhs(67, x);
            tocsin::activate(tocsin::sigmoid_activation{}, sigmoids.data() + 1, 66);
            tocsin::activate(tocsin::tanh_activation{}, tanhs.data() + 1, 66);
            for (std::size_t k = 1; k < 67; ++k) {
                CHECK(sigmoids[k] == alone_sigmoid);
                CHECK(tanhs[k] == alone_tanh);
            }
        }
    }

    TEST_CASE_TEMPLATE("elementwise: a NaN spoils no neighbour", Scalar, float, double) {
        std::vector<Scalar> values(19, Scalar(0.5));
        values[9] = std::numeric_limits<Scalar>::quiet_NaN();
        tocsin::activate(tocsin::tanh_activation{}, values.data(), 19);
        for (std::size_t k = 0; k < 19; ++k) {
            CHECK(std::isnan(values[k]) == (k == 9));
        }
    }
}
