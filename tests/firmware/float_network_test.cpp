#include "tocsin/firmware/float_network.hpp"
#include "tocsin/firmware/partial_distance.hpp"
#include "tocsin/math/rational_activations.hpp"

#include <doctest/doctest.h>

#include "support/random_values.hpp"
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace {

namespace numbers = tocsin::firmware::detail;
using arithmetic = tocsin::firmware::separate_arithmetic;
using fused = tocsin::firmware::fused_arithmetic;

float value_of(numbers::quotient q) {
    return q.numerator / q.denominator;
}

} // namespace

TEST_SUITE("firmware") {
    TEST_CASE_TEMPLATE("activations: within 1.5 epsilon of the true values", Arithmetic, arithmetic,
                       fused) {
        double tanh_error = 0;
        double sigmoid_error = 0;
        for (float x = -25; x < 25; x += 0.0007F) {
            const double exact = x;
            tanh_error =
                std::max(tanh_error,
                         std::abs(static_cast<double>(value_of(numbers::tanh_of<Arithmetic>(x))) -
                                  std::tanh(exact)));
            sigmoid_error = std::max(
                sigmoid_error,
                std::abs(static_cast<double>(value_of(numbers::sigmoid_of<Arithmetic>(x))) -
                         1 / (1 + std::exp(-exact))));
        }
        const double epsilon = std::numeric_limits<float>::epsilon();
        CHECK(tanh_error < 1.5 * epsilon);
        CHECK(sigmoid_error < 1.25 * epsilon);
        CHECK(value_of(numbers::tanh_of<Arithmetic>(0.0F)) == 0);
        CHECK(value_of(numbers::tanh_of<Arithmetic>(1e30F)) == 1);
        CHECK(value_of(numbers::tanh_of<Arithmetic>(-1e30F)) == -1);
        CHECK(value_of(numbers::sigmoid_of<Arithmetic>(0.0F)) == 0.5F);
        CHECK(value_of(numbers::sigmoid_of<Arithmetic>(-1e30F)) == 0);
        CHECK(value_of(numbers::sigmoid_of<Arithmetic>(1e30F)) == 1);
    }

    TEST_CASE("activations: the quotients of the host's kernels") {
        for (float x = -21; x < 21; x += 0.01F) {
            CHECK(value_of(numbers::tanh_of<arithmetic>(x)) ==
                  doctest::Approx(tocsin::rational_tanh{}(x)).epsilon(1e-6));
            CHECK(value_of(numbers::sigmoid_of<arithmetic>(x)) ==
                  doctest::Approx(tocsin::rational_sigmoid{}(x)).epsilon(1e-6));
        }
    }

    TEST_CASE("products: rounded before they are added, whatever the processor can fuse") {
        // (1 + e)^2 - (1 + 2 e) is e^2 in exact arithmetic and 0 after rounding.
        volatile float one_and_a_bit = 1.0F + std::numeric_limits<float>::epsilon();
        const float a = one_and_a_bit;
        const float rounded = -(1.0F + 2 * std::numeric_limits<float>::epsilon());
        CHECK(arithmetic::multiply_add(a, a, rounded) == 0);
        CHECK(fused::multiply_add(a, a, rounded) > 0);
    }

#if TOCSIN_FIRMWARE_VECTORS
    TEST_CASE("four floats at once: the bits of single ones") {
        const auto values = tocsin_test::random_values<float>(4000, 7);
        const float special[] = {0, -0.0F, 9, -9, 20, -20.5F, 1e30F, -1e30F};
        for (std::size_t k = 0; k + 20 <= values.size(); k += 20) {
            std::array<float, 20> z{}; // gate by gate, the cells last
            for (std::size_t j = 0; j < z.size(); ++j) {
                z[j] = j % 7 == 3 ? special[(k / 20 + j) % 8] : 30 * values[k + j];
            }
            numbers::four_floats cells = numbers::four_at(z.data() + 16);
            const auto h = numbers::next_state<arithmetic>(
                numbers::four_at(z.data()), numbers::four_at(z.data() + 4),
                numbers::four_at(z.data() + 8), numbers::four_at(z.data() + 12), cells);
            for (std::size_t unit = 0; unit < 4; ++unit) {
                float cell = z[16 + unit];
                const float expected = numbers::next_state<arithmetic>(
                    z[unit], z[4 + unit], z[8 + unit], z[12 + unit], cell);
                const float found_cell = cells[unit];
                const float found = h[unit];
                REQUIRE(std::bit_cast<std::uint32_t>(found) ==
                        std::bit_cast<std::uint32_t>(expected));
                REQUIRE(std::bit_cast<std::uint32_t>(found_cell) ==
                        std::bit_cast<std::uint32_t>(cell));
            }
        }
    }

    TEST_CASE("row sums: four blocks at once have the bits of one after the other") {
        for (int columns = 1; columns < 20; ++columns) {
            const auto weights = tocsin_test::random_values<float>(4 * 8 * (columns + 1), 3);
            const auto vector = tocsin_test::random_values<float>(columns, 4);
            numbers::four_floats sums[8];
            const float* const end =
                numbers::sum_four_blocks<arithmetic>(weights.data(), vector.data(), columns, sums);
            CHECK(end == weights.data() + weights.size());
            const float* at = weights.data();
            for (int block = 0; block < 4; ++block) {
                numbers::row_block<8> expected;
                at = numbers::sum_rows<arithmetic>(at, vector.data(), columns, expected);
                for (int row = 0; row < 8; ++row) {
                    CHECK(sums[2 * block + row / 4][row % 4] == expected.sum[row]);
                }
            }
        }
    }
#endif

    TEST_CASE("row sums: the same bits for any number of rows at once") {
        for (int rows = 1; rows <= 17; ++rows) {
            const int columns = 1 + rows % 5;
            const auto matrix = tocsin_test::random_values<float>(rows * (columns + 1), 3);
            const auto vector = tocsin_test::random_values<float>(columns, 4);
            std::vector<float> packed; // by blocks of 8, 4, 2, 1
            for (int first = 0; first < rows;) {
                const int left = rows - first;
                const int block = left >= 8 ? 8 : left >= 4 ? 4 : left >= 2 ? 2 : 1;
                for (int column = 0; column <= columns; ++column) {
                    for (int row = 0; row < block; ++row) {
                        packed.push_back(matrix[static_cast<std::size_t>(
                            (first + row) * (columns + 1) + column)]);
                    }
                }
                first += block;
            }
            std::vector<float> found(static_cast<std::size_t>(rows));
            const float* const end = numbers::dense_linear<arithmetic>(packed.data(), vector.data(),
                                                                       columns, rows, found.data());
            CHECK(end == packed.data() + packed.size());
            for (int row = 0; row < rows; ++row) {
                const float* const weights = matrix.data() + row * (columns + 1);
                float sum = weights[0];
                for (int column = 0; column < columns; ++column) {
                    volatile float product =
                        weights[column + 1] * vector[static_cast<std::size_t>(column)];
                    sum += product;
                }
                CHECK(std::bit_cast<std::uint32_t>(found[static_cast<std::size_t>(row)]) ==
                      std::bit_cast<std::uint32_t>(sum));
            }
        }
    }

    TEST_CASE("partial distance: that of the observed elements alone") {
        // Of two correlated elements with one missing, the other's square over its variance.
        const double c00 = 4;
        const double c10 = 1.5;
        const double c11 = 1;
        const double l00 = std::sqrt(c00);
        const double l10 = c10 / l00;
        const double l11 = std::sqrt(c11 - l10 * l10);
        const float whitening[] = {static_cast<float>(1 / l00),
                                   static_cast<float>(-l10 / (l00 * l11)),
                                   static_cast<float>(1 / l11)};
        constexpr float missing = std::numeric_limits<float>::quiet_NaN();
        const float first[] = {3, missing};
        const float second[] = {missing, 3};
        CHECK(numbers::full_distance_of_observed<arithmetic, 2>(first, whitening) ==
              doctest::Approx(9 / c00));
        CHECK(numbers::full_distance_of_observed<arithmetic, 2>(second, whitening) ==
              doctest::Approx(9 / c11));
        const float both[] = {3, -1};
        CHECK(numbers::full_distance_of_observed<arithmetic, 2>(both, whitening) ==
              doctest::Approx(numbers::full_distance<arithmetic>(both, whitening, 2)));
    }

    TEST_CASE("crc: continues the library's") {
        // zlib.crc32(bytes([1, 2, 3, 4, 5, 6, 7, 8]))
        const std::uint32_t crc =
            numbers::add_to_crc(numbers::add_to_crc(0, 0x04030201U), 0x08070605U);
        CHECK(crc == 0x3FCA88C5U);
    }
}
