// The step of small layers on AVX-512, and its table of tanh. Other targets pack for it alone.
#include "tocsin/math/lstm_step_kernel.hpp"
#include "tocsin/math/lstm_table_kernel.hpp"

#include <doctest/doctest.h>

#include "activation_errors.hpp"
#include "support/random_values.hpp"
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

namespace {

using tocsin::index_t;
using tocsin::table_layout;
using tocsin_test::random_values;

} // namespace

TEST_SUITE("math") {

    TEST_CASE("lstm_table_packing: every weight stands once per register lane that multiplies it") {
        for (const int hidden : {1, 5, 8, 9, 16, 17, 32}) {
            CAPTURE(hidden);
            const table_layout layout{2, hidden};
            const int rows = 4 * hidden;
            const auto parameters = random_values<float>(index_t{rows} * (3 + hidden), 1);
            auto packed = tocsin_test::garbage<float>(layout.size());
            tocsin::pack_lstm_table(layout, parameters.data(), packed.data());
            // z of each unit from packed weights, and from parameters.
            const auto input = random_values<float>(2, 2);
            const auto h = random_values<float>(hidden, 3);
            for (int reg = 0; reg < layout.registers(); ++reg) {
                for (int lane = 0; lane < 16; ++lane) {
                    double sum = 0;
                    for (int column = 0; column < layout.columns(); ++column) {
                        double value = 1;
                        if (column > 2) {
                            const int above = layout.above(column, lane);
                            value = above < hidden ? h[static_cast<std::size_t>(above)] : 1e30;
                        } else if (column > 0) {
                            value = input[static_cast<std::size_t>(column - 1)];
                        }
                        sum +=
                            value * packed[static_cast<std::size_t>(layout.at(reg, column) + lane)];
                    }
                    const int unit = layout.unit(reg, lane);
                    const int gate = layout.gate(reg, lane);
                    double expected = 0;
                    if (unit < hidden) {
                        const auto weight = [&](int column) {
                            return static_cast<double>(parameters[static_cast<std::size_t>(
                                column * rows + gate * hidden + unit)]);
                        };
                        expected = weight(2 + hidden);
                        for (int k = 0; k < 2; ++k) {
                            expected += weight(k) * input[static_cast<std::size_t>(k)];
                        }
                        for (int k = 0; k < hidden; ++k) {
                            expected += weight(2 + k) * h[static_cast<std::size_t>(k)];
                        }
                        expected *= gate == tocsin::lstm_gate::candidate ? 3.5 : 1.75;
                    }
                    CHECK(sum == doctest::Approx(expected).epsilon(1e-5));
                }
            }
        }
    }

#if TOCSIN_HAS_TANH_TABLE

    TEST_CASE("lstm_table_step: gives what single scalars and exact activations give") {
        for (int hidden = 1; hidden <= 32; ++hidden) {
            for (const int inputs : {1, 2, 7}) {
                CAPTURE(hidden);
                CAPTURE(inputs);
                const auto parameters =
                    random_values<float>(index_t{4} * hidden * (inputs + hidden + 1), 1);
                const table_layout layout{inputs, hidden};
                // Neither weights nor states are aligned, and nothing beyond them may be touched.
                auto packed = tocsin_test::garbage<float>(layout.size() + 1);
                tocsin::pack_lstm_table(layout, parameters.data(), packed.data() + 1);
                const tocsin::lstm_layout plain{inputs, hidden, 1};
                auto plain_packed = tocsin_test::garbage<float>(plain.size());
                tocsin::pack_lstm(plain, parameters.data(), plain_packed.data());
                std::vector<float> h(static_cast<std::size_t>(hidden));
                std::vector<float> c(h);
                std::vector<float> plain_h(h);
                std::vector<float> plain_c(h);
                std::vector<float> scratch(h);
                for (int t = 0; t < 20; ++t) {
                    const auto input = random_values<float>(inputs, static_cast<unsigned>(100 + t));
                    tocsin::lstm_table_step(layout, packed.data() + 1, input.data(), h.data(),
                                            c.data());
                    tocsin::lstm_step_kernel<tocsin::lanes<float, 1>, tocsin::exact_arithmetic>(
                        plain, plain_packed.data(), input.data(), plain_h.data(), plain_c.data(),
                        scratch.data(), tocsin::block_order::ascending);
                }
                for (std::size_t k = 0; k < h.size(); ++k) {
                    CHECK(std::abs(h[k] - plain_h[k]) <= 2e-6F);
                    CHECK(std::abs(c[k] - plain_c[k]) <= 4e-6F);
                }
            }
        }
    }

    TEST_CASE("lstm_table_step: NaN in an input or a state reaches what depends on it") {
        const float nan = std::numeric_limits<float>::quiet_NaN();
        for (const int hidden : {3, 8, 13, 16, 20, 32}) {
            const table_layout layout{1, hidden};
            const auto parameters = random_values<float>(index_t{4} * hidden * (2 + hidden), 1);
            auto packed = tocsin_test::garbage<float>(layout.size());
            tocsin::pack_lstm_table(layout, parameters.data(), packed.data());
            for (int which = 0; which < 3; ++which) {
                std::vector<float> h(static_cast<std::size_t>(hidden));
                std::vector<float> c(h);
                float input = 0.5F;
                (which == 0 ? input : (which == 1 ? h[1] : c[1])) = nan;
                tocsin::lstm_table_step(layout, packed.data(), &input, h.data(), c.data());
                for (std::size_t k = 0; k < h.size(); ++k) {
                    CHECK(std::isnan(h[k]) == (which != 2 || k == 1));
                    CHECK(std::isnan(c[k]) == (which != 2 || k == 1));
                }
            }
        }
    }

    TEST_CASE("tanh_table: stays within the stated errors, and in the range of the function") {
        constexpr std::uint64_t end = std::uint64_t{1} << 32;
        const std::uint64_t stride = long_tests() ? 1 : 16381;
        const tocsin::detail::tanh_table table;
        activation_errors tanh_errors;
        activation_errors sigmoid_errors;
        alignas(64) float x[16];
        alignas(64) float squashed[16];
        alignas(64) float gate[16];
        for (std::uint64_t bits = 0; bits < end; bits += 16 * stride) {
            for (std::uint64_t k = 0; k < 16; ++k) {
                x[k] = std::bit_cast<float>(static_cast<std::uint32_t>(bits + k * stride));
            }
            const auto parts = table(_mm512_load_ps(x));
            _mm512_store_ps(squashed, tocsin::detail::tanh_of(parts));
            _mm512_store_ps(gate, tocsin::detail::sigmoid_of(parts));
            for (int k = 0; k < 16; ++k) {
                if (std::isnan(x[k])) {
                    CHECK(std::isnan(squashed[k]));
                    CHECK(std::isnan(gate[k]));
                    continue;
                }
                const double argument = static_cast<double>(x[k]) / 3.5;
                tanh_errors.add(squashed[k], std::tanh(argument));
                sigmoid_errors.add(gate[k], 0.5 + 0.5 * std::tanh(argument));
            }
        }
        MESSAGE("tanh " << tanh_errors.absolute << " epsilon, " << tanh_errors.ulp
                        << " ulp; sigmoid " << sigmoid_errors.absolute << " epsilon");
        CHECK(tanh_errors.nan + sigmoid_errors.nan == 0);
        CHECK(tanh_errors.absolute <= 0.8);
        CHECK(tanh_errors.absolute > 0.25); // positive control: the formula rounds several times
        CHECK(tanh_errors.ulp <= 3);
        CHECK(tanh_errors.tiny < 0.01);
        CHECK(tanh_errors.highest == 1);
        CHECK(tanh_errors.lowest == -1);
        CHECK(sigmoid_errors.absolute <= 0.8);
        CHECK(sigmoid_errors.highest == 1);
        CHECK(sigmoid_errors.lowest == 0);
    }

#endif
}
