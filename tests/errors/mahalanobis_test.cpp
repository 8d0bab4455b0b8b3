#include "tocsin/core/random.hpp"
#include "tocsin/errors/mahalanobis.hpp"

#include <Eigen/LU>
#include <doctest/doctest.h>

#include "support/memory_archive.hpp"
#include "support/random_values.hpp"
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <string_view>
#include <vector>

using tocsin_test::span_of;

namespace {

const double not_a_number = std::numeric_limits<double>::quiet_NaN();
const double infinity = std::numeric_limits<double>::infinity();
const double largest = std::numeric_limits<double>::max();

/// Correlated vectors with standard deviations between 0.5 and about `dimension`.
tocsin::matrix<double> correlated_samples(int dimension, int count, std::uint64_t seed) {
    tocsin::random_generator random(seed);
    tocsin::matrix<double> samples(dimension, count);
    for (tocsin::index_t c = 0; c < count; ++c) {
        const double common = random.normal();
        for (tocsin::index_t r = 0; r < dimension; ++r) {
            samples(r, c) =
                0.5 * static_cast<double>(r + 1) * (random.normal() + 0.7 * common) + 2.0;
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

double sum(const std::vector<double>& values) {
    return std::accumulate(values.begin(), values.end(), 0.0);
}

} // namespace

TEST_SUITE("errors") {

    // numpy: X as below, C = np.cov(X) + 1e-6 * trace / 3 * I; d @ inv(C) @ d; shares with
    // scipy.linalg.fractional_matrix_power(R, -0.5).
    TEST_CASE("mahalanobis: distance and shares equal numpy and scipy") {
        tocsin::matrix<double> samples(3, 5);
        samples << 1, 2, 4, 8, 3, 0.5, -1, 2, 0, 7, 3, 3.5, 1, -2, 0.25;
        tocsin::mahalanobis<3> statistic;
        statistic.accumulate(samples);
        REQUIRE(statistic.fit().ok());
        CHECK(statistic.score(Eigen::Vector3d(1, 2, 3)) ==
              doctest::Approx(1.0058461409268784).epsilon(1e-11));
        CHECK(statistic.score(Eigen::Vector3f(0, 0, 0)) ==
              doctest::Approx(162.65094589817681).epsilon(1e-11));
        std::array<double, 3> shares{};
        statistic.shares(span_of(Eigen::Vector3d(1, 2, 3)), shares);
        CHECK(shares[0] == doctest::Approx(0.8622881215326179).epsilon(1e-9));
        CHECK(shares[1] == doctest::Approx(0.003394041130689124).epsilon(1e-9));
        CHECK(shares[2] == doctest::Approx(0.13431783733669297).epsilon(1e-9));
        statistic.shares(span_of(Eigen::Vector3d(0, 0, 0)), shares);
        CHECK(shares[0] == doctest::Approx(0.4763663830143966).epsilon(1e-9));
        CHECK(shares[1] == doctest::Approx(0.07527961820166416).epsilon(1e-9));
        CHECK(shares[2] == doctest::Approx(0.4483539987839391).epsilon(1e-9));
    }

    TEST_CASE_TEMPLATE("mahalanobis: distance equals the one by the explicit inverse", Scalar,
                       float, double) {
        for (const int dimension : {1, 2, 5, 23}) {
            const auto samples = correlated_samples(dimension, 400, 4);
            auto statistic = fitted_to(samples);
            const tocsin::matrix<double> inverse = statistic.covariance().inverse();
            const tocsin::matrix<Scalar> errors =
                correlated_samples(dimension, 20, 99).template cast<Scalar>();
            std::vector<double> distances(20);
            statistic.scores(errors, distances);
            for (tocsin::index_t c = 0; c < errors.cols(); ++c) {
                const tocsin::column<double> deviation =
                    errors.col(c).template cast<double>() - statistic.mean();
                const double expected = deviation.dot(inverse * deviation);
                CHECK(statistic.score(errors.col(c)) == doctest::Approx(expected).epsilon(1e-9));
                CHECK(distances[static_cast<std::size_t>(c)] == statistic.score(errors.col(c)));
            }
        }
    }

    TEST_CASE("mahalanobis: the ridge is a share of the mean variance") {
        const auto samples = correlated_samples(3, 50, 6);
        tocsin::moments<> moments(3);
        moments.add_batch(samples);
        tocsin::mahalanobis<> statistic(3);
        REQUIRE(statistic.fit(moments, 0.5).ok());
        const tocsin::matrix<double> added = statistic.covariance() - moments.covariance();
        const double ridge = 0.5 * moments.covariance().trace() / 3;
        CHECK(added.isApprox(ridge * Eigen::Matrix3d::Identity(), 1e-12));
        REQUIRE(statistic.fit(moments, 0).ok());
        CHECK(statistic.covariance() == moments.covariance());
    }

    TEST_CASE("mahalanobis: the mean distance of the fitted samples is their dimension") {
        const auto samples = correlated_samples(6, 5000, 10);
        auto statistic = fitted_to(samples);
        std::vector<double> distances(5000);
        statistic.scores(samples, distances);
        CHECK(sum(distances) / 5000 == doctest::Approx(6).epsilon(1e-3));
    }

    TEST_CASE("mahalanobis: one feature gives the squared z-score") {
        tocsin::matrix<double> samples(1, 4);
        samples << 1, 2, 3, 6; // mean 3, variance 14 / 3
        tocsin::mahalanobis<1> statistic;
        statistic.accumulate(samples);
        REQUIRE(statistic.fit().ok());
        const double z = (5.0 - 3.0) / std::sqrt(14.0 / 3);
        const tocsin::column<double, 1> error{5.0};
        CHECK(statistic.score(error) == doctest::Approx(z * z).epsilon(1e-5));
        std::array<double, 1> share{};
        statistic.shares(span_of(error), share);
        CHECK(share[0] == 1);
    }

    TEST_CASE("mahalanobis: shares are non-negative with sum one and square to the distance") {
        const auto samples = correlated_samples(7, 300, 12);
        auto statistic = fitted_to(samples);
        const auto errors = correlated_samples(7, 30, 13);
        std::vector<double> shares(7);
        for (tocsin::index_t c = 0; c < errors.cols(); ++c) {
            statistic.shares(span_of(errors.col(c)), shares);
            CHECK(sum(shares) == doctest::Approx(1).epsilon(1e-12));
            for (const double share : shares) {
                CHECK(share >= 0);
            }
        }
    }

    TEST_CASE("mahalanobis: a shift of one feature is charged to that feature") {
        const auto samples = correlated_samples(7, 300, 12);
        auto statistic = fitted_to(samples);
        std::vector<double> shares(7);
        for (tocsin::index_t shifted = 0; shifted < 7; ++shifted) {
            tocsin::column<double> error = statistic.mean();
            error(shifted) += 8 * std::sqrt(statistic.covariance()(shifted, shifted));
            statistic.shares(span_of(error), shares);
            CHECK(shares[static_cast<std::size_t>(shifted)] > 0.8);
        }
    }

    TEST_CASE("mahalanobis: scaling everything changes neither distance nor shares") {
        const auto samples = correlated_samples(4, 200, 14);
        auto statistic = fitted_to(samples);
        const tocsin::column<double> error = correlated_samples(4, 1, 15);
        std::vector<double> shares(4);
        statistic.shares(span_of(error), shares);
        for (const double scale : {1e-120, 1e-9, 1e6, 1e90}) {
            auto scaled = fitted_to(scale * samples);
            const tocsin::column<double> scaled_error = scale * error;
            CHECK(scaled.score(scaled_error) ==
                  doctest::Approx(statistic.score(error)).epsilon(1e-9));
            std::vector<double> scaled_shares(4);
            scaled.shares(span_of(scaled_error), scaled_shares);
            for (std::size_t i = 0; i < 4; ++i) {
                CHECK(scaled_shares[i] == doctest::Approx(shares[i]).epsilon(1e-9));
            }
        }
    }

    TEST_CASE("mahalanobis: fewer samples than elements are enough") {
        auto statistic = fitted_to(correlated_samples(20, 3, 16));
        const tocsin::column<double> error = correlated_samples(20, 1, 17);
        const double distance = statistic.score(error);
        CHECK(std::isfinite(distance));
        const tocsin::column<double> deviation = error - statistic.mean();
        CHECK(distance ==
              doctest::Approx(deviation.dot(statistic.covariance().inverse() * deviation))
                  .epsilon(1e-6));
        std::vector<double> shares(20);
        statistic.shares(span_of(error), shares);
        CHECK(sum(shares) == doctest::Approx(1).epsilon(1e-12));
    }

    TEST_CASE("mahalanobis: leaving a constant feature's value is a large finite distance") {
        tocsin::matrix<double> samples = correlated_samples(3, 200, 18);
        samples.row(1).setConstant(0.3);
        auto statistic = fitted_to(samples);
        tocsin::column<double> error = statistic.mean();
        CHECK(statistic.score(error) == 0);
        error(1) += 1;
        CHECK(statistic.score(error) > 1e5);
        CHECK(std::isfinite(statistic.score(error)));
        std::vector<double> shares(3);
        statistic.shares(span_of(error), shares);
        CHECK(shares[1] == doctest::Approx(1));
    }

    TEST_CASE("mahalanobis: where nothing varied the ridge is absolute") {
        auto statistic = fitted_to(tocsin::matrix<double>::Constant(2, 300, 0.1));
        CHECK(statistic.covariance() ==
              tocsin::ridge_of_constant_samples * Eigen::Matrix2d::Identity());
        CHECK(statistic.score(Eigen::Vector2d(0.1, 0.1)) == 0);
        CHECK(statistic.score(Eigen::Vector2d(0.1, 0.101)) == doctest::Approx(1e6).epsilon(1e-6));
        CHECK(std::isfinite(statistic.score(Eigen::Vector2d(1e30, 0))));
    }

    TEST_CASE("mahalanobis: without a deviation all shares are zero") {
        auto statistic = fitted_to(correlated_samples(3, 40, 19));
        std::vector<double> shares(3, 7.0);
        statistic.shares(span_of(statistic.mean()), shares);
        CHECK(shares == std::vector<double>{0, 0, 0});
    }

    TEST_CASE("mahalanobis: huge finite errors have a finite distance and usable shares") {
        auto statistic = fitted_to(correlated_samples(3, 40, 19));
        std::vector<double> shares(3);
        for (const double value : {1e200, largest, -largest}) {
            const Eigen::Vector3d error(0, value, -value);
            CHECK(statistic.score(error) == largest);
            statistic.shares(span_of(error), shares);
            CHECK(sum(shares) == doctest::Approx(1).epsilon(1e-12));
        }
    }

    TEST_CASE_TEMPLATE("mahalanobis: an infinite element is as far from normal as can be", Scalar,
                       float, double) {
        auto statistic = fitted_to(correlated_samples(3, 40, 20));
        const auto missing = std::numeric_limits<Scalar>::quiet_NaN();
        std::vector<double> shares(3);
        for (const Scalar bad :
             {std::numeric_limits<Scalar>::infinity(), -std::numeric_limits<Scalar>::infinity()}) {
            for (const Scalar first : {Scalar(1), bad, missing}) {
                tocsin::column<Scalar> error(3);
                error << first, bad, 2;
                CHECK(statistic.score(error) == largest);
                const tocsin::column<double> values = error.template cast<double>();
                statistic.shares(span_of(values), shares);
                for (const double share : shares) {
                    CHECK(std::isnan(share));
                }
            }
        }
    }

    TEST_CASE("mahalanobis: fit refuses what it cannot use and is then not fitted") {
        tocsin::mahalanobis<> statistic(2);
        const Eigen::Vector2d error(1, 2);
        CHECK(std::isnan(statistic.score(error)));
        CHECK(statistic.fit().code() == tocsin::error_code::invalid_data);
        statistic.accumulate(tocsin::matrix<double>::Constant(2, 3, not_a_number));
        statistic.accumulate(error);
        const tocsin::status too_few = statistic.fit();
        CHECK(std::string_view{too_few.message()} ==
              "mahalanobis: at least 2 finite samples are needed, got 1 (3 rejected)");
        statistic.accumulate(correlated_samples(2, 30, 1));
        REQUIRE(statistic.fit().ok());
        CHECK(statistic.score(error) >= 0);

        for (const double ridge : {-1e-6, not_a_number, infinity}) {
            CHECK(statistic.fit(statistic.accumulated(), ridge).code() ==
                  tocsin::error_code::invalid_argument);
            CHECK_FALSE(statistic.fitted());
            CHECK(std::isnan(statistic.score(error)));
        }
        CHECK(statistic.fit(tocsin::moments<>(3)).code() == tocsin::error_code::invalid_argument);

        tocsin::mahalanobis<> overflowing(2);
        overflowing.accumulate(1e200 * correlated_samples(2, 30, 1));
        CHECK(overflowing.fit().code() == tocsin::error_code::invalid_data);

        tocsin::matrix<double> equal_features = correlated_samples(2, 30, 1);
        equal_features.row(1).setConstant(4);
        tocsin::mahalanobis<> without_ridge(2, 0);
        without_ridge.accumulate(equal_features);
        CHECK(without_ridge.fit().code() == tocsin::error_code::invalid_data);

        tocsin::mahalanobis<> of_nothing(0);
        CHECK(of_nothing.fit().code() == tocsin::error_code::invalid_argument);
    }

    TEST_CASE("mahalanobis: the last fit stays in use while more is accumulated") {
        const auto samples = correlated_samples(2, 60, 22);
        tocsin::mahalanobis<> statistic(2);
        statistic.accumulate(samples.leftCols(30));
        REQUIRE(statistic.fit().ok());
        const Eigen::Vector2d error(3, -1);
        const double before = statistic.score(error);
        statistic.accumulate(samples.rightCols(30));
        CHECK(statistic.score(error) == before);
        REQUIRE(statistic.fit().ok());
        auto whole = fitted_to(samples);
        CHECK(statistic.score(error) == doctest::Approx(whole.score(error)).epsilon(1e-12));
    }

    TEST_CASE("mahalanobis: scores after loading are the same bits") {
        auto original = fitted_to(correlated_samples(9, 200, 23));
        original.accumulate(correlated_samples(9, 5, 24)); // not part of the fit
        tocsin::mahalanobis<> loaded(9, 0.1);
        REQUIRE(tocsin_test::load(loaded, tocsin_test::save(original)).ok());
        CHECK(loaded.relative_ridge() == original.relative_ridge());
        CHECK(loaded.accumulated().count() == 205);
        const auto errors = correlated_samples(9, 50, 25);
        std::vector<double> shares(9);
        std::vector<double> loaded_shares(9);
        for (tocsin::index_t c = 0; c < errors.cols(); ++c) {
            CHECK(loaded.score(errors.col(c)) == original.score(errors.col(c)));
            original.shares(span_of(errors.col(c)), shares);
            loaded.shares(span_of(errors.col(c)), loaded_shares);
            CHECK(loaded_shares == shares);
        }
        REQUIRE(original.fit().ok());
        REQUIRE(loaded.fit().ok());
        CHECK(loaded.score(errors.col(0)) == original.score(errors.col(0)));
    }

    TEST_CASE("mahalanobis: what was saved before the fit is not fitted after loading") {
        tocsin::mahalanobis<> original(2);
        original.accumulate(correlated_samples(2, 5, 1));
        auto loaded = fitted_to(correlated_samples(2, 30, 2));
        REQUIRE(tocsin_test::load(loaded, tocsin_test::save(original)).ok());
        CHECK_FALSE(loaded.fitted());
        CHECK(loaded.accumulated().count() == 5);
    }

    TEST_CASE("mahalanobis: a covariance that is none is not loaded") {
        auto original = fitted_to(correlated_samples(2, 30, 2));
        const auto content = tocsin_test::save(original);
        tocsin::mahalanobis<> loaded(2);
        auto broken = content;
        broken["covariance"][0] = -1;
        CHECK_FALSE(tocsin_test::load(loaded, broken).ok());
        broken = content;
        broken["covariance"][3] = not_a_number;
        CHECK_FALSE(tocsin_test::load(loaded, broken).ok());
        CHECK_FALSE(loaded.fitted());
        tocsin::mahalanobis<> wider(3);
        CHECK_FALSE(tocsin_test::load(wider, content).ok());
        CHECK_FALSE(wider.fitted());
    }
}
