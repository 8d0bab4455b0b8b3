#include "tocsin/models/forecasting_model.hpp"
#include "tocsin/models/linear_forecaster.hpp"

#include <doctest/doctest.h>

#include "models/model_checks.hpp"
#include <cmath>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace {

using model = tocsin::linear_forecaster<double>;
using fixed_model = tocsin::linear_forecaster<double, 3, 2, 2>;

static_assert(tocsin::forecasting_model<model> && tocsin::forecasting_model<fixed_model>);
static_assert(std::is_empty_v<fixed_model> && fixed_model{}.parameter_count() == 14);

/// Three features, two of them predicted, from two samples.
constexpr model small{3, 2, 2};

} // namespace

TEST_SUITE("models") {

    TEST_CASE("linear_forecaster: gradient of every parameter equals finite differences") {
        CHECK(tocsin_test::gradient_error(small) <= 1e-6);
        CHECK(tocsin_test::gradient_error(model{2, 2, 4}) <= 1e-6);
    }

    TEST_CASE(
        "linear_forecaster: a forecast is affine in the last samples, zero before the first") {
        tocsin_test::model_run run(small, 2, 6);
        const auto predictions = run.predict();
        const tocsin::sequence_view<const double> predicted(predictions.data(), 3, 2, 6);
        const tocsin::matrix_view<const double> weights(run.parameters.data(), 2, 7); // [W | b]
        for (int t = 0; t < 6; ++t) {
            for (int b = 0; b < 2; ++b) {
                Eigen::VectorXd expected = run.input().step(t).col(b);
                if (t > 0) {
                    Eigen::VectorXd inputs = Eigen::VectorXd::Zero(6);
                    if (t > 1) {
                        inputs.head(3) = run.input().step(t - 2).col(b);
                    }
                    inputs.tail(3) = run.input().step(t - 1).col(b);
                    expected.head(2) = weights.leftCols(6) * inputs + weights.col(6);
                }
                CHECK((predicted.step(t).col(b) - expected).cwiseAbs().maxCoeff() <= 1e-13);
            }
        }
        double sum = 0; // of the forecasts from two samples
        for (int t = 2; t < 6; ++t) {
            sum += (predicted.step(t) - run.input().step(t)).squaredNorm();
        }
        CHECK(run.evaluate() == doctest::Approx(sum / (4 * 2 * 2)).epsilon(1e-12));
    }

    TEST_CASE("linear_forecaster: static sizes, batches and single windows agree") {
        tocsin_test::check_same_results(fixed_model{}, small, 1e-12);
        tocsin_test::check_batch_independence(small);
        tocsin_test::check_predict_allocates_nothing(model{3, 3, 40});
    }

    TEST_CASE("linear_forecaster: a NaN sample spoils the forecasts made from it alone") {
        tocsin_test::model_run run(small, 1, 6);
        run.windows[2 * 3] = std::numeric_limits<double>::quiet_NaN(); // step 2
        const auto predictions = run.predict();
        for (int t = 0; t < 6; ++t) {
            const bool spoilt = t == 3 || t == 4;
            CHECK(std::isnan(predictions[static_cast<std::size_t>(t) * 3 + 1]) == spoilt);
        }
    }

    TEST_CASE("linear_forecaster: sizes that do not fit are named") {
        CHECK(small.check().ok());
        CHECK(small.shortest_window() == 3);
        CHECK(std::string_view(model(2, 3, 4).check().message()) ==
              "linear_forecaster: 3 targets must be from 1 to the 2 features, order 4 at least 1, "
              "features times order at most 65536");
        CHECK_FALSE(model(2, 2, 0).check().ok());
        CHECK_FALSE(model(65536, 1, 65536).check().ok()); // a product beyond int
        CHECK_FALSE(model{}.check().ok());
        std::vector<std::string> names;
        tocsin_test::check_blocks(small, names);
        CHECK(names == std::vector<std::string>{"head.dense.0"});
    }
}
