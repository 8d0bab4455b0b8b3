#include "tocsin/metrics/row_ranges.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <string_view>
#include <vector>

using tocsin::row_range;

TEST_SUITE("metrics") {

    TEST_CASE("row ranges: runs of flags, at both ends too") {
        const std::vector<std::uint8_t> flags{1, 1, 0, 7, 0, 0, 1};
        CHECK(tocsin::runs_of(flags) == std::vector<row_range>{{0, 2}, {3, 4}, {6, 7}});
        CHECK(tocsin::runs_of(std::vector<std::uint8_t>{1, 1, 1}) ==
              std::vector<row_range>{{0, 3}});
        CHECK(tocsin::runs_of(std::vector<std::uint8_t>{0, 0}).empty());
        CHECK(tocsin::runs_of({}).empty());
    }

    TEST_CASE("row ranges: neighbours do not overlap, a shared row does") {
        CHECK_FALSE(row_range{0, 3}.overlaps({3, 5}));
        CHECK_FALSE(row_range{3, 5}.overlaps({0, 3}));
        CHECK(row_range{0, 4}.overlaps({3, 5}));
        CHECK(row_range{0, 9}.overlaps({3, 5}));
        CHECK(row_range{3, 5}.size() == 2);
    }

    TEST_CASE("row ranges: empty, overlapping, unordered and negative ones are refused") {
        const auto check = [](const std::vector<row_range>& ranges) {
            return tocsin::detail::check_ordered("test", "event", ranges);
        };
        CHECK(check({}).ok());
        CHECK(check({{0, 2}, {2, 3}}).ok());
        CHECK(check({{2, 2}}).code() == tocsin::error_code::invalid_argument);
        CHECK_FALSE(check({{-1, 2}}).ok());
        CHECK_FALSE(check({{4, 5}, {1, 2}}).ok());
        CHECK(std::string_view{check({{0, 3}, {2, 5}}).message()} ==
              "test: event 1 has the rows 2 to 5 (exclusive), which are none, or start before "
              "row 3");
    }
}
