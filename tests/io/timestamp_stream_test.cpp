#include "tocsin/io/timestamp_stream.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <cstddef>
#include <initializer_list>
#include <string>

TEST_SUITE("io") {
    TEST_CASE("timestamp_stream: numbers and dates, by the first one") {
        tocsin::timestamp_stream numbers;
        CHECK(numbers.kind() == tocsin::timestamp_kind::unknown);
        CHECK(numbers.seconds("1700000000000") == 1.7e9);
        CHECK(numbers.kind() == tocsin::timestamp_kind::milliseconds);
        CHECK(std::isnan(numbers.seconds("soon")));
        tocsin::timestamp_stream late;
        CHECK(std::isnan(late.seconds("starting")));
        CHECK(late.seconds("1970-01-02 00:00:10") == 86410);
        CHECK(late.kind() == tocsin::timestamp_kind::local);
    }

    TEST_CASE("timestamp_stream: one odd time does not decide what the others are") {
        tocsin::timestamp_stream stream;
        (void)stream.seconds("24:00:00");
        (void)stream.seconds("2024-01-01 06:00");
        CHECK(stream.seconds("2024-01-01 06:01") == 1704088860);
        CHECK(std::isnan(stream.seconds("24:00:00")));
        CHECK(std::isnan(stream.seconds("0")));
        CHECK(stream.seconds("2024-01-01 06:02") == 1704088920);
        tocsin::timestamp_stream unset; // a clock
        CHECK(unset.seconds("0") == 0);
        CHECK(unset.seconds("1704088860000") == 1704088860);
        CHECK(unset.seconds("1704088920000") == 1704088920);
        tocsin::timestamp_stream counter; // of seconds, with a wrong one
        for (const char* text : {"10", "11", "12"}) {
            CHECK(counter.kind() != tocsin::timestamp_kind::milliseconds);
            (void)counter.seconds(text);
        }
        (void)counter.seconds("1704088860000");
        CHECK(counter.seconds("14") == 14);
        // In whole days from the first row on, whatever a single number shows.
        tocsin::timestamp_stream days;
        CHECK(days.seconds("45292.0034722222") == 1704067500);
        CHECK(days.seconds("45292.25") == 1704067200 + 21600);
        CHECK(days.seconds("45292.5") == 1704067200 + 43200);
        // The first one may be a sixteenth of a day, which shows nothing; times go on.
        tocsin::timestamp_stream noon;
        CHECK(noon.seconds("45292.5000000000") == 45292.5);
        CHECK(noon.seconds("45292.5006944444") == 45292.5 + 60);
        CHECK(noon.seconds("45292.5013888889") == 45292.5 + 120);
        CHECK(noon.seconds("45292.75") == 45292.5 + 21600);
        CHECK(noon.kind() == tocsin::timestamp_kind::local);
        // With few decimals it takes several to show it.
        tocsin::timestamp_stream rounded;
        const double first = rounded.seconds("45321.916667");
        CHECK(first == 45321.916667);
        CHECK(rounded.kind() == tocsin::timestamp_kind::plain);
        (void)rounded.seconds("45321.917361");
        (void)rounded.seconds("45321.918056");
        CHECK(rounded.kind() == tocsin::timestamp_kind::local);
        const double last = rounded.seconds("45321.958333");
        CHECK(rounded.seconds("45322.000000") - last == doctest::Approx(3600).epsilon(1e-4));
        tocsin::timestamp_stream counted; // of seconds, and one that looks like days by chance
        CHECK(counted.seconds("45292.3101234567") == 45292.3101234567);
        CHECK(counted.seconds("45292.5006944444") == 45292.5006944444);
        CHECK(counted.seconds("45292.7712345678") == 45292.7712345678);
        tocsin::timestamp_stream zone;
        CHECK(zone.seconds("2024-01-01 06:00") == 1704088800);
        CHECK(zone.seconds("2024-01-01 06:01Z") == 1704088860);
        CHECK(zone.kind() == tocsin::timestamp_kind::local);
    }

    TEST_CASE("timestamp_stream: numbers of a known unit") {
        tocsin::timestamp_stream stream{
            tocsin::serial_dates::by_value, {}, tocsin::time_unit::microseconds};
        CHECK(stream.seconds("500") == 5e-4);
        CHECK(stream.seconds("1000000") == 1);
        CHECK(stream.seconds("1700000000") == 1700);
    }

    TEST_CASE("timestamp_stream: days since 1899-12-30") {
        tocsin::timestamp_stream days{tocsin::serial_dates::by_name};
        CHECK(days.seconds("45292") == 1704067200);
        CHECK(days.kind() == tocsin::timestamp_kind::local);
        CHECK(days.seconds("45292.25") == 1704067200 + 21600);
        CHECK(std::isnan(days.seconds("Total")));
        tocsin::timestamp_stream seconds;
        CHECK(seconds.seconds("45292") == 45292);
        tocsin::timestamp_stream shown; // by one number with all its digits
        CHECK(shown.seconds("45292.0034722222") == 1704067500);
    }

    TEST_CASE("timestamp_stream: dates of digits, by the second one, and times go on") {
        for (const auto& texts : {std::array{"20240130", "20240131", "20240201"},
                                  std::array{"2024013023", "2024013100", "2024013101"},
                                  std::array{"2611302358", "2611302359", "2612010000"}}) {
            tocsin::timestamp_stream stream;
            const auto reader = tocsin::timestamp_reader::from_samples(texts);
            REQUIRE(reader.kind() == tocsin::timestamp_kind::local);
            const double first = stream.seconds(texts[0]);
            for (std::size_t k = 1; k < texts.size(); ++k) {
                CHECK(stream.seconds(texts[k]) - first ==
                      reader.seconds(texts[k]) - reader.seconds(texts[0]));
                CHECK(stream.kind() == tocsin::timestamp_kind::local);
            }
            CHECK(std::isnan(stream.seconds("99999999")));
            // Known before, the first one is read so as well.
            tocsin::timestamp_stream known{
                tocsin::serial_dates::by_value, {}, {}, reader.digit_dates()};
            CHECK(known.seconds(texts[0]) == reader.seconds(texts[0]));
            CHECK(known.seconds(texts[1]) == reader.seconds(texts[1]));
        }
        tocsin::timestamp_stream named{
            tocsin::serial_dates::by_name}; // the column is called a date
        CHECK(named.seconds("20240131") == 1706659200);
        // Counters, epochs and repeated numbers are none.
        for (const auto& texts : {std::array{"20240131", "20240132", "20240133"},
                                  std::array{"1706659200", "1706659201", "1706659202"},
                                  std::array{"20240131", "20240131", "20240131"}}) {
            tocsin::timestamp_stream stream;
            for (const char* text : texts) {
                CHECK(stream.seconds(text) == std::stod(text));
            }
        }
        // One date among other numbers is odd, and those behind known dates are still read.
        tocsin::timestamp_stream counter{
            tocsin::serial_dates::by_value, {}, {}, tocsin::digit_dates::long_years};
        CHECK(counter.seconds("17") == 17);
        CHECK(counter.seconds("18") == 18);
    }

    TEST_CASE("timestamp_stream: dates of digits behind a repeated or an odd time") {
        constexpr double day = 86400;
        tocsin::timestamp_stream twice;
        CHECK(twice.seconds("20160701") == 20160701);
        CHECK(twice.seconds("20160701") == 20160701);
        CHECK(twice.seconds("20160702") == 20160701 + day);
        CHECK(twice.seconds("20160702") == 20160701 + day);
        CHECK(twice.seconds("20160703") == 20160701 + 2 * day);
        CHECK(twice.kind() == tocsin::timestamp_kind::local);
        tocsin::timestamp_stream hours; // which alone are seconds since 1970
        CHECK(hours.seconds("2016070110") == 2016070110);
        CHECK(hours.seconds("2016070110") == 2016070110);
        CHECK(hours.seconds("2016070110") == 2016070110);
        CHECK(hours.seconds("2016070111") == 2016070110 + 3600);
        tocsin::timestamp_stream unset; // a clock; the times begin with the first date
        CHECK(unset.seconds("0") == 0);
        CHECK(unset.seconds("20160701") == 20160701);
        CHECK(unset.seconds("20160702") == 20160701 + day);
        CHECK(unset.seconds("20160703") == 20160701 + 2 * day);
        CHECK(std::isnan(unset.seconds("0")));
        tocsin::timestamp_stream zeros; // which are the most at first
        for (int k = 0; k < 5; ++k) {
            CHECK(zeros.seconds("0") == 0);
        }
        double last = zeros.seconds("20160701");
        CHECK(last == 20160701);
        for (const char* text : {"20160702", "20160703", "0", "20160704", "20160705", "20160706",
                                 "20160707", "20160708", "20160709"}) {
            const double time = zeros.seconds(text);
            if (text[0] == '2') {
                CHECK(time > last);
                CHECK(time - last <= 6 * day);
                last = time;
            }
        }
        CHECK(zeros.kind() == tocsin::timestamp_kind::local);
        CHECK(zeros.seconds("20160710") - last == day);
        tocsin::timestamp_stream known{
            tocsin::serial_dates::by_value, {}, {}, tocsin::digit_dates::long_years};
        CHECK(known.seconds("0") == 0);
        CHECK(known.seconds("20160701") == 1467331200);
    }

    TEST_CASE("timestamp_stream: numbers that are known to be no dates of digits") {
        tocsin::timestamp_stream counter{
            tocsin::serial_dates::by_value, {}, {}, tocsin::digit_dates::none};
        for (int k = 0; k < 30; ++k) {
            CHECK(counter.seconds(std::to_string(20200120 + k)) == 20200120 + k);
        }
        const auto reader = tocsin::timestamp_reader::from_samples(
            std::array{"20200120", "20200121"}, tocsin::serial_dates::by_name, {}, {},
            tocsin::digit_dates::none);
        CHECK(reader.kind() == tocsin::timestamp_kind::plain);
        CHECK(reader.digit_dates() == tocsin::digit_dates::unknown);
    }

    TEST_CASE("timestamp_stream: days are counted from the first one") {
        tocsin::timestamp_stream days;
        CHECK(days.seconds("45123.50000") == 45123.5);
        (void)days.seconds("45123.50347");
        const double third = days.seconds("45123.50694");
        REQUIRE(days.kind() == tocsin::timestamp_kind::local);
        CHECK(third - 45123.5 == doctest::Approx(599.6).epsilon(1e-4));
    }

    TEST_CASE("timestamp_stream: the order of day and month is found, and times go on") {
        for (const auto& texts :
             {std::initializer_list<const char*>{"03/10/2024 22:00", "03/10/2024 23:00",
                                                 "03/11/2024 00:00", "03/11/2024 01:00"},
              {"10/03/2024 22:00", "10/03/2024 23:00", "11/03/2024 00:00", "11/03/2024 01:00"},
              {"03/12/2024 22:00", "03/12/2024 23:00", "03/13/2024 00:00", "03/13/2024 01:00"}}) {
            tocsin::timestamp_stream stream;
            double last = std::nan("");
            for (const char* text : texts) {
                const double time = stream.seconds(text);
                INFO(text);
                CHECK((std::isnan(last) || time - last == 3600));
                last = time;
            }
        }
    }

    TEST_CASE("timestamp_stream: a turn is told, and no later row turns back") {
        using tocsin::date_order;
        tocsin::timestamp_stream stream;
        CHECK(stream.seconds("03/10/2024 22:00") == doctest::Approx(1727992800)); // 3 October
        CHECK_FALSE(stream.has_turned());
        CHECK(stream.seconds("03/10/2024 23:00") - 1727992800 == 3600);
        CHECK_FALSE(stream.has_turned());
        CHECK(stream.seconds("03/11/2024 00:00") - 1727992800 == 7200);
        CHECK(stream.has_turned());
        CHECK(stream.order() == date_order::month_first);
        CHECK(stream.seconds("03/13/2024 00:00") - 1727992800 == 7200 + 2 * 86400);
        CHECK_FALSE(stream.has_turned());
        CHECK(std::isnan(stream.seconds("13/03/2024 01:00")));
        CHECK(stream.has_refused());
        CHECK(stream.seconds("03/13/2024 01:00") - 1727992800 == 10800 + 2 * 86400);
        CHECK_FALSE(stream.has_refused());

        tocsin::timestamp_stream asked{tocsin::serial_dates::by_value,
                                       {.asked = date_order::month_first}};
        CHECK(asked.seconds("03/10/2024 22:00") == 1710108000); // 10 March
        CHECK(asked.seconds("03/11/2024 22:00") == 1710194400);
        CHECK_FALSE(asked.has_turned());
        CHECK(std::isnan(asked.seconds("13/03/2024 22:00")));
        tocsin::timestamp_stream known{tocsin::serial_dates::by_value,
                                       {.otherwise = date_order::month_first}};
        CHECK(known.seconds("03/10/2024 22:00") == 1710108000);
        CHECK(known.seconds("13/10/2024 22:00") == 1710108000 + 10 * 86400);
        CHECK(known.has_turned());
        CHECK(known.order() == date_order::day_first);
    }

    TEST_CASE("timestamp_stream: a year of two digits that stands first") {
        using tocsin::date_order;
        tocsin::timestamp_stream stream;
        const double start = stream.seconds("26-11-29 22:00");
        CHECK(stream.order() == date_order::day_first);
        CHECK(stream.seconds("26-11-29 23:00") - start == 3600);
        CHECK(stream.seconds("26-11-30 00:00") - start == 7200);
        CHECK(stream.has_turned());
        CHECK(stream.turned_from() == date_order::day_first);
        CHECK(stream.order() == date_order::year_first);
        CHECK(stream.seconds("26-12-01 00:00") - start == 7200 + 86400);
        tocsin::timestamp_stream sure; // from the first row
        CHECK(sure.seconds("99-12-31 00:00") == 946598400);
        CHECK_FALSE(sure.has_turned());
        CHECK(sure.seconds("00-01-01 00:00") == 946684800);
        CHECK(std::isnan(sure.seconds("27-11-45 00:00")));
        CHECK(sure.has_refused());
        tocsin::timestamp_stream known{tocsin::serial_dates::by_value,
                                       {.otherwise = date_order::year_first}};
        CHECK(known.seconds("26-11-30 04:00") == 1796011200);
        CHECK(known.seconds("26-11-30 05:00") == 1796014800);
        CHECK(known.order() == date_order::year_first);
    }

    TEST_CASE("timestamp_stream: times of day go on over midnight") {
        tocsin::timestamp_stream stream;
        CHECK(stream.seconds("23:59:58") == 86398);
        CHECK(stream.kind() == tocsin::timestamp_kind::time_of_day);
        CHECK(stream.seconds("00:00:01") == 86401);
        CHECK(stream.seconds("23:59:59") == 2 * 86400 - 1);
        CHECK(stream.seconds("00:00:00") == 2 * 86400);
        CHECK(std::isnan(stream.seconds("Total")));
    }
}
