#include "tocsin/io/time_unit.hpp"
#include "tocsin/io/timestamp_stream.hpp"
#include "tocsin/io/timestamps.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstddef>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using tocsin::parse_date_time;
using tocsin::timestamp_kind;
using tocsin::timestamp_reader;

namespace {

double seconds_of(std::string_view text) {
    const auto time = parse_date_time(text);
    return time ? time->seconds : std::nan("");
}

constexpr double new_year_2024 = 1704067200; // date -u -d 2024-01-01 +%s

} // namespace

TEST_SUITE("io") {
    TEST_CASE("timestamps: short dates of digits, where all samples are") {
        using texts = std::vector<std::string_view>;
        const auto days = timestamp_reader::from_samples(texts{"20231231", "", "20240101"});
        CHECK(days.kind() == timestamp_kind::local);
        CHECK(days.seconds("20240101") == new_year_2024);
        CHECK(days.seconds("20240102") == new_year_2024 + 86400);
        CHECK(std::isnan(days.seconds("20240132")));
        const auto hours = timestamp_reader::from_samples(texts{"2023123123", "2024010100"});
        CHECK(hours.kind() == timestamp_kind::local);
        CHECK(hours.seconds("2024010101") == new_year_2024 + 3600);
        // Counters, seconds since 1970, and a single number say nothing of the kind.
        for (const auto& numbers : {texts{"20240130", "20240131", "20240132"},
                                    texts{"20240101", "202401020"}, texts{"20240101"}}) {
            CHECK(timestamp_reader::from_samples(numbers).kind() == timestamp_kind::plain);
        }
        for (const auto& seconds :
             {texts{"1900010101", "1900010102"}, texts{"2024010159", "2024010160"}}) {
            CHECK(timestamp_reader::from_samples(seconds).kind() == timestamp_kind::seconds);
        }
    }

    TEST_CASE("timestamps: dates that spreadsheets keep as numbers of days") {
        using texts = std::vector<std::string>;
        using tocsin::serial_dates;
        const auto in_steps = [](double first, double step, int decimals, int count) {
            texts all;
            for (int k = 0; k < count; ++k) {
                char text[40];
                std::snprintf(text, sizeof text, "%.*f", decimals, first + step * k);
                all.emplace_back(text);
            }
            return all;
        };
        for (const auto& days :
             {in_steps(45292, 5.0 / 1440, 5, 20), // five minutes
              in_steps(45292, 1.0 / 86400, 10, 20), in_steps(45292.25, 1. / 24, 4, 40),
              in_steps(45292.0, 10.0 / 86400, 10, 20)}) {
            CAPTURE(days[1]);
            const auto reader = timestamp_reader::from_samples(days);
            CHECK(reader.serial());
            CHECK(reader.kind() == timestamp_kind::local);
            CHECK(reader.seconds("45292") == new_year_2024);
            CHECK(reader.seconds("45292.5") == new_year_2024 + 43200);
            CHECK(reader.seconds("45292,0034722222") == new_year_2024 + 300);
            CHECK(std::isnan(reader.seconds("noon")));
            CHECK(std::isnan(reader.seconds("-1")));
            CHECK_FALSE(timestamp_reader::from_samples(days, serial_dates::never).serial());
        }
        // Seconds of a counter; days in whole numbers, halves and quarters look the same.
        for (const auto& either :
             {in_steps(45292, 1, 0, 20), in_steps(45292, 0.5, 6, 20), in_steps(45292, 0.001, 3, 20),
              in_steps(45292.5, 0.25, 2, 20), in_steps(45292, 0.0625, 4, 40)}) {
            CAPTURE(either[1]);
            const auto reader = timestamp_reader::from_samples(either);
            CHECK(reader.kind() == timestamp_kind::plain);
            CHECK(reader.may_be_serial());
            CHECK(timestamp_reader::from_samples(either, serial_dates::by_name).serial());
        }
        for (const auto& counter :
             {in_steps(45292.0123456, 0.7654321, 6, 20), in_steps(0, 0.04, 5, 20),
              in_steps(36000, 40, 0, 20), in_steps(73000, 100, 0, 20)}) {
            CAPTURE(counter[1]);
            const auto reader = timestamp_reader::from_samples(counter);
            CHECK(reader.kind() == timestamp_kind::plain);
            CHECK_FALSE(reader.may_be_serial());
        }
        // Other kinds stay what they are, whatever the column is called.
        const auto seconds =
            timestamp_reader::from_samples(texts{"1704067200", "1704067201"}, serial_dates::always);
        CHECK(seconds.kind() == timestamp_kind::seconds);
        const auto dates = timestamp_reader::from_samples(texts{"2024-01-01", "2024-01-02"},
                                                          serial_dates::by_name);
        CHECK_FALSE(dates.serial());
        CHECK(timestamp_reader::from_samples(texts{"20000", "20001"}, serial_dates::always)
                  .seconds("25569") == 0);
    }

    TEST_CASE("date_time: days of the Gregorian calendar") {
        CHECK(tocsin::days_from_civil(1970, 1, 1) == 0);
        CHECK(tocsin::days_from_civil(1969, 12, 31) == -1);
        CHECK(tocsin::days_from_civil(2000, 3, 1) == 11017);
        CHECK(tocsin::days_from_civil(2024, 1, 1) * 86400.0 == new_year_2024);
        CHECK(tocsin::days_from_civil(1600, 2, 29) == -135081);
    }

    TEST_CASE("date_time: ISO 8601 and what loggers and spreadsheets write") {
        for (const std::string_view text : {"2024-01-01",
                                            "2024-01-01 00:00",
                                            "2024-01-01T00:00:00",
                                            "2024-01-01T00:00:00Z",
                                            "2024-01-01 00:00:00.000",
                                            "2024/01/01 00:00",
                                            "2024-1-1 0:00",
                                            "20240101T000000",
                                            "202401010000",
                                            "20240101000000",
                                            "20240101T000000Z",
                                            "01.01.2024",
                                            "1/1/2024",
                                            "1/1/24 00:00",
                                            "01-Jan-2024",
                                            "01 Jan 2024 00:00",
                                            "01/01/2024 12:00:00 AM",
                                            "2024-01-01T02:00:00+02:00",
                                            "2024-01-01 02:00+0200",
                                            "2024-01-01 01:00:00 +01",
                                            "2023-12-31T19:00:00-05:00",
                                            "2024-01-01 00:00:00 UTC",
                                            "2023-12-31 24:00",
                                            "  2024-01-01 "}) {
            INFO(text);
            CHECK(seconds_of(text) == new_year_2024);
        }
        CHECK(seconds_of("2024-01-01 13:45:30.25") == new_year_2024 + 49530.25);
        CHECK(seconds_of("2024-01-01 13:45:30,25") == new_year_2024 + 49530.25);
        CHECK(seconds_of("28/12/2015 1:00:00 PM") == seconds_of("2015-12-28 13:00:00"));
        CHECK(seconds_of("12/28/2015") == seconds_of("2015-12-28")); // there is no month 28
        CHECK(seconds_of("10:00:01") == 36001);
        CHECK(seconds_of("18.00.00") == 64800);
        CHECK(parse_date_time("2024-01-01T00:00:00Z")->has_offset);
        CHECK_FALSE(parse_date_time("2024-01-01 00:00")->has_offset);
        CHECK_FALSE(parse_date_time("10:00")->has_date);
        CHECK(parse_date_time("03/04/2015")->orders.count() == 2);
        CHECK(parse_date_time("2015-04-03")->orders.empty());
        CHECK(parse_date_time("2015-04-03 10:00")->has_time);
        CHECK_FALSE(parse_date_time("2015-04-03")->has_time);
        CHECK(parse_date_time("03/04/2015", tocsin::date_order::month_first)->seconds ==
              seconds_of("2015-03-04"));
    }

    TEST_CASE("date_time: other text, numbers and days that do not exist are no dates") {
        for (const std::string_view text : {"",
                                            "12",
                                            "1.5",
                                            "-3",
                                            "1700000000",
                                            "1.234.567",
                                            "2023-02-29",
                                            "1900-02-29",
                                            "2024-13-01",
                                            "2024-00-10",
                                            "31.04.2024",
                                            "32.01.2024",
                                            "2024-01-01 25:00",
                                            "2024-01-01 10:60",
                                            "2024-01-01 10:00 x",
                                            "2024-01-01x",
                                            "normal",
                                            "1e5",
                                            "20240101",
                                            "10:",
                                            "2024-01",
                                            "99/99/2024",
                                            "+02:00",
                                            "2024-01-01 10:00+99:00"}) {
            INFO(text);
            CHECK_FALSE(parse_date_time(text).has_value());
        }
        const std::string text = "2024-01-01T10:00:00.5+02:00";
        for (std::size_t size = 0; size <= text.size(); ++size) {
            (void)parse_date_time(std::string_view{text}.substr(0, size));
            for (const char c : {'\0', '9', ':', '-', '+', ' ', 'p', '\xff'}) {
                std::string changed = text + c;
                changed[size] = c;
                (void)parse_date_time(changed);
            }
        }
    }

    TEST_CASE("timestamps: numbers are seconds, milli-, micro- or nanoseconds by their size") {
        const auto read = [](const std::string& text, timestamp_kind kind) {
            const auto reader = timestamp_reader::from_samples(std::vector<std::string>{text});
            CHECK(reader.kind() == kind);
            return reader.seconds(text);
        };
        CHECK(read("1700000000", timestamp_kind::seconds) == 1700000000);
        CHECK(read("1700000000.25", timestamp_kind::seconds) == 1700000000.25);
        CHECK(read("1700000000250", timestamp_kind::milliseconds) == 1700000000.25);
        CHECK(read("1700000000250000", timestamp_kind::microseconds) == 1700000000.25);
        CHECK(read("1700000000250000000", timestamp_kind::nanoseconds) ==
              doctest::Approx(1700000000.25));
        CHECK(read("0.1", timestamp_kind::plain) == 0.1);
        CHECK(read("10:00:00", timestamp_kind::time_of_day) == 36000);
        CHECK(std::isnan(read("noon", timestamp_kind::unknown)));
    }

    TEST_CASE("timestamps: they are what most of them are, wherever the others stand") {
        using texts = std::vector<std::string>;
        for (const std::string odd : {"NA", "-", "?", "null", "####", "0000-00-00 00:00:00",
                                      "24:00:00", "0", "waiting", "2024-01-01T00:00:00Z", "1e9"}) {
            CAPTURE(odd);
            texts times{odd, "2024-01-01 06:00", "2024-01-01 06:01", "2024-01-01 06:02"};
            const auto first = timestamp_reader::from_samples(times);
            CHECK(first.kind() == timestamp_kind::local);
            CHECK(first.seconds(times[1]) == new_year_2024 + 6 * 3600);
            CHECK((odd.find('Z') != std::string::npos || std::isnan(first.seconds(odd))));
            std::swap(times[0], times[2]);
            CHECK(timestamp_reader::from_samples(times).kind() == timestamp_kind::local);
        }
        CHECK(timestamp_reader::from_samples(texts{"NA", "1704067200", "1704067260"}).kind() ==
              timestamp_kind::seconds);
        CHECK(timestamp_reader::from_samples(texts{"NaN", "20231231", "?", "20240101"}).kind() ==
              timestamp_kind::local);
        CHECK(timestamp_reader::from_samples(texts{"NA", "2611300400", "2611300500"}).kind() ==
              timestamp_kind::local);
        CHECK(timestamp_reader::from_samples(texts{"NA", "", "soon"}).kind() ==
              timestamp_kind::unknown);
    }

    TEST_CASE("date_time: minutes and seconds of one digit") {
        CHECK(seconds_of("2024-1-1 0:0:0") == new_year_2024);
        CHECK(seconds_of("2024-1-1 0:5:3") == new_year_2024 + 303);
        CHECK(seconds_of("1/1/2024 0:5") == new_year_2024 + 300);
        CHECK(seconds_of("0:5:3") == 303);
        for (const std::string_view text : {"16:9", "2024-01-01 10.5", "2024-01-01 105", "1.2.3"}) {
            INFO(text);
            CHECK_FALSE(parse_date_time(text).has_value());
        }
    }

    TEST_CASE("date_time: the name of the month first, days of the week") {
        constexpr double half_past_nine = new_year_2024 + 34200;
        for (const char* text :
             {"Jan 1, 2024 9:30", "Jan 1 2024 09:30:00", "January 1, 2024, 9:30 AM",
              "Jan. 01, 2024 09:30", "Jan 1, 2024 @ 09:30:00.000", "Mon Jan  1 09:30:00 2024",
              "Mon, 01 Jan 2024 09:30:00", "Monday, January 1, 2024 9:30:00 AM",
              "Monday 2024-01-01 09:30", "1 Jan 2024 09:30", "01-january-2024 09:30",
              "jan 1 2024 09:30"}) {
            INFO(text);
            const auto time = parse_date_time(text);
            REQUIRE(time);
            CHECK(time->seconds == half_past_nine);
            CHECK(time->has_date);
            CHECK(time->has_time);
            CHECK_FALSE(time->has_offset);
        }
        CHECK(seconds_of("Mon, 01 Jan 2024 09:30:00 GMT") == half_past_nine);
        CHECK(seconds_of("Mon, 01 Jan 2024 09:30:00 +0200") == half_past_nine - 7200);
        CHECK(seconds_of("Jan 1, 2024 09:30 UTC") == half_past_nine);
        CHECK(seconds_of("Jan 1, 2024") == new_year_2024);
        for (const char* text :
             {"Jan", "Jan 1", "Jan 2024", "Jan 32, 2024", "Feb 30, 2024", "Mon", "Mon 09:30",
              "Monday", "Mond 2024-01-01", "January1, 2024", "Jan 1, 24", "Jan 1, 20245",
              "Jan 1, 2024 x", "Jan 1 09:30:00", "Marc 1, 2024", "Mar 1, 2024 09:30 2025"}) {
            INFO(text);
            CHECK_FALSE(parse_date_time(text).has_value());
        }
    }

    TEST_CASE("date_time: hours that have passed, beyond a day") {
        for (const auto& [text, seconds] : {std::pair{"24:00:01", 86401.0},
                                            {"25:10:00", 90600.0},
                                            {"99:59:59.5", 359999.5},
                                            {"100:00:00", 360000.0},
                                            {"000:10:00", 600.0},
                                            {"8760:00:00", 31536000.0},
                                            {"0 days 00:00:30", 30.0},
                                            {"1 day, 1:10:00", 90600.0},
                                            {"1 day, 13:10:00", 133800.0},
                                            {"2016:13:01", 7258381.0},
                                            {"2016:00:00", 7257600.0},
                                            {"12 days 02:03:04.5", 1044184.5}}) {
            INFO(text);
            const auto time = parse_date_time(text);
            REQUIRE(time);
            CHECK(time->seconds == seconds);
            CHECK(!time->has_date);
        }
        for (const char* text :
             {"25:10", "100:30", "25:1:0", "25:10:0x", "25:60:00", "25:10:00 PM", "25:10:00Z",
              "2024-01-01 25:10:00", "1234567:00:00", "1 day", "2 days", "1 daylight 1:00",
              "-1 days 1:00:00", "25:00:00:00", "2016:07:01", "1 day, 1:10:00 PM",
              "1 day, 13:10:00 +02:00", "1 day, 13:10:00Z", "1 day, 1:10:00 AM"}) {
            INFO(text);
            CHECK_FALSE(parse_date_time(text).has_value());
        }
        // A recording over a day, and one in a stream, go on.
        std::vector<std::string> texts;
        for (int minute = 0; minute < 6000; minute += 7) {
            texts.push_back((minute < 600 ? "0" : "") + std::to_string(minute / 60) + ':' +
                            (minute % 60 < 10 ? "0" : "") + std::to_string(minute % 60) + ":00");
        }
        const auto reader = tocsin::timestamp_reader::from_samples(texts);
        tocsin::timestamp_stream stream;
        for (std::size_t k = 0; k < texts.size(); ++k) {
            CHECK(reader.seconds(texts[k]) == 420.0 * static_cast<double>(k));
            CHECK(stream.seconds(texts[k]) == 420.0 * static_cast<double>(k));
        }
    }

    TEST_CASE("timestamps: the name of a column says what its numbers count") {
        using tocsin::time_unit;
        for (const char* name : {"time_ms", "Time [ms]", "t (ms)", "elapsed ms", "timems",
                                 "TIME-MS", "epoch (milliseconds)"}) {
            CAPTURE(name);
            CHECK(tocsin::time_unit_of(name) == time_unit::milliseconds);
        }
        for (const char* name : {"time_us", "Time [us]", "Time [\xC2\xB5s]", "t [\xCE\xBCs]",
                                 "TimeUS", "epochus", "TimestampUs"}) {
            CAPTURE(name);
            CHECK(tocsin::time_unit_of(name) == time_unit::microseconds);
        }
        for (const char* name : {"time_ns", "timens", "EpochNS", "timestampns"}) {
            CAPTURE(name);
            CHECK(tocsin::time_unit_of(name) == time_unit::nanoseconds);
        }
        CHECK(tocsin::time_unit_of("Time (s)") == time_unit::seconds);
        for (const char* name : {"time", "ms", "times", "Time [h]", "alarms", "time_", "[", ""}) {
            CAPTURE(name);
            CHECK_FALSE(tocsin::time_unit_of(name).has_value());
        }
        using texts = std::vector<std::string>;
        const auto read = [](const texts& samples, time_unit unit) {
            return timestamp_reader::from_samples(samples, tocsin::serial_dates::by_value, {},
                                                  unit);
        };
        const auto counted = read({"0", "250", "500"}, time_unit::milliseconds);
        CHECK(counted.kind() == timestamp_kind::plain);
        CHECK(counted.units_per_second() == 1e3);
        CHECK(counted.seconds("250") == 0.25);
        // An epoch in this unit is one; what looks like one in another unit, or like a date, counts on.
        const auto epoch = read({"1700000000250"}, time_unit::milliseconds);
        CHECK(epoch.kind() == timestamp_kind::milliseconds);
        CHECK(epoch.seconds("1700000000250") == 1700000000.25);
        CHECK(read({"1700000000", "1700000010"}, time_unit::milliseconds).seconds("1700000000") ==
              1700000);
        CHECK(read({"20240101", "20240102"}, time_unit::microseconds).seconds("20240101") ==
              20.240101);
        CHECK(read({"45292.0034722222"}, time_unit::milliseconds).seconds("1000") == 1);
        CHECK(read({"2024-01-01"}, time_unit::milliseconds).seconds("2024-01-01") == new_year_2024);
        CHECK(read({"1700000000250"}, time_unit::seconds).kind() == timestamp_kind::milliseconds);
    }

    TEST_CASE("timestamps: numbers with a decimal comma, and a clock that was not set yet") {
        using texts = std::vector<std::string>;
        const auto comma = timestamp_reader::from_samples(texts{"0,01", "0,02", "1,234"});
        CHECK(comma.kind() == timestamp_kind::plain);
        CHECK(comma.seconds("0,5") == 0.5);
        CHECK(comma.seconds("1,234") == 1.234);
        CHECK(std::isnan(comma.seconds("1,2,3")));
        const auto epoch = timestamp_reader::from_samples(texts{"1700000000,5", "1700000001,5"});
        CHECK(epoch.kind() == timestamp_kind::seconds);
        CHECK(epoch.seconds("1700000000,5") == 1700000000.5);
        // The first number alone would make them plain.
        const auto late =
            timestamp_reader::from_samples(texts{"0", "1700000000000", "1700000060000"});
        CHECK(late.kind() == timestamp_kind::milliseconds);
        CHECK(late.seconds("1700000060000") == 1700000060);
    }

    TEST_CASE("timestamps: day and month are distinguished by all samples") {
        using texts = std::vector<std::string>;
        const auto day = timestamp_reader::from_samples(texts{"03/04/2015", "28/04/2015"});
        CHECK(day.seconds("03/04/2015") == seconds_of("2015-04-03"));
        const auto month = timestamp_reader::from_samples(texts{"03/04/2015", "03/28/2015"});
        CHECK(month.seconds("03/04/2015") == seconds_of("2015-03-04"));
        // All days are below 13, but only one order makes neighbours of them.
        const auto near = timestamp_reader::from_samples(
            texts{"03/09/2015", "03/10/2015", "03/11/2015", "03/12/2015"});
        CHECK(near.seconds("03/04/2015") == seconds_of("2015-03-04"));
        CHECK_FALSE(near.ambiguous());
        const auto open =
            timestamp_reader::from_samples(texts{"03/04/2015 10:00", "03/04/2015 10:01"});
        CHECK(open.ambiguous());
        CHECK(std::isnan(open.seconds("not yet")));
    }

    TEST_CASE("timestamps: an order that was asked for, or known before") {
        using texts = std::vector<std::string>;
        using tocsin::date_order;
        using tocsin::serial_dates;
        const texts open{"03/04/2015 10:00", "03/04/2015 10:01"};
        const auto asked = timestamp_reader::from_samples(open, serial_dates::by_value,
                                                          {.asked = date_order::month_first});
        CHECK_FALSE(asked.ambiguous());
        CHECK(asked.seconds("03/04/2015") == seconds_of("2015-03-04"));
        CHECK(std::isnan(asked.seconds("13/04/2015")));
        const auto known = timestamp_reader::from_samples(open, serial_dates::by_value,
                                                          {.otherwise = date_order::month_first});
        CHECK_FALSE(known.ambiguous());
        CHECK(known.seconds("03/04/2015") == seconds_of("2015-03-04"));
        const auto shown = timestamp_reader::from_samples(
            texts{"13/04/2015"}, serial_dates::by_value, {.otherwise = date_order::month_first});
        CHECK(shown.seconds("03/04/2015") == seconds_of("2015-04-03"));
        // The same number for both says nothing of later dates.
        auto same = timestamp_reader::from_samples(texts{"01/01/2024 00:00", "01/01/2024 00:01"});
        CHECK(same.ambiguous());
        same.learn("1/2/2024 00:00");
        CHECK_FALSE(same.ambiguous());
        CHECK(same.seconds("1/2/2024") == seconds_of("2024-01-02"));
        CHECK_FALSE(timestamp_reader::from_samples(texts{"2024-01-01", "2024-01-01"}).ambiguous());
        // No row is read in another order than the others.
        CHECK(std::isnan(known.seconds("13/04/2015")));
    }

    TEST_CASE("timestamps: years of two digits that stand first") {
        using texts = std::vector<std::string>;
        using tocsin::date_order;
        using tocsin::serial_dates;
        const auto read = [](const texts& dates) { return timestamp_reader::from_samples(dates); };
        // By a year that cannot be a day, by the smaller steps, and where years have no zero.
        CHECK(read({"99-12-31", "99-12-31"}).seconds("99-12-31") == seconds_of("1999-12-31"));
        CHECK(read({"00/1/5 4:00", "00/1/5 5:00"}).seconds("00/1/5") == seconds_of("2000-01-05"));
        for (const texts& dates : {texts{"26-11-29 23:00", "26-11-30 00:00", "26-11-30 01:00"},
                                   {"26/11/30 23:00", "26/12/01 00:00", "26/12/01 01:00"},
                                   {"26.11.30", "26.12.01", "26.12.02"},
                                   {"05-03-04 10:00", "05-03-05 10:00", "05-03-06 10:00"}}) {
            INFO(dates.front());
            const timestamp_reader reader = read(dates);
            CHECK(reader.order().order() == date_order::year_first);
            CHECK(reader.seconds("26-11-30") == seconds_of("2026-11-30"));
            CHECK(reader.seconds("26/11/30 04:00") == seconds_of("2026-11-30") + 4 * 3600);
        }
        // What grows also with the day first may be years apart: a warning, which a model's order
        // settles.
        CHECK_FALSE(read({"26-11-29 23:00", "26-11-30 00:00"}).ambiguous());
        CHECK(read({"26-11-29", "26-11-30"}).ambiguous());
        CHECK(read({"29.11.24 23:00", "29.11.25 00:00"}).ambiguous());
        CHECK_FALSE(timestamp_reader::from_samples(texts{"26-11-29", "26-11-30"},
                                                   serial_dates::by_value,
                                                   {.otherwise = date_order::day_first})
                        .ambiguous());
        // A month that is a day shorter with the year first shows nothing, nor do single years.
        for (const texts& dates : {texts{"15.01.24", "15.02.24", "15.03.24", "15.04.24"},
                                   {"29.02.24", "29.03.24"},
                                   {"15.04.24", "15.03.24", "15.02.24", "15.01.24"}}) {
            INFO(dates.front());
            CHECK(read(dates).seconds("15.01.24") == seconds_of("2024-01-15"));
        }
        CHECK(read({"31.12.21", "31.12.22", "31.12.23"}).ambiguous());
        CHECK(timestamp_reader::from_samples(texts{"31.12.21", "31.12.22", "31.12.23"},
                                             serial_dates::by_value,
                                             {.otherwise = date_order::day_first})
                  .seconds("31.12.22") == seconds_of("2022-12-31"));
        // The day first, with years of two digits.
        const timestamp_reader days = read({"30/11/26 23:00", "01/12/26 00:00"});
        CHECK_FALSE(days.ambiguous());
        CHECK(days.seconds("30/11/26") == seconds_of("2026-11-30"));
        // Within a day nothing decides, with fractions of seconds either.
        const timestamp_reader open = read({"26-11-30 04:00:00.1", "26-11-30 04:00:00.3"});
        CHECK(open.ambiguous());
        CHECK(tocsin::in_words(open.order().open()) == "day first or year first");
        CHECK(tocsin::options_of(open.order().open()) == "--dates day-first or --dates year-first");
        const auto asked = timestamp_reader::from_samples(texts{"26-11-30 04:00", "26-11-30 05:00"},
                                                          serial_dates::by_value,
                                                          {.asked = date_order::year_first});
        CHECK_FALSE(asked.ambiguous());
        CHECK(asked.seconds("26-11-30") == seconds_of("2026-11-30"));
        CHECK(std::isnan(asked.seconds("13/04/2015")));
        // A day that does not exist shows nothing.
        CHECK(read({"30.04.24", "31.04.24", "01.05.24"}).seconds("01.05.24") ==
              seconds_of("2024-05-01"));
    }

    TEST_CASE("timestamps: ten digits are a date with a year of two, or seconds since 1970") {
        using texts = std::vector<std::string>;
        const auto read = [](const texts& times) { return timestamp_reader::from_samples(times); };
        const timestamp_reader dates = read({"2611300400", "2611300500"});
        CHECK(dates.kind() == tocsin::timestamp_kind::local);
        CHECK(dates.seconds("2611300400") == seconds_of("2026-11-30") + 4 * 3600);
        CHECK(std::isnan(dates.seconds("2611310400")));
        CHECK(read({"1701010000", "1701010010"}).kind() == tocsin::timestamp_kind::seconds);
        CHECK(read({"1901010040", "1901010060"}).kind() == tocsin::timestamp_kind::seconds);
        CHECK(read({"2016070110", "2016070111"}).seconds("2016070110") ==
              seconds_of("2016-07-01") + 10 * 3600);
        CHECK(read({"2010010110", "2010010111"}).seconds("2010010110") ==
              seconds_of("2010-01-01") + 10 * 3600);
    }
}
