#include "tocsin/math/lanes.hpp"

#include <doctest/doctest.h>

#include "support/random_values.hpp"
#include <bit>
#include <cstdint>
#include <vector>

namespace {

template <class Scalar>
using widest = tocsin::lanes<Scalar, tocsin::widest_lanes<Scalar>>;
template <class Scalar>
using single = tocsin::lanes<Scalar, 1>;
/// The register of a layer with a single output: half the widest on AVX-512.
template <class Scalar>
using narrow = tocsin::lanes<Scalar, tocsin::lanes_for<Scalar>(1)>;

/// How often each position of [0, count) is stored to by one loop.
template <class Lanes>
std::vector<int> visits(tocsin::index_t count) {
    using scalar = typename Lanes::scalar_type;
    std::vector<scalar> counters(static_cast<std::size_t>(count) + 1, scalar(0));
    tocsin::for_each_pack<Lanes>(count, [&](auto at) {
        at.store(counters.data(), at.load(counters.data()) + typename Lanes::pack_type(scalar(1)));
    });
    return {counters.begin(), counters.end()};
}

} // namespace

TEST_SUITE("math") {

    TEST_CASE_TEMPLATE("lanes: a loop over packs visits every position once and none beyond", Lanes,
                       widest<float>, widest<double>, narrow<float>, narrow<double>, single<float>,
                       single<double>) {
        for (tocsin::index_t count = 0; count <= 67; ++count) {
            std::vector<int> expected(static_cast<std::size_t>(count) + 1, 1);
            expected.back() = 0;
            CHECK(visits<Lanes>(count) == expected);
        }
    }

    TEST_CASE_TEMPLATE("lanes: floats are loaded as doubles", Lanes, widest<double>,
                       single<double>) {
        const auto floats = tocsin_test::random_values<float>(Lanes::count, 1);
        const std::vector<float> from(floats.begin(), floats.end());
        double all[Lanes::count];
        Lanes::store(all, Lanes::load_floats(from.data()));
        for (int k = 0; k < Lanes::count; ++k) {
            CHECK(all[k] == static_cast<double>(from[static_cast<std::size_t>(k)]));
        }
    }

    TEST_CASE("lanes: registers hold several floats where TOCSIN_HAS_XSIMD says so") {
        CHECK((tocsin::widest_lanes<float> > 1) == (TOCSIN_HAS_XSIMD == 1));
        CHECK(tocsin::lanes_of<float>::count == tocsin::widest_lanes<float>);
        CHECK(tocsin::lanes_of<float, 1>::count == 1);
    }

    TEST_CASE_TEMPLATE("lanes: loads and stores of a part touch no scalar beyond it", Lanes,
                       widest<float>, widest<double>, narrow<float>, narrow<double>, single<float>,
                       single<double>) {
        using scalar = typename Lanes::scalar_type;
        for (int valid = 1; valid <= Lanes::count; ++valid) {
            // Exactly as long as the part, so AddressSanitizer sees every access beyond it.
            const auto source = tocsin_test::random_values<scalar>(valid, 1);
            const std::vector<scalar> from(source.begin(), source.end());
            const auto loaded = Lanes::load_first(from.data(), valid);
            scalar all[Lanes::count];
            Lanes::store(all, loaded);
            for (int k = 0; k < Lanes::count; ++k) {
                CHECK(all[k] == (k < valid ? from[static_cast<std::size_t>(k)] : scalar(0)));
            }
            std::vector<scalar> to(static_cast<std::size_t>(valid), scalar(7));
            Lanes::store_first(to.data(), loaded, valid);
            CHECK(to == from);
        }
    }

    TEST_CASE_TEMPLATE("lanes: arithmetic works on each scalar", Lanes, widest<float>,
                       widest<double>, narrow<float>, narrow<double>, single<float>,
                       single<double>) {
        using scalar = typename Lanes::scalar_type;
        scalar a[Lanes::count];
        scalar total = 0;
        for (int k = 0; k < Lanes::count; ++k) {
            a[k] = static_cast<scalar>(k + 1);
            total += a[k];
        }
        const scalar two = 2;
        const auto loaded = Lanes::load(a);
        CHECK(Lanes::sum(loaded) == total);
        scalar result[Lanes::count];
        Lanes::store(result, Lanes::multiply_add(loaded, Lanes::broadcast(&two), loaded));
        for (int k = 0; k < Lanes::count; ++k) {
            CHECK(result[k] == 3 * a[k]);
        }
        Lanes::store(result, Lanes::add(loaded, Lanes::broadcast(&two)));
        CHECK(result[Lanes::count - 1] == a[Lanes::count - 1] + 2);
    }

    TEST_CASE_TEMPLATE("lanes: the lower half of a word takes the place of the upper", Lanes,
                       widest<float>, single<float>) {
        float words[Lanes::count];
        for (int k = 0; k < Lanes::count; ++k) {
            words[k] = std::bit_cast<float>(0x40490FDBU + (static_cast<std::uint32_t>(k) << 4U));
        }
        float result[Lanes::count];
        Lanes::store(result, Lanes::lower_half(Lanes::load(words)));
        for (int k = 0; k < Lanes::count; ++k) {
            CHECK(std::bit_cast<std::uint32_t>(result[k]) == std::bit_cast<std::uint32_t>(words[k])
                                                                 << 16U);
        }
    }

    TEST_CASE(
        "lanes: with_lanes and lanes_for name the same width, at most the outputs rounded up") {
        for (const int outputs : {1, 4, 5, 8, 9, 16, 17, 100}) {
            int visited = 0;
            tocsin::with_lanes<float>(outputs, [&]<class Lanes>() { visited = Lanes::count; });
            CHECK(visited == tocsin::lanes_for<float>(outputs));
            CHECK((visited == tocsin::widest_lanes<float> || outputs <= visited));
        }
    }

    TEST_CASE("lanes: unroll calls its body once for each position, in order") {
        std::vector<int> positions;
        tocsin::unroll<4>([&](auto k) { positions.push_back(k); });
        CHECK(positions == std::vector<int>{0, 1, 2, 3});
    }
}
