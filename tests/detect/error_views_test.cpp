#include "tocsin/core/random.hpp"
#include "tocsin/detect/error_views.hpp"
#include "tocsin/errors/diagonal_gaussian.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

using tocsin::error_views;
using tocsin::matrix;
using tocsin::scored_steps;
using views = error_views<tocsin::diagonal_gaussian<>>;

namespace {

constexpr int features = 3;
constexpr int window = 4;

matrix<double> random_errors(tocsin::random_generator& random) {
    matrix<double> errors(features, window);
    for (double& error : errors.reshaped()) {
        error = random.uniform();
    }
    return errors;
}

views fitted_views(scored_steps scored) {
    tocsin::random_generator random(1);
    views made(features, window, scored);
    for (int k = 0; k < 50; ++k) {
        made.accumulate(random_errors(random));
    }
    REQUIRE(made.fit().ok());
    return made;
}

} // namespace

TEST_SUITE("detect") {
    TEST_CASE("error views: columns are steps, rows are features") {
        auto all = fitted_views(scored_steps::all);
        auto newest = fitted_views(scored_steps::newest);
        CHECK(all.per_step().dimension() == features);
        CHECK(all.per_feature().dimension() == window);
        CHECK(all.per_step().count() == 50 * window);
        CHECK(newest.per_step().count() == 50);
        CHECK(all.per_feature().count() == 50 * features);
        CHECK(newest.per_feature().count() == 50 * features);

        tocsin::random_generator random(2);
        matrix<double> errors = random_errors(random);
        errors(1, 2) = 9;
        all.measure(errors);
        newest.measure(errors);
        REQUIRE(all.step_distances().size() == window);
        REQUIRE(newest.step_distances().size() == 1);
        REQUIRE(all.feature_distances().size() == features);
        for (int t = 0; t < window; ++t) {
            CHECK(all.step_distances()[static_cast<std::size_t>(t)] ==
                  all.per_step().squared_distance(errors.col(t)));
        }
        CHECK(newest.step_distances()[0] ==
              newest.per_step().squared_distance(errors.col(window - 1)));
        for (int f = 0; f < features; ++f) {
            CHECK(all.feature_distances()[static_cast<std::size_t>(f)] ==
                  all.per_feature().squared_distance(errors.row(f).transpose()));
        }
        CHECK(all.step_score(true) == all.step_distances()[2]);
        CHECK(all.feature_score(true) == all.feature_distances()[1]);
        CHECK(std::isnan(all.step_score(false)));
        CHECK(std::isnan(all.feature_score(false)));

        const auto shares = all.shares(errors, errors);
        CHECK(shares[1] > 0.9);
        CHECK(shares[0] + shares[1] + shares[2] == doctest::Approx(1));
    }

    TEST_CASE("error views: errors that overflow score infinity, shared by magnitude") {
        auto all = fitted_views(scored_steps::all);
        const double infinity = std::numeric_limits<double>::infinity();
        matrix<double> errors = matrix<double>::Constant(features, window, std::nan(""));
        matrix<float> scaled = matrix<float>::Ones(features, window);
        all.measure(errors);
        CHECK(all.step_score(true) == infinity);
        CHECK(all.feature_score(true) == infinity);
        const auto equal = all.shares(errors, scaled);
        for (const double share : equal) {
            CHECK(share == doctest::Approx(1.0 / 3));
        }
        scaled(2, 1) = -std::numeric_limits<float>::infinity();
        CHECK(all.shares(errors, scaled)[2] == doctest::Approx(1));
        scaled(0, 0) = std::numeric_limits<float>::infinity();
        CHECK(all.shares(errors, scaled)[0] == doctest::Approx(0.5));
        CHECK(all.shares(errors, scaled)[1] == doctest::Approx(0));
        scaled.setZero();
        CHECK(all.shares(errors, scaled)[1] == doctest::Approx(1.0 / 3));
    }

    TEST_CASE("error views: too few errors are refused") {
        views empty(features, window, scored_steps::all);
        CHECK(empty.fit().code() == tocsin::error_code::invalid_data);
    }
}
