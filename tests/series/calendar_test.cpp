#include "tocsin/series/calendar.hpp"

#include <doctest/doctest.h>

#include "support/allocation_counter.hpp"
#include <cmath>
#include <limits>
#include <numbers>
#include <string>
#include <string_view>
#include <vector>

using namespace tocsin;

namespace {

constexpr double day = 86400;
/// 2016-08-03 11:49:00, a Wednesday.
constexpr double wednesday = 1470224940;

std::vector<double> features_of(const calendar_settings& settings, double time) {
    std::vector<double> all(static_cast<std::size_t>(settings.feature_count()), -99);
    calendar_features(settings, time, std::span<double>(all));
    return all;
}
std::vector<double> numbers_of(double time, double offset = 0) {
    return features_of({.form = calendar_form::number, .utc_offset = offset}, time);
}

} // namespace

TEST_SUITE("series") {

    TEST_CASE("calendar: hour, minute, weekday, day and month of known dates") {
        CHECK(numbers_of(wednesday) == std::vector<double>{11, 49, 2, 3, 8});
        CHECK(numbers_of(0) == std::vector<double>{0, 0, 3, 1, 1});               // a Thursday
        CHECK(numbers_of(-1) == std::vector<double>{23, 59, 2, 31, 12});          // 1969
        CHECK(numbers_of(951782400 + 59) == std::vector<double>{0, 0, 1, 29, 2}); // 2000-02-29
        CHECK(numbers_of(951782400 + day) == std::vector<double>{0, 0, 2, 1, 3});
        CHECK(numbers_of(4107542400) == std::vector<double>{0, 0, 0, 1, 3}); // 2100-03-01, no leap
    }

    TEST_CASE("calendar: the offset moves the clock, and the date with it") {
        CHECK(numbers_of(wednesday, 2 * 3600) == std::vector<double>{13, 49, 2, 3, 8});
        CHECK(numbers_of(wednesday, -12 * 3600) == std::vector<double>{23, 49, 1, 2, 8});
        CHECK(numbers_of(0, -3600) == std::vector<double>{23, 0, 2, 31, 12});
    }

    TEST_CASE("calendar: sine and cosine lie on the circle, without a jump at midnight or at the "
              "end of a month or year") {
        const calendar_settings cyclic;
        CHECK(cyclic.feature_count() == 10);
        const auto at_six = features_of({.parts = {calendar_part::hour}}, 6 * 3600);
        CHECK(at_six[0] == doctest::Approx(1));
        CHECK(std::abs(at_six[1]) < 1e-12);
        const double new_year = 1483228800; // 2017-01-01, a Sunday
        const double monday = new_year + day;
        for (const double midnight : {new_year, monday, new_year + 31 * day}) {
            const auto before = features_of(cyclic, midnight - 1);
            const auto after = features_of(cyclic, midnight);
            for (std::size_t k = 0; k < before.size(); ++k) {
                CHECK(std::abs(before[k] - after[k]) < 0.002);
                if (k % 2 == 0) {
                    CHECK(before[k] * before[k] + before[k + 1] * before[k + 1] ==
                          doctest::Approx(1));
                }
            }
        }
        const auto both = features_of(
            {.parts = {calendar_part::weekday}, .form = calendar_form::both}, monday + day / 2);
        REQUIRE(both.size() == 3);
        CHECK(both[0] == 0);
        CHECK(both[1] == doctest::Approx(std::sin(2 * std::numbers::pi * 0.5 / 7)));
    }

    TEST_CASE("calendar: features stand below the values, with a name each") {
        matrix<float> values(2, 3);
        values << 1, 2, 3, 4, 5, 6;
        const std::vector<double> times{wednesday, std::nan(""), wednesday + 60};
        const calendar_settings settings{.parts = {calendar_part::minute, calendar_part::month},
                                         .form = calendar_form::number};
        const auto all = with_calendar(values, times, settings);
        REQUIRE(all.ok());
        REQUIRE(all->rows() == 4);
        CHECK(all->topRows(2) == values);
        CHECK((*all)(2, 0) == 49);
        CHECK((*all)(2, 2) == 50);
        CHECK((*all)(3, 2) == 8);
        CHECK(std::isnan((*all)(2, 1)));
        CHECK(std::isnan((*all)(3, 1)));
        CHECK(settings.names() == std::vector<std::string>{"minute", "month"});
        CHECK(calendar_settings{.parts = {calendar_part::day}}.names() ==
              std::vector<std::string>{"day_sine", "day_cosine"});
    }

    TEST_CASE("calendar: times that cannot be are missing, wrong settings and sizes are named") {
        for (const double time : {std::numeric_limits<double>::infinity(), 1e300, -1e13}) {
            for (const double value : features_of({.form = calendar_form::both}, time)) {
                CHECK(std::isnan(value));
            }
        }
        const matrix<double> values = matrix<double>::Zero(1, 2);
        const std::vector<double> times{0, 1};
        const auto says = [](const auto& outcome, std::string_view part) {
            return !outcome.ok() &&
                   std::string_view(outcome.error().message()).find(part) != std::string_view::npos;
        };
        CHECK(says(with_calendar(values, std::span(times).first(1)), "1 times for 2 samples"));
        CHECK(says(with_calendar(values, times, {.parts = {}}), "no part"));
        CHECK(says(with_calendar(values, times, {.utc_offset = 1e6}), "1e+06 seconds"));
        CHECK(says(with_calendar(values, times, {.utc_offset = std::nan("")}), "nan seconds"));
    }

    TEST_CASE("calendar: the features of a time allocate nothing") {
        const calendar_settings settings{.form = calendar_form::both};
        double all[15] = {};
        CHECK(tocsin_test::allocations_during(
                  [&] { calendar_features(settings, wednesday, std::span<double>(all)); }) == 0);
        CHECK(all[0] == 11);
    }
}
