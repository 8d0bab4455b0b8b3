#include "tocsin/core/random.hpp"
#include "tocsin/errors/mahalanobis.hpp"
#include "tocsin/errors/shrinkage.hpp"

#include <doctest/doctest.h>

#include "support/memory_archive.hpp"
#include "support/random_values.hpp"
#include <algorithm>
#include <bit>
#include <cmath>
#include <vector>

using tocsin_test::span_of;

namespace {

tocsin::matrix<double> vectors_with_common_part(int dimension, int count, double share,
                                                tocsin::random_generator& random) {
    tocsin::matrix<double> vectors(dimension, count);
    for (int c = 0; c < count; ++c) {
        const double common = random.normal();
        for (int r = 0; r < dimension; ++r) {
            vectors(r, c) =
                (1 + r) * (std::sqrt(share) * common + std::sqrt(1 - share) * random.normal());
        }
    }
    return vectors;
}

/// Eight vectors of seven elements without any correlation: rows of a Hadamard matrix.
tocsin::matrix<double> uncorrelated() {
    tocsin::matrix<double> samples(7, 8);
    for (unsigned row = 0; row < 7; ++row) {
        for (unsigned col = 0; col < 8; ++col) {
            samples(row, col) = std::popcount((row + 1) & col) % 2 == 0 ? 1 : -1;
        }
    }
    return samples;
}

tocsin::mahalanobis<> fitted_to(const tocsin::matrix<double>& samples) {
    tocsin::mahalanobis<> statistic(static_cast<int>(samples.rows()));
    statistic.accumulate(samples);
    REQUIRE(statistic.fit().ok());
    return statistic;
}

} // namespace

TEST_SUITE("errors") {

    // numpy, R = np.corrcoef(X): t2 = (R**2).sum(); f = 4; ((f-2)/f*t2 + 9) / ((f+2)*(t2-3))
    TEST_CASE("shrinkage: the intensity equals numpy") {
        tocsin::matrix<double> samples(3, 5);
        samples << 1, 2, 4, 8, 3, 0.5, -1, 2, 0, 7, 3, 3.5, 1, -2, 0.25;
        tocsin::moments<> sums(3);
        sums.add_batch(samples);
        CHECK(tocsin::detail::shrinkage_intensity(sums.covariance(), 5) == 1); // 1.026 by numpy
        tocsin::matrix<double> covariance(2, 2);
        covariance << 4, 1.8, 1.8, 1; // correlation 0.9
        CHECK(tocsin::detail::shrinkage_intensity(covariance, 12) ==
              doctest::Approx((9.0 / 11 * 3.62 + 4) / (13 * 1.62)).epsilon(1e-12));
        CHECK(tocsin::detail::shrinkage_intensity(tocsin::matrix<double>::Zero(3, 3).eval(), 12) ==
              1);
    }

    TEST_CASE("shrinkage: independent elements are shrunk wholly, a common part is kept") {
        tocsin::random_generator random(1);
        tocsin::moments<> independent(30);
        independent.add_batch(vectors_with_common_part(30, 30, 0, random));
        tocsin::moments<> common(30);
        common.add_batch(vectors_with_common_part(30, 30, 0.8, random));
        CHECK(tocsin::detail::shrinkage_intensity(independent.covariance(), 30) > 0.8);
        CHECK(tocsin::detail::shrinkage_intensity(common.covariance(), 30) < 0.2);
    }

    TEST_CASE("mahalanobis: fewer samples than elements tell normal from anomalous") {
        tocsin::random_generator random(2);
        double found = 0;
        double alarms = 0;
        constexpr int fits = 20;
        for (int fit = 0; fit < fits; ++fit) {
            const auto statistic = fitted_to(vectors_with_common_part(30, 24, 0, random));
            CHECK_FALSE(statistic.law().exact());
            CHECK(statistic.law().intensity() > 0.5);
            const double threshold = statistic.law().squared_distance(0.01);
            auto normal = vectors_with_common_part(30, 500, 0, random);
            std::vector<double> scores(500);
            statistic.scores(normal, scores);
            const auto above = [&] {
                return static_cast<double>(std::count_if(scores.begin(), scores.end(),
                                                         [&](double s) { return s > threshold; }));
            };
            alarms += above();
            normal.row(3).array() += 4 * 10; // ten standard deviations
            statistic.scores(normal, scores);
            found += above();
        }
        CHECK(alarms / (500 * fits) < 0.05);
        CHECK(found / (500 * fits) > 0.9);
    }

    TEST_CASE("mahalanobis: with enough samples nothing is shrunk") {
        tocsin::random_generator random(3);
        CHECK(fitted_to(vectors_with_common_part(10, 15, 0, random)).law().exact());
        CHECK_FALSE(fitted_to(vectors_with_common_part(10, 11, 0, random)).law().exact());
        CHECK(fitted_to(vectors_with_common_part(1, 2, 0, random)).law().exact());
    }

    TEST_CASE("mahalanobis: the law after loading is that before saving") {
        tocsin::random_generator random(4);
        for (const int count : {9, 40}) {
            auto statistic = fitted_to(vectors_with_common_part(10, count, 0.3, random));
            tocsin::mahalanobis<> loaded(10);
            REQUIRE(tocsin_test::load(loaded, tocsin_test::save(statistic)).ok());
            CHECK(loaded.law().exact() == (count == 40));
            CHECK(loaded.law().intensity() == statistic.law().intensity());
            CHECK(loaded.law().squared_distance(0.01) == statistic.law().squared_distance(0.01));
            // Older files: found by comparison.
            auto content = tocsin_test::save(statistic);
            CHECK(content.erase("intensity") == (count == 9 ? 1 : 0));
            tocsin::mahalanobis<> older(10);
            REQUIRE(tocsin_test::load(older, content).ok());
            CHECK(older.law().intensity() ==
                  doctest::Approx(statistic.law().intensity()).epsilon(1e-9));
            CHECK(older.law().squared_distance(0.01) ==
                  doctest::Approx(statistic.law().squared_distance(0.01)).epsilon(1e-7));
            CHECK(older.covariance() == statistic.covariance());
            content["intensity"] = {1.5};
            CHECK(tocsin_test::load(older, content).ok() == (count == 40));
        }
        // Samples without any correlation are shrunk wholly, which no comparison can find.
        tocsin::matrix<double> one_constant(2, 2);
        one_constant << 1, -1, 2, 2;
        for (const auto& samples : {one_constant, uncorrelated()}) {
            auto statistic = fitted_to(samples);
            auto content = tocsin_test::save(statistic);
            tocsin::mahalanobis<> loaded(static_cast<int>(samples.rows()));
            REQUIRE(tocsin_test::load(loaded, content).ok());
            CHECK_FALSE(std::isnan(statistic.law().squared_distance(0.01)));
            CHECK(loaded.law().squared_distance(0.01) == statistic.law().squared_distance(0.01));
            CHECK(loaded.law().intensity() == statistic.law().intensity());
        }
    }

    TEST_CASE("mahalanobis: elements that never vary are no dimensions of the law") {
        tocsin::random_generator random(6);
        const auto with_constants = [&](int varying, int dimension, int count) {
            tocsin::matrix<double> samples =
                tocsin::matrix<double>::Constant(dimension, count, 3.5);
            samples.topRows(varying) = vectors_with_common_part(varying, count, 0.3, random);
            samples.row(dimension - 1).array() += 1e-9 * samples.row(0).array(); // rounding
            return samples;
        };
        const auto all = fitted_to(with_constants(18, 38, 1000));
        const tocsin::hotelling_law of_18(18, 1000);
        CHECK(all.law().squared_distance(0.01) ==
              doctest::Approx(of_18.squared_distance(0.01)).epsilon(1e-12));
        std::vector<double> scores(20000);
        all.scores(with_constants(18, 38, 20000), scores);
        const double threshold = all.law().squared_distance(0.01);
        const auto above = std::count_if(scores.begin(), scores.end(),
                                         [&](double score) { return score > threshold; });
        CHECK(above > 140);
        CHECK(above < 260);
        // Samples are few beside the elements that vary, and the shrunk correlations are theirs.
        CHECK(fitted_to(with_constants(18, 38, 24)).law().exact());
        const auto few = fitted_to(with_constants(18, 38, 20));
        CHECK_FALSE(few.law().exact());
        tocsin::matrix<double> samples = with_constants(18, 38, 20);
        const auto embedded = fitted_to(samples);
        const auto alone = fitted_to(samples.topRows(18).eval());
        CHECK(embedded.law().intensity() == doctest::Approx(alone.law().intensity()).epsilon(1e-9));
        CHECK(embedded.law().squared_distance(0.01) ==
              doctest::Approx(alone.law().squared_distance(0.01)).epsilon(1e-4));
        CHECK(fitted_to(tocsin::matrix<double>::Constant(4, 9, 1.0)).law().exact());
    }

    TEST_CASE("mahalanobis: scores left out of a shrunk fit are near the scores of a fit without") {
        tocsin::random_generator random(5);
        const auto samples = vectors_with_common_part(10, 10, 0.3, random);
        const auto all = fitted_to(samples);
        for (int left = 0; left < 10; ++left) {
            tocsin::matrix<double> others(10, 9);
            others << samples.leftCols(left), samples.rightCols(9 - left);
            const auto without = fitted_to(others);
            const tocsin::column<double> vector = samples.col(left);
            const double corrected = all.score_left_out(span_of(vector), 10);
            CHECK(corrected > all.score(vector));
            CHECK(corrected / without.score(vector) > 0.3);
            CHECK(corrected / without.score(vector) < 3);
        }
    }
}
