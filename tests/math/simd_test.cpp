#include "tocsin/math/simd.hpp"

#include <doctest/doctest.h>

#include <type_traits>
#include <vector>

namespace {

/// How often one loop stores to each position of [0, count).
template <class Path, class Scalar>
std::vector<int> visits(tocsin::index_t count) {
    std::vector<Scalar> counters(static_cast<std::size_t>(count) + 1, Scalar(0));
    Path::template for_each_pack<Scalar>(count, [&](auto pack) {
        const auto loaded = pack.load(counters.data());
        pack.store(counters.data(), loaded + std::decay_t<decltype(loaded)>(Scalar(1)));
    });
    return {counters.begin(), counters.end()};
}

} // namespace

TEST_SUITE("math") {

    TEST_CASE_TEMPLATE("simd: both paths visit every position once and none beyond", Scalar, float,
                       double) {
        for (tocsin::index_t count = 0; count <= 67; ++count) {
            std::vector<int> expected(static_cast<std::size_t>(count) + 1, 1);
            expected.back() = 0;
            CHECK(visits<tocsin::scalar_path, Scalar>(count) == expected);
            CHECK(visits<tocsin::native_path, Scalar>(count) == expected);
        }
    }

    TEST_CASE("simd: the build's choice of path is what TOCSIN_HAS_XSIMD says") {
        CHECK(std::is_same_v<tocsin::native_path, tocsin::scalar_path> == (TOCSIN_HAS_XSIMD == 0));
    }
}
