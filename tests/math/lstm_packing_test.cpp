#include "tocsin/math/lstm_packing.hpp"

#include <doctest/doctest.h>

#include "support/random_values.hpp"
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace {

using tocsin::index_t;
using tocsin::lstm_layout;

tocsin::aligned_vector<float> some_parameters(const lstm_layout& layout) {
    return tocsin_test::random_values<float>(
        index_t{4} * layout.hidden * (index_t{layout.inputs} + layout.hidden + 1), 1);
}

} // namespace

TEST_SUITE("math") {

    TEST_CASE("lstm_packing: a weight stands at block, column, gate, unit") {
        const lstm_layout layout{2, 5, 4}; // two blocks, the second with one unit
        CHECK(layout.blocks() == 2);
        CHECK(layout.units_in(0) == 4);
        CHECK(layout.units_in(1) == 1);
        const auto parameters = some_parameters(layout);
        auto packed = tocsin_test::garbage<float>(layout.size());
        tocsin::pack_lstm(layout, parameters.data(), packed.data());
        constexpr int rows = 4 * 5;
        const auto parameter = [&](int row, int column) {
            return parameters[static_cast<std::size_t>(column * rows + row)];
        };
        for (int block = 0; block < 2; ++block) {
            for (int column = 0; column < 8; ++column) {
                for (int gate = 0; gate < 4; ++gate) {
                    for (int unit = 0; unit < 4; ++unit) {
                        const auto at =
                            static_cast<std::size_t>(((block * 8 + column) * 4 + gate) * 4 + unit);
                        const bool exists = unit < layout.units_in(block);
                        const int from = column == 0 ? 7 : column - 1; // the bias comes first
                        CHECK(packed[at] ==
                              (exists ? parameter(gate * 5 + block * 4 + unit, from) : 0.0F));
                    }
                }
            }
        }
    }

    TEST_CASE("lstm_packing: unpacking adds to the gradients of all sizes what packing took") {
        for (int hidden = 1; hidden <= 67; hidden += 3) {
            const auto layout = tocsin::layout_of<float>(1 + hidden % 5, hidden);
            const auto parameters = some_parameters(layout);
            auto packed = tocsin_test::garbage<float>(layout.size());
            tocsin::pack_lstm(layout, parameters.data(), packed.data());
            tocsin::aligned_vector<float> gradients(parameters.size(), 1.0F);
            tocsin::add_unpacked_lstm(layout, packed.data(), gradients.data());
            for (std::size_t k = 0; k < gradients.size(); ++k) {
                CHECK(gradients[k] == 1.0F + parameters[k]);
            }
        }
    }

    TEST_CASE("lstm_packing: the product for slopes holds the transposed columns") {
        const lstm_layout layout{3, 5, 4};
        const auto parameters = some_parameters(layout);
        const auto product = tocsin::slope_product(layout, layout.hidden);
        CHECK(product.terms == 2 * 4 * 4);
        auto packed = tocsin_test::garbage<float>(product.size());
        tocsin::pack_slope_product(layout, 5, 3, parameters.data(), packed.data());
        for (int j = 0; j < 8; ++j) {
            for (int r = 0; r < product.terms; ++r) {
                const int block = r / 16;
                const int gate = r / 4 % 4;
                const int unit = r % 4;
                const bool exists = j < 5 && unit < layout.units_in(block);
                const float expected = exists ? parameters[static_cast<std::size_t>(
                                                    (3 + j) * 20 + gate * 5 + block * 4 + unit)]
                                              : 0.0F;
                CHECK(packed[static_cast<std::size_t>((j / 4 * product.terms + r) * 4 + j % 4)] ==
                      expected);
            }
        }
    }

    TEST_CASE("lstm_packing: bfloat16 weights are within 2^-8, the same in streams and batches") {
        const auto layout = tocsin::layout_of<float>(3, 11);
        auto parameters = some_parameters(layout);
        parameters[0] = 0;
        parameters[1] = -0.0F;
        parameters[2] = -1e-40F; // denormal
        auto exact = tocsin_test::garbage<float>(layout.size());
        tocsin::pack_lstm(layout, parameters.data(), exact.data());
        auto rounded = exact;
        tocsin::round_to_bfloat16(layout, rounded.data());
        auto words = tocsin_test::garbage<float>(tocsin::bfloat16_size(layout));
        tocsin::pack_lstm_bfloat16(layout, parameters.data(), words.data());

        double largest = 0;
        for (std::size_t k = 0; k < exact.size(); ++k) {
            const double bound =
                std::max(std::abs(static_cast<double>(exact[k])),
                         2 * static_cast<double>(std::numeric_limits<float>::min()));
            largest = std::max(
                largest,
                std::abs(static_cast<double>(rounded[k]) - static_cast<double>(exact[k])) / bound);
        }
        CHECK(largest <= 0x1p-8);
        CHECK(largest > 0x1p-11);
        // A word read as a float is the upper gate; its lower half is the lower gate.
        const auto units = static_cast<std::size_t>(layout.units);
        for (std::size_t k = 0; k < words.size(); ++k) {
            const std::size_t upper = k / units * 2 * units + k % units;
            const auto bits = std::bit_cast<std::uint32_t>(words[k]);
            CHECK(std::bit_cast<std::uint32_t>(rounded[upper]) == bits);
            CHECK(std::bit_cast<std::uint32_t>(rounded[upper + units]) == (bits & 0xFFFFU) << 16U);
        }
    }

    TEST_CASE("lstm_packing: weights that are not finite stay so as bfloat16") {
        const float infinity = std::numeric_limits<float>::infinity();
        const auto as_float = [](std::uint32_t word) { return std::bit_cast<float>(word); };
        for (const std::uint32_t lower : {0U, 0x7FFFU, 0xFFFFU}) {
            CHECK(std::isnan(as_float(
                tocsin::detail::nearest_word(std::numeric_limits<float>::quiet_NaN(), lower))));
            const float kept = as_float(tocsin::detail::nearest_word(-infinity, lower));
            CHECK_FALSE(std::isfinite(kept));
            CHECK(std::isfinite(
                as_float(tocsin::detail::nearest_word(std::numeric_limits<float>::max(), lower))));
        }
        CHECK(std::isnan(
            as_float(tocsin::detail::nearest_bfloat16(std::numeric_limits<float>::quiet_NaN()))));
        CHECK(as_float(tocsin::detail::nearest_bfloat16(infinity)) == infinity);
    }
}
