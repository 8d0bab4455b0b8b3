#include "tocsin/math/lstm_kernels.hpp"

#include <doctest/doctest.h>

#include "support/random_values.hpp"
#include <algorithm>
#include <cmath>

namespace {

using tocsin::index_t;
using tocsin_test::block_error;
using tocsin_test::random_values;

/// One cell: forward, then backward from given gradients.
template <class Path, class Scalar>
struct cell_run {
    explicit cell_run(index_t hidden)
        : gates(random_values<Scalar>(4 * hidden, 1, 3)),
          previous(random_values<Scalar>(hidden, 2)), cell(tocsin_test::garbage<Scalar>(hidden)),
          output(cell), cell_gradient(random_values<Scalar>(hidden, 4)) {
        tocsin::lstm_cell_forward<Path>(hidden, gates.data(), previous.data(), cell.data(),
                                        output.data());
        slopes = gates;
        const auto output_gradient = random_values<Scalar>(hidden, 3);
        tocsin::lstm_cell_backward<Path>(hidden, slopes.data(), previous.data(), cell.data(),
                                         output_gradient.data(), cell_gradient.data());
    }
    tocsin::aligned_vector<Scalar> gates, previous, cell, output, cell_gradient, slopes;
};

} // namespace

TEST_SUITE("math") {

    TEST_CASE_TEMPLATE("lstm_kernels: the native path equals the scalar path for every hidden size",
                       Scalar, float, double) {
        // Both are within a few ulp of exact values of magnitude one.
        const double tolerance = 16 * static_cast<double>(std::numeric_limits<Scalar>::epsilon());
        for (index_t hidden = 1; hidden <= 67; ++hidden) {
            CAPTURE(hidden);
            const cell_run<tocsin::native_path, Scalar> native(hidden);
            const cell_run<tocsin::scalar_path, Scalar> scalar(hidden);
            CHECK(block_error(native.gates, scalar.gates) <= tolerance);
            CHECK(block_error(native.cell, scalar.cell) <= tolerance);
            CHECK(block_error(native.output, scalar.output) <= tolerance);
            CHECK(block_error(native.slopes, scalar.slopes) <= tolerance);
            CHECK(block_error(native.cell_gradient, scalar.cell_gradient) <= tolerance);
        }
    }

    TEST_CASE("lstm_kernels: forward follows the equations in the order input, forget, candidate, "
              "output") {
        double gates[4] = {0.3, -0.4, 0.8, 1.1};
        const double previous = 0.7;
        double cell = 0;
        double output = 0;
        tocsin::lstm_cell_forward(1, gates, &previous, &cell, &output);
        const auto sigmoid = [](double x) { return 1 / (1 + std::exp(-x)); };
        const double expected = sigmoid(-0.4) * 0.7 + sigmoid(0.3) * std::tanh(0.8);
        CHECK(gates[0] == doctest::Approx(sigmoid(0.3)).epsilon(1e-15));
        CHECK(gates[1] == doctest::Approx(sigmoid(-0.4)).epsilon(1e-15));
        CHECK(gates[2] == doctest::Approx(std::tanh(0.8)).epsilon(1e-15));
        CHECK(gates[3] == doctest::Approx(sigmoid(1.1)).epsilon(1e-15));
        CHECK(cell == doctest::Approx(expected).epsilon(1e-15));
        CHECK(output == doctest::Approx(sigmoid(1.1) * std::tanh(expected)).epsilon(1e-15));
    }

    TEST_CASE_TEMPLATE("lstm_kernels: the new cell may take the place of the old one", Scalar,
                       float, double) {
        for (const index_t hidden : {1, 3, 4, 9, 16}) {
            cell_run<tocsin::native_path, Scalar> apart(hidden);
            auto gates = random_values<Scalar>(4 * hidden, 1, 3);
            auto cell = random_values<Scalar>(hidden, 2);
            auto output = tocsin_test::garbage<Scalar>(hidden);
            tocsin::lstm_cell_forward(hidden, gates.data(), cell.data(), cell.data(),
                                      output.data());
            CHECK(cell == apart.cell);
            CHECK(output == apart.output);
        }
    }

    TEST_CASE_TEMPLATE("lstm_kernels: a NaN gate spoils its own unit only", Scalar, float, double) {
        constexpr index_t hidden = 9;
        auto gates = random_values<Scalar>(4 * hidden, 1, 3);
        auto cell = random_values<Scalar>(hidden, 2);
        auto output = cell;
        gates[hidden + 4] = std::numeric_limits<Scalar>::quiet_NaN();
        tocsin::lstm_cell_forward(hidden, gates.data(), cell.data(), cell.data(), output.data());
        for (std::size_t k = 0; k < static_cast<std::size_t>(hidden); ++k) {
            CHECK(std::isnan(output[k]) == (k == 4));
            CHECK(std::isnan(cell[k]) == (k == 4));
        }
    }
}
