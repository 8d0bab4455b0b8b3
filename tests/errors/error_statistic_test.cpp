#include "tocsin/errors/diagonal_gaussian.hpp"
#include "tocsin/errors/error_statistic.hpp"
#include "tocsin/errors/mahalanobis.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <span>

namespace {

/// The smallest statistic: the squared length of the error, nothing learned.
struct squared_length {
    int elements = 2;

    int dimension() const noexcept { return elements; }
    void reset() {}
    template <class Derived>
    void accumulate(const Eigen::MatrixBase<Derived>&) {}
    tocsin::status fit() { return {}; }
    template <class Derived>
    double squared_distance(const Eigen::MatrixBase<Derived>& error) noexcept {
        return static_cast<double>(error.squaredNorm());
    }
    template <class Derived>
    void shares(const Eigen::MatrixBase<Derived>& error, std::span<double> out) noexcept {
        for (tocsin::index_t i = 0; i < error.size(); ++i) {
            const auto element = static_cast<double>(error(i));
            out[static_cast<std::size_t>(i)] =
                element * element / static_cast<double>(error.squaredNorm());
        }
    }
    template <class Archive>
    void exchange(Archive&) {}
};

/// Almost the same, but its distance may throw.
struct distance_may_throw : squared_length {
    template <class Derived>
    double squared_distance(const Eigen::MatrixBase<Derived>& error) {
        return static_cast<double>(error.squaredNorm());
    }
};

/// Cannot be saved.
struct without_exchange {
    int dimension() const noexcept { return 1; }
    void reset() {}
    void accumulate(const tocsin::matrix_view<const double>&) {}
    tocsin::status fit() { return {}; }
    double squared_distance(const tocsin::vector_view<const double>&) noexcept { return 0; }
    void shares(const tocsin::vector_view<const double>&, std::span<double>) noexcept {}
};

static_assert(tocsin::error_statistic<squared_length>);
static_assert(tocsin::error_statistic<squared_length, float>);
static_assert(!tocsin::error_statistic<distance_may_throw>);
static_assert(!tocsin::error_statistic<without_exchange>);
static_assert(!tocsin::error_statistic<int>);

/// What a detector does with a statistic.
template <tocsin::error_statistic Statistic>
double distance_of_outlier(Statistic statistic) {
    tocsin::matrix<double> errors(2, 4);
    errors << 1, 2, 1, 2, 3, 3, 4, 4;
    statistic.accumulate(errors.leftCols(2));
    statistic.accumulate(errors.rightCols(2));
    REQUIRE(statistic.fit().ok());
    const Eigen::Vector2d outlier(30, 3.5);
    std::array<double, 2> shares{};
    statistic.shares(outlier, shares);
    CHECK(shares[0] > 0.9);
    return statistic.squared_distance(outlier);
}

} // namespace

TEST_SUITE("errors") {

    TEST_CASE_TEMPLATE("error statistic: every statistic serves the same caller", Statistic,
                       tocsin::mahalanobis<>, tocsin::mahalanobis<2>, tocsin::diagonal_gaussian<>,
                       tocsin::diagonal_gaussian<2>, squared_length) {
        static_assert(tocsin::error_statistic<Statistic, float>);
        static_assert(tocsin::error_statistic<Statistic, double>);
        CHECK(Statistic{2}.dimension() == 2);
        CHECK(distance_of_outlier(Statistic{2}) > 800);
    }

    TEST_CASE("error statistic: without correlation both statistics agree") {
        CHECK(distance_of_outlier(tocsin::mahalanobis<2>{}) ==
              doctest::Approx(distance_of_outlier(tocsin::diagonal_gaussian<2>{})).epsilon(1e-12));
    }

    TEST_CASE_TEMPLATE("error statistic: an expression of Eigen is evaluated once", Statistic,
                       tocsin::mahalanobis<>, tocsin::diagonal_gaussian<>) {
        // Each evaluation of this expression gives other values.
        Statistic statistic(3);
        statistic.accumulate(tocsin::matrix<double>::Random(3, 40));
        CHECK(statistic.fit().ok());
        CHECK(statistic.squared_distance(tocsin::column<double>::Random(3)) >= 0);
    }
}
