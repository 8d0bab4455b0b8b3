#include "tocsin/comparators/linear_autoregression.hpp"
#include "tocsin/core/random.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace {

static_assert(tocsin::sample_scorer<tocsin::linear_autoregression>);

/// x(t) = .6 x(t - 1) - .3 x(t - 2) + 2 u(t - 1) + 5 + noise, with random u.
tocsin::matrix<double> driven_series(tocsin::index_t samples, double noise, unsigned seed) {
    tocsin::random_generator random(seed);
    tocsin::matrix<double> values = tocsin::matrix<double>::Zero(2, samples);
    for (tocsin::index_t t = 0; t < samples; ++t) {
        values(1, t) = random.normal();
        if (t >= 2) {
            values(0, t) = 0.6 * values(0, t - 1) - 0.3 * values(0, t - 2) + 2 * values(1, t - 1) +
                           5 + noise * random.normal();
        }
    }
    return values;
}

std::span<const double> sample(const tocsin::matrix<double>& values, tocsin::index_t t) {
    return {values.col(t).data(), static_cast<std::size_t>(values.rows())};
}

} // namespace

TEST_SUITE("comparators") {
    TEST_CASE("linear_autoregression: finds the noise of a driven process and ignores the input") {
        const auto values = driven_series(4000, 0.1, 1);
        tocsin::linear_autoregression scorer({.order = 2, .targets = 1, .relative_ridge = 1e-9});
        REQUIRE(scorer.fit(values.leftCols(3000)).ok());
        CHECK(scorer.targets() == 1);
        CHECK(scorer.error_scale()[0] == doctest::Approx(0.1).epsilon(0.05));
        std::vector<double> scores(1000);
        REQUIRE(tocsin::score_samples(scorer, values.rightCols(1000), scores).ok());
        CHECK(std::isnan(scores[1]));
        double squares = 0;
        for (std::size_t t = 2; t < 1000; ++t) {
            squares += scores[t] * scores[t];
        }
        CHECK(squares / 998 == doctest::Approx(1).epsilon(0.1));
        // Without the input, its variance of 4 is noise.
        tocsin::linear_autoregression blind({.order = 2, .targets = 1, .relative_ridge = 1e-9});
        REQUIRE(blind.fit(values.topRows(1).leftCols(3000)).ok());
        CHECK(blind.error_scale()[0] == doctest::Approx(2).epsilon(0.1));
    }

    TEST_CASE("linear_autoregression: the error is what was measured less what was predicted") {
        const auto values = driven_series(500, 0, 2);
        tocsin::linear_autoregression scorer({.order = 3, .targets = 1, .relative_ridge = 1e-10});
        REQUIRE(scorer.fit(values).ok());
        for (tocsin::index_t t = 0; t < 3; ++t) {
            CHECK(std::isnan(scorer.push(sample(values, t))));
            CHECK(std::isnan(scorer.errors()[0]));
        }
        tocsin::column<double> jump = values.col(3);
        jump[0] += 7;
        scorer.push({jump.data(), 2});
        CHECK(scorer.errors()[0] == doctest::Approx(7).epsilon(1e-5));
    }

    TEST_CASE("linear_autoregression: a missing value has no score and is held") {
        auto values = driven_series(200, 0.1, 3);
        tocsin::linear_autoregression scorer({.order = 1});
        REQUIRE(scorer.fit(values).ok());
        CHECK(scorer.targets() == 2);
        scorer.push(sample(values, 9));
        tocsin::column<double> missing = values.col(10);
        missing[1] = std::numeric_limits<double>::quiet_NaN();
        CHECK(std::isnan(scorer.push({missing.data(), 2})));
        CHECK(std::isfinite(scorer.errors()[0]));
        const double after = scorer.push(sample(values, 11));
        scorer.reset();
        missing[1] = values(1, 9);
        scorer.push({missing.data(), 2});
        CHECK(scorer.push(sample(values, 11)) == after);
    }

    TEST_CASE("linear_autoregression: constant features and one-hot columns can be solved") {
        tocsin::matrix<double> values = driven_series(300, 0.1, 4);
        values.conservativeResize(4, 300);
        values.row(2).setConstant(1);
        values.row(3) = values.row(1);
        tocsin::linear_autoregression scorer({.order = 4, .targets = 1});
        REQUIRE(scorer.fit(values).ok());
        CHECK(scorer.error_scale()[0] < 0.2);
    }

    TEST_CASE("linear_autoregression: what was moved from has no fit") {
        const auto values = driven_series(300, 0.1, 4);
        tocsin::linear_autoregression first({.order = 4});
        tocsin::linear_autoregression second({.order = 4});
        REQUIRE(first.fit(values).ok());
        REQUIRE(second.fit(values).ok());
        first = std::move(second);
        CHECK(first.features() == 2);
        // NOLINTBEGIN(bugprone-use-after-move,hicpp-invalid-access-moved): what is left of it
        CHECK(second.features() == 0);
        CHECK(std::isnan(second.push(sample(values, 0))));
        tocsin::detail::hash_archive archive;
        archive.object("second", second);
        // NOLINTEND(bugprone-use-after-move,hicpp-invalid-access-moved)
    }

    TEST_CASE("linear_autoregression: refuses settings out of range and too few samples") {
        const auto values = driven_series(10, 0.1, 5);
        const auto fits = [&](tocsin::autoregression_settings settings) {
            return tocsin::linear_autoregression(settings).fit(values).ok();
        };
        CHECK(fits({.order = 8}));
        CHECK_FALSE(fits({.order = 9}));
        CHECK_FALSE(fits({.order = 0}));
        CHECK_FALSE(fits({.order = 1, .targets = 3}));
        CHECK_FALSE(fits({.order = 1, .relative_ridge = 0}));
        tocsin::linear_autoregression scorer;
        CHECK(std::isnan(scorer.push(sample(values, 0))));
    }
}
