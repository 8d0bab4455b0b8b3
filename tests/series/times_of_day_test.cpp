#include "tocsin/series/times_of_day.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

TEST_SUITE("series") {
    TEST_CASE("times_of_day: over midnight the day goes on") {
        tocsin::times_of_day day;
        CHECK(day.advance(86398) == 86398);
        CHECK(std::isnan(day.advance(std::numeric_limits<double>::quiet_NaN())));
        CHECK(day.advance(1) == 86401);
        CHECK(day.advance(64800) == 86400 + 64800);
        CHECK(day.advance(28800) == 2 * 86400 + 28800); // from 18:00 to 08:00
    }

    TEST_CASE("times_of_day: a small step back is none over midnight") {
        tocsin::times_of_day day;
        CHECK(day.advance(40000) == 40000);
        CHECK(day.advance(39990) == 39990);
        CHECK(day.advance(36400) == 36400); // the clock was set back by an hour
    }

    TEST_CASE("times_of_day: with the newest first, days go back") {
        tocsin::times_of_day day{true};
        CHECK(day.advance(5) == 5);
        CHECK(day.advance(86399) == -1);
        CHECK(day.advance(86390) == -10);
    }
}
