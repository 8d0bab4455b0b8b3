#include "tocsin/core/random.hpp"
#include "tocsin/errors/mahalanobis.hpp"
#include "tocsin/errors/shrinkage.hpp"

#include <doctest/doctest.h>

#include "support/memory_archive.hpp"
#include "support/random_values.hpp"
#include <algorithm>
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
            CHECK(loaded.law().intensity() ==
                  doctest::Approx(statistic.law().intensity()).epsilon(1e-9));
            CHECK(loaded.law().squared_distance(0.01) ==
                  doctest::Approx(statistic.law().squared_distance(0.01)).epsilon(1e-7));
        }
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
