#include "tocsin/metrics/range_based.hpp"
#include "tocsin/metrics/threshold_grid.hpp"

#include <doctest/doctest.h>

#include "support/tsb_reference.hpp"
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

using flags = std::vector<std::uint8_t>;
using tocsin::positional_bias;

TEST_SUITE("metrics") {

    TEST_CASE("precision_recall: F-beta of any beta") {
        const tocsin::precision_recall half{0.5, 0.25};
        CHECK(half.f_beta(0) == 0.5);
        CHECK(half.f_beta(1) == doctest::Approx(1.0 / 3));
        for (const double beta : {1e20, 1e155, std::numeric_limits<double>::infinity()}) {
            CHECK(half.f_beta(beta) == 0.25);
            CHECK(tocsin::precision_recall{0, 0.25}.f_beta(beta) == 0);
        }
        CHECK(std::isnan(half.f_beta(std::nan(""))));
    }

    TEST_CASE("range based: existence, overlap and fragments by hand") {
        const flags labels{0, 1, 1, 1, 1, 0, 0, 1, 1, 0};
        const flags flagged{1, 1, 0, 1, 0, 0, 0, 0, 0, 1};
        const auto score = tocsin::range_based_score(flagged, labels);
        REQUIRE(score.has_value());
        // Half of the first event is covered, in two pieces; the second event is missed.
        CHECK(score->recall == doctest::Approx((0.2 + 0.8 * 0.5 / 2) / 2));
        // Half of the first flagged range, all of the second, nothing of the third.
        CHECK(score->precision == doctest::Approx((0.5 + 1 + 0) / 3));
    }

    TEST_CASE("range based: a flagged range over two events is halved by its fragments") {
        const flags labels{0, 1, 1, 0, 1};
        const flags flagged{1, 1, 1, 1, 1};
        const auto score = tocsin::range_based_score(flagged, labels);
        CHECK(score->precision == doctest::Approx(3.0 / 5 / 2));
        CHECK(score->recall == 1);
    }

    TEST_CASE("range based: the bias weighs the rows of an event") {
        const flags labels{1, 1, 1, 1, 1};
        const flags flagged{0, 1, 1, 0, 0};
        const auto recall = [&](positional_bias bias) {
            return tocsin::range_based_score(flagged, labels,
                                             {.existence_weight = 0, .recall_bias = bias})
                ->recall;
        };
        CHECK(recall(positional_bias::flat) == doctest::Approx(2.0 / 5));
        CHECK(recall(positional_bias::front) == doctest::Approx((4 + 3) / 15.0));
        CHECK(recall(positional_bias::back) == doctest::Approx((2 + 3) / 15.0));
        CHECK(recall(positional_bias::middle) == doctest::Approx((2 + 3) / (1 + 2 + 3 + 2 + 1.0)));
    }

    TEST_CASE("range based: all, nothing, one row") {
        CHECK(tocsin::range_based_score(flags{1, 1}, flags{1, 1})->f_beta(1) == 1);
        CHECK(tocsin::range_based_score(flags{1}, flags{1})->f_beta(1) == 1);
        const auto none = tocsin::range_based_score(flags{0, 0}, flags{0, 1});
        REQUIRE(none.has_value());
        CHECK(none->precision == 0);
        CHECK(none->recall == 0);
    }

    TEST_CASE("range based: no event, a wrong number of flags or weight is refused") {
        const flags labels{0, 1};
        CHECK(tocsin::range_based_score(labels, flags{0, 0}).error().code() ==
              tocsin::error_code::invalid_data);
        CHECK(tocsin::range_based_score(flags{1}, labels).error().code() ==
              tocsin::error_code::invalid_argument);
        for (const double weight : {-0.1, 1.1, std::numeric_limits<double>::quiet_NaN()}) {
            CHECK(tocsin::range_based_score(labels, labels, {.existence_weight = weight})
                      .error()
                      .code() == tocsin::error_code::invalid_argument);
        }
    }

    TEST_CASE("range based: best F1 on the grid equals TSB-AD's R-based-F1") {
        tocsin_test::for_each_tsb_reference(
            "R-based-F1", [](const auto& scores, const auto& labels, double expected, int) {
                const auto best = tocsin::best_on_grid(
                    scores, [&](std::span<const std::uint8_t> flagged) -> tocsin::result<double> {
                        return tocsin::range_based_score(flagged, labels)->f_beta(1);
                    });
                REQUIRE(best.has_value());
                CHECK(best->value == doctest::Approx(expected).scale(1).epsilon(1e-6));
            });
    }
}
