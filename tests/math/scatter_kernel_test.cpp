#include "tocsin/core/random.hpp"
#include "tocsin/math/scatter_kernel.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace {

using tocsin::index_t;

index_t round_up(index_t size, index_t multiple) {
    return (size + multiple - 1) / multiple * multiple;
}

/// Samples in the kernel's layout, with padded rows.
struct block {
    index_t dimension, count, padded, stride;
    std::vector<double> x;

    block(index_t rows, index_t samples)
        : dimension{rows}, count{samples},
          padded{round_up(samples, tocsin::scatter_sample_multiple)}, stride{padded + 3},
          x(static_cast<std::size_t>(round_up(rows, tocsin::scatter_row_multiple) * stride), 0.0) {
        tocsin::random_generator random(31);
        for (index_t j = 0; j < dimension; ++j) {
            for (index_t s = 0; s < count; ++s) {
                at(j, s) = random.normal();
            }
        }
    }
    double& at(index_t j, index_t s) { return x[static_cast<std::size_t>(j * stride + s)]; }
};

template <int Width>
void check_scatter(index_t dimension, index_t count) {
    block b(dimension, count);
    std::vector<double> scatter(static_cast<std::size_t>(dimension * dimension), 0.25);
    tocsin::add_scatter<Width>(b.x.data(), b.stride, b.padded, dimension, scatter.data());
    for (index_t j = 0; j < dimension; ++j) {
        for (index_t i = 0; i < dimension; ++i) {
            double expected = 0.25;
            for (index_t s = 0; s < count && i >= j; ++s) {
                expected += b.at(i, s) * b.at(j, s);
            }
            REQUIRE(scatter[static_cast<std::size_t>(j * dimension + i)] ==
                    doctest::Approx(expected).epsilon(1e-12));
        }
    }
}

template <int Width>
void check_centring(index_t count) {
    block b(1, count);
    double mean = 0;
    for (index_t s = 0; s < count; ++s) {
        b.at(0, s) += 1e6;
        mean += b.at(0, s) / static_cast<double>(count);
    }
    const block before = b;
    b.x[static_cast<std::size_t>(b.padded)] = 7; // beyond the row
    CHECK(tocsin::center_row<Width>(b.x.data(), count, b.padded) ==
          doctest::Approx(mean).epsilon(1e-14));
    double rest = 0;
    for (index_t s = 0; s < count; ++s) {
        rest += b.at(0, s);
        REQUIRE(std::abs(b.at(0, s) - (before.x[static_cast<std::size_t>(s)] - mean)) < 1e-8);
    }
    CHECK(std::abs(rest) < 1e-9);
    for (index_t s = count; s < b.padded; ++s) {
        REQUIRE(b.at(0, s) == 0);
    }
    CHECK(b.x[static_cast<std::size_t>(b.padded)] == 7);
}

} // namespace

TEST_SUITE("math") {

    TEST_CASE("scatter kernel: the lower triangle equals plain sums for all sizes") {
        for (index_t dimension = 1; dimension <= 19; ++dimension) {
            for (const index_t count : {1, 2, 7, 8, 9, 31, 67}) {
                check_scatter<1>(dimension, count);
                check_scatter<tocsin::widest_register>(dimension, count);
            }
        }
        check_scatter<tocsin::widest_register>(67, 128);
    }

    TEST_CASE("scatter kernel: a centred row has the mean zero, its padding is zero") {
        for (index_t count = 1; count <= 67; ++count) {
            check_centring<1>(count);
            check_centring<tocsin::widest_register>(count);
        }
    }

    TEST_CASE("scatter kernel: a constant row has no deviations at all") {
        std::vector<double> row(24, 0.1);
        CHECK(tocsin::center_row(row.data(), 21, 24) == 0.1);
        for (const double deviation : row) {
            CHECK(deviation == 0);
        }
    }
}
