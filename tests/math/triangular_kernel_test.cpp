#include "tocsin/core/random.hpp"
#include "tocsin/math/triangular_kernel.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <limits>
#include <vector>

namespace {

using tocsin::index_t;

/// A lower triangle in the kernel's layout.
struct triangle {
    index_t dimension;
    index_t rows;
    std::vector<double> elements;

    explicit triangle(index_t size)
        : dimension{size}, rows{(size + tocsin::triangular_row_multiple - 1) /
                                tocsin::triangular_row_multiple * tocsin::triangular_row_multiple},
          elements(static_cast<std::size_t>(rows * size), 0.0) {
        tocsin::random_generator random(17);
        for (index_t j = 0; j < dimension; ++j) {
            for (index_t i = j; i < dimension; ++i) {
                elements[static_cast<std::size_t>(j * rows + i)] = random.normal();
            }
        }
    }
    double at(index_t i, index_t j) const {
        return elements[static_cast<std::size_t>(j * rows + i)];
    }
    template <int Width>
    double length(const std::vector<double>& x) const {
        return tocsin::squared_length_of_product<Width>(elements.data(), rows, dimension, x.data());
    }
};

template <int Width>
void check_dimension(index_t dimension) {
    constexpr int vectors = tocsin::triangular_block<Width>;
    const triangle w(dimension);
    tocsin::random_generator random(23);
    std::vector<double> block(static_cast<std::size_t>(w.rows * vectors), 1e300); // padding
    std::vector<std::vector<double>> apart(vectors);
    for (int which = 0; which < vectors; ++which) {
        for (index_t j = 0; j < dimension; ++j) {
            const double element = random.normal();
            apart[static_cast<std::size_t>(which)].push_back(element);
            block[static_cast<std::size_t>(tocsin::position_in_block(j, which, vectors))] = element;
        }
    }
    std::array<double, vectors> lengths{};
    tocsin::squared_lengths_of_products<Width>(w.elements.data(), w.rows, dimension, block.data(),
                                               lengths.data());
    for (std::size_t which = 0; which < vectors; ++which) {
        const auto& x = apart[which];
        double expected = 0;
        for (index_t i = 0; i < dimension; ++i) {
            double y = 0;
            for (index_t j = 0; j <= i; ++j) {
                y += w.at(i, j) * x[static_cast<std::size_t>(j)];
            }
            expected += y * y;
        }
        REQUIRE(w.length<Width>(x) == doctest::Approx(expected).epsilon(1e-12));
        REQUIRE(lengths[which] == w.length<Width>(x));
    }
}

} // namespace

TEST_SUITE("math") {

    TEST_CASE("triangular kernel: lengths equal plain sums, alone and in a block") {
        for (index_t dimension = 1; dimension <= 67; ++dimension) {
            check_dimension<1>(dimension);
            check_dimension<tocsin::widest_register>(dimension);
        }
        check_dimension<tocsin::widest_register>(128);
    }

    TEST_CASE("triangular kernel: a NaN or an infinity spoils its own vector of a block alone") {
        constexpr index_t dimension = 11;
        const triangle w(dimension);
        for (const double spoilt :
             {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
            constexpr int vectors = tocsin::triangular_block<>;
            constexpr int one = vectors / 2;
            std::vector<double> block(static_cast<std::size_t>(w.rows * vectors), 0.5);
            block[static_cast<std::size_t>(tocsin::position_in_block(4, one, vectors))] = spoilt;
            std::array<double, vectors> lengths{};
            tocsin::squared_lengths_of_products(w.elements.data(), w.rows, dimension, block.data(),
                                                lengths.data());
            for (std::size_t which = 0; which < vectors; ++which) {
                CHECK(std::isfinite(lengths[which]) == (which != one));
            }
        }
    }

    TEST_CASE(
        "triangular kernel: the squares of huge and of tiny vectors neither hide nor vanish") {
        const triangle w(3);
        const std::vector<double> huge(3, 1e200);
        CHECK(std::isinf(w.length<tocsin::widest_register>(huge)));
        const std::vector<double> tiny(3, std::numeric_limits<double>::denorm_min());
        CHECK(w.length<tocsin::widest_register>(tiny) == 0);
        CHECK(w.length<tocsin::widest_register>(std::vector<double>(3, 1e-100)) > 0);
    }
}
