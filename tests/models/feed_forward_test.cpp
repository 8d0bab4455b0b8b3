#include "tocsin/models/feed_forward.hpp"
#include "tocsin/series/series.hpp"
#include "tocsin/training/fit.hpp"

#include <doctest/doctest.h>

#include "models/model_checks.hpp"
#include <cmath>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace {

using model = tocsin::feed_forward<double>;

/// Three features, two of them predicted, from two samples.
model make_model() {
    return model::with_layers(3, 2, 2, {});
}

} // namespace

TEST_SUITE("models") {

    TEST_CASE("feed_forward: gradient of every parameter equals finite differences") {
        CHECK(tocsin_test::gradient_error(make_model()) <= 1e-6);
        tocsin_test::model_run run(model::with_layers(3, 3, 2, {7}), 3, 5);
        run.hold_head_off_kinks();
        run.evaluate();
        const auto gradient = run.gradients;
        CHECK(run.worst_against(gradient) <= 1e-6);
    }

    TEST_CASE("feed_forward: a prediction is the head of the samples before, the rest is copied") {
        const auto shape = make_model();
        tocsin_test::model_run run(shape, 2, 5);
        const auto predictions = run.predict();
        const tocsin::sequence_view<const double> predicted(predictions.data(), 3, 2, 5);
        const tocsin::matrix_view<const double> weights(run.parameters.data(), 2, 7); // [W | b]
        for (int t = 0; t < 5; ++t) {
            for (int b = 0; b < 2; ++b) {
                Eigen::VectorXd expected = run.input().step(t).col(b);
                if (t >= 2) {
                    Eigen::VectorXd inputs(6);
                    inputs << run.input().step(t - 2).col(b), run.input().step(t - 1).col(b);
                    expected.head(2) = weights.leftCols(6) * inputs + weights.col(6);
                }
                CHECK((predicted.step(t).col(b) - expected).cwiseAbs().maxCoeff() <= 1e-13);
            }
        }
        double sum = 0;
        for (int t = 2; t < 5; ++t) {
            sum += (predicted.step(t) - run.input().step(t)).squaredNorm();
        }
        CHECK(run.evaluate() == doctest::Approx(sum / (3 * 2 * 2)).epsilon(1e-12));
    }

    TEST_CASE("feed_forward: static sizes, batches and single windows agree") {
        using fixed = tocsin::feed_forward<double, tocsin::dense_head<double, 6, 2>>;
        tocsin_test::check_same_results(fixed{{}, 3}, make_model(), 1e-12);
        tocsin_test::check_batch_independence(make_model());
        tocsin_test::check_predict_allocates_nothing(model::with_layers(3, 3, 4, {40, 20}));
    }

    TEST_CASE("feed_forward: a NaN sample spoils the predictions made from it alone") {
        tocsin_test::model_run run(make_model(), 1, 6);
        run.windows[2 * 3] = std::numeric_limits<double>::quiet_NaN(); // step 2
        const auto predictions = run.predict();
        for (int t = 0; t < 6; ++t) {
            const bool spoilt = t == 3 || t == 4;
            CHECK(std::isnan(predictions[static_cast<std::size_t>(t) * 3 + 1]) == spoilt);
        }
        CHECK(std::isnan(run.evaluate()));
    }

    TEST_CASE("feed_forward: windows without a prediction are copied, and refused in training") {
        const auto shape = model::with_layers(1, 1, 5, {4});
        tocsin_test::model_run run(shape, 2, 4);
        CHECK(run.predict() == run.windows);
        CHECK(run.evaluate() == 0);
        tocsin::sequence_set<double> set;
        set.length = 5;
        set.values.setZero(1, 10);
        tocsin::trainer<> how;
        auto state = tocsin::training_state<double>::fresh(shape, how.optimiser, 1);
        CHECK(std::string_view(how.fit(shape, set.windows(), {}, state).message()) ==
              "fit: windows of 5 samples are shorter than the 6 that the model needs");
    }

    TEST_CASE("feed_forward: sizes that do not fit are named") {
        CHECK(make_model().check().ok());
        CHECK(make_model().look_back() == 2);
        CHECK(std::string_view(model(tocsin::dense_head<double>{{7, 2}}, 3).check().message()) ==
              "feed_forward: 7 inputs must be a multiple of the 3 features, 2 targets at most as "
              "many");
        CHECK_FALSE(model::with_layers(2, 3, 4, {}).check().ok());
        CHECK_FALSE(model{}.check().ok());
        std::vector<std::string> names;
        tocsin_test::check_blocks(model::with_layers(3, 2, 2, {5}), names);
        CHECK(names == std::vector<std::string>{"head.dense.0", "head.dense.1"});
    }
}
