#include "tocsin/math/lstm_cell.hpp"

#include <doctest/doctest.h>

#include "support/random_values.hpp"
#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

namespace {

using tocsin::exact_arithmetic;
using tocsin::lstm_gates;
using tocsin::rational_arithmetic;

lstm_gates<double> as_double(const lstm_gates<float>& z) {
    return {z.input, z.forget, z.candidate, z.output};
}
double largest_error(const lstm_gates<float>& ours, const lstm_gates<double>& exact) {
    return std::max({std::abs(ours.input - exact.input), std::abs(ours.forget - exact.forget),
                     std::abs(ours.candidate - exact.candidate),
                     std::abs(ours.output - exact.output)});
}

} // namespace

TEST_SUITE("math") {

    TEST_CASE_TEMPLATE("lstm_cell: gates and states of floats are within 4 epsilon of exact ones",
                       Arithmetic, rational_arithmetic, exact_arithmetic) {
        const double tolerance = 4 * static_cast<double>(std::numeric_limits<float>::epsilon());
        tocsin::random_generator random(3);
        double gate_error = 0;
        double cell_error = 0;
        double hidden_error = 0;
        for (int k = 0; k < 200'000; ++k) {
            const double range = k % 2 == 0 ? 3 : 20;
            const auto draw = [&] { return static_cast<float>(random.uniform(-range, range)); };
            const lstm_gates<float> z{draw(), draw(), draw(), draw()};
            const auto cell = static_cast<float>(random.uniform(-4, 4));
            const auto exact = exact_arithmetic::gates(as_double(z));
            gate_error = std::max(gate_error, largest_error(Arithmetic::gates(z), exact));
            const auto expected = exact_arithmetic::state(as_double(z), static_cast<double>(cell));
            const auto next = Arithmetic::state(z, cell);
            // c' is up to 5 in magnitude, h' at most 1.
            cell_error = std::max(cell_error, std::abs(next.cell - expected.cell) /
                                                  std::max(1.0, std::abs(expected.cell)));
            hidden_error = std::max(hidden_error, std::abs(next.hidden - expected.hidden));
        }
        MESSAGE(Arithmetic::name << ": gates " << gate_error << ", cell " << cell_error
                                 << ", hidden " << hidden_error);
        CHECK(gate_error <= tolerance);
        CHECK(cell_error <= tolerance);
        CHECK(hidden_error <= tolerance);
        CHECK(gate_error > 0); // positive control: the reference is exact
    }

    TEST_CASE("lstm_cell: in double both arithmetics are the same") {
        const lstm_gates<double> z{0.3, -1.2, 0.8, 2.5};
        const auto one = rational_arithmetic::state(z, 0.4);
        const auto other = exact_arithmetic::state(z, 0.4);
        CHECK(one.cell == other.cell);
        CHECK(one.hidden == other.hidden);
    }

    TEST_CASE_TEMPLATE("lstm_cell: NaN in any argument gives NaN in all that depends on it",
                       Arithmetic, rational_arithmetic, exact_arithmetic) {
        const float nan = std::numeric_limits<float>::quiet_NaN();
        for (int which = 0; which < 5; ++which) {
            CAPTURE(which);
            lstm_gates<float> z{0.1F, 0.2F, 0.3F, 0.4F};
            float cell = 0.5F;
            float* const arguments[5] = {&z.input, &z.forget, &z.candidate, &z.output, &cell};
            *arguments[which] = nan;
            const auto next = Arithmetic::state(z, cell);
            CHECK(std::isnan(next.hidden));
            CHECK(std::isnan(next.cell) == (which != 3)); // c' does not depend on the output gate
        }
    }

    TEST_CASE_TEMPLATE("lstm_cell: infinite arguments saturate the gates", Arithmetic,
                       rational_arithmetic, exact_arithmetic) {
        const float infinity = std::numeric_limits<float>::infinity();
        const auto open =
            Arithmetic::gates(lstm_gates<float>{infinity, infinity, infinity, infinity});
        CHECK(open.input == doctest::Approx(1).epsilon(1e-6));
        CHECK(open.candidate == doctest::Approx(1).epsilon(1e-6));
        const auto shut =
            Arithmetic::gates(lstm_gates<float>{-infinity, -infinity, -infinity, -infinity});
        CHECK(shut.output == doctest::Approx(0).epsilon(1e-6));
        CHECK(shut.candidate == doctest::Approx(-1).epsilon(1e-6));
        const auto next = Arithmetic::state(lstm_gates<float>{0, 0, 0, 0}, infinity);
        CHECK(next.cell == infinity);
        CHECK(next.hidden == doctest::Approx(0.5).epsilon(1e-6));
    }
}
