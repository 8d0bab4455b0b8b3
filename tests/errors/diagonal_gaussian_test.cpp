#include "tocsin/core/random.hpp"
#include "tocsin/errors/diagonal_gaussian.hpp"
#include "tocsin/errors/error_statistic.hpp"

#include <doctest/doctest.h>

#include "support/memory_archive.hpp"
#include "support/random_values.hpp"
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>
#include <span>
#include <string_view>
#include <utility>

using tocsin_test::span_of;

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
        CHECK(statistic.score(Eigen::Vector3d(1, 2, 3)) ==
              doctest::Approx(1.629994493912636).epsilon(1e-13));
        CHECK(statistic.score(Eigen::Vector3f(0, 0, 0)) ==
              doctest::Approx(2.334320229418143).epsilon(1e-13));
        std::array<double, 3> shares{};
        statistic.shares(span_of(Eigen::Vector3d(1, 2, 3)), shares);
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
        CHECK(statistic.score(Eigen::Vector2d(0.1, 0.1)) == 0);
        CHECK(statistic.score(Eigen::Vector2d(0.1, 0.101)) == doctest::Approx(1e6).epsilon(1e-6));
        CHECK(statistic.score(Eigen::Vector2d(1e300, 0)) == std::numeric_limits<double>::max());
        std::array<double, 2> shares{7, 7};
        statistic.shares(span_of(Eigen::Vector2d(1e300, 0.1)), shares);
        CHECK(shares == std::array<double, 2>{1, 0});
        statistic.shares(span_of(Eigen::Vector2d(0.1, 0.1)), shares);
        CHECK(shares == std::array<double, 2>{0, 0});
    }

    TEST_CASE("diagonal gaussian: nothing observed or no fit gives NaN out") {
        tocsin::diagonal_gaussian<> statistic(2);
        std::array<double, 2> shares{};
        CHECK(std::isnan(statistic.score(Eigen::Vector2d(1, 2))));
        statistic.shares(span_of(Eigen::Vector2d(1, 2)), shares);
        CHECK(std::isnan(shares[0]));
        statistic.accumulate(tocsin::matrix<double>(five_samples().topRows(2)));
        REQUIRE(statistic.fit().ok());
        const Eigen::Vector2d nothing(not_a_number, not_a_number);
        CHECK(std::isnan(statistic.score(nothing)));
        statistic.shares(span_of(nothing), shares);
        CHECK(std::isnan(shares[0]));
        CHECK(std::isnan(shares[1]));
    }

    TEST_CASE("diagonal gaussian: an infinite element is as far from normal as can be") {
        tocsin::diagonal_gaussian<> statistic(2);
        statistic.accumulate(tocsin::matrix<double>(five_samples().topRows(2)));
        REQUIRE(statistic.fit().ok());
        const double infinity = std::numeric_limits<double>::infinity();
        std::array<double, 2> shares{};
        for (const double first : {1.0, infinity, not_a_number}) {
            CHECK(statistic.score(Eigen::Vector2d(first, -infinity)) ==
                  std::numeric_limits<double>::max());
            statistic.shares(span_of(Eigen::Vector2d(first, -infinity)), shares);
            CHECK(std::isnan(shares[0]));
            CHECK(std::isnan(shares[1]));
        }
    }

    TEST_CASE("diagonal gaussian: without some elements, the score of the others") {
        tocsin::random_generator random(3);
        for (const int dimension : {1, 2, 5, 40}) {
            tocsin::matrix<double> samples(dimension, 60);
            for (double& value : samples.reshaped()) {
                value = 3 + 2 * random.normal();
            }
            tocsin::diagonal_gaussian<> whole(dimension);
            whole.accumulate(span_of(samples));
            REQUIRE(whole.fit().ok());
            for (int missing = 1; missing < dimension; ++missing) {
                tocsin::column<double> error = tocsin::column<double>::Random(dimension);
                for (int k = 0; k < missing; ++k) {
                    error[(k * 7 + missing) % dimension] = not_a_number;
                }
                double expected = 0;
                for (int i = 0; i < dimension; ++i) {
                    const double deviation = error[i] - whole.mean()[i];
                    expected +=
                        std::isnan(deviation) ? 0 : deviation * deviation / whole.variance()[i];
                }
                CHECK(whole.score(span_of(error)) == doctest::Approx(expected).epsilon(1e-12));
                tocsin::column<double> shares(dimension);
                whole.shares(span_of(error), {shares.data(), static_cast<std::size_t>(dimension)});
                CHECK(shares.sum() == doctest::Approx(1).epsilon(1e-12));
                for (int i = 0; i < dimension; ++i) {
                    CHECK((shares[i] == 0) == std::isnan(error[i]));
                }
            }
        }
    }

    TEST_CASE("diagonal gaussian: scoring changes nothing and cannot throw") {
        using span = std::span<const double>;
        using statistic = tocsin::diagonal_gaussian<>;
        static_assert(noexcept(std::declval<const statistic&>().score(span{})));
        static_assert(noexcept(
            std::declval<const statistic&>().shares(span{}, std::declval<std::span<double>>())));
        static_assert(noexcept(std::declval<const tocsin::diagonal_gaussian<3>&>().score(span{})));
        static_assert(noexcept(std::declval<statistic&>().adapt(span{}, 0.5)));
        CHECK(tocsin::adapting_statistic<statistic>);
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
        CHECK(loaded.score(error) == original.score(error));
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
        const double before = statistic.score(error);
        error(0) = std::numeric_limits<double>::quiet_NaN();
        const auto content = tocsin_test::save(statistic);
        statistic.adapt(span_of(error), 0.5); // no effect
        CHECK(tocsin_test::save(statistic) == content);
        error(0) = 7;
        CHECK(statistic.score(error) == before);

        // One step by hand: m = 0, s^2 = 2 (1 + 1e-6), w = 1/2.
        statistic.adapt(span_of(error), 0.5);
        CHECK(statistic.mean()(0) == doctest::Approx(3.5));
        CHECK(statistic.variance()(0) == doctest::Approx(0.5 * (2 + 0.5 * 49)).epsilon(1e-5));

        tocsin::random_generator random(1);
        for (int k = 0; k < 20'000; ++k) {
            error(0) = 10 + 3 * random.normal();
            statistic.adapt(span_of(error), 1e-3);
        }
        CHECK(statistic.mean()(0) == doctest::Approx(10).epsilon(0.05));
        CHECK(statistic.variance()(0) == doctest::Approx(9).epsilon(0.15));

        error(0) = 10; // constant errors: the variance stays above zero
        for (int k = 0; k < 100'000; ++k) {
            statistic.adapt(span_of(error), 0.1);
        }
        CHECK(statistic.variance()(0) > 0);
        CHECK(std::isfinite(statistic.score(Eigen::Matrix<double, 1, 1>(11.0))));
    }
    TEST_CASE("diagonal gaussian: without a ridge, constant errors leave densities finite") {
        tocsin::diagonal_gaussian<> statistic(2, 0.0);
        statistic.accumulate(Eigen::Matrix2d{{-1, 1}, {-2, 2}});
        REQUIRE(statistic.fit().ok());
        tocsin::random_generator random(2);
        for (int k = 0; k < 5'000; ++k) {
            statistic.adapt(span_of(Eigen::Vector2d(0, random.normal())), 0.5);
        }
        CHECK(statistic.variance()(0) > 0);
        CHECK(std::isfinite(statistic.log_density(Eigen::Vector2d(0, 0))));
        CHECK(std::isfinite(statistic.log_density(Eigen::Vector2d(1, 0))));
    }
}
