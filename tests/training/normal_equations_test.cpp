#include "tocsin/core/random.hpp"
#include "tocsin/training/normal_equations.hpp"

#include <Eigen/Dense>
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string_view>

namespace {

using tocsin::column;
using tocsin::index_t;
using tocsin::matrix;

struct samples {
    matrix<double> x;
    matrix<double> y;

    samples(index_t inputs, index_t targets, index_t count, std::uint64_t seed)
        : x(inputs + 1, count), y(targets, count) {
        tocsin::random_generator random(seed);
        for (double& value : x.reshaped()) {
            value = random.normal();
        }
        for (double& value : y.reshaped()) {
            value = random.normal();
        }
        x.row(inputs).setOnes();
    }
};

/// By QR of the samples with the penalty as further samples, which squares nothing.
matrix<double> direct_solution(const samples& data, double ridge) {
    const index_t inputs = data.x.rows() - 1;
    const index_t count = data.x.cols();
    matrix<double> rows = matrix<double>::Zero(count + inputs, inputs + 1);
    rows.topRows(count) = data.x.transpose();
    rows.bottomRows(inputs).diagonal().setConstant(std::sqrt(ridge * static_cast<double>(count)));
    matrix<double> right = matrix<double>::Zero(count + inputs, data.y.rows());
    right.topRows(count) = data.y.transpose();
    return rows.colPivHouseholderQr().solve(right).transpose();
}

} // namespace

TEST_SUITE("training") {
    TEST_CASE("normal_equations: the solution is that of a direct solve, in blocks of any size") {
        const samples data(5, 2, 300, 1);
        for (const double ridge : {0.0, 1e-3, 1.0}) {
            tocsin::normal_equations sums(5, 2);
            for (index_t first = 0; first < 300; first += 77) {
                const index_t size = std::min<index_t>(77, 300 - first);
                sums.add(data.x.middleCols(first, size), data.y.middleCols(first, size));
            }
            CHECK(sums.count() == 300);
            const auto weights = sums.solve(ridge);
            REQUIRE(weights.has_value());
            CHECK((*weights - direct_solution(data, ridge)).cwiseAbs().maxCoeff() <= 1e-12);
            const column<double> errors = (data.y - *weights * data.x).rowwise().squaredNorm();
            CHECK((sums.squared_errors(*weights) - errors).cwiseAbs().maxCoeff() <= 1e-10);
        }
    }

    TEST_CASE("normal_equations: fewer samples than unknowns are solved with a ridge only") {
        const samples data(20, 1, 8, 2);
        tocsin::normal_equations sums(20, 1);
        sums.add(data.x, data.y);
        const auto weights = sums.solve(0.1);
        REQUIRE(weights.has_value());
        CHECK((*weights - direct_solution(data, 0.1)).cwiseAbs().maxCoeff() <= 1e-12);
        const auto none = tocsin::normal_equations(20, 1).solve(0.1);
        REQUIRE_FALSE(none.has_value());
        CHECK(std::string_view(none.error().message()) ==
              "normal_equations: no solution for 20 inputs and 0 samples with ridge 0.1");
        samples broken = data;
        broken.x(3, 2) = std::numeric_limits<double>::quiet_NaN();
        sums.add(broken.x, broken.y);
        CHECK_FALSE(sums.solve(0.1).has_value());
    }

    TEST_CASE("normal_equations: effective parameters are the trace of the hat matrix") {
        const samples data(6, 1, 40, 3);
        tocsin::normal_equations sums(6, 1);
        sums.add(data.x, data.y);
        for (const double ridge : {0.0, 0.05, 2.0}) {
            matrix<double> gram = data.x * data.x.transpose();
            gram.diagonal().head(6).array() += ridge * 40;
            const double trace = (data.x.transpose() * gram.inverse() * data.x).trace();
            CHECK(sums.effective_parameters(ridge) == doctest::Approx(trace).epsilon(1e-10));
        }
        CHECK(sums.effective_parameters(0) == doctest::Approx(7));
        CHECK(sums.effective_parameters(1e9) == doctest::Approx(1).epsilon(1e-6)); // the mean
    }

    TEST_CASE("normal_equations: equal inputs have no unique solution without a ridge") {
        tocsin::random_generator random(3);
        for (int repetition = 0; repetition < 20; ++repetition) {
            tocsin::matrix<double> x(6, 200);
            for (double& value : x.reshaped()) {
                value = random.normal();
            }
            x.row(4) = x.row(2) + 0.5 * x.row(1);
            x.row(5).setOnes();
            const tocsin::matrix<double> y = x.topRows(1);
            tocsin::normal_equations equations(5, 1);
            equations.add(x, y);
            const auto none = equations.solve(0);
            REQUIRE_FALSE(none.has_value());
            CHECK(none.error().code() == tocsin::error_code::invalid_data);
            CHECK(equations.solve(1e-6).has_value());
        }
    }
}
