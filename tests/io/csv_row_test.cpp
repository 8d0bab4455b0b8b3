#include "tocsin/io/csv_row.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <span>
#include <string>
#include <string_view>
#include <vector>

using tocsin::csv_layout;
using tocsin::csv_notes;
using tocsin::csv_options;

namespace {

using strings = std::vector<std::string>;

strings cells_of(std::string_view line, char delimiter = ',') {
    tocsin::csv_cells cells{line, delimiter};
    strings found;
    while (cells.next()) {
        found.push_back(csv_layout::unquoted(cells.text()));
    }
    if (cells.problem() != nullptr) {
        found.push_back(std::string{"! "} + cells.problem());
    }
    return found;
}

} // namespace

TEST_SUITE("io") {
    TEST_CASE("csv_row: cells are split at delimiters outside double quotes") {
        CHECK(cells_of("a,b,c") == strings{"a", "b", "c"});
        CHECK(cells_of("a, b ,") == strings{"a", "b", ""});
        CHECK(cells_of("") == strings{""});
        CHECK(cells_of(",") == strings{"", ""});
        CHECK(cells_of("\"a,b\",c") == strings{"a,b", "c"});
        CHECK(cells_of("\"say \"\"hi\"\"\",\"\"") == strings{"say \"hi\"", ""});
        CHECK(cells_of("x;\"y;z\"", ';') == strings{"x", "y;z"});
        CHECK(cells_of("\"open,b") == strings{"! a double quote is not closed on its line"});
        CHECK(cells_of("1,\"a\"b") == strings{"1", "! text after a closing double quote"});
        CHECK(cells_of("\"\"\"") == strings{"! a double quote is not closed on its line"});
        CHECK(cells_of("a\"b,c") == strings{"a\"b", "c"});
        CHECK(cells_of("\"a\", \"b c\" ,d") == strings{"a", "b c", "d"});
        CHECK(cells_of("\"a\" x,b") == strings{"! text after a closing double quote"});
        CHECK(cells_of(" \t\"a\"\tb", '\t') == strings{"", "a", "b"});
        CHECK(cells_of("  1.5   2  3 ", ' ') == strings{"1.5", "2", "3"});
    }

    TEST_CASE("csv_row: timestamp, labels and features are recognised by name") {
        const auto layout = csv_layout::from_header("DateTime;Volume Flow RateRMS;x;Anomaly");
        REQUIRE(layout.has_value());
        CHECK(layout->delimiter() == ';');
        CHECK(layout->names() == strings{"Volume Flow RateRMS", "x"});
        CHECK(layout->has_timestamp());
        CHECK(layout->has_label());

        std::array<float, 2> sample{};
        csv_notes notes;
        REQUIRE(
            layout->parse("2020-03-09 10:14:33;32.0;;1.0", std::span<float>{sample}, notes).ok());
        CHECK(sample[0] == 32);
        CHECK(std::isnan(sample[1]));
        CHECK(notes.timestamp == "2020-03-09 10:14:33");
        CHECK(notes.label == 1);
    }

    TEST_CASE("csv_row: columns can be named, ignored, put in order") {
        csv_options options;
        options.timestamp = "when";
        options.labels = strings{"bad", "worse"};
        options.ignore = {"junk", "not there"};
        const std::string header = "a,bad,junk,when,worse,b";
        const auto layout = csv_layout::from_header(header, options);
        REQUIRE(layout.has_value());
        CHECK(layout->names() == strings{"a", "b"});
        std::array<double, 2> sample{};
        csv_notes notes;
        REQUIRE(layout->parse("1,0,text,noon,True,2", std::span<double>{sample}, notes).ok());
        CHECK(sample == std::array<double, 2>{1, 2});
        CHECK(notes.label == 1);
        REQUIRE(layout->parse("1,0,text,noon,false,2", std::span<double>{sample}, notes).ok());
        CHECK(notes.label == 0);

        options.use = {"b", "a"};
        const auto swapped = csv_layout::from_header(header, options);
        REQUIRE(swapped.has_value());
        CHECK(swapped->names() == strings{"b", "a"});
        REQUIRE(swapped->parse("1,0,,,0,2", std::span<double>{sample}, notes).ok());
        CHECK(sample == std::array<double, 2>{2, 1});

        options.use = {"b"};
        CHECK(csv_layout::from_header(header, options)->names() == strings{"b"});
        options.use = {"bad"};
        CHECK_FALSE(csv_layout::from_header(header, options).has_value());
    }

    TEST_CASE("csv_row: recognition by name can be turned off") {
        csv_options options;
        options.timestamp = "";
        options.labels = strings{};
        const auto layout = csv_layout::from_header("time,a,label,Is_Anomaly", options);
        REQUIRE(layout.has_value());
        CHECK(layout->names() == strings{"time", "a"}); // labels are no features either
        CHECK_FALSE(layout->has_timestamp());
        CHECK_FALSE(layout->has_label());
        std::array<double, 2> sample{};
        csv_notes notes;
        CHECK(layout->parse("1,2,3,maybe", std::span<double>{sample}, notes).ok());
        options.use = {"time", "label"};
        CHECK(csv_layout::from_header("time,a,label", options)->names() == options.use);
    }

    TEST_CASE("csv_row: headers that cannot be used are refused, naming the column") {
        const auto message = [](std::string_view header, const csv_options& options = {}) {
            const auto layout = csv_layout::from_header(header, options, {"f.csv", 1});
            return layout ? std::string{} : std::string{layout.error().message()};
        };
        CHECK(message("time,label") == "f.csv:1:1: has no column left to use as a feature");
        CHECK(message("a,b", {.timestamp = "when"}) ==
              "f.csv:1:1: has no column named 'when', only a, b");
        CHECK(message("a,b", {.labels = strings{"l"}}) ==
              "f.csv:1:1: has no column named 'l', only a, b");
        CHECK(message("a,b,a", {.use = {"a"}})
                  .starts_with("f.csv:1:1: has more than one column named 'a'"));
        CHECK(message("a,b", {.use = {"a", "b", "a"}}) ==
              "f.csv:1:1: column 'a' is asked for twice");
        CHECK(message("a,b", {.timestamp = "a", .use = {"a", "b"}})
                  .ends_with("is asked for as a feature, but has another meaning too"));
        CHECK(message("a,b,b").starts_with("f.csv:1:1: has more than one column named 'b'"));
        CHECK(message("a,b,b", {.ignore = {"b"}}).empty());
        CHECK(message("Temp \xB0"
                      "C,b")
                  .find("--encoding latin-1") != std::string::npos);
        CHECK(message("a,\"b").starts_with("f.csv:1:3: a double quote is not closed on its line"));
        CHECK_FALSE(message("a.b", {.delimiter = '.'}).empty());
    }

    TEST_CASE("csv_row: rows that do not fit name place, column name and content") {
        const auto layout = csv_layout::from_header("t,speed,label", {.timestamp = "t"});
        REQUIRE(layout.has_value());
        const auto message = [&](std::string_view line) {
            std::array<double, 1> sample{};
            csv_notes notes;
            const auto outcome =
                layout->parse(line, std::span<double>{sample}, notes, {"stdin", 7});
            return std::string{outcome.message()};
        };
        CHECK(message("x,1,0").empty());
        CHECK(
            message("x,fast,0") ==
            "stdin:7:3: expected a number for 'speed', found 'fast'; --missing makes it a missing "
            "value, --ignore leaves the column out");
        CHECK(message("x,\"1,5\",0").ends_with("found '1,5'; --decimal-comma reads it"));
        CHECK(message("x,1,2").starts_with("stdin:7:5: expected a label, 0 or 1, found '2'; "
                                           "--label-values"));
        CHECK(message("x,1,").starts_with("stdin:7:5: expected a label, 0 or 1, found ''"));
        CHECK(message("x,1").starts_with("stdin:7:4: has 2 cells delimited by ',', expected 3; "
                                         "--delimiter"));
        CHECK(message("x,1,0,9,9")
                  .starts_with("stdin:7:10: has 5 cells delimited by ',', expected 3"));
        CHECK(message("x,1,0,").empty()); // a delimiter at the end
        CHECK(message("x,\"1,0") == "stdin:7:3: a double quote is not closed on its line");
        CHECK(message("x,\"1\",0").empty());
    }

    TEST_CASE("csv_row: a refusal names the option that helps at this place") {
        const auto message = [](std::string_view header, std::string_view line, tocsin::index_t at,
                                csv_options options = {}) {
            const auto layout = csv_layout::from_header(header, options, {"f", 3});
            REQUIRE(layout.has_value());
            std::vector<double> sample(static_cast<std::size_t>(layout->features()));
            csv_notes notes;
            const auto outcome = layout->parse(line, std::span<double>{sample}, notes, {"f", at});
            return std::string{outcome.message()};
        };
        const std::string missing =
            "; --missing makes it a missing value, --ignore leaves the column out";
        CHECK(message("a,b", "1,C", 4)
                  .ends_with("--skip-rows leaves out the lines up to here, "
                             "names included"));
        CHECK(message("a,b", "1,C", 202).ends_with("found 'C'" + missing));
        CHECK(message("a,b", "1,(null)", 4).ends_with("found '(null)'" + missing));
        CHECK(message("a,b", "1,NORMAL", 4).find("if it is a label: --labels") !=
              std::string::npos);
        CHECK(message("a,b", "1,(2.5)", 4).ends_with("found '(2.5)'" + missing));
        CHECK(message("a,b", "1,(m/s)", 4).find("--skip-rows") != std::string::npos);
        for (const char* line : {"2024-01-15 00:00:00^20.1^102.9", "20.1~102.9", "0:20.5:102.2",
                                 "2024-01-15 00:00:00;20.1;NA"}) {
            CAPTURE(line);
            CHECK(message("x", line, 50, {.delimiter = ','})
                      .ends_with("--delimiter says what is between them"));
        }
        CHECK(message("# note", "# more", 4, {.delimiter = ','})
                  .find("--skip-rows leaves out lines before the header") != std::string::npos);
        CHECK(message("x", "word", 50, {.delimiter = ','}).ends_with(missing));
    }

    TEST_CASE(
        "csv_row: delimiters at the end of lines make no columns, and values there are told") {
        const auto layout = csv_layout::from_header("a,b,,,");
        REQUIRE(layout.has_value());
        CHECK(layout->names() == strings{"a", "b"});
        std::array<double, 2> sample{};
        csv_notes notes;
        for (const char* line : {"1,2,,,", "1,2,,", "1,2,", "1,2", "1,2,,,,"}) {
            CAPTURE(line);
            CHECK(layout->parse(line, std::span<double>{sample}, notes).ok());
            CHECK(notes.unread == 0);
        }
        CHECK_FALSE(layout->parse("1", std::span<double>{sample}, notes).ok());
        CHECK_FALSE(layout->parse("1,2,,,,,", std::span<double>{sample}, notes).ok());
        REQUIRE(layout->parse("1,2,5,,oh", std::span<double>{sample}, notes).ok());
        CHECK(notes.unread == 2);
        const auto asked = csv_layout::from_header("a,b,,", {.ignore = {"column3", "column4"}});
        REQUIRE(asked->parse("1,2,5,6", std::span<double>{sample}, notes).ok());
        CHECK(notes.unread == 0);
        // One that is asked for must be there.
        const auto wanted = csv_layout::from_header("a,b,,", {.use = {"a", "b", "column4"}});
        REQUIRE(wanted.has_value());
        std::array<double, 3> three{};
        CHECK(wanted->parse("1,2,,3", std::span<double>{three}, notes).ok());
        CHECK(three == std::array<double, 3>{1, 2, 3});
        CHECK_FALSE(wanted->parse("1,2,", std::span<double>{three}, notes).ok());
        CHECK_FALSE(wanted->parse("1,2", std::span<double>{three}, notes).ok());
        // Between others, or where nothing stands before it, a column without a name stays one.
        CHECK(csv_layout::from_header("a,,b,")->names() == strings{"a", "column2", "b"});
        CHECK(csv_layout::from_header(",,")->names() == strings{"column1", "column2"});
    }

    TEST_CASE("csv_row: missing values in any spelling are NaN") {
        const auto layout = csv_layout::of_numbers(7);
        std::array<float, 7> sample{};
        csv_notes notes;
        REQUIRE(layout.parse(",NaN,NA,n/a,null,None,-inf", std::span<float>{sample}, notes).ok());
        for (int k = 0; k < 6; ++k) {
            CHECK(std::isnan(sample[static_cast<std::size_t>(k)]));
        }
        CHECK(std::isinf(sample[6]));
        CHECK(layout.names().front() == "feature0");
    }
}
