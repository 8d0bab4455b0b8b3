// Compares the step, batch and gradient kernels on the widest registers with the same kernels on
// single scalars.
#include "tocsin/math/lstm_gradient_kernel.hpp"
#include "tocsin/math/lstm_step_kernel.hpp"

#include <doctest/doctest.h>

#include "support/random_values.hpp"
#include <algorithm>
#include <cmath>
#include <limits>

namespace {

using tocsin::index_t;
using tocsin::lstm_layout;
using tocsin_test::block_error;
using tocsin_test::random_values;

template <class Scalar>
using widest = tocsin::lanes<Scalar, tocsin::widest_lanes<Scalar>>;
template <class Scalar>
using single = tocsin::lanes<Scalar, 1>;

/// A step of a batch forward and backward, and a step of its first item as a stream.
template <class Lanes, class Arithmetic>
struct kernel_run {
    using scalar = typename Lanes::scalar_type;
    using values = tocsin::aligned_vector<scalar>;

    /// @param shift misalignment of every buffer, in scalars
    kernel_run(int inputs, int hidden, int batch, std::size_t shift, double scale = 1)
        : layout{inputs, hidden, Lanes::count} {
        const index_t states = index_t{hidden} * batch;
        const auto parameters =
            random_values<scalar>(index_t{4} * hidden * (index_t{inputs} + hidden + 1), 1);
        values packed(static_cast<std::size_t>(layout.size()) + shift);
        tocsin::pack_lstm(layout, parameters.data(), packed.data() + shift);
        const values input =
            shifted(random_values<scalar>(index_t{inputs} * batch, 2, scale), shift);
        const values h = shifted(random_values<scalar>(states, 3), shift);
        const values c = shifted(random_values<scalar>(states, 4, 2), shift);

        const index_t columns = index_t{2} * batch; // the step is the second of two
        values gates(
            static_cast<std::size_t>(tocsin::packed_gate_columns<scalar>::size(layout, columns)) +
            shift);
        const tocsin::packed_gate_columns<scalar> tape{gates.data() + shift, columns};
        hidden_out.assign(static_cast<std::size_t>(states) + shift, scalar(0));
        cell_out = hidden_out;
        tocsin::lstm_batch_kernel<Lanes, Arithmetic>(layout, packed.data() + shift,
                                                     {batch, input.data() + shift, h.data() + shift,
                                                      c.data() + shift, hidden_out.data() + shift,
                                                      cell_out.data() + shift},
                                                     tape, batch);

        // Without a tape, the arithmetic differs but the state is the same.
        untaped = hidden_out;
        values cells = c;
        tocsin::lstm_batch_kernel<Lanes, Arithmetic>(layout, packed.data() + shift,
                                                     {batch, input.data() + shift, h.data() + shift,
                                                      cells.data() + shift, untaped.data() + shift,
                                                      cells.data() + shift},
                                                     {}, 0);

        stream = values(h.begin(), h.begin() + hidden + static_cast<std::ptrdiff_t>(shift));
        values stream_cell(c.begin(), c.begin() + hidden + static_cast<std::ptrdiff_t>(shift));
        values scratch(static_cast<std::size_t>(hidden));
        tocsin::lstm_step_kernel<Lanes, Arithmetic>(
            layout, packed.data() + shift, input.data() + shift, stream.data() + shift,
            stream_cell.data() + shift, scratch.data(), tocsin::block_order::descending);

        const values output_gradient = random_values<scalar>(states, 5);
        cell_gradient = random_values<scalar>(states, 6);
        tocsin::lstm_slopes_kernel<Lanes, Arithmetic>(layout, batch, tape, batch, c.data() + shift,
                                                      cell_out.data() + shift,
                                                      output_gradient.data(), cell_gradient.data());
        values packed_gradient(static_cast<std::size_t>(layout.size()));
        tocsin::lstm_weight_gradient_kernel<Lanes>(layout, tape, batch, batch, input.data() + shift,
                                                   h.data() + shift, packed_gradient.data());
        gradient.assign(parameters.size(), scalar(0));
        tocsin::add_unpacked_lstm(layout, packed_gradient.data(), gradient.data());
        hidden_out.erase(hidden_out.begin(),
                         hidden_out.begin() + static_cast<std::ptrdiff_t>(shift));
        cell_out.erase(cell_out.begin(), cell_out.begin() + static_cast<std::ptrdiff_t>(shift));
        untaped.erase(untaped.begin(), untaped.begin() + static_cast<std::ptrdiff_t>(shift));
        stream.erase(stream.begin(), stream.begin() + static_cast<std::ptrdiff_t>(shift));
    }

    static values shifted(const values& from, std::size_t shift) {
        values to(shift, std::numeric_limits<scalar>::quiet_NaN());
        to.insert(to.end(), from.begin(), from.end());
        return to;
    }

    lstm_layout layout;
    values hidden_out, cell_out, untaped, stream, cell_gradient, gradient;
};

template <class Scalar, class Arithmetic>
void compare(int inputs, int hidden, int batch, std::size_t shift, double scale = 1) {
    const double tolerance = sizeof(Scalar) == 4 ? 1e-5 : 1e-13;
    CAPTURE(inputs);
    CAPTURE(hidden);
    CAPTURE(batch);
    const kernel_run<widest<Scalar>, Arithmetic> wide(inputs, hidden, batch, shift, scale);
    const kernel_run<single<Scalar>, tocsin::exact_arithmetic> narrow(inputs, hidden, batch, 0,
                                                                      scale);
    CHECK(block_error(wide.hidden_out, narrow.hidden_out) <= tolerance);
    CHECK(block_error(wide.cell_out, narrow.cell_out) <= tolerance);
    CHECK(block_error(wide.untaped, narrow.hidden_out) <= tolerance);
    const tocsin::aligned_vector<Scalar> first(narrow.hidden_out.begin(),
                                               narrow.hidden_out.begin() + hidden);
    CHECK(block_error(wide.stream, first) <= tolerance);
    if (scale > 1) {
        return; // slopes of saturated gates are 0, or one rounding error times a huge input
    }
    CHECK(block_error(wide.cell_gradient, narrow.cell_gradient) <= tolerance);
    CHECK(block_error(wide.gradient, narrow.gradient) <= tolerance);
}

} // namespace

TEST_SUITE("math") {

    TEST_CASE_TEMPLATE(
        "lstm kernels: wide registers give what single scalars and exact activations "
        "give, for sizes from 1 to 67 and unaligned buffers",
        Scalar, float, double) {
        tocsin::random_generator random(7);
        const auto size = [&] { return 1 + static_cast<int>(random.below(67)); };
        for (int k = 0; k < 60; ++k) {
            const int inputs = size();
            const int hidden = size();
            const int batch = size();
            const auto shift = static_cast<std::size_t>(k % 3);
            compare<Scalar, tocsin::rational_arithmetic>(inputs, hidden, batch, shift);
            if (k % 4 == 0) {
                compare<Scalar, tocsin::exact_arithmetic>(inputs, hidden, batch, shift);
            }
        }
    }

    TEST_CASE_TEMPLATE("lstm kernels: denormal and huge inputs are as good as others", Scalar,
                       float, double) {
        compare<Scalar, tocsin::rational_arithmetic>(
            3, 21, 5, 0, static_cast<double>(std::numeric_limits<Scalar>::denorm_min()) * 1000);
        compare<Scalar, tocsin::rational_arithmetic>(3, 21, 5, 0, 1e6);
    }

    TEST_CASE_TEMPLATE("lstm kernels: both orders of blocks give the same bits", Scalar, float,
                       double) {
        using lanes = widest<Scalar>;
        for (const int hidden : {1, 8, 16, 33, 67}) {
            const lstm_layout layout{3, hidden, lanes::count};
            const auto packed = random_values<Scalar>(layout.size(), 1);
            const auto input = random_values<Scalar>(3, 2);
            tocsin::aligned_vector<Scalar> results[2];
            for (const auto order :
                 {tocsin::block_order::ascending, tocsin::block_order::descending}) {
                auto h = random_values<Scalar>(hidden, 3);
                auto c = random_values<Scalar>(hidden, 4);
                auto scratch = h;
                tocsin::lstm_step_kernel<lanes, tocsin::rational_arithmetic>(
                    layout, packed.data(), input.data(), h.data(), c.data(), scratch.data(), order);
                h.insert(h.end(), c.begin(), c.end());
                results[order == tocsin::block_order::descending ? 1 : 0] = h;
            }
            CHECK(results[0] == results[1]);
        }
    }

    TEST_CASE(
        "lstm kernels: a step with bfloat16 weights is the step with those weights as floats") {
        using lanes = widest<float>;
        for (const int hidden : {1, 7, 16, 40}) {
            const lstm_layout layout{3, hidden, lanes::count};
            const auto parameters = random_values<float>(index_t{4} * hidden * (4 + hidden), 1);
            auto full = tocsin_test::garbage<float>(layout.size());
            tocsin::pack_lstm(layout, parameters.data(), full.data());
            tocsin::round_to_bfloat16(layout, full.data());
            auto words = tocsin_test::garbage<float>(tocsin::bfloat16_size(layout));
            tocsin::pack_lstm_bfloat16(layout, parameters.data(), words.data());
            const auto input = random_values<float>(3, 2);
            auto h = random_values<float>(hidden, 3);
            auto c = random_values<float>(hidden, 4);
            auto h16 = h;
            auto c16 = c;
            auto scratch = h;
            tocsin::lstm_step_kernel<lanes, tocsin::rational_arithmetic>(
                layout, full.data(), input.data(), h.data(), c.data(), scratch.data(),
                tocsin::block_order::ascending);
            tocsin::lstm_step_kernel<lanes, tocsin::rational_arithmetic,
                                     tocsin::weight_format::bfloat16>(
                layout, words.data(), input.data(), h16.data(), c16.data(), scratch.data(),
                tocsin::block_order::ascending);
            CHECK(h == h16);
            CHECK(c == c16);
        }
    }
}
