#include "tocsin/models/linear_forecaster.hpp"
#include "tocsin/training/least_squares.hpp"

#include <Eigen/Dense>
#include <doctest/doctest.h>

#include "support/allocation_counter.hpp"
#include "support/small_detectors.hpp"
#include <cmath>
#include <limits>
#include <string_view>
#include <vector>

namespace {

using tocsin::column;
using tocsin::index_t;
using tocsin::least_squares;
using tocsin::matrix;

using model = tocsin::linear_forecaster<double>;
using window_list = tocsin::windows<double>;
constexpr double missing_value = std::numeric_limits<double>::quiet_NaN();

static_assert(tocsin::update_rule<tocsin::closed_form> && tocsin::linear_model<model>);
static_assert(!tocsin::linear_model<tocsin::forecaster<double>>);

auto fresh(const model& shape) {
    return tocsin::training_state<double>::fresh(shape, least_squares{}.optimiser, 0);
}

/// The weights `[W | b]`.
matrix<double> weights_of(const model& shape, const tocsin::training_state<double>& state) {
    return tocsin::matrix_view<const double>(state.best_parameters.data(), shape.targets(),
                                             shape.inputs() + 1);
}
matrix<double> fitted(const model& shape, const window_list& training, double ridge) {
    auto state = fresh(shape);
    const auto done = least_squares{.ridge = ridge}.fit(shape, training, {}, state);
    REQUIRE_MESSAGE(done.ok(), done.message());
    return weights_of(shape, state);
}

/// Least squares over the samples at `rows`, of the values as they are, by QR.
matrix<double> direct_solution(const matrix<double>& values, const std::vector<index_t>& rows,
                               const model& shape) {
    const auto count = static_cast<index_t>(rows.size());
    matrix<double> x = matrix<double>::Ones(count, shape.inputs() + 1);
    matrix<double> y(count, shape.targets());
    for (index_t k = 0; k < count; ++k) {
        const index_t t = rows[static_cast<std::size_t>(k)];
        x.row(k).head(shape.inputs()) =
            values.middleCols(t - shape.order(), shape.order()).reshaped().transpose();
        y.row(k) = values.col(t).head(shape.targets()).transpose();
    }
    return x.colPivHouseholderQr().solve(y).transpose();
}
std::vector<index_t> from_to(index_t first, index_t last) {
    std::vector<index_t> rows;
    for (; first < last; ++first) {
        rows.push_back(first);
    }
    return rows;
}

} // namespace

TEST_SUITE("training") {
    TEST_CASE("least_squares: the weights are those of a direct solve, however windows overlap") {
        const auto values = tocsin_test::waves<double>(3, 500, 1); // means 0, 10 and 20
        const model shape{3, 2, 4};
        const matrix<double> expected = direct_solution(values, from_to(4, 500), shape);
        for (const int stride : {1, 3, 19}) {
            CAPTURE(stride); // the last one is shorter, so that its windows cover all rows
            const auto windows = tocsin_test::windows_over(values, 20, stride);
            const index_t end = windows.first_column(windows.count() - 1) + 20;
            const auto rows = from_to(4, end);
            const auto direct = direct_solution(values, rows, shape);
            CHECK((fitted(shape, windows, 0) - direct).cwiseAbs().maxCoeff() <= 1e-8);
        }
        CHECK((fitted(shape, tocsin_test::windows_over(values, 20), 0) - expected)
                  .cwiseAbs()
                  .maxCoeff() <= 1e-8);
    }

    TEST_CASE("least_squares: recordings are not joined, nor are the sides of a missing value") {
        auto values = tocsin_test::waves<double>(2, 200, 2);
        values.rightCols(100).array() += 50; // another recording
        const model shape{2, 2, 3};
        const std::vector<index_t> recordings{100, 100};
        const auto windows = tocsin::make_windows(values, recordings, 10).value();
        auto rows = from_to(3, 100);
        const auto second = from_to(103, 200);
        rows.insert(rows.end(), second.begin(), second.end());
        CHECK((fitted(shape, windows, 0) - direct_solution(values, rows, shape))
                  .cwiseAbs()
                  .maxCoeff() <= 1e-7);
        // A sample without a target is left out; where it is an input, the last value is read.
        auto holes = values;
        holes(0, 40) = missing_value;
        auto held = values;
        held(0, 40) = held(0, 39);
        std::erase(rows, 40);
        const auto with_hole = tocsin::make_windows(holes, recordings, 10).value();
        // The mark of a filled value changes its last bits.
        CHECK((fitted(shape, with_hole, 0) - direct_solution(held, rows, shape))
                  .cwiseAbs()
                  .maxCoeff() <= 1e-6);
    }

    TEST_CASE("least_squares: a constant feature, and fewer samples than unknowns") {
        auto values = tocsin_test::waves<double>(3, 60, 3);
        values.row(1).setConstant(7);
        const model shape{3, 3, 2};
        const auto windows = tocsin_test::windows_over(values, 10);
        const auto weights = fitted(shape, windows, 1e-3);
        CHECK(weights.allFinite());
        CHECK(weights.row(1).head(6).cwiseAbs().maxCoeff() <= 1e-12);
        CHECK(weights(1, 6) == doctest::Approx(7));
        CHECK(weights.col(1).cwiseAbs().maxCoeff() <= 1e-12); // nothing is read from it
        auto state = fresh(shape);
        CHECK_FALSE(least_squares{.ridge = 0}.fit(shape, windows, {}, state).ok());
        CHECK(state.history.empty());

        const auto brief = tocsin_test::waves<double>(4, 12, 4);
        const model wide{4, 4, 8}; // 33 unknowns, 4 samples
        auto few = fresh(wide);
        REQUIRE(least_squares{}.fit(wide, tocsin_test::windows_over(brief, 12), {}, few).ok());
        CHECK(weights_of(wide, few).allFinite());
    }

    TEST_CASE("least_squares: the ridge is chosen by the validation windows, or without them") {
        // White noise cannot be forecast, so the largest ridge is best; a sinusoid with little noise
        // wants a small one.
        tocsin::random_generator random(5);
        matrix<double> noise(1, 120);
        for (double& value : noise.reshaped()) {
            value = random.normal();
        }
        const auto waves = tocsin_test::waves<double>(1, 600, 5);
        const model shape{1, 1, 10};
        const auto chosen = [&](const window_list& training, const window_list& validation) {
            auto state = fresh(shape);
            REQUIRE(least_squares{}.fit(shape, training, validation, state).ok());
            return state.rule_state.front();
        };
        const auto all_noise = tocsin_test::windows_over(noise, 20);
        const auto all_waves = tocsin_test::windows_over(waves, 20);
        CHECK(chosen(all_noise, {}) >= 1);
        CHECK(chosen(all_waves, {}) <= 1e-2);
        CHECK(chosen(all_noise.slice(0, 40), all_noise.slice(60, 41)) >= 0.1);
        CHECK(chosen(all_waves.slice(0, 300), all_waves.slice(320, 200)) <= 1e-2);
    }

    TEST_CASE("least_squares: errors in the history are those of the forecasts") {
        const auto values = tocsin_test::waves<double>(2, 400, 6);
        const model shape{2, 1, 5};
        const auto windows = tocsin_test::windows_over(values, 20);
        const auto training = windows.slice(0, 250);
        const auto validation = windows.slice(300, 81);
        auto state = fresh(shape);
        int calls = 0;
        REQUIRE(least_squares{}
                    .fit(shape, training, validation, state,
                         [&](const auto& event) {
                             ++calls;
                             CHECK(event.planned_epochs == 1);
                         })
                    .ok());
        CHECK(calls == 1);
        const auto weights = weights_of(shape, state);
        double squares = 0;
        double magnitudes = 0;
        for (index_t t = 305; t < 400; ++t) {
            const double error =
                values(0, t) -
                (weights.leftCols(10) * values.middleCols(t - 5, 5).reshaped())(0, 0) -
                weights(0, 10);
            squares += error * error;
            magnitudes += std::abs(error);
        }
        // One of two features is forecast, of 19 of 20 samples of a window.
        const double share = 0.5 * 19 / 20;
        REQUIRE(state.history.size() == 1);
        CHECK(state.best_epoch == 0);
        CHECK(state.history[0].validation_rmse ==
              doctest::Approx(std::sqrt(squares / 95 * share)).epsilon(1e-9));
        CHECK(state.best_rmse == state.history[0].validation_rmse);
        CHECK(state.history[0].validation_mae ==
              doctest::Approx(magnitudes / 95 * share).epsilon(1e-9));
    }

    TEST_CASE("least_squares: the samples are never all made into inputs") {
        const model shape{2, 2, 10};
        constexpr index_t samples = 50'000;
        const auto values = tocsin_test::waves<double>(2, samples, 7);
        const auto windows = tocsin_test::windows_over(values, 20, 5);
        auto state = fresh(shape);
        if (tocsin_test::allocations_can_fail()) {
            tocsin_test::set_allocation_faults({}); // measures from here
            REQUIRE(least_squares{}.fit(shape, windows, {}, state).ok());
            const long long inputs = samples * shape.inputs() * index_t{sizeof(double)};
            CHECK(tocsin_test::peak_bytes() > 0);
            CHECK(tocsin_test::peak_bytes() < inputs / 8);
        }
    }

    TEST_CASE("least_squares: too many inputs are refused") {
        static_assert(least_squares::most_inputs == 4096);
        const model large{4097, 1, 1};
        matrix<double> values = matrix<double>::Zero(4097, 4);
        auto state = fresh(large);
        const auto refused =
            least_squares{}.fit(large, tocsin_test::windows_over(values, 4), {}, state);
        CHECK(std::string_view(refused.message()) ==
              "least_squares: 4097 features times order 1 are 4097 inputs, at most 4096 are "
              "supported");
    }

    TEST_CASE("least_squares: unusable settings and data are named, the state is untouched") {
        const auto values = tocsin_test::waves<double>(2, 100, 8);
        const auto windows = tocsin_test::windows_over(values, 10);
        const model shape{2, 2, 5};
        auto state = fresh(shape);
        const auto before = state.parameters;
        const auto message = [&](const least_squares& how, const window_list& training,
                                 const model& trained) {
            const auto outcome = how.fit(trained, training, {}, state);
            CHECK_FALSE(outcome.ok());
            return std::string(outcome.message());
        };
        CHECK(message({.ridge = -1}, windows, shape) ==
              "least_squares: ridge -1 must be finite and at least 0");
        CHECK(message({}, {}, shape) == "fit: there are no training windows");
        CHECK(message({}, windows, model{2, 2, 4}).find("the training state has 22 parameters") !=
              std::string::npos);
        CHECK(message({}, tocsin_test::windows_over(values, 5), shape) ==
              "least_squares: windows of 5 samples are shorter than the 6 that the model needs");
        auto infinite = values;
        infinite(1, 50) = std::numeric_limits<double>::infinity();
        CHECK(message({}, tocsin_test::windows_over(infinite, 10), shape)
                  .find("feature 1 of sample 50 is inf") != std::string::npos);
        auto missing = values;
        missing.row(0).setConstant(missing_value);
        CHECK(message({}, tocsin_test::windows_over(missing, 10), shape) ==
              "least_squares: no sample has all 2 targets and the 5 samples before it");
        CHECK(state.parameters == before);
    }
}
