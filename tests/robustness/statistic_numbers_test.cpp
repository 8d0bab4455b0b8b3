// Any double, at any time, at error statistics: see stream_numbers_test.cpp.
#include "tocsin/errors/diagonal_gaussian.hpp"
#include "tocsin/errors/mahalanobis.hpp"
#include "tocsin/errors/moments.hpp"

#include <doctest/doctest.h>

#include "hostile_numbers.hpp"
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>

using tocsin::random_generator;
using tocsin_test::hostile_number;

namespace {

tocsin::matrix<double> normal_vectors(int count, std::uint64_t seed) {
    random_generator random(seed);
    tocsin::matrix<double> vectors(2, count);
    for (double& value : vectors.reshaped()) {
        value = random.normal();
    }
    return vectors;
}

/// Normal vectors with a hostile element in every fifth, on average.
tocsin::matrix<double> attacked_vectors(int count, std::uint64_t seed) {
    tocsin::matrix<double> vectors = normal_vectors(count, seed);
    random_generator random(seed + 1);
    for (double& value : vectors.reshaped()) {
        value = random() % 10 == 0 ? hostile_number(random) : value;
    }
    return vectors;
}

template <class Statistic>
void check_attacked_fit() {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        Statistic statistic(2);
        statistic.accumulate(attacked_vectors(300, seed));
        REQUIRE(statistic.fit().ok());
        CHECK(statistic.mean().allFinite());
        random_generator random(seed);
        for (int i = 0; i < 300; ++i) {
            const std::array<double, 2> error = {hostile_number(random), random.normal()};
            const double score = statistic.score(error);
            CHECK((std::isfinite(score) && score >= 0));
            statistic.adapt(error, 0.1);
        }
        CHECK(statistic.mean().allFinite());
    }
}

/// Scores are as if nothing had been, so many samples after errors that no sum should take in.
/// @param wrong  errors in a row
/// @param stated samples until then, times the weight
template <class Statistic>
void check_recovery(int wrong, double stated) {
    constexpr double weight = 0.05;
    for (const double huge : {1e13, 1e99, 1e149, 1e200, 1.7e308}) {
        random_generator random(7);
        Statistic attacked(2);
        attacked.accumulate(normal_vectors(300, 1));
        REQUIRE(attacked.fit().ok());
        Statistic clean = attacked;
        for (int i = 0; i < wrong; ++i) {
            attacked.adapt(std::array{i % 2 == 0 ? huge : -huge, 0.3}, weight);
        }
        for (int i = 0; i < stated / weight; ++i) {
            const std::array<double, 2> error = {random.normal(), random.normal()};
            attacked.adapt(error, weight);
            clean.adapt(error, weight);
        }
        const std::array<double, 2> error = {3, -2};
        CHECK(attacked.score(error) == doctest::Approx(clean.score(error)).epsilon(1e-3));
    }
}

} // namespace

TEST_SUITE("robustness") {
    TEST_CASE("moments: vectors beyond the largest input are left out, as those with NaN are") {
        const tocsin::matrix<double> clean = normal_vectors(40, 1);
        tocsin::moments<> expected(2);
        expected.add_batch(clean);
        for (const double hostile : {1.1e100, -1e154, 1e200, -std::numeric_limits<double>::max(),
                                     std::numeric_limits<double>::infinity(), std::nan("")}) {
            tocsin::matrix<double> samples(2, 41);
            samples.leftCols(20) = clean.leftCols(20);
            samples.col(20) << 0.5, hostile;
            samples.rightCols(20) = clean.rightCols(20);
            tocsin::moments<> batch(2);
            batch.add_batch(samples);
            tocsin::moments<> single(2);
            for (tocsin::index_t c = 0; c < samples.cols(); ++c) {
                CHECK(single.add(samples.col(c)) == (c != 20));
            }
            for (const auto* accumulator : {&batch, &single}) {
                CHECK(accumulator->count() == 40);
                CHECK(accumulator->rejected() == 1);
                CHECK(accumulator->agrees(expected));
            }
        }
    }

    TEST_CASE("moments: any doubles leave a finite covariance") {
        for (std::uint64_t seed = 0; seed < 50; ++seed) {
            const tocsin::matrix<double> samples = attacked_vectors(300, seed);
            tocsin::moments<> batch(2);
            batch.add_batch(samples);
            tocsin::moments<> single(2);
            for (tocsin::index_t c = 0; c < samples.cols(); ++c) {
                single.add(samples.col(c));
            }
            for (const auto* accumulator : {&batch, &single}) {
                CHECK(accumulator->count() + accumulator->rejected() == 300);
                CHECK(accumulator->rejected() > 0);
                CHECK(accumulator->mean().allFinite());
                CHECK(accumulator->covariance().allFinite());
            }
            CHECK(batch.rejected() == single.rejected());
        }
    }

    TEST_CASE("diagonal Gaussian: vectors beyond the largest input are left out") {
        tocsin::diagonal_gaussian<> attacked(2);
        tocsin::diagonal_gaussian<> expected(2);
        const tocsin::matrix<double> clean = normal_vectors(40, 1);
        attacked.accumulate(clean);
        attacked.accumulate(Eigen::Vector2d(1e200, 0));
        attacked.accumulate(Eigen::Vector2d(0, -1.7e308));
        expected.accumulate(clean);
        REQUIRE(attacked.fit().ok());
        REQUIRE(expected.fit().ok());
        CHECK(attacked.rejected() == 2);
        CHECK(attacked.mean() == expected.mean());
        CHECK(attacked.variance() == expected.variance());
    }

    TEST_CASE("error statistics: are finite after any doubles") {
        check_attacked_fit<tocsin::mahalanobis<>>();
        check_attacked_fit<tocsin::diagonal_gaussian<>>();
    }

    TEST_CASE("error statistics: adapting recovers from any errors, as soon as stated") {
        check_recovery<tocsin::mahalanobis<>>(1, 70);
        check_recovery<tocsin::diagonal_gaussian<>>(1, 70);
        check_recovery<tocsin::mahalanobis<>>(100, 700);
        check_recovery<tocsin::diagonal_gaussian<>>(100, 500);
    }
}
