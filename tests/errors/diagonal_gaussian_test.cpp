#include "tocsin/core/random.hpp"
#include "tocsin/errors/diagonal_gaussian.hpp"

#include <doctest/doctest.h>

#include "support/memory_archive.hpp"
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <string_view>

namespace {

const double not_a_number = std::numeric_limits<double>::quiet_NaN();

tocsin::matrix<double> five_samples() {
    tocsin::matrix<double> samples(3, 5);
    samples << 1, 2, 4, 8, 3, 0.5, -1, 2, 0, 7, 3, 3.5, 1, -2, 0.25;
    return samples;
}

} // namespace

TEST_SUITE("errors") {

    // numpy: v = X.var(1, ddof=1) + 1e-6 * mean variance; ((e - X.mean(1)) ** 2 / v).sum().
    TEST_CASE("diagonal gaussian: distance and shares equal numpy") {
        tocsin::diagonal_gaussian<3> statistic;
        statistic.accumulate(five_samples());
        REQUIRE(statistic.fit().ok());
        CHECK(statistic.squared_distance(Eigen::Vector3d(1, 2, 3)) ==
              doctest::Approx(1.629994493912636).epsilon(1e-13));
        CHECK(statistic.squared_distance(Eigen::Vector3f(0, 0, 0)) ==
              doctest::Approx(2.334320229418143).epsilon(1e-13));
        std::array<double, 3> shares{};
        statistic.shares(Eigen::Vector3d(1, 2, 3), shares);
        CHECK(shares[0] == doctest::Approx(0.5681163114746455).epsilon(1e-13));
        CHECK(shares[1] == doctest::Approx(0.005549233107787283).epsilon(1e-13));
        CHECK(shares[2] == doctest::Approx(0.4263344554175673).epsilon(1e-13));
        CHECK(std::accumulate(shares.begin(), shares.end(), 0.0) == doctest::Approx(1));
    }

    TEST_CASE("diagonal gaussian: batches add up and vectors that are not finite are left out") {
        tocsin::matrix<double> dirty(3, 6);
        dirty << five_samples(), Eigen::Vector3d(1, not_a_number, 1);
        tocsin::diagonal_gaussian<> batches(3);
        batches.accumulate(dirty.leftCols(2));
        batches.accumulate(dirty.rightCols(4));
        batches.accumulate(dirty.leftCols(0));
        tocsin::diagonal_gaussian<> whole(3);
        whole.accumulate(five_samples());
        REQUIRE(batches.fit().ok());
        REQUIRE(whole.fit().ok());
        CHECK(batches.count() == 5);
        CHECK(batches.rejected() == 1);
        CHECK(batches.mean() == whole.mean());
        CHECK(batches.variance() == whole.variance());
    }

    TEST_CASE("diagonal gaussian: constant features give large finite distances") {
        tocsin::diagonal_gaussian<> statistic(2);
        statistic.accumulate(tocsin::matrix<double>::Constant(2, 9, 0.1));
        REQUIRE(statistic.fit().ok());
        CHECK(statistic.squared_distance(Eigen::Vector2d(0.1, 0.1)) == 0);
        CHECK(statistic.squared_distance(Eigen::Vector2d(0.1, 0.101)) ==
              doctest::Approx(1e6).epsilon(1e-6));
        CHECK(statistic.squared_distance(Eigen::Vector2d(1e300, 0)) ==
              std::numeric_limits<double>::max());
        std::array<double, 2> shares{7, 7};
        statistic.shares(Eigen::Vector2d(1e300, 0.1), shares);
        CHECK(shares == std::array<double, 2>{1, 0});
        statistic.shares(Eigen::Vector2d(0.1, 0.1), shares);
        CHECK(shares == std::array<double, 2>{0, 0});
    }

    TEST_CASE("diagonal gaussian: NaN in or no fit gives NaN out") {
        tocsin::diagonal_gaussian<> statistic(2);
        CHECK(std::isnan(statistic.squared_distance(Eigen::Vector2d(1, 2))));
        statistic.accumulate(tocsin::matrix<double>(five_samples().topRows(2)));
        REQUIRE(statistic.fit().ok());
        CHECK(std::isnan(statistic.squared_distance(Eigen::Vector2d(1, not_a_number))));
        std::array<double, 2> shares{};
        statistic.shares(Eigen::Vector2f(std::numeric_limits<float>::infinity(), 1), shares);
        CHECK(std::isnan(shares[0]));
        CHECK(std::isnan(shares[1]));
        statistic.reset();
        CHECK(std::isnan(statistic.squared_distance(Eigen::Vector2d(1, 2))));
    }

    TEST_CASE("diagonal gaussian: fit refuses what it cannot use") {
        tocsin::diagonal_gaussian<> statistic(3);
        CHECK(std::string_view{statistic.fit().message()} ==
              "diagonal_gaussian: at least 2 finite samples are needed, got 0 (0 rejected)");
        tocsin::diagonal_gaussian<> negative(3, -1);
        negative.accumulate(five_samples());
        CHECK(negative.fit().code() == tocsin::error_code::invalid_argument);
        tocsin::diagonal_gaussian<> overflowing(3);
        overflowing.accumulate(1e200 * five_samples());
        CHECK(overflowing.fit().code() == tocsin::error_code::invalid_data);
        CHECK_FALSE(overflowing.fitted());
    }

    TEST_CASE("diagonal gaussian: scores after loading are the same bits") {
        tocsin::diagonal_gaussian<> original(3);
        original.accumulate(five_samples());
        REQUIRE(original.fit().ok());
        tocsin::diagonal_gaussian<3> loaded;
        REQUIRE(tocsin_test::load(loaded, tocsin_test::save(original)).ok());
        const Eigen::Vector3d error(0.1, 0.7, -3);
        CHECK(loaded.squared_distance(error) == original.squared_distance(error));
        auto broken = tocsin_test::save(original);
        broken["variance"][2] = 0;
        tocsin::diagonal_gaussian<> refused(3);
        CHECK_FALSE(tocsin_test::load(refused, broken).ok());
        CHECK_FALSE(refused.fitted());
    }

    TEST_CASE("diagonal gaussian: adapting follows a stream to its new mean and variance") {
        tocsin::diagonal_gaussian<> statistic(1);
        const Eigen::RowVector2d normal(-1, 1);
        statistic.accumulate(normal);
        REQUIRE(statistic.fit().ok());
        Eigen::Matrix<double, 1, 1> error(7.0);
        const double before = statistic.squared_distance(error);
        error(0) = std::numeric_limits<double>::quiet_NaN();
        statistic.adapt(error, 0.5); // no effect
        error(0) = 7;
        CHECK(statistic.squared_distance(error) == before);

        // One step by hand: m = 0, s^2 = 2 (1 + 1e-6), w = 1/2.
        statistic.adapt(error, 0.5);
        CHECK(statistic.mean()(0) == doctest::Approx(3.5));
        CHECK(statistic.variance()(0) == doctest::Approx(0.5 * (2 + 0.5 * 49)).epsilon(1e-5));

        tocsin::random_generator random(1);
        for (int k = 0; k < 20'000; ++k) {
            error(0) = 10 + 3 * random.normal();
            statistic.adapt(error, 1e-3);
        }
        CHECK(statistic.mean()(0) == doctest::Approx(10).epsilon(0.05));
        CHECK(statistic.variance()(0) == doctest::Approx(9).epsilon(0.15));

        error(0) = 10; // constant errors: the variance stays above zero
        for (int k = 0; k < 100'000; ++k) {
            statistic.adapt(error, 0.1);
        }
        CHECK(statistic.variance()(0) > 0);
        CHECK(std::isfinite(statistic.squared_distance(Eigen::Matrix<double, 1, 1>(11.0))));
    }
    TEST_CASE("diagonal gaussian: without a ridge, constant errors leave densities finite") {
        tocsin::diagonal_gaussian<> statistic(2, 0.0);
        statistic.accumulate(Eigen::Matrix2d{{-1, 1}, {-2, 2}});
        REQUIRE(statistic.fit().ok());
        tocsin::random_generator random(2);
        for (int k = 0; k < 5'000; ++k) {
            statistic.adapt(Eigen::Vector2d(0, random.normal()), 0.5);
        }
        CHECK(statistic.variance()(0) > 0);
        CHECK(std::isfinite(statistic.log_density(Eigen::Vector2d(0, 0))));
        CHECK(std::isfinite(statistic.log_density(Eigen::Vector2d(1, 0))));
    }
}
