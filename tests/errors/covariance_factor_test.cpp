#include "tocsin/core/random.hpp"
#include "tocsin/errors/mahalanobis.hpp"

#include <Eigen/Cholesky>
#include <doctest/doctest.h>

#include "support/memory_archive.hpp"
#include "support/random_values.hpp"
#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <type_traits>
#include <vector>

// Statistics that follow a stream: mahalanobis::adapt() and the factor below it.

using tocsin_test::span_of;

namespace {

using tocsin::column;
using tocsin::index_t;
using tocsin::mahalanobis;
using tocsin::matrix;

/// Weighted mean and covariance by their definition, one sample after the other.
struct weighted_moments {
    column<double> mean;
    matrix<double> covariance;
    double relative_ridge;
    double least_ridge = 0;
    index_t next = 0;

    void add(const column<double>& sample, double weight) {
        const auto size = static_cast<double>(mean.size());
        const column<double> v = sample - mean;
        mean += weight * v;
        covariance = ((1 - weight) * (covariance + weight * v * v.transpose())).eval();
        covariance(next, next) +=
            weight * size *
            std::max(relative_ridge / (1 + relative_ridge) * covariance.trace() / size,
                     least_ridge);
        next = (next + 1) % mean.size();
    }
    double distance(const column<double>& sample) const {
        const column<double> deviation = sample - mean;
        return deviation.dot(Eigen::LLT<matrix<double>>(covariance).solve(deviation));
    }
};

/// Correlated samples whose scale and correlation change with the phase, in [0, 1].
template <class Scalar = double>
column<Scalar> sample(tocsin::random_generator& random, int dimension, double phase) {
    column<Scalar> values(dimension);
    const double common = random.normal();
    for (index_t r = 0; r < dimension; ++r) {
        const double scale = 0.5 * static_cast<double>(r % 5 + 1) * (1 + 3 * phase);
        values[r] = static_cast<Scalar>(
            scale * (random.normal() + (r % 2 == 0 ? 1 - 2 * phase : 0.7) * common) + 2 * phase);
    }
    return values;
}

template <class Statistic>
Statistic fitted(int dimension, std::uint64_t seed, double relative_ridge = 1e-6) {
    tocsin::random_generator random(seed);
    Statistic statistic(dimension, relative_ridge);
    for (int k = 0; k < 300; ++k) {
        statistic.accumulate(sample(random, dimension, 0));
    }
    REQUIRE(statistic.fit().ok());
    return statistic;
}

} // namespace

TEST_SUITE("errors") {
    TEST_CASE("covariance factor: large ridges stay as fitted while samples stay the same") {
        for (const double ridge : {0.1, 1.0, 2.0}) {
            CAPTURE(ridge);
            tocsin::random_generator random(4);
            auto statistic = fitted<tocsin::mahalanobis<>>(4, 3, ridge);
            const matrix<double> before = statistic.covariance();
            matrix<double> mean = matrix<double>::Zero(4, 4);
            constexpr int rounds = 20'000;
            for (int k = 0; k < rounds; ++k) {
                statistic.adapt(span_of(sample(random, 4, 0)), 1e-2);
                mean += statistic.covariance() / rounds;
            }
            CHECK((mean - before).norm() / before.norm() < 0.1);
        }
    }

    TEST_CASE_TEMPLATE("covariance factor: ten thousand updates are the weighted covariance",
                       Scalar, float, double) {
        for (const int dimension : {1, 2, 7, 24}) {
            CAPTURE(dimension);
            const double weight = 1.0 / 64;
            auto statistic = fitted<mahalanobis<>>(dimension, 1);
            weighted_moments expected{statistic.mean(), statistic.covariance(), 1e-6,
                                      1e-6 * statistic.covariance().trace() / dimension};
            tocsin::random_generator random(2);
            for (int k = 0; k < 10'000; ++k) {
                const column<double> error =
                    sample<Scalar>(random, dimension, static_cast<double>(k) / 10'000)
                        .template cast<double>();
                statistic.adapt(span_of(error), weight);
                expected.add(error, weight);
                if (k % 997 == 0 || k == 9'999) {
                    const column<double> other = sample(random, dimension, 1);
                    const double distance = expected.distance(other);
                    CHECK(std::abs(statistic.score(other) - distance) <= 1e-10 * distance);
                }
            }
            CHECK((statistic.mean() - expected.mean).norm() <= 1e-12 * expected.mean.norm());
            CHECK((statistic.covariance() - expected.covariance).norm() <=
                  1e-12 * expected.covariance.norm());
            CHECK(statistic.covariance() == statistic.covariance().transpose());
            const matrix<double> factor = Eigen::LLT<matrix<double>>(expected.covariance).matrixL();
            CHECK(statistic.density().log_determinant ==
                  doctest::Approx(2 * factor.diagonal().array().log().sum()).epsilon(1e-10));
        }
    }

    TEST_CASE("covariance factor: the newest samples are what counts") {
        auto statistic = fitted<mahalanobis<>>(3, 1);
        tocsin::random_generator random(3);
        matrix<double> samples(3, 20'000);
        for (index_t k = 0; k < samples.cols(); ++k) {
            samples.col(k) = sample(random, 3, 1);
            statistic.adapt(span_of(samples.col(k)), 0.002);
        }
        tocsin::moments<3> moments;
        moments.add_batch(samples);
        CHECK((statistic.covariance() - moments.covariance()).norm() <=
              0.1 * moments.covariance().norm());
        CHECK((statistic.mean() - moments.mean()).norm() <=
              0.2 * std::sqrt(moments.covariance().trace()));
    }

    TEST_CASE("covariance factor: static and dynamic sizes give the same bits") {
        auto dynamic = fitted<mahalanobis<>>(5, 4);
        auto fixed = fitted<mahalanobis<5>>(5, 4);
        tocsin::random_generator random(5);
        for (int k = 0; k < 100; ++k) {
            const column<double> error = sample(random, 5, 0.5);
            dynamic.adapt(span_of(error),
                          0.3); // 0.3 * 5 > 1: two elements of the diagonal at a time
            fixed.adapt(span_of(error), 0.3);
            CHECK(fixed.score(error) == dynamic.score(error));
        }
    }

    TEST_CASE("covariance factor: stays positive definite when features stop to vary") {
        for (const double weight : {1e-3, 0.1, 0.5, 0.99}) {
            for (const double ridge : {0.0, 1e-6}) {
                CAPTURE(weight);
                CAPTURE(ridge);
                auto statistic = fitted<mahalanobis<>>(6, 6, ridge);
                tocsin::random_generator random(7);
                column<double> error = column<double>::Constant(6, 0.25);
                const column<double> direction = sample(random, 6, 0);
                for (int k = 0; k < 30'000; ++k) { // all constant
                    statistic.adapt(span_of(error), weight);
                }
                CHECK(std::isfinite(statistic.score(direction)));
                CHECK(statistic.score(direction) > 0);
                for (int k = 0; k < 30'000; ++k) { // of rank one
                    error = random.normal() * direction;
                    statistic.adapt(span_of(error), weight);
                    REQUIRE(statistic.score(error) >= 0);
                }
                const double along = statistic.score(statistic.mean() + direction);
                column<double> aside = statistic.mean() + direction;
                aside[2] += 1;
                CHECK(std::isfinite(along));
                CHECK(statistic.score(aside) > 10 * along);
                CHECK(std::isfinite(statistic.log_density(aside)));
                std::vector<double> shares(6);
                statistic.shares(span_of(aside), shares);
                CHECK(*std::min_element(shares.begin(), shares.end()) >= 0);
                matrix<double> root = statistic.covariance();
                CHECK((root.diagonal().array() > 0).all());
            }
        }
    }

    TEST_CASE("covariance factor: huge and denormal values leave a usable statistic") {
        const double huge = std::numeric_limits<double>::max();
        const double tiny = std::numeric_limits<double>::denorm_min();
        for (const double scale : {1e-150, 1e-30, 1.0, 1e30, 1e90}) {
            CAPTURE(scale);
            tocsin::random_generator random(8);
            mahalanobis<> statistic(4);
            for (int k = 0; k < 50; ++k) {
                statistic.accumulate((scale * sample(random, 4, 0)).eval());
            }
            REQUIRE(statistic.fit().ok());
            for (int k = 0; k < 5'000; ++k) {
                column<double> error = scale * sample(random, 4, 0);
                if (k % 50 == 7) {
                    const double values[] = {huge,   -huge,         tiny,  -tiny,
                                             1e-310, 1e100 * scale, 1e160, 0.0};
                    error[k % 4] = values[(k / 50) % 8];
                }
                statistic.adapt(span_of(error), 0.01);
                REQUIRE(statistic.score(error) >= 0);
                REQUIRE(std::isfinite(statistic.log_density(error)));
                REQUIRE(statistic.covariance().allFinite());
            }
        }
    }

    TEST_CASE("covariance factor: samples that say nothing change nothing") {
        auto statistic = fitted<mahalanobis<>>(3, 9);
        const auto before = tocsin_test::save(statistic);
        const double nan = std::numeric_limits<double>::quiet_NaN();
        const double infinity = std::numeric_limits<double>::infinity();
        statistic.adapt(span_of(Eigen::Vector3d(1, nan, 2)), 0.1);
        statistic.adapt(span_of(Eigen::Vector3d(1, infinity, 2)), 0.1);
        statistic.adapt(span_of(Eigen::Vector3d(-infinity, 1, 2)), 0.1);
        statistic.adapt(span_of(Eigen::Vector3d(1e200, 1, 2)), 0.1);
        statistic.adapt(span_of(Eigen::Vector3d(1, 1, 2)), 0);
        CHECK(tocsin_test::save(statistic) == before);

        mahalanobis<> not_fitted(3);
        not_fitted.adapt(span_of(Eigen::Vector3d(1, 1, 2)), 0.1);
        CHECK(std::isnan(not_fitted.score(Eigen::Vector3d(1, 1, 2))));
    }

    TEST_CASE("covariance factor: a statistic that was saved continues with the same bits") {
        auto original = fitted<mahalanobis<>>(5, 10);
        tocsin::random_generator random(11);
        for (int k = 0; k < 1'003; ++k) {
            original.adapt(span_of(sample(random, 5, 0.5)), 0.01);
        }
        mahalanobis<> loaded(5);
        const auto content = tocsin_test::save(original);
        REQUIRE(tocsin_test::load(loaded, content).ok());
        std::vector<double> shares(5);
        std::vector<double> loaded_shares(5);
        for (int k = 0; k < 50; ++k) {
            const column<double> error = sample(random, 5, 0.5);
            CHECK(loaded.log_density(error) == original.log_density(error));
            original.shares(span_of(error), shares);
            loaded.shares(span_of(error), loaded_shares);
            CHECK(loaded_shares == shares);
            original.adapt(span_of(error), 0.01);
            loaded.adapt(span_of(error), 0.01);
        }

        const std::vector<std::pair<std::string, std::size_t>> places{
            {"whitening", 0}, {"whitening", 7}, {"whitening", 8}, {"covariance", 6}};
        for (const auto& [name, index] : places) {
            CAPTURE(name);
            CAPTURE(index);
            for (const double wrong : {-1.0, std::numeric_limits<double>::quiet_NaN()}) {
                auto broken = content;
                broken[name][index] = wrong;
                mahalanobis<> refused(5);
                CHECK_FALSE(tocsin_test::load(refused, broken).ok());
                CHECK_FALSE(refused.fitted());
            }
        }
        auto broken = content;
        broken["ridge_element"][0] = 5;
        mahalanobis<> refused(5);
        CHECK_FALSE(tocsin_test::load(refused, broken).ok());

        // A new fit forgets what was adapted to.
        REQUIRE(original.fit().ok());
        auto anew = fitted<mahalanobis<>>(5, 10);
        CHECK(tocsin_test::save(original) == tocsin_test::save(anew));
    }

    TEST_CASE(
        "covariance factor: shares follow mean and variances, and stay where nothing changes") {
        auto statistic = fitted<mahalanobis<>>(4, 12);
        const column<double> error = Eigen::Vector4d(1, -2, 3, 0.5);
        std::vector<double> before(4);
        std::vector<double> after(4);
        statistic.shares(span_of(error), before);
        statistic.adapt(span_of(statistic.mean()), 1e-12);
        statistic.shares(span_of(error), after);
        for (std::size_t i = 0; i < 4; ++i) {
            CHECK(after[i] == doctest::Approx(before[i]).epsilon(1e-9));
        }
        // Ten times the spread of the first feature: its share of one deviation falls.
        tocsin::random_generator random(13);
        for (int k = 0; k < 3'000; ++k) {
            column<double> wide = sample(random, 4, 0);
            wide[0] *= 10;
            statistic.adapt(span_of(wide), 0.01);
        }
        column<double> shifted = statistic.mean();
        shifted[0] += 2;
        shifted[1] += 2;
        statistic.shares(span_of(shifted), after);
        CHECK(after[0] < 0.1);
        CHECK(after[1] > 0.7);
    }
}
