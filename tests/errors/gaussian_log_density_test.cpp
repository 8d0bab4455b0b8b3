#include "tocsin/core/random.hpp"
#include "tocsin/errors/diagonal_gaussian.hpp"
#include "tocsin/errors/gaussian_log_density.hpp"
#include "tocsin/errors/mahalanobis.hpp"

#include <Eigen/LU>
#include <doctest/doctest.h>

#include "support/memory_archive.hpp"
#include "support/random_values.hpp"
#include <cmath>
#include <limits>
#include <numbers>
#include <type_traits>

using tocsin_test::span_of;

namespace {

const double not_a_number = std::numeric_limits<double>::quiet_NaN();
const double infinity = std::numeric_limits<double>::infinity();

tocsin::matrix<double> five_samples() {
    tocsin::matrix<double> samples(3, 5);
    samples << 1, 2, 4, 8, 3, 0.5, -1, 2, 0, 7, 3, 3.5, 1, -2, 0.25;
    return samples;
}

template <class Statistic>
Statistic fitted_to(const tocsin::matrix<double>& samples) {
    Statistic statistic(static_cast<int>(samples.rows()));
    statistic.accumulate(samples);
    REQUIRE(statistic.fit().ok());
    return statistic;
}

tocsin::matrix<double> random_samples(int dimension, int count, std::uint64_t seed) {
    tocsin::random_generator random(seed);
    tocsin::matrix<double> samples(dimension, count);
    for (tocsin::index_t c = 0; c < count; ++c) {
        const double common = random.normal();
        for (tocsin::index_t r = 0; r < dimension; ++r) {
            samples(r, c) = std::exp(0.3 * static_cast<double>(r)) * (random.normal() + common);
        }
    }
    return samples;
}

/// The density by its definition, with Eigen's determinant and inverse.
double density_by_definition(const tocsin::matrix<double>& covariance,
                             const tocsin::column<double>& deviation) {
    const double distance = deviation.dot(covariance.inverse() * deviation);
    return std::exp(-0.5 * distance) /
           std::sqrt(std::pow(2 * std::numbers::pi, static_cast<double>(deviation.size())) *
                     covariance.determinant());
}

} // namespace

TEST_SUITE("errors") {

    // scipy 1.17: X as above, C = np.cov(X) + 1e-6 * trace / 3 * np.eye(3);
    // multivariate_normal(X.mean(1), C).logpdf(e), and the same with the diagonal of C as
    // np.diag(X.var(1, ddof=1) + 1e-6 * mean variance).
    TEST_CASE_TEMPLATE("log density: equals scipy's multivariate normal", Full,
                       tocsin::mahalanobis<>, tocsin::mahalanobis<3>) {
        auto full = fitted_to<Full>(five_samples());
        CHECK(full.log_density(Eigen::Vector3d(1, 2, 3)) ==
              doctest::Approx(-4.341519706788237).epsilon(1e-12));
        CHECK(full.log_density(Eigen::Vector3f(0, 0, 0)) ==
              doctest::Approx(-85.1640695854179).epsilon(1e-12));
        constexpr int size = std::is_same_v<Full, tocsin::mahalanobis<3>> ? 3 : tocsin::dynamic;
        const auto diagonal = fitted_to<tocsin::diagonal_gaussian<size>>(five_samples());
        CHECK(diagonal.log_density(Eigen::Vector3d(1, 2, 3)) ==
              doctest::Approx(-6.511700061685914).epsilon(1e-13));
        CHECK(diagonal.log_density(Eigen::Vector3f(0, 0, 0)) ==
              doctest::Approx(-6.8638629294386675).epsilon(1e-13));
    }

    // As above with X[2] = X[0] + X[1]: without the ridge C has no inverse. Its condition is 2e6.
    TEST_CASE("log density: equals scipy where the ridge alone holds the covariance") {
        tocsin::matrix<double> samples = five_samples();
        samples.row(2) = samples.row(0) + samples.row(1);
        auto full = fitted_to<tocsin::mahalanobis<>>(samples);
        CHECK(full.log_density(Eigen::Vector3d(1, 2, 3)) ==
              doctest::Approx(-0.1981708583570685).epsilon(1e-8));
        CHECK(full.log_density(Eigen::Vector3d(1, 2, 3.01)) ==
              doctest::Approx(-1.7144447321876608).epsilon(1e-8));
    }

    // scipy: norm(3, sqrt(14 / 3 * (1 + 1e-6))).logpdf(5).
    TEST_CASE_TEMPLATE("log density: one feature is a normal distribution", Statistic,
                       tocsin::mahalanobis<1>, tocsin::mahalanobis<>, tocsin::diagonal_gaussian<1>,
                       tocsin::diagonal_gaussian<>) {
        tocsin::matrix<double> samples(1, 4);
        samples << 1, 2, 3, 6;
        auto statistic = fitted_to<Statistic>(samples);
        CHECK(statistic.log_density(tocsin::column<double, 1>{5.0}) ==
              doctest::Approx(-2.1177325536784255).epsilon(1e-13));
    }

    TEST_CASE_TEMPLATE("log density: equals the definition with Eigen's determinant", Scalar, float,
                       double) {
        for (const int dimension : {1, 2, 5, 17}) {
            CAPTURE(dimension);
            const auto samples = random_samples(dimension, 300, 3);
            auto full = fitted_to<tocsin::mahalanobis<>>(samples);
            const auto diagonal = fitted_to<tocsin::diagonal_gaussian<>>(samples);
            const tocsin::matrix<double> variances = diagonal.variance().asDiagonal();
            const tocsin::matrix<Scalar> errors =
                random_samples(dimension, 9, 4).template cast<Scalar>();
            for (tocsin::index_t c = 0; c < errors.cols(); ++c) {
                const tocsin::column<double> deviation =
                    errors.col(c).template cast<double>() - full.mean();
                CHECK(std::exp(full.log_density(errors.col(c))) ==
                      doctest::Approx(density_by_definition(full.covariance(), deviation))
                          .epsilon(1e-9));
                CHECK(std::exp(diagonal.log_density(errors.col(c))) ==
                      doctest::Approx(density_by_definition(variances, deviation)).epsilon(1e-9));
            }
        }
    }

    TEST_CASE_TEMPLATE("log density: distances and log densities turn into each other", Statistic,
                       tocsin::mahalanobis<>, tocsin::diagonal_gaussian<>) {
        auto statistic = fitted_to<Statistic>(five_samples());
        const tocsin::gaussian_log_density density = statistic.density();
        CHECK(density.at_mean() == statistic.log_density(statistic.mean()));
        const Eigen::Vector3d error(4, -2, 1);
        const double distance = statistic.score(error);
        CHECK(density.at(distance) == statistic.log_density(error));
        CHECK(density.squared_distance(density.at(distance)) ==
              doctest::Approx(distance).epsilon(1e-14));
        // One threshold, two units.
        const double tau = -12;
        for (const double scale : {0.5, 1.0, 2.0, 4.0, 8.0}) {
            const Eigen::Vector3d scaled = scale * error;
            CHECK((statistic.log_density(scaled) < tau) ==
                  (statistic.score(scaled) > density.squared_distance(tau)));
        }
        CHECK(statistic.log_density(8 * error) < tau);
        CHECK(density.squared_distance(density.at_mean() + 1) < 0);
    }

    TEST_CASE_TEMPLATE("log density: NaN in or no fit gives NaN out, the rest is finite", Statistic,
                       tocsin::mahalanobis<>, tocsin::diagonal_gaussian<>) {
        Statistic statistic(3);
        CHECK(std::isnan(statistic.log_density(Eigen::Vector3d(1, 2, 3))));
        CHECK(std::isnan(statistic.density().at(1)));
        statistic = fitted_to<Statistic>(five_samples());
        CHECK(std::isnan(statistic.log_density(Eigen::Vector3d(1, not_a_number, 3))));
        // As far from normal as can be: the distance is the largest double.
        CHECK(statistic.log_density(Eigen::Vector3d(1, infinity, 3)) < -1e307);
        CHECK(std::isfinite(statistic.log_density(Eigen::Vector3d(1, infinity, 3))));
        CHECK(std::isfinite(statistic.log_density(Eigen::Vector3d(1e300, -1e300, 0))));
        CHECK(statistic.density().at(infinity) == -infinity);
        CHECK(std::isnan(statistic.density().at(not_a_number)));
        CHECK(std::isnan(Statistic(3).density().at(1)));
    }

    TEST_CASE_TEMPLATE("log density: variances far apart neither overflow nor underflow", Statistic,
                       tocsin::mahalanobis<>, tocsin::diagonal_gaussian<>) {
        // The determinant itself is 1e-9600 or 1e7200. Vectors beyond 1e100 are left out.
        const auto samples = random_samples(40, 200, 6);
        const double plain = fitted_to<Statistic>(samples).density().log_determinant;
        for (const double scale : {1e-120, 1e90}) {
            const double scaled = fitted_to<Statistic>(scale * samples).density().log_determinant;
            CHECK(scaled == doctest::Approx(plain + 80 * std::log(scale)).epsilon(1e-12));
        }
    }

    TEST_CASE_TEMPLATE("log density: the same bits after loading", Statistic, tocsin::mahalanobis<>,
                       tocsin::diagonal_gaussian<>) {
        auto original = fitted_to<Statistic>(five_samples());
        Statistic loaded(3);
        REQUIRE(tocsin_test::load(loaded, tocsin_test::save(original)).ok());
        const Eigen::Vector3d error(4, -2, 1);
        CHECK(loaded.log_density(error) == original.log_density(error));
    }

    TEST_CASE("log density: a diagonal Gaussian that adapts has the density of its new variances") {
        auto statistic = fitted_to<tocsin::diagonal_gaussian<>>(five_samples());
        for (int k = 0; k < 20; ++k) {
            statistic.adapt(
                span_of(random_samples(3, 1, 100 + static_cast<std::uint64_t>(k)).col(0)), 0.1);
        }
        CHECK(statistic.density().log_determinant ==
              doctest::Approx(statistic.variance().array().log().sum()).epsilon(1e-13));
    }
}
