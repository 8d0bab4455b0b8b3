#include "tocsin/metrics/ranking.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cstdint>
#include <limits>
#include <string_view>
#include <vector>

TEST_SUITE("metrics") {

    TEST_CASE("ranking: distinct scores come from highest to lowest with their ties counted") {
        const double infinity = std::numeric_limits<double>::infinity();
        const std::vector<double> scores{0.0, 2.0, -infinity, 2.0, -0.0, infinity, 2.0};
        const std::vector<std::uint8_t> labels{1, 0, 0, 1, 0, 1, 7};
        const auto ranked = tocsin::detail::rank_scores("test", scores, labels);
        REQUIRE(ranked.has_value());
        std::vector<std::array<double, 3>> seen;
        tocsin::detail::for_each_distinct_score(*ranked, [&](double score, std::int64_t normal,
                                                             std::int64_t anomalous) {
            seen.push_back({score, static_cast<double>(normal), static_cast<double>(anomalous)});
        });
        REQUIRE(seen.size() == 4);
        CHECK(seen[0] == std::array<double, 3>{infinity, 0, 1});
        CHECK(seen[1] == std::array<double, 3>{2, 1, 2});
        CHECK(seen[2] == std::array<double, 3>{0, 1, 1}); // 0.0 and -0.0 are one score
        CHECK(seen[3] == std::array<double, 3>{-infinity, 1, 0});
    }

    TEST_CASE("ranking: no scores are ranked as nothing") {
        const auto ranked = tocsin::detail::rank_scores("test", {}, {});
        REQUIRE(ranked.has_value());
        int visits = 0;
        tocsin::detail::for_each_distinct_score(
            *ranked, [&](double, std::int64_t, std::int64_t) { ++visits; });
        CHECK(visits == 0);
    }

    TEST_CASE("ranking: a NaN score is refused with its position") {
        const std::vector<double> scores{0.0, 1.0, std::numeric_limits<double>::quiet_NaN()};
        const std::vector<std::uint8_t> labels{1, 0, 0};
        const auto ranked = tocsin::detail::rank_scores("test", scores, labels);
        REQUIRE_FALSE(ranked.has_value());
        CHECK(ranked.error().code() == tocsin::error_code::invalid_data);
        CHECK(std::string_view{ranked.error().message()} == "test: score 2 is NaN");
    }
}
