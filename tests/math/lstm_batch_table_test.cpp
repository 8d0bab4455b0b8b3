// The batch kernel of AVX-512 for floats: its exponential, its cells, both sizes of blocks.
#include "tocsin/math/lstm_batch_kernel.hpp"

#include <doctest/doctest.h>

#include "activation_errors.hpp"
#include "support/random_values.hpp"
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#if TOCSIN_HAS_TANH_TABLE

namespace {

using tocsin::index_t;
using tocsin::lstm_layout;
using tocsin_test::random_values;

/// sigmoid and tanh of 16 floats by the exponential of the kernel.
struct table_activations {
    alignas(64) float sigmoid[16];
    alignas(64) float tanh[16];

    table_activations(const tocsin::detail::exponential_table& table, const float* x) {
        const __m512 argument = _mm512_loadu_ps(x);
        const auto once = tocsin::detail::sigmoid_exponential(table, argument);
        const auto twice = tocsin::detail::tanh_exponential(table, argument);
        _mm512_store_ps(sigmoid, _mm512_div_ps(_mm512_set1_ps(1.0F), once.above_one()));
        _mm512_store_ps(tanh, _mm512_div_ps(twice.below_one(), twice.above_one()));
    }
};

/// A step of a batch: states, and the gates if they are kept.
template <class Lanes, class Arithmetic>
struct batch_run {
    using values = tocsin::aligned_vector<float>;
    values hidden, cell, gates;

    batch_run(int inputs, int units, int batch, bool keep, const values& parameters,
              const values& input, const values& h, const values& c)
        : hidden(h.size(), 77.0F), cell(c.size(), 77.0F) {
        const lstm_layout layout{inputs, units, Lanes::count};
        values packed(static_cast<std::size_t>(layout.size()));
        tocsin::pack_lstm(layout, parameters.data(), packed.data());
        if (keep) {
            gates.resize(
                static_cast<std::size_t>(tocsin::packed_gate_columns<float>::size(layout, batch)));
        }
        const tocsin::packed_gate_columns<float> tape{keep ? gates.data() : nullptr, batch};
        tocsin::lstm_batch_kernel<Lanes, Arithmetic>(
            layout, packed.data(),
            {batch, input.data(), h.data(), c.data(), hidden.data(), cell.data()}, tape, 0);
    }
    /// A gate of one unit of one column.
    float gate(int units, int batch, int which, int unit, int column) const {
        const lstm_layout layout{1, units, Lanes::count};
        const tocsin::packed_gate_columns<const float> tape{gates.data(), batch};
        return tape.at(layout, unit / Lanes::count,
                       column)[which * Lanes::count + unit % Lanes::count];
    }
};

double largest_difference(const tocsin::aligned_vector<float>& a,
                          const tocsin::aligned_vector<float>& b) {
    double largest = 0;
    for (std::size_t k = 0; k < a.size(); ++k) {
        largest = std::max(largest, std::abs(static_cast<double>(a[k]) - b[k]));
    }
    return largest;
}

template <class Lanes>
void check_against_single_scalars(int inputs, int units, int batch) {
    CAPTURE(inputs);
    CAPTURE(units);
    CAPTURE(batch);
    const auto parameters = random_values<float>(index_t{4} * units * (inputs + units + 1), 1);
    const auto input = random_values<float>(index_t{inputs} * batch, 2);
    const auto h = random_values<float>(index_t{units} * batch, 3);
    const auto c = random_values<float>(index_t{units} * batch, 4, 2);
    using single = tocsin::lanes<float, 1>;
    const batch_run<single, tocsin::exact_arithmetic> exact(inputs, units, batch, true, parameters,
                                                            input, h, c);
    for (const bool keep : {false, true}) {
        const batch_run<Lanes, tocsin::rational_arithmetic> run(inputs, units, batch, keep,
                                                                parameters, input, h, c);
        CHECK(largest_difference(run.hidden, exact.hidden) <= 2e-6);
        CHECK(largest_difference(run.cell, exact.cell) <= 4e-6);
        for (int column = 0; keep && column < batch; ++column) {
            for (int unit = 0; unit < units; ++unit) {
                for (int which = 0; which < 4; ++which) {
                    CHECK(std::abs(run.gate(units, batch, which, unit, column) -
                                   exact.gate(units, batch, which, unit, column)) <= 2e-6F);
                }
            }
        }
    }
}

} // namespace

TEST_SUITE("math") {

    TEST_CASE("exponential_table: sigmoid and tanh stay within the stated errors, and in range") {
        constexpr std::uint64_t end = std::uint64_t{1} << 32;
        const std::uint64_t stride = long_tests() ? 1 : 16381;
        const tocsin::detail::exponential_table table;
        activation_errors tanh_errors;
        activation_errors sigmoid_errors;
        bool in_range = true;
        bool keeps_nan = true;
        std::vector<float> x(16);
        for (std::uint64_t bits = 0; bits < end;) {
            for (float& value : x) {
                value = std::bit_cast<float>(static_cast<std::uint32_t>(std::min(bits, end - 1)));
                bits += stride;
            }
            const table_activations values(table, x.data());
            for (std::size_t k = 0; k < x.size(); ++k) {
                if (std::isnan(x[k])) {
                    keeps_nan =
                        keeps_nan && std::isnan(values.tanh[k]) && std::isnan(values.sigmoid[k]);
                    continue;
                }
                const auto exact = static_cast<double>(x[k]);
                tanh_errors.add(values.tanh[k], std::tanh(exact));
                sigmoid_errors.add(values.sigmoid[k], 1 / (1 + std::exp(-exact)));
                in_range = in_range && std::abs(values.tanh[k]) <= 1 && values.sigmoid[k] >= 0 &&
                           values.sigmoid[k] <= 1;
            }
        }
        MESSAGE("tanh " << tanh_errors.absolute << " epsilon; sigmoid " << sigmoid_errors.absolute
                        << " epsilon");
        CHECK(in_range);
        CHECK(keeps_nan);
        CHECK(tanh_errors.nan + sigmoid_errors.nan == 0);
        CHECK(tanh_errors.absolute <= 1.5);
        CHECK(tanh_errors.absolute > 0.25); // positive control: the formula rounds several times
        CHECK(tanh_errors.highest == 1);
        CHECK(tanh_errors.lowest == -1);
        CHECK(sigmoid_errors.absolute <= 1.25);
    }

    TEST_CASE("exponential_table: tanh of small arguments keeps its digits") {
        const tocsin::detail::exponential_table table;
        std::vector<float> x(16);
        for (std::size_t k = 0; k < x.size(); ++k) {
            x[k] = std::ldexp(1.3F, -6 - static_cast<int>(k)) * (k % 2 == 0 ? 1.0F : -1.0F);
        }
        const table_activations values(table, x.data());
        for (std::size_t k = 0; k < x.size(); ++k) {
            const double exact = std::tanh(static_cast<double>(x[k]));
            CHECK(std::abs(values.tanh[k] - exact) <= 1e-6 * std::abs(exact));
        }
    }

    TEST_CASE(
        "lstm_batch_kernel on AVX-512: gates and states are those of single scalars and exact "
        "activations, for blocks of 8 and of 16 units") {
        for (const int batch : {1, 2, 3, 5, 6, 7, 12, 13, 15, 24, 31}) {
            for (int units = 1; units <= 8; ++units) {
                check_against_single_scalars<tocsin::lanes<float, 8>>(1 + batch % 3, units, batch);
            }
            for (const int units : {1, 9, 15, 16, 17, 31, 33, 50}) {
                check_against_single_scalars<tocsin::lanes<float, 16>>(1 + batch % 4, units, batch);
            }
        }
    }

    TEST_CASE("lstm_batch_kernel on AVX-512: NaN and saturated sums") {
        const float nan = std::numeric_limits<float>::quiet_NaN();
        const float infinity = std::numeric_limits<float>::infinity();
        for (const int units : {5, 8, 13, 16}) {
            const auto check = [&]<class Lanes>(const Lanes&) {
                constexpr int batch = 3;
                const auto parameters = random_values<float>(index_t{4} * units * (units + 2), 1);
                const auto h = random_values<float>(index_t{units} * batch, 3);
                auto c = random_values<float>(index_t{units} * batch, 4, 2);
                for (const bool keep : {false, true}) {
                    auto input = random_values<float>(batch, 2);
                    input[1] = nan;
                    const batch_run<Lanes, tocsin::rational_arithmetic> lost(
                        1, units, batch, keep, parameters, input, h, c);
                    for (std::size_t k = 0; k < lost.hidden.size(); ++k) {
                        const bool second = static_cast<int>(k) / units == 1;
                        CHECK(std::isnan(lost.hidden[k]) == second);
                        CHECK(std::isnan(lost.cell[k]) == second);
                    }
                    for (const float huge : {1e30F, -1e30F, infinity}) {
                        input[1] = huge;
                        const batch_run<Lanes, tocsin::rational_arithmetic> run(
                            1, units, batch, keep, parameters, input, h, c);
                        for (std::size_t k = 0; k < run.hidden.size(); ++k) {
                            CHECK(std::abs(run.hidden[k]) <= 1);
                            CHECK(std::abs(run.cell[k]) <= std::abs(c[k]) + 1.001F);
                        }
                    }
                }
            };
            if (units <= 8) {
                check(tocsin::lanes<float, 8>{});
            } else {
                check(tocsin::lanes<float, 16>{});
            }
        }
    }
}

#endif
