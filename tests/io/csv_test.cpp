#include "tocsin/io/csv.hpp"

#include <doctest/doctest.h>

#include "support/allocation_counter.hpp"
#include "temporary_directory.hpp"
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

using tocsin::csv_options;
using tocsin::parse_csv;
using tocsin_test::temporary_directory;

namespace {

std::string message_for(std::string_view text, const csv_options& options = {}) {
    const auto parsed = parse_csv<double>(text, "f.csv", options);
    return parsed ? std::string{} : std::string{parsed.error().message()};
}

} // namespace

TEST_SUITE("io") {
    TEST_CASE_TEMPLATE("csv: a file with timestamps and labels becomes a series", Scalar, float,
                       double) {
        const auto read = parse_csv<Scalar>("datetime;Volume Flow RateRMS;b;anomaly;changepoint\r\n"
                                            "2020-01-01 00:00:00;1.5;2;0.0;0.0\r\n"
                                            "2020-01-01 00:00:01;;-4;1.0;1.0",
                                            "f", {.ignore = {"changepoint"}});
        REQUIRE_MESSAGE(read.has_value(), read.error().message());
        CHECK(read->features() == 2);
        CHECK(read->time() == 2);
        CHECK(read->names == std::vector<std::string>{"Volume Flow RateRMS", "b"});
        CHECK(read->timestamps[1] == "2020-01-01 00:00:01");
        CHECK(read->labels == std::vector<std::uint8_t>{0, 1});
        CHECK(read->values(0, 0) == Scalar(1.5));
        CHECK(std::isnan(read->values(0, 1)));
        CHECK(read->values(1, 1) == -4);
    }

    TEST_CASE("csv: one plain column, quoted cells, empty lines, a byte order mark") {
        const auto one = parse_csv<double>("\nvalue\n1\n\n2\n", "f");
        REQUIRE(one.has_value());
        CHECK(one->time() == 2);
        CHECK(one->timestamps.empty());
        CHECK(one->labels.empty());
        const auto quoted =
            parse_csv<double>("\xEF\xBB\xBF\"time\",\"a, \"\"b\"\"\"\n\"1,5\",\"2\"\n", "f");
        REQUIRE(quoted.has_value());
        CHECK(quoted->names.front() == "a, \"b\"");
        CHECK(quoted->timestamps.front() == "1,5");
        CHECK(quoted->values(0, 0) == 2);
    }

    TEST_CASE("csv: malformed files name file, line and column") {
        CHECK(message_for("") == "f.csv: has no header line");
        CHECK(message_for("\n\n") == "f.csv: has no header line");
        CHECK(message_for("a,b\n") == "f.csv: has a header but no rows");
        CHECK(message_for("a,b\n1,2\n3\n")
                  .starts_with("f.csv:3:2: has 1 cells delimited by ',', expected 2"));
        CHECK(message_for("a,b\n1,2\n\n3,4,5\n")
                  .starts_with("f.csv:4:6: has 3 cells delimited by ',', expected 2"));
        CHECK(message_for("a,b\n1,x2\n")
                  .starts_with("f.csv:2:3: expected a number for 'b', found 'x2'"));
        CHECK(message_for("a,label\n1,0.5\n")
                  .starts_with("f.csv:2:3: expected a label, 0 or 1, found '0.5'"));
    }

    TEST_CASE("csv: cutting or changing a text anywhere never crashes") {
        const std::string text = "time,\"a\",b,label\r\n1,2.5,\"3\",0\n2,,nan,1\n";
        for (std::size_t size = 0; size < text.size(); ++size) {
            (void)message_for(std::string_view{text}.substr(0, size));
            for (const char character : {'\0', ';', ',', '\n', '\r', '"', 'x', '-', '9', '\xff'}) {
                std::string changed = text;
                changed[size] = character;
                (void)message_for(changed);
            }
        }
    }

    TEST_CASE_TEMPLATE("csv: writing and reading gives the same bits", Scalar, float, double) {
        const temporary_directory directory;
        tocsin::series<Scalar> data;
        data.values = tocsin::matrix<Scalar>::Random(2, 10) / Scalar(3);
        const auto path = directory / "data.csv";
        for (const char delimiter : {',', ';', '\t'}) {
            REQUIRE(tocsin::write_csv(path, data, delimiter).ok());
            const auto plain = tocsin::read_csv<Scalar>(path, {.delimiter = delimiter});
            REQUIRE_MESSAGE(plain.has_value(), plain.error().message());
            CHECK(plain->values == data.values);
            CHECK(plain->names == std::vector<std::string>{"feature0", "feature1"});
        }
        data.names = {"a, \"b\"", " c;"};
        data.timestamps = std::vector<std::string>(10, "12:00,5");
        data.labels = {0, 0, 1, 1, 0, 0, 0, 0, 0, 1};
        REQUIRE(tocsin::write_csv(path, data).ok());
        const auto full = tocsin::read_csv<Scalar>(path);
        REQUIRE_MESSAGE(full.has_value(), full.error().message());
        CHECK(full->values == data.values);
        CHECK(full->names == data.names);
        CHECK(full->timestamps == data.timestamps);
        CHECK(full->labels == data.labels);
        CHECK(directory.count() == 1);
    }

    TEST_CASE("csv: a series that does not fit together is not written") {
        const temporary_directory directory;
        tocsin::series<double> data;
        data.values.setZero(2, 3);
        data.labels = {0, 1};
        CHECK_FALSE(tocsin::write_csv(directory / "x", data).ok());
        data.labels.clear();
        data.names = {"a"};
        CHECK_FALSE(tocsin::write_csv(directory / "x", data).ok());
        data.names = {"a", "b\nc"};
        CHECK_FALSE(tocsin::write_csv(directory / "x", data).ok());
        CHECK(directory.count() == 0);
    }

    TEST_CASE("csv: every recording of the valve data set is read") {
        const char* const root = std::getenv("TOCSIN_DATA_DIR");
        if (root == nullptr) {
            MESSAGE("skipped: TOCSIN_DATA_DIR is not set");
            return;
        }
        int files = 0;
        for (const auto& entry :
             std::filesystem::recursive_directory_iterator{std::filesystem::path{root} / "skab"}) {
            if (entry.path().extension() != ".csv" ||
                entry.path().parent_path().filename() == "ref") {
                continue;
            }
            ++files;
            const auto read = tocsin::read_csv<float>(entry.path(), {.ignore = {"changepoint"}});
            REQUIRE_MESSAGE(read.has_value(), read.error().message());
            CHECK(read->features() == 8);
            CHECK(read->names.back() == "Volume Flow RateRMS");
            CHECK(read->time() > 400);
            CHECK(static_cast<tocsin::index_t>(read->timestamps.size()) == read->time());
        }
        CHECK(files > 0);
    }

    TEST_CASE("csv: a small text never takes much memory, whatever its header promises") {
        const std::size_t size = 30000;
        std::string header = "a";
        for (std::size_t k = 1; k < size; ++k) {
            header += k % 2 == 0 ? ",b" : ",c";
        }
        const std::string commas(size, ',');
        std::string many;
        for (std::size_t k = 0; k < size; ++k) {
            many += "\n,";
        }
        std::string short_rows;
        for (std::size_t k = 0; k < size; ++k) {
            short_rows += "\n1";
        }
        for (const std::string& text :
             {header + short_rows, commas + short_rows, commas + '\n' + commas + many,
              "timestamp,a" + many, "timestamp,label,a" + many, "a,b" + short_rows}) {
            tocsin_test::largest_allocation();
            const auto read = tocsin::parse_csv<double>(text, "f");
            CHECK(tocsin_test::largest_allocation() < 24 * text.size() + 64 * size);
            CHECK(read.has_value() == text.starts_with("timestamp,a"));
        }
        CHECK(tocsin_test::allocations_during([] { std::string(100, 'x'); }) > 0);
    }

    TEST_CASE("csv: a file beyond the limit is refused with its size") {
        const temporary_directory directory;
        REQUIRE(tocsin::write_file(directory / "f.csv", "a\n1\n2\n").ok());
        CHECK(tocsin::read_csv<float>(directory / "f.csv", {}, 6).has_value());
        const auto read = tocsin::read_csv<float>(directory / "f.csv", {}, 5);
        REQUIRE_FALSE(read.has_value());
        CHECK(std::string{read.error().message()}.find("has 6 bytes, more than the limit of 5") !=
              std::string::npos);
    }

    TEST_CASE("csv: all dates of a file show the order of day and month") {
        std::string text = "date,a\n"; // 1 January to 2 January in minutes: one day fills 1440 rows
        const auto minute = [](int t) {
            char date[40];
            std::snprintf(date, sizeof date, "1/%d/2024 %02d:%02d", 1 + t / 1440, t / 60 % 24,
                          t % 60);
            return std::string{date};
        };
        for (int t = 0; t < 3000; ++t) {
            text += minute(t) + ',' + std::to_string(t % 7) + '\n';
        }
        const auto read = tocsin::parse_csv_recording<double>(text, "f.csv");
        REQUIRE_MESSAGE(read.has_value(), read.error().message());
        CHECK(read->times.back() - read->times.front() == 60 * 2999);
        CHECK_FALSE(read->clock.ambiguous());
        // Both kinds in one file are refused, unless one is asked for.
        const std::string mixed = "date,a\n13/01/2024,1\n14/01/2024,2\n01/15/2024,3\n";
        const auto refused = tocsin::parse_csv_recording<double>(mixed, "f.csv");
        REQUIRE_FALSE(refused.has_value());
        CHECK(std::string{refused.error().message()} ==
              "f.csv: the date '13/01/2024' of row 1 can only be day first, '01/15/2024' of row 3 "
              "only month first; --dates day-first or --dates month-first leaves the others "
              "without a time");
        csv_options options;
        options.dates.asked = tocsin::date_order::day_first;
        const auto asked = tocsin::parse_csv_recording<double>(mixed, "f.csv", options);
        REQUIRE(asked.has_value());
        CHECK(asked->times[1] - asked->times[0] == 86400);
        CHECK(std::isnan(asked->times[2]));
        // A time with a decimal comma.
        const auto german =
            tocsin::parse_csv_recording<double>("Zeit;a\n0,01;1,5\n0,02;1,6\n1,25;1\n", "f.csv");
        REQUIRE(german.has_value());
        CHECK(german->times == std::vector<double>{0.01, 0.02, 1.25});
    }

    TEST_CASE("csv: cells of a spreadsheet's column that was too narrow are missing, and counted") {
        const auto read = tocsin::parse_csv_recording<double>(
            "time,a,b\n2024-01-01 00:00,1,2\n########,3,4\n2024-01-01 02:00,##,6\n"
            "#### a comment\n2024-01-01 03:00,7,#####\n",
            "f.csv");
        REQUIRE_MESSAGE(read.has_value(), read.error().message());
        CHECK(read->cut.count == 3);
        CHECK(read->cut.line == 3);
        CHECK(read->cut.column == 1);
        CHECK(read->series.time() == 4);
        CHECK(std::isnan(read->times[1]));
        CHECK(std::isnan(read->series.values(0, 2)));
        CHECK(read->series.values(1, 2) == 6);
        CHECK(std::isnan(read->series.values(1, 3)));
        const auto none = tocsin::parse_csv_recording<double>("a\n1\n#N/A\n", "f.csv");
        REQUIRE(none.has_value());
        CHECK(none->cut.count == 0);
    }

    TEST_CASE("csv: values in a column that seemed to be a delimiter at the end are counted") {
        std::string text = "a,b,\n";
        for (int row = 0; row < 200; ++row) {
            text += std::to_string(row % 7) + ',' + std::to_string(row % 5) +
                    (row < 150 ? ",\n" : ",5\n");
        }
        const auto read = tocsin::parse_csv_recording<double>(text, "f.csv");
        REQUIRE_MESSAGE(read.has_value(), read.error().message());
        CHECK(read->series.names == std::vector<std::string>{"a", "b"});
        CHECK(read->unread.count == 50);
        CHECK(read->unread.line == 152);
    }

    TEST_CASE("csv: a line of # before the header divides comments") {
        for (const char* text :
             {"####\n# logger\n####\ntime,a\n2024-01-01 00:00,1\n2024-01-01 01:00,2\n",
              "##\ntime,a\n2024-01-01 00:00,1\n2024-01-01 01:00,2\n"}) {
            const auto read = tocsin::parse_csv_recording<double>(text, "f.csv");
            REQUIRE_MESSAGE(read.has_value(), read.error().message());
            CHECK(read->series.features() == 1);
            CHECK(read->series.time() == 2);
            CHECK(read->cut.count == 0);
        }
    }

    TEST_CASE("csv: times of day go on over midnight") {
        const auto read = tocsin::parse_csv_recording<double>(
            "time,a\n23:59:58,1\n23:59:59,2\n00:00:00,3\n00:00:01,4\n", "f.csv");
        REQUIRE(read.has_value());
        CHECK(read->times == std::vector<double>{86398, 86399, 86400, 86401});
        const auto newest_first = tocsin::parse_csv_recording<double>(
            "time,a\n00:00:02,4\n00:00:01,4\n00:00:00,3\n23:59:59,2\n", "f.csv");
        REQUIRE(newest_first.has_value());
        CHECK(newest_first->times == std::vector<double>{2, 1, 0, -1});
    }

    TEST_CASE("csv: dates without an order that fits all, with years of two digits") {
        const auto refused = tocsin::parse_csv_recording<double>(
            "date,a\n30/11/26,1\n01/12/26,2\n12/31/99,3\n", "f.csv");
        REQUIRE_FALSE(refused.has_value());
        CHECK(std::string{refused.error().message()} ==
              "f.csv: the date '30/11/26' of row 1 can only be day first or year first, '12/31/99' "
              "of row 3 only month first; --dates day-first or --dates month-first or --dates "
              "year-first leaves the others without a time");
    }
}
