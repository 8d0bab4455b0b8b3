#include "tocsin/core/random.hpp"
#include "tocsin/errors/error_statistic.hpp"
#include "tocsin/errors/mahalanobis.hpp"

#include <Eigen/Cholesky>
#include <doctest/doctest.h>

#include "support/memory_archive.hpp"
#include "support/random_values.hpp"
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <utility>
#include <vector>

// mahalanobis where elements of an error vector are missing or infinite.

using tocsin::mahalanobis;
using tocsin_test::span_of;

namespace {

const double not_a_number = std::numeric_limits<double>::quiet_NaN();
const double infinity = std::numeric_limits<double>::infinity();
const double largest = std::numeric_limits<double>::max();

/// Vectors with a common part, of different spreads.
tocsin::matrix<double> correlated(int dimension, int count, tocsin::random_generator& random) {
    tocsin::matrix<double> samples(dimension, count);
    for (tocsin::index_t c = 0; c < count; ++c) {
        const double common = random.normal();
        for (tocsin::index_t r = 0; r < dimension; ++r) {
            samples(r, c) = static_cast<double>(r % 5 + 1) * (random.normal() + common) + 3;
        }
    }
    return samples;
}

template <int Dimension = tocsin::dynamic>
mahalanobis<Dimension> fitted(int dimension, int count, std::uint64_t seed) {
    tocsin::random_generator random(seed);
    mahalanobis<Dimension> statistic(dimension);
    statistic.accumulate(correlated(dimension, count, random));
    REQUIRE(statistic.fit().ok());
    return statistic;
}

/// Takes `missing` elements away at random places.
void take_away(tocsin::column<double>& error, int missing, tocsin::random_generator& random) {
    while (missing > 0) {
        double& value = error[static_cast<tocsin::index_t>(
            random.below(static_cast<std::uint64_t>(error.size())))];
        missing -= std::isnan(value) ? 0 : 1;
        value = not_a_number;
    }
}

/// The distance of the observed part by its own mean and covariance, by Eigen.
template <class Statistic>
double marginal_distance(const Statistic& statistic, const tocsin::column<double>& error) {
    std::vector<tocsin::index_t> observed;
    for (tocsin::index_t k = 0; k < error.size(); ++k) {
        if (!std::isnan(error[k])) {
            observed.push_back(k);
        }
    }
    const tocsin::matrix<double> covariance = statistic.covariance()(observed, observed);
    const tocsin::column<double> deviation = error(observed) - statistic.mean()(observed);
    return deviation.dot(Eigen::LDLT<tocsin::matrix<double>>(covariance).solve(deviation));
}

/// The shares of the elements.
template <class Statistic>
tocsin::column<double> shares_of(const Statistic& statistic, const tocsin::column<double>& error) {
    tocsin::column<double> shares = tocsin::column<double>::Constant(error.size(), -7);
    statistic.shares(span_of(error),
                     std::span(shares.data(), static_cast<std::size_t>(shares.size())));
    return shares;
}

template <class Statistic>
void check_partial(const Statistic& statistic, int missing, tocsin::random_generator& random) {
    CAPTURE(statistic.dimension());
    CAPTURE(missing);
    tocsin::column<double> error = 2 * correlated(statistic.dimension(), 1, random);
    take_away(error, missing, random);
    CHECK(statistic.score(span_of(error)) ==
          doctest::Approx(marginal_distance(statistic, error)).epsilon(1e-8));
    const auto shares = shares_of(statistic, error);
    CHECK(shares.sum() == doctest::Approx(1).epsilon(1e-12));
    CHECK(shares.minCoeff() >= 0);
    for (tocsin::index_t k = 0; k < error.size(); ++k) {
        CHECK((!std::isnan(error[k]) || shares[k] == 0));
    }
}

template <class Statistic>
bool has_no_score(const Statistic& statistic, const tocsin::column<double>& error) {
    const auto shares = shares_of(statistic, error);
    return std::isnan(statistic.score(span_of(error))) && shares.array().isNaN().all();
}

} // namespace

TEST_SUITE("errors") {

    TEST_CASE("mahalanobis: without some elements, the distance of the others alone") {
        tocsin::random_generator random(1);
        for (int dimension = 2; dimension <= 40; ++dimension) {
            const auto statistic =
                fitted(dimension, 200, static_cast<std::uint64_t>(dimension) + 10);
            for (int missing = 1; missing < dimension; ++missing) {
                check_partial(statistic, missing, random);
            }
        }
        const auto fixed = fitted<7>(7, 200, 2);
        for (int missing = 1; missing < 7; ++missing) {
            check_partial(fixed, missing, random);
        }
    }

    TEST_CASE("mahalanobis: the others are judged by what adapt() made of the fit, too") {
        tocsin::random_generator random(3);
        auto statistic = fitted(6, 100, 4);
        const auto samples = correlated(6, 100, random);
        for (tocsin::index_t c = 0; c < samples.cols(); ++c) {
            statistic.adapt(span_of(samples.col(c)), 0.02);
        }
        for (int missing = 1; missing < 6; ++missing) {
            check_partial(statistic, missing, random);
        }
    }

    TEST_CASE("mahalanobis: with many elements missing and many observed there is no distance") {
        tocsin::random_generator random(5);
        const auto statistic = fitted(220, 600, 6);
        constexpr int most = tocsin::detail::most_missing_elements;
        check_partial(statistic, 1, random);
        check_partial(statistic, most, random);
        check_partial(statistic, 220 - most, random);
        check_partial(statistic, 219, random);
        for (const int missing : {most + 1, 100, 110, 220 - most - 1, 220}) {
            tocsin::column<double> error = correlated(220, 1, random);
            take_away(error, missing, random);
            CHECK(has_no_score(statistic, error));
        }
    }

    TEST_CASE("mahalanobis: with nothing observed there is no distance") {
        for (const int dimension : {1, 2, 40}) {
            CHECK(has_no_score(fitted(dimension, 100, 7),
                               tocsin::column<double>::Constant(dimension, not_a_number)));
        }
    }

    TEST_CASE("mahalanobis: a fault is found and named with another sensor missing") {
        const auto statistic = fitted(10, 500, 9);
        tocsin::column<double> error = statistic.mean();
        error[3] = not_a_number;
        const double normal = statistic.score(span_of(error));
        CHECK(normal == doctest::Approx(0));
        error[7] += 20 * std::sqrt(statistic.covariance()(7, 7));
        CHECK(statistic.score(span_of(error)) >= 400 * (1 - 1e-9));
        const auto shares = shares_of(statistic, error);
        CHECK(shares[7] > 0.5);
    }

    TEST_CASE("mahalanobis: huge finite errors have usable shares with an element missing") {
        const auto statistic = fitted(3, 40, 19);
        for (const double value : {1e200, largest, -largest}) {
            const Eigen::Vector3d error(not_a_number, value, -value);
            CHECK(statistic.score(error) == largest);
            const auto shares = shares_of(statistic, error);
            CHECK(shares.sum() == doctest::Approx(1).epsilon(1e-12));
            CHECK(shares[0] == 0);
        }
    }

    TEST_CASE("mahalanobis: without a deviation of the observed elements all shares are zero") {
        const auto statistic = fitted(3, 40, 20);
        tocsin::column<double> error = statistic.mean();
        error[1] = not_a_number;
        const auto shares = shares_of(statistic, error);
        CHECK(shares == Eigen::Vector3d::Zero());
        CHECK(statistic.score(span_of(error)) == doctest::Approx(0));
    }

    TEST_CASE("mahalanobis: vectors longer than 512 are judged whole") {
        tocsin::random_generator random(10);
        const auto statistic = fitted(520, 700, 11);
        const auto errors = correlated(520, 3, random);
        std::vector<double> together(3);
        statistic.scores(errors, together);
        for (tocsin::index_t c = 0; c < 3; ++c) {
            tocsin::column<double> error = errors.col(c);
            const double score = statistic.score(span_of(error));
            CHECK(score == doctest::Approx(marginal_distance(statistic, error)).epsilon(1e-8));
            CHECK(together[static_cast<std::size_t>(c)] == doctest::Approx(score).epsilon(1e-10));
            error[99] = not_a_number;
            CHECK(has_no_score(statistic, error));
            error[3] = infinity;
            CHECK(statistic.score(span_of(error)) == largest);
            error[99] = 0;
            CHECK(statistic.score(span_of(error)) == largest);
        }
    }

    TEST_CASE("mahalanobis: scores() of many vectors are the bits of score()") {
        tocsin::random_generator random(12);
        for (const int dimension : {1, 2, 3, 7, 8, 33, 64, 130, 512}) {
            CAPTURE(dimension);
            const auto statistic = fitted(dimension, 40, 13);
            const auto errors = correlated(dimension, 21, random);
            std::vector<double> together(21);
            statistic.scores(errors, together);
            for (tocsin::index_t c = 0; c < errors.cols(); ++c) {
                CHECK(together[static_cast<std::size_t>(c)] ==
                      statistic.score(span_of(errors.col(c))));
            }
        }
        auto errors = correlated(3, 2, random);
        errors(1, 0) = not_a_number;
        errors(1, 1) = infinity;
        std::vector<double> together(2);
        fitted(3, 40, 14).scores(errors, together);
        CHECK(std::isnan(together[0]));
        CHECK(std::isnan(together[1]));
    }

    TEST_CASE("mahalanobis: densities belong to whole vectors") {
        const auto statistic = fitted(2, 40, 15);
        CHECK(std::isfinite(statistic.log_density(Eigen::Vector2d(1, 2))));
        CHECK(std::isnan(statistic.log_density(Eigen::Vector2d(1, not_a_number))));
    }

    TEST_CASE("mahalanobis: scoring changes nothing and cannot throw") {
        using span = std::span<const double>;
        static_assert(noexcept(std::declval<const mahalanobis<>&>().score(span{})));
        static_assert(noexcept(std::declval<const mahalanobis<3>&>().score(span{})));
        static_assert(noexcept(std::declval<const mahalanobis<>&>().shares(
            span{}, std::declval<std::span<double>>())));
        static_assert(noexcept(std::declval<mahalanobis<>&>().adapt(span{}, 0.5)));
        static_assert(tocsin::adapting_statistic<mahalanobis<>>);
        auto statistic = fitted(3, 40, 16);
        const auto before = tocsin_test::save(statistic);
        static_cast<void>(statistic.score(Eigen::Vector3d(1, not_a_number, 2)));
        statistic.adapt(span_of(Eigen::Vector3d(1, not_a_number, 2)), 0.1);
        CHECK(tocsin_test::save(statistic) == before);
    }
}
