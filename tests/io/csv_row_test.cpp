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
        CHECK(message("a,b", {.timestamp = "when"}) == "f.csv:1:1: has no column named 'when'");
        CHECK(message("a,b", {.labels = strings{"l"}}) == "f.csv:1:1: has no column named 'l'");
        CHECK(message("a,b,a", {.use = {"a"}})
                  .starts_with("f.csv:1:1: has more than one column named 'a'"));
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
