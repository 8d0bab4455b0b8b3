#include "tocsin/metrics/threshold_grid.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

using flag_span = std::span<const std::uint8_t>;

TEST_SUITE("metrics") {

    TEST_CASE("threshold grid: thresholds run from the smallest to the largest score") {
        std::vector<std::vector<std::uint8_t>> seen;
        const std::vector<double> scores{2, 0, 1};
        const auto best = tocsin::best_on_grid(
            scores,
            [&](flag_span flags) -> tocsin::result<double> {
                seen.emplace_back(flags.begin(), flags.end());
                return static_cast<double>(std::count(flags.begin(), flags.end(), 1) == 1);
            },
            3);
        REQUIRE(best.has_value());
        CHECK(seen == std::vector<std::vector<std::uint8_t>>{{1, 0, 1}, {1, 0, 0}, {0, 0, 0}});
        CHECK(best->threshold == 1);
        CHECK(best->value == 1);
    }

    TEST_CASE("threshold grid: the lowest of equal thresholds, and never NaN") {
        const std::vector<double> scores{0, 1, 2, 3};
        int calls = 0;
        const auto metric = [&](flag_span) -> tocsin::result<double> {
            return calls++ == 0 ? std::numeric_limits<double>::quiet_NaN() : -1.0;
        };
        const auto best = tocsin::best_on_grid(scores, metric, 4);
        CHECK(best->threshold == 1);
        CHECK(best->value == -1);
        CHECK(calls == 4);
        const auto nothing = tocsin::best_on_grid(scores, [](flag_span) -> tocsin::result<double> {
            return std::numeric_limits<double>::quiet_NaN();
        });
        REQUIRE(nothing.has_value());
        CHECK(std::isnan(nothing->value));
    }

    TEST_CASE("threshold grid: the last threshold is the largest score, however steps round") {
        for (int i = 1; i < 300; ++i) {
            const std::vector<double> scores{0, i * 0.1};
            std::uint8_t last = 1;
            const auto best =
                tocsin::best_on_grid(scores, [&](flag_span flags) -> tocsin::result<double> {
                    last = flags[1];
                    return 0.0;
                });
            REQUIRE(best.has_value());
            CHECK(last == 0);
        }
    }

    TEST_CASE("threshold grid: constant scores and one score are never flagged") {
        const auto flagged = [](flag_span flags) -> tocsin::result<double> {
            return static_cast<double>(std::count(flags.begin(), flags.end(), 1));
        };
        CHECK(tocsin::best_on_grid(std::vector<double>{4, 4, 4}, flagged)->value == 0);
        CHECK(tocsin::best_on_grid(std::vector<double>{4}, flagged)->value == 0);
    }

    TEST_CASE("threshold grid: bad scores and failures of the metric are returned") {
        const auto metric = [](flag_span) -> tocsin::result<double> {
            return tocsin::status::error(tocsin::error_code::not_ready, "no");
        };
        const double nan = std::numeric_limits<double>::quiet_NaN();
        const std::vector<double> good{1, 2};
        CHECK(tocsin::best_on_grid(good, metric).error().code() == tocsin::error_code::not_ready);
        CHECK(tocsin::best_on_grid(good, metric, 1).error().code() ==
              tocsin::error_code::invalid_argument);
        CHECK(tocsin::best_on_grid({}, metric).error().code() == tocsin::error_code::invalid_data);
        CHECK(tocsin::best_on_grid(std::vector<double>{1, nan}, metric).error().code() ==
              tocsin::error_code::invalid_data);
    }
}
