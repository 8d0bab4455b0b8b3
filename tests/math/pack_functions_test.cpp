#include "tocsin/core/random.hpp"
#include "tocsin/math/lanes.hpp"
#include "tocsin/math/pack_functions.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace {

/// Every function of the header on one element of arrays, by a path.
template <int Width, class Scalar>
struct results {
    Scalar fused, rest, least, most, size, sign, root;

    results(Scalar a, Scalar b, Scalar c) {
        tocsin::for_each_pack<tocsin::lanes_of<Scalar, Width>>(1, [&](auto pack) {
            const auto x = pack.load(&a);
            const auto y = pack.load(&b);
            const auto z = pack.load(&c);
            pack.store(&fused, tocsin::detail::multiply_add(x, y, z));
            pack.store(&rest, tocsin::detail::subtract_product(z, x, y));
            pack.store(&least, tocsin::detail::at_most(y, x));
            pack.store(&most, tocsin::detail::at_least(y, x));
            pack.store(&size, tocsin::detail::magnitude(x));
            pack.store(&sign, tocsin::detail::with_sign_of(x, tocsin::detail::magnitude(y)));
            pack.store(&root, tocsin::detail::square_root(tocsin::detail::magnitude(x)));
        });
    }
};

template <int Width, class Scalar>
void check() {
    const results<Width, Scalar> one(Scalar(-2.25), Scalar(4), Scalar(0.5));
    CHECK(one.fused == Scalar(-8.5));
    CHECK(one.rest == Scalar(9.5));
    CHECK(one.least == Scalar(-2.25));
    CHECK(one.most == Scalar(4));
    CHECK(one.size == Scalar(2.25));
    CHECK(one.sign == Scalar(-4));
    CHECK(one.root == Scalar(1.5));
    const Scalar nan = std::numeric_limits<Scalar>::quiet_NaN();
    const results<Width, Scalar> none(nan, Scalar(4), Scalar(0.5));
    CHECK(std::isnan(none.fused));
    CHECK(std::isnan(none.rest));
    CHECK(std::isnan(none.least));
    CHECK(std::isnan(none.most));
    CHECK(std::isnan(none.size));
    CHECK(std::isnan(none.root));
}

} // namespace

TEST_SUITE("math") {

    TEST_CASE_TEMPLATE("pack functions: scalars and packs give the same, and pass NaN on", Scalar,
                       float, double) {
        check<1, Scalar>();
        check<tocsin::widest_register, Scalar>();
    }

    TEST_CASE_TEMPLATE("pack functions: quotients and roots are rounded correctly, infinity too",
                       Scalar, float, double) {
        constexpr Scalar infinity = std::numeric_limits<Scalar>::infinity();
        std::vector<Scalar> a{infinity, 1, 0, std::numeric_limits<Scalar>::max(), 1};
        std::vector<Scalar> b{2, infinity, 3, 2, std::numeric_limits<Scalar>::max()};
        tocsin::random_generator random{11};
        for (int i = 0; i < 4096; ++i) {
            a.push_back(static_cast<Scalar>(random.uniform(0.5, 8.0)));
            b.push_back(std::nextafter(a.back(), Scalar(9)));
        }
        const auto count = static_cast<tocsin::index_t>(a.size());
        std::vector<Scalar> quotient(a.size());
        std::vector<Scalar> root(a.size());
        tocsin::for_each_pack<tocsin::lanes_of<Scalar>>(count, [&](auto pack) {
            const auto x = pack.load(a.data());
            pack.store(quotient.data(), tocsin::detail::divide(x, pack.load(b.data())));
            pack.store(root.data(), tocsin::detail::square_root(x));
        });
        int wrong = 0;
        for (std::size_t i = 0; i < a.size(); ++i) {
            wrong += quotient[i] != a[i] / b[i];
            wrong += root[i] != std::sqrt(a[i]);
        }
        CHECK(wrong == 0);
    }
}
