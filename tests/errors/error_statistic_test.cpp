#include "tocsin/core/views.hpp"
#include "tocsin/errors/diagonal_gaussian.hpp"
#include "tocsin/errors/error_statistic.hpp"
#include "tocsin/errors/mahalanobis.hpp"

#include <doctest/doctest.h>

#include "support/random_values.hpp"
#include <array>
#include <cstddef>
#include <memory>
#include <span>

using tocsin_test::span_of;

namespace {

/// The smallest statistic, of plain functions: the squared length of the error, nothing learned.
struct squared_length {
    static constexpr const char* kind = "squared_length";
    int elements = 2;

    int dimension() const noexcept { return elements; }
    void accumulate(std::span<const double> /*errors*/) {}
    tocsin::status fit() { return {}; }
    double score(std::span<const double> error) const noexcept {
        double sum = 0;
        for (const double element : error) {
            sum += element * element;
        }
        return sum;
    }
};

// Almost the same, each without one thing that is required.
struct without_kind {
    int dimension() const noexcept { return 1; }
    void accumulate(std::span<const double>) {}
    tocsin::status fit() { return {}; }
    double score(std::span<const double>) const noexcept { return 0; }
};
struct kind_is_a_number : squared_length {
    static constexpr int kind = 3;
};
struct cannot_be_copied : squared_length {
    std::unique_ptr<int> memory;
};
struct dimension_may_throw : squared_length {
    int dimension() const { return 2; }
};
struct dimension_is_not_const : squared_length {
    int dimension() noexcept { return 2; }
};
struct accumulates_matrices : squared_length {
    void accumulate(const tocsin::matrix<double>&) {}
};
struct fit_says_nothing : squared_length {
    void fit() {}
};
struct score_may_throw : squared_length {
    double score(std::span<const double>) const { return 0; }
};
struct score_is_not_const : squared_length {
    double score(std::span<const double>) noexcept { return 0; }
};
struct score_is_a_float : squared_length {
    float score(std::span<const double>) const noexcept { return 0; }
};
struct scores_matrices : squared_length {
    double score(const tocsin::matrix<double>&) const noexcept { return 0; }
};

static_assert(tocsin::error_statistic<squared_length>);
static_assert(!tocsin::error_statistic<without_kind>);
static_assert(!tocsin::error_statistic<kind_is_a_number>);
static_assert(!tocsin::error_statistic<cannot_be_copied>);
static_assert(!tocsin::error_statistic<dimension_may_throw>);
static_assert(!tocsin::error_statistic<dimension_is_not_const>);
static_assert(!tocsin::error_statistic<accumulates_matrices>);
static_assert(!tocsin::error_statistic<fit_says_nothing>);
static_assert(!tocsin::error_statistic<score_may_throw>);
static_assert(!tocsin::error_statistic<score_is_not_const>);
static_assert(!tocsin::error_statistic<score_is_a_float>);
static_assert(!tocsin::error_statistic<scores_matrices>);
static_assert(!tocsin::error_statistic<int>);

struct follows_a_stream : squared_length {
    void adapt(std::span<const double>, double) noexcept {}
};
struct adapt_may_throw : squared_length {
    void adapt(std::span<const double>, double) {}
};
struct no_statistic_but_adapts {
    void adapt(std::span<const double>, double) noexcept {}
};
static_assert(tocsin::adapting_statistic<follows_a_stream>);
static_assert(!tocsin::adapting_statistic<squared_length>);
static_assert(!tocsin::adapting_statistic<adapt_may_throw>);
static_assert(!tocsin::adapting_statistic<no_statistic_but_adapts>);
static_assert(tocsin::adapting_statistic<tocsin::mahalanobis<>>);
static_assert(tocsin::adapting_statistic<tocsin::diagonal_gaussian<4>>);

/// What a detector does with a statistic.
template <tocsin::error_statistic Statistic>
double score_of_outlier(Statistic statistic) {
    tocsin::matrix<double> errors(2, 4);
    errors << 1, 2, 1, 2, 3, 3, 4, 4;
    statistic.accumulate(span_of(errors).first(4)); // two vectors
    statistic.accumulate(span_of(errors).last(4));
    REQUIRE(statistic.fit().ok());
    const std::array<double, 2> outlier{30, 3.5};
    if constexpr (requires(std::span<double> out) { statistic.shares(outlier, out); }) {
        std::array<double, 2> shares{};
        statistic.shares(outlier, shares);
        CHECK(shares[0] > 0.9);
    }
    const Statistic& fitted = statistic;
    return fitted.score(outlier);
}

} // namespace

TEST_SUITE("errors") {

    TEST_CASE_TEMPLATE("error statistic: every statistic serves the same caller", Statistic,
                       tocsin::mahalanobis<>, tocsin::mahalanobis<2>, tocsin::diagonal_gaussian<>,
                       tocsin::diagonal_gaussian<2>, squared_length) {
        CHECK(Statistic{2}.dimension() == 2);
        CHECK(score_of_outlier(Statistic{2}) > 800);
    }

    TEST_CASE("error statistic: without correlation both statistics agree") {
        CHECK(score_of_outlier(tocsin::mahalanobis<2>{}) ==
              doctest::Approx(score_of_outlier(tocsin::diagonal_gaussian<2>{})).epsilon(1e-12));
    }

    TEST_CASE_TEMPLATE("error statistic: vectors that lie one after the other are columns",
                       Statistic, tocsin::mahalanobis<>, tocsin::diagonal_gaussian<>) {
        const tocsin::matrix<double> errors = tocsin::matrix<double>::Random(3, 40);
        Statistic by_span(3);
        by_span.accumulate(span_of(errors));
        Statistic by_matrix(3);
        by_matrix.accumulate(errors);
        REQUIRE(by_span.fit().ok());
        REQUIRE(by_matrix.fit().ok());
        CHECK(by_span.mean() == by_matrix.mean());
        CHECK(by_span.score(Eigen::Vector3d(1, 2, 3)) == by_matrix.score(Eigen::Vector3d(1, 2, 3)));
    }

    TEST_CASE_TEMPLATE("error statistic: an expression of Eigen is evaluated once", Statistic,
                       tocsin::mahalanobis<>, tocsin::diagonal_gaussian<>) {
        // Each evaluation of this expression gives other values.
        Statistic statistic(3);
        statistic.accumulate(tocsin::matrix<double>::Random(3, 40));
        CHECK(statistic.fit().ok());
        CHECK(statistic.score(tocsin::column<double>::Random(3)) >= 0);
    }
}
