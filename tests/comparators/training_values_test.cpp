#include "tocsin/comparators/isolation_forest.hpp"
#include "tocsin/comparators/k_means.hpp"
#include "tocsin/comparators/lagged_value.hpp"
#include "tocsin/comparators/linear_autoregression.hpp"
#include "tocsin/comparators/nearest_value_novelty.hpp"
#include "tocsin/comparators/pca_reconstruction.hpp"
#include "tocsin/comparators/simple_changes.hpp"
#include "tocsin/comparators/smoothed_z_score.hpp"
#include "tocsin/core/random.hpp"

#include <doctest/doctest.h>

#include "support/memory_archive.hpp"
#include <array>
#include <cmath>
#include <limits>
#include <string>

using namespace tocsin;

namespace {

/// Noise in the first feature; the second is constant.
matrix<double> noise_and(double constant) {
    random_generator random(1);
    matrix<double> samples(2, 1000);
    for (index_t t = 0; t < samples.cols(); ++t) {
        samples(0, t) = random.normal();
        samples(1, t) = constant;
    }
    return samples;
}

/// Scores of 100 usual samples, the last one kept, then of one whose constant feature is off.
template <class Scorer>
std::array<double, 2> scores_at(Scorer scorer, double constant) {
    const status fitted = scorer.fit(noise_and(constant));
    REQUIRE_MESSAGE(fitted.ok(), fitted.message());
    random_generator random(2);
    std::array<double, 2> scores{};
    for (int t = 0; t < 100; ++t) {
        const double usual[] = {random.normal(), constant};
        scores[0] = scorer.push(usual);
    }
    const double off[] = {0, constant + 0.001};
    scores[1] = scorer.push(off);
    return scores;
}

} // namespace

TEST_SUITE("comparators") {

    TEST_CASE_TEMPLATE("comparators: what is constant in training may be any number", Scorer,
                       isolation_forest, k_means, lagged_value, linear_autoregression,
                       moving_variance, nearest_value_novelty, pca_reconstruction, smoothed_z_score,
                       squared_difference) {
        CAPTURE(std::string(Scorer::kind));
        const auto exact = scores_at(Scorer(), 3);
        CHECK(std::isfinite(exact[0]));
        for (const double constant : {0.1, 0.3, -1e6 / 7}) { // their mean has a rounding error
            CAPTURE(constant);
            const auto scores = scores_at(Scorer(), constant);
            CHECK(scores[0] == doctest::Approx(exact[0]).epsilon(1e-6));
            CHECK(scores[1] == doctest::Approx(exact[1]).epsilon(1e-6));
        }
    }

    TEST_CASE_TEMPLATE("comparators: training values whose squares overflow are refused, scores of "
                       "such values are high",
                       Scorer, isolation_forest, k_means, lagged_value, linear_autoregression,
                       moving_variance, nearest_value_novelty, pca_reconstruction, smoothed_z_score,
                       squared_difference) {
        CAPTURE(std::string(Scorer::kind));
        matrix<double> samples = noise_and(2);
        samples(1, 0) = 3;
        for (const double factor : {1e150, 1e200, 5e307}) {
            Scorer scorer;
            const status fitted = scorer.fit(samples * factor);
            CHECK(fitted.code() == error_code::invalid_data);
            CHECK(std::string(fitted.message()).find("beyond 1e+100") != std::string::npos);
            CHECK(scorer.features() == 0);
        }
        for (const double factor : {1e-90, 1.0, 1e95}) {
            CAPTURE(factor);
            Scorer scorer;
            REQUIRE(scorer.fit(samples * factor).ok());
            double usual = 0;
            for (int t = 0; t < 100; ++t) {
                const double sample[] = {0.1 * (t % 7) * factor, 2 * factor};
                usual = scorer.push(sample);
            }
            CHECK(std::isfinite(usual));
            Scorer loaded;
            const status kept = tocsin_test::load(loaded, tocsin_test::save(scorer));
            CHECK_MESSAGE(kept.ok(), kept.message());
            const double far[] = {1.7e308, -1.7e308};
            const double score = scorer.push(far);
            CHECK(std::isfinite(score));
            CHECK(score > usual);
        }
    }

    TEST_CASE("pca_reconstruction: the limit of Q scales with the samples") {
        random_generator random(3);
        matrix<double> samples(3, 400);
        for (double& value : samples.reshaped()) {
            value = random.normal();
        }
        samples.row(1) *= 0.2;
        samples.row(2) *= 0.1;
        pca_reconstruction scorer({.explained_variance = 0.8, .scale = false});
        REQUIRE(scorer.fit(samples).ok());
        const double limit = scorer.q_limit();
        for (const double factor : {1e-80, 1e95}) { // the third powers leave the range of doubles
            REQUIRE(scorer.fit(samples * factor).ok());
            CHECK(scorer.q_limit() / factor / factor == doctest::Approx(limit));
            pca_reconstruction loaded;
            const status kept = tocsin_test::load(loaded, tocsin_test::save(scorer));
            CHECK_MESSAGE(kept.ok(), kept.message());
        }
        // Too small to have variances.
        const status fitted = scorer.fit(samples * 1e-170);
        CHECK(std::string(fitted.message()).find("constant") != std::string::npos);
        CHECK(scorer.components() == 0);
    }
}
