#include "tocsin/comparators/pca_reconstruction.hpp"
#include "tocsin/core/random.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

namespace {

static_assert(tocsin::sample_scorer<tocsin::pca_reconstruction>);

/// Two features that follow one hidden value, one of its own, one constant.
tocsin::matrix<double> plane(tocsin::index_t samples, unsigned seed) {
    tocsin::random_generator random(seed);
    tocsin::matrix<double> values(4, samples);
    for (tocsin::index_t t = 0; t < samples; ++t) {
        const double hidden = random.normal();
        values.col(t) << 3 + hidden + 0.1 * random.normal(), -2 * hidden + 0.2 * random.normal(),
            random.normal(), 7;
    }
    return values;
}

} // namespace

TEST_SUITE("comparators") {
    TEST_CASE("control limits: quantiles of printed tables") {
        CHECK(tocsin::normal_quantile(0.975) == doctest::Approx(1.959963985).epsilon(1e-9));
        CHECK(tocsin::normal_quantile(0.001) == doctest::Approx(-3.090232306).epsilon(1e-9));
        CHECK(tocsin::f_quantile(0.95, 1, 10) == doctest::Approx(4.9646).epsilon(1e-5));
        CHECK(tocsin::f_quantile(0.95, 10, 20) == doctest::Approx(2.3479).epsilon(1e-4));
        CHECK(tocsin::f_quantile(0.99, 5, 5) == doctest::Approx(10.967).epsilon(1e-4));
        // F(p; 2, d) has the closed form d / 2 ((1 - p)^(-2 / d) - 1).
        CHECK(tocsin::f_quantile(0.999, 2, 398) ==
              doctest::Approx(199 * (std::pow(0.001, -1.0 / 199) - 1)).epsilon(1e-9));
    }

    TEST_CASE("control limits: of a residual with one variance, the cube of a normal quantile") {
        // theta_i = s^i gives h = 1/3: the approximation of Wilson and Hilferty for chi-squared.
        const double s = 0.7;
        const double z = tocsin::normal_quantile(0.99);
        CHECK(tocsin::residual_limit(s, s * s, s * s * s, 0.99) ==
              doctest::Approx(s * std::pow(1 + z * std::sqrt(2.0) / 3 - 2.0 / 9, 3)));
        CHECK(tocsin::residual_limit(0, 0, 0, 0.99) == 0);
        CHECK(std::isinf(tocsin::hotelling_limit(3, 3, 0.99)));
    }

    TEST_CASE("pca_reconstruction: normal samples exceed the limits as often as they should") {
        tocsin::pca_reconstruction scorer({.explained_variance = 0.8, .probability = 0.99});
        REQUIRE(scorer.fit(plane(20000, 1)).ok());
        CHECK(scorer.components() == 2);
        CHECK(scorer.variances().size() == 3); // the constant feature has none
        const auto test = plane(50000, 2);
        int inside = 0;
        int outside = 0;
        for (tocsin::index_t t = 0; t < test.cols(); ++t) {
            const auto found = scorer.statistics({test.col(t).data(), 4});
            inside += found.t_squared > scorer.t_squared_limit();
            outside += found.q > scorer.q_limit();
        }
        // 500 of each are expected.
        CHECK(inside > 425);
        CHECK(inside < 575);
        CHECK(outside > 425);
        CHECK(outside < 575);
    }

    TEST_CASE("pca_reconstruction: a broken relation shows in Q, a far one in T-squared") {
        tocsin::pca_reconstruction scorer({.explained_variance = 0.8});
        REQUIRE(scorer.fit(plane(2000, 3)).ok());
        const double broken[] = {4, 2, 0, 7}; // both features rise together
        const double far[] = {13, -20, 0, 7};
        CHECK(scorer.statistics(broken).q > scorer.q_limit());
        CHECK(scorer.statistics(broken).t_squared < scorer.t_squared_limit());
        CHECK(scorer.statistics(far).t_squared > scorer.t_squared_limit());
        CHECK(scorer.statistics(far).q < scorer.q_limit());
        CHECK(scorer.push(broken) ==
              doctest::Approx(scorer.statistics(broken).q / scorer.q_limit()));
        CHECK(scorer.push(far) > 1);
    }

    TEST_CASE("pca_reconstruction: with all components T-squared is the Mahalanobis distance") {
        tocsin::pca_reconstruction scorer({.explained_variance = 1});
        tocsin::matrix<double> training = plane(50, 4).topRows(3);
        REQUIRE(scorer.fit(training).ok());
        CHECK(scorer.components() == 3);
        CHECK(std::isinf(scorer.q_limit()));
        const tocsin::column<double> mean = training.rowwise().mean();
        const tocsin::matrix<double> centred = training.colwise() - mean;
        const tocsin::matrix<double> covariance = centred * centred.transpose() / 49;
        const tocsin::column<double> sample = training.col(7);
        const tocsin::column<double> deviation = sample - mean;
        CHECK(scorer.statistics({sample.data(), 3}).t_squared ==
              doctest::Approx(deviation.dot(covariance.inverse() * deviation)));
    }

    TEST_CASE("pca_reconstruction: exact copies of a feature are not divided by rounding noise") {
        tocsin::matrix<double> training = plane(100, 5);
        training.row(3) = training.row(0);
        tocsin::pca_reconstruction scorer({.explained_variance = 1});
        REQUIRE(scorer.fit(training).ok());
        CHECK(scorer.components() == 3);
        const double sample[] = {4, -2, 0, 4};
        CHECK(scorer.statistics(sample).t_squared < 20);
    }

    TEST_CASE("pca_reconstruction: without scaling, a constant feature that moves is residual") {
        const double sample[] = {3, 0, 0, 9};
        tocsin::pca_reconstruction scaled({.explained_variance = 0.8});
        tocsin::pca_reconstruction plain({.explained_variance = 0.8, .scale = false});
        REQUIRE(scaled.fit(plane(2000, 7)).ok());
        REQUIRE(plain.fit(plane(2000, 7)).ok());
        CHECK(scaled.statistics(sample).q < 0.01);
        CHECK(plain.statistics(sample).q == doctest::Approx(4).epsilon(0.02));
    }

    TEST_CASE("pca_reconstruction: missing values have no score; refuses what cannot be fitted") {
        tocsin::pca_reconstruction scorer;
        const double missing[] = {1, std::numeric_limits<double>::quiet_NaN(), 0, 7};
        CHECK(std::isnan(scorer.push(missing)));
        REQUIRE(scorer.fit(plane(100, 6)).ok());
        CHECK(std::isnan(scorer.push(missing)));
        CHECK_FALSE(scorer.fit(tocsin::matrix<double>::Constant(2, 9, 1.0)).ok());
        CHECK_FALSE(tocsin::pca_reconstruction({.explained_variance = 0}).fit(plane(9, 1)).ok());
        CHECK_FALSE(tocsin::pca_reconstruction({.probability = 1}).fit(plane(9, 1)).ok());
    }
}
