#include "tocsin/io/csv.hpp"
#include "tocsin/io/csv_detection.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <string_view>
#include <vector>

using tocsin::csv_options;

namespace {

using strings = std::vector<std::string>;

/// Two columns in which every cell is what it seems: a wave and a slower one.
struct text_style {
    std::string delimiter = ",";
    char point = '.';
    std::string before = ""; ///< the header
    std::string header = "a,b";
    std::string end = "\n";
    int rows = 12;
    std::string quote = "";
};

double value(int column, int row) {
    return std::round(1e4 * (column == 0 ? std::sin(0.7 * row) : 50 + 9 * std::cos(0.3 * row))) /
           1e4;
}

std::string text_of(const text_style& style) {
    std::string text = style.before + style.header + (style.header.empty() ? "" : style.end);
    for (int t = 0; t < style.rows; ++t) {
        for (int c = 0; c < 2; ++c) {
            char number[32];
            std::snprintf(number, sizeof number, "%.4f", value(c, t));
            std::string cell = number;
            cell[cell.find('.')] = style.point;
            text += style.quote + cell + style.quote + (c == 0 ? style.delimiter : style.end);
        }
    }
    return text;
}

/// Whether the text is read as the two columns, under these names.
void check_reads(const std::string& text, const strings& names, int rows = 12,
                 const csv_options& options = {}) {
    INFO(text.substr(0, 120));
    const auto read = tocsin::parse_csv<double>(text, "f", options);
    REQUIRE_MESSAGE(read.has_value(), read.error().message());
    CHECK(read->names == names);
    REQUIRE(read->features() == 2);
    REQUIRE(read->time() == rows);
    for (int t = 0; t < rows; ++t) {
        CHECK(read->values(0, t) == doctest::Approx(value(0, t)));
        CHECK(read->values(1, t) == doctest::Approx(value(1, t)));
    }
}

tocsin::csv_recording<double> read(std::string_view text, const csv_options& options = {}) {
    auto recording = tocsin::parse_csv_recording<double>(text, "f.csv", options);
    REQUIRE_MESSAGE(recording.has_value(), recording.error().message());
    return *std::move(recording);
}
std::string refusal(std::string_view text, const csv_options& options = {}) {
    const auto recording = tocsin::parse_csv_recording<double>(text, "f.csv", options);
    return recording ? std::string{} : std::string{recording.error().message()};
}

} // namespace

TEST_SUITE("io") {
    TEST_CASE("csv_detection: delimiters are recognised, with a decimal point or comma") {
        for (const std::string delimiter : {",", ";", "\t", "|"}) {
            const std::string header = "a" + delimiter + "b";
            check_reads(text_of({.delimiter = delimiter, .header = header}), {"a", "b"});
            check_reads(text_of({.delimiter = delimiter, .header = header, .end = "\r\n"}),
                        {"a", "b"});
            if (delimiter != ",") {
                check_reads(text_of({.delimiter = delimiter, .point = ',', .header = header}),
                            {"a", "b"});
            }
            check_reads(
                text_of({.delimiter = delimiter, .point = ',', .header = header, .quote = "\""}),
                {"a", "b"});
            check_reads(text_of({.delimiter = delimiter, .header = ""}), {"column1", "column2"});
        }
        check_reads(text_of({.delimiter = "  ", .header = "a  b"}), {"a", "b"});
        check_reads(text_of({.delimiter = ", ", .header = "\"a\", \"b\"", .quote = "\""}),
                    {"a", "b"});
    }

    TEST_CASE("csv_detection: a single column with a decimal comma is not two columns") {
        const auto read = tocsin::parse_csv<double>("value\n0,25\n1,5\n-2,125\n0,5\n", "f");
        REQUIRE_MESSAGE(read.has_value(), read.error().message());
        REQUIRE(read->features() == 1);
        CHECK(read->values(0, 2) == -2.125);
        // Nothing tells these from two columns of whole numbers, except the user.
        const auto pairs = tocsin::parse_csv<double>("0,25\n1,5\n", "f");
        REQUIRE(pairs.has_value());
        CHECK(pairs->features() == 2);
        const auto comma = tocsin::parse_csv<double>("0,25\n1,5\n", "f", {.decimal_comma = true});
        REQUIRE(comma.has_value());
        CHECK(comma->values(0, 0) == 0.25);
    }

    TEST_CASE("csv_detection: numbers between blanks are not merged into one") {
        const auto two = read("a b\n20 512\n21 515\n22 518\n");
        CHECK(two.dialect.delimiter == ' ');
        REQUIRE(two.series.names == std::vector<std::string>{"a", "b"});
        CHECK(two.series.values(0, 0) == 20);
        CHECK(two.series.values(1, 2) == 518);
        // Only some rows could be one number.
        CHECK(read("a b c\n20 51 7\n21 515 111\n22 518 222\n").series.features() == 3);
        CHECK(read("20 51\n21 515\n22 518\n").series.features() == 2);
        CHECK(read("a b\n20 512,5\n21 515,5\n").series.features() == 2);
        // One column whose name is one word, or whose rows differ.
        CHECK(read("a\n20 512\n21 515\n").series.values(0, 0) == 20512);
        CHECK(read("a b\n512\n21 515\n1 021 515\n").series.values(0, 2) == 1021515);
        // Nothing says which of the two.
        const auto unclear = refusal("20 512\n21 515\n22 518\n");
        CHECK(unclear.find("f.csv:1:1: '20 512'") != std::string::npos);
        CHECK(unclear.find("--thousands") != std::string::npos);
        CHECK(unclear.find("--delimiter space") != std::string::npos);
        csv_options options;
        options.groups = true;
        CHECK(read("20 512\n21 515\n", options).series.values(0, 0) == 20512);
        options = {};
        options.delimiter = ' ';
        CHECK(read("20 512\n21 515\n", options).series.features() == 2);
        // A model knows how many there are.
        options = {};
        options.use = {"a", "b"};
        CHECK(read("20 512\n21 515\n", options).series.values(1, 1) == 515);
        options.use = {"a"}; // with a time before it or not
        CHECK(refusal("20 512\n21 515\n", options) == refusal("20 512\n21 515\n"));
        // A date with its time is one cell.
        CHECK(read("time,a\n2024-01-01 00:00,1\n2024-01-01 00:01,2\n").dialect.delimiter == ',');
    }

    TEST_CASE("csv_detection: numbers in groups of three are refused, not guessed") {
        const auto dots = tocsin::parse_csv<double>("a;b\n1,5;1.250\n2,5;2.500\n", "f");
        REQUIRE_FALSE(dots.has_value());
        CHECK(std::string{dots.error().message()}.find("found '1.250'") != std::string::npos);
        const auto commas = tocsin::parse_csv<double>("a,b\n1.5,\"1,250\"\n2.5,\"2,500\"\n", "f");
        REQUIRE_FALSE(commas.has_value());
        CHECK(std::string{commas.error().message()}.find("--decimal-comma") != std::string::npos);
    }

    TEST_CASE("csv_detection: rows before the header, a separator line, a byte order mark") {
        check_reads(text_of({.before = "sep=,\n"}), {"a", "b"});
        check_reads(
            text_of({.delimiter = ";", .before = "\xEF\xBB\xBF\"sep=;\"\r\n", .header = "a;b"}),
            {"a", "b"});
        check_reads(text_of({.delimiter = ";",
                             .before = "Logger;X200\nSerial;123\nStart;2024-01-01\n\n",
                             .header = "a;b"}),
                    {"a", "b"});
        check_reads(text_of({.before = "# made by a logger\n# version 3\n"}), {"a", "b"});
        check_reads(text_of({.before = "# no names follow\n", .header = ""}),
                    {"column1", "column2"});
        check_reads(text_of({.before = "1,2\n3,4\n"}), {"a", "b"}, 12, {.skip_rows = 2});
        const auto dialect = tocsin::detect_csv_dialect(
            text_of({.delimiter = ";", .before = "Plant 7\n\n", .header = "a;b"}));
        CHECK(dialect.skipped == 2);
        CHECK(dialect.has_header);
        CHECK(dialect.delimiter == ';');
    }

    TEST_CASE("csv_detection: a row of units or descriptions below the names is left out") {
        for (const std::string units : {"[V],[degC]", "V,bar", "(m/s),(-)", "Volt,Celsius"}) {
            check_reads(text_of({.header = "a,b\n" + units}), {"a", "b"});
        }
        check_reads(text_of({.before = "Logger,X\n\n", .header = "a,b\nmV,degC"}), {"a", "b"});
        // Names, units, what was computed; with names twice where the second row is no units.
        check_reads(text_of({.header = "a,b\n[V],[degC]\nmean,min"}), {"a", "b"});
        check_reads(text_of({.before = "Plant,7\n\n", .header = "a,b\nV,bar\nAvg,\"\""}),
                    {"a", "b"});
        check_reads(text_of({.before = "from,north\n", .header = "site,seven\na,b\n"}), {"a", "b"});
    }

    TEST_CASE("csv_detection: a title or groups of columns above the names do not replace them") {
        const std::string rows = "2024-05-01 06:00,1,2\n2024-05-01 06:01,3,4\n"
                                 "2024-05-01 06:02,5,6\n";
        for (const std::string before : {",,\n", "Boiler 3,,\n", "Boiler 3,,\n,,\n",
                                         "House,Cellar,Roof\n", "All,North,North\n", ";;\n,,\n"}) {
            CAPTURE(before);
            for (const std::string names : {"time,a,b\n", "time,a,b\ns,bar,degC\n"}) {
                const auto found = read(before + names + rows);
                CHECK(found.series.names == strings{"a", "b"});
                CHECK(found.times.size() == 3);
                CHECK_FALSE(found.dialect.unclear_names);
            }
        }
        // A title without a time below it, and names of which one is missing.
        CHECK(read("Pump,\na,b\n1,2\n3,4\n").series.names == strings{"a", "b"});
        CHECK(read(",,\nV,h,t\n1,2,3\n3,4,5\n").series.names == strings{"V", "h", "t"});
        CHECK(read("time,,b\ns,bar,degC\n" + rows).series.names == strings{"column2", "b"});
        // Either row may be the names.
        const auto either = read("north,south\na,b\n1,2\n3,4\n");
        CHECK(either.series.names == strings{"north", "south"});
        CHECK(either.dialect.unclear_names);
        CHECK_FALSE(read("a,b\nV,bar\n1,2\n3,4\n").dialect.unclear_names);
        const auto blank = read("\nnorth,south\na,b\n1,2\n3,4\n");
        CHECK(blank.dialect.unclear_names);
        CHECK(blank.dialect.skipped == 1);
        // Nothing but rows without names.
        const auto bare = read(",,\n" + rows);
        CHECK_FALSE(bare.dialect.has_header);
        CHECK(bare.dialect.skipped == 1);
        CHECK(bare.series.time() == 3);
    }

    TEST_CASE("csv_detection: the first row that is not skipped as asked has the names") {
        const std::string rows = "0,1,2,3,4\n1,2,3,4,5\n2,3,4,5,6\n";
        csv_options options;
        options.skip_rows = 1;
        for (const std::string units : {"s,V,A,bar,degC\n", "s,V,A,bar,degC\n,Avg,Avg,Avg,Avg\n"}) {
            CAPTURE(units);
            const auto found = read("junk\ntime,,,,\n" + units + rows, options);
            CHECK(found.series.names == strings{"column2", "column3", "column4", "column5"});
            CHECK(found.series.time() == 3);
        }
        const auto bare = read("junk\ntime,a,b,c,d\n" + rows, options);
        CHECK(bare.dialect.unit_rows == 0);
        CHECK(bare.series.time() == 3);
    }

    TEST_CASE("csv_detection: names asked for say which row has them") {
        csv_options options;
        options.use = {"b", "a"};
        for (const std::string text :
             {"north,south\na,b\n1,2\n3,4\n", "a,b\nnorth,south\n1,2\n3,4\n", ",\na,b\n1,2\n3,4\n",
              "a,b\n[V],[A]\nmean,max\n1,2\n3,4\n"}) {
            CAPTURE(text);
            const auto found = read(text, options);
            CHECK(found.series.names == options.use);
            CHECK(found.series.values(1, 0) == 1);
            CHECK_FALSE(found.dialect.unclear_names);
        }
        options.use = {"column2"};
        CHECK(read("a,\nx,y\n1,2\n3,4\n", options).series.values(0, 1) == 4);
    }

    TEST_CASE(
        "csv_detection: files of data loggers with names, units and processing in rows 2 to 4") {
        const std::string text =
            "\"TOA5\",\"site\",\"CR1000\",\"1234\",\"std.32\",\"CPU:day.CR1\",\"5\",\"table\"\n"
            "\"TIMESTAMP\",\"RECORD\",\"a_Avg\",\"b_Min\"\n"
            "\"TS\",\"RN\",\"Deg C\",\"Volts\"\n"
            "\"\",\"\",\"Avg\",\"Min\"\n"
            "\"2024-01-01 00:00:00\",0,12.5,13.1\n"
            "\"2024-01-01 00:01:00\",1,\"NAN\",13.2\n"
            "\"2024-01-01 00:02:00\",2,12.7,13.3\n";
        const auto read = tocsin::parse_csv<double>(text, "f");
        REQUIRE_MESSAGE(read.has_value(), read.error().message());
        CHECK(read->names == strings{"a_Avg", "b_Min"});
        REQUIRE(read->time() == 3);
        CHECK(read->values(0, 0) == 12.5);
        CHECK(std::isnan(read->values(0, 1)));
        CHECK(read->values(1, 2) == 13.3);
        CHECK(read->timestamps.front() == "2024-01-01 00:00:00");
    }

    TEST_CASE("csv_detection: a first row of numbers that may be names") {
        const auto may = [](const char* text, const csv_options& options = {}) {
            const auto dialect = tocsin::detect_csv_dialect(text, options);
            CHECK(dialect.has_header == options.header.value_or(false));
            return dialect.may_have_names;
        };
        CHECK(may("0,1,2\n0.5,1.5,2\n0.2,1,1\n"));
        CHECK(may("1;2;3\n5;5;5\n4;4;4\n"));
        CHECK(may("40001,40002\n203,246\n204,243\n202,250\n"));
        CHECK(may("2019,2020,2018\n3.5,4,2\n3.7,4,1\n3.4,5,1\n"));
        CHECK_FALSE(may("0,1\n0.5,1.5\n0.2,1\n"));
        CHECK_FALSE(may("0,1,3\n0.5,1.5,2\n0.2,1,1\n0.1,1,1\n"));
        CHECK_FALSE(may("0,1,2\n0,1,2\n0,1,2\n0,1,1\n"));
        CHECK_FALSE(may("0.5,1,2\n0,1,2\n"));
        CHECK_FALSE(may("40001,240\n203,246\n204,243\n202,250\n"));
        CHECK_FALSE(may("1,100\n2,101\n3,102\n4,103\n5,104\n")); // counters
        CHECK_FALSE(may("0,1,2\n0.5,1.5,2\n0.2,1,1\n", {.header = false}));
        CHECK_FALSE(may("0,1,2\n0.5,1.5,2\n0.2,1,1\n", {.header = true}));
        // Where the names are known, such a row is the header.
        const char* const text = "0,1,2\n0.5,1.5,2\n0.2,1,1\n";
        const auto named = tocsin::parse_csv_recording<double>(text, "f", {.use = {"2", "0"}});
        REQUIRE(named);
        CHECK(named->dialect.has_header);
        CHECK(named->series.values.col(0) == Eigen::Vector2d(2, 0.5));
        CHECK(named->series.time() == 2);
        const auto other = tocsin::parse_csv_recording<double>(text, "f", {.use = {"a", "b", "c"}});
        REQUIRE(other);
        CHECK(other->series.time() == 3);
        // Below comments, above units, and a row equal to the names is a row.
        for (const std::string above : {"", "# c\n", "# 0,1\n\n% d\n"}) {
            for (const std::string below : {"", "V,A\n", "[V],[A]\n[s],[s]\n"}) {
                INFO(above);
                INFO(below);
                const auto read = tocsin::parse_csv_recording<double>(
                    above + "0,1\n" + below + "0,1\n1,0\n0,1\n0,0\n1,1\n", "f",
                    {.use = {"0", "1"}});
                REQUIRE_MESSAGE(read.has_value(), read.error().message());
                CHECK(read->dialect.has_header);
                CHECK(read->series.names == std::vector<std::string>{"0", "1"});
                REQUIRE(read->series.time() == 5);
                CHECK(read->series.values.col(0) == Eigen::Vector2d(0, 1));
                CHECK(read->headers == 0);
            }
        }
        const auto words = tocsin::parse_csv_recording<double>("0,b\n1,0\n0,b\n0,0\n1,1\n", "f");
        REQUIRE(words);
        CHECK(words->headers == 1);
        CHECK(words->series.time() == 3);
    }

    TEST_CASE("csv_detection: any number of comments stands before the header") {
        for (const char* mark : {"# ", "%", "// "}) {
            for (const int count : {8, 99, 100, 101, 2000, 20000}) {
                std::string comments;
                for (int k = 0; k < count; ++k) {
                    comments += mark + std::string{"setting "} + std::to_string(k) + ": 3, 4\n";
                }
                INFO(mark << count);
                const auto named = tocsin::parse_csv_recording<double>(
                    comments + "\ntime,a,b\n0,1,2\n1,3,5\n2,2,4\n", "named");
                REQUIRE(named);
                CHECK(named->series.names == std::vector<std::string>{"a", "b"});
                CHECK(named->dialect.skipped == count + 1);
                CHECK(named->series.time() == 3);
                const auto nameless = tocsin::parse_csv_recording<double>(
                    comments + "0.5,1,2\n1,3,5\n3,2,4\n", "nameless");
                REQUIRE(nameless);
                CHECK(!nameless->dialect.has_header);
                CHECK(nameless->series.time() == 3);
                const auto in_comment = tocsin::parse_csv_recording<double>(
                    comments + mark + "x,a,b\n0.5,1,2\n1,3,5\n3,2,4\n", "in_comment");
                REQUIRE(in_comment);
                CHECK(in_comment->series.names[1] == "a");
                CHECK(in_comment->series.time() == 3);
            }
        }
    }

    TEST_CASE("csv_detection: a row of units that looks like a comment costs no row of data") {
        check_reads(text_of({.header = "a,b\n%,V"}), {"a", "b"});
        check_reads(text_of({.header = "a,b\n#,bar"}), {"a", "b"});
        // Without a header the first line of names is a comment.
        const auto read = tocsin::parse_csv<double>("# a,b\n1,2\n3,4\n", "f", {.header = false});
        REQUIRE_MESSAGE(read.has_value(), read.error().message());
        CHECK(read->time() == 2);
        CHECK(read->values(1, 1) == 4);
    }

    TEST_CASE("csv_detection: a delimiter at the end of lines makes no column") {
        check_reads(text_of({.header = "a,b,", .end = ",\n"}).replace(0, 5, "a,b,\n"), {"a", "b"});
        check_reads(text_of({.header = "a,b", .end = ",\n"}), {"a", "b"});
        std::string text = text_of({});
        text.replace(0, 3, "a,b,");
        check_reads(text, {"a", "b"});
    }

    TEST_CASE("csv_detection: a header is asked for or not") {
        const std::string text = "1,2\n3,4\n5,6\n";
        const auto guess = tocsin::parse_csv<double>(text, "f");
        REQUIRE(guess.has_value());
        CHECK(guess->time() == 3);
        const auto named = tocsin::parse_csv<double>(text, "f", {.header = true});
        REQUIRE(named.has_value());
        CHECK(named->names == strings{"1", "2"});
        CHECK(named->time() == 2);
        const auto words = tocsin::parse_csv<double>("a,b\n1,2\n", "f", {.header = false});
        CHECK_FALSE(words.has_value());
        // Without one, rows of empty cells are rows, also the first ones.
        for (const std::string first : {",\n", ",\n,\n"}) {
            csv_options bare;
            bare.header = false;
            const auto found = read(first + text, bare);
            REQUIRE(found.series.time() == 3 + static_cast<int>(first.size() / 2));
            CHECK(std::isnan(found.series.values(1, 0)));
            CHECK(found.series.values(1, found.series.time() - 1) == 6);
        }
    }

    TEST_CASE("csv_detection: without a header, names asked for belong to the columns in order") {
        const std::string text = "2024-01-01 00:00,1,2\n2024-01-01 00:01,3,4\n";
        const auto read = tocsin::parse_csv<double>(text, "f", {.use = {"temp", "hum"}});
        REQUIRE_MESSAGE(read.has_value(), read.error().message());
        CHECK(read->names == strings{"temp", "hum"});
        CHECK(read->timestamps.size() == 2);
        const auto by_name = tocsin::parse_csv<double>(text, "f", {.use = {"column3"}});
        REQUIRE(by_name.has_value());
        CHECK(by_name->values(0, 1) == 4);
        // A column more is the time only if it may be one.
        const auto counted =
            tocsin::parse_csv<double>("1,5,6\n2,7,8\n3,5,5\n", "f", {.use = {"a", "b"}});
        REQUIRE(counted.has_value());
        CHECK(counted->timestamps == strings{"1", "2", "3"});
        const auto shifted =
            tocsin::parse_csv<double>("5,6,0\n4,8,0\n9,5,1\n", "f", {.use = {"a", "b"}});
        REQUIRE_FALSE(shifted.has_value());
        CHECK(std::string{shifted.error().message()}.find(
                  "3 columns for 2 features; --timestamp") != std::string::npos);
        const auto labelled = tocsin::parse_csv<double>(
            "5,6,0\n4,8,0\n9,5,1\n", "f", {.labels = strings{"column3"}, .use = {"a", "b"}});
        REQUIRE(labelled.has_value());
        CHECK(labelled->values(0, 2) == 9);
        const auto wrong = tocsin::parse_csv<double>(text, "f", {.use = {"x", "y", "z"}});
        REQUIRE_FALSE(wrong.has_value());
        CHECK(std::string{wrong.error().message()}.find("2 columns for 3 features") !=
              std::string::npos);
    }

    TEST_CASE("csv_detection: more rows to skip than there are leave nothing") {
        for (const tocsin::index_t skipped : {2, 3, 1000}) {
            const auto read = tocsin::parse_csv<double>("a,b\n1,2\n", "f", {.skip_rows = skipped});
            REQUIRE_FALSE(read.has_value());
            CHECK(std::string{read.error().message()}.find("f: has no header line") !=
                  std::string::npos);
        }
    }

    TEST_CASE("csv_detection: files of other formats are named") {
        const auto refusal = [](std::string_view text) {
            return std::string{tocsin::parse_csv<double>(text, "f").error().message()};
        };
        CHECK(refusal("PK\x03\x04\x14\n1,2\n").find("f: is a zip archive") == 0);
        CHECK(refusal("\x1f\x8b\x08\n1,2\n").find("f: is compressed by gzip") == 0);
        CHECK(refusal({"\xFF\xFE\0\0a\0\0\0", 8}).find("f: is UTF-32") == 0);
        CHECK(refusal({"\0\0\xFE\xFF\0\0\0a", 8}).find("f: is UTF-32") == 0);
        CHECK(refusal("\n<!DOCTYPE html>\n<html>\n").find("f: is a page of HTML") == 0);
    }

    TEST_CASE("csv_detection: a line break in a name of the header is refused") {
        const auto refusal = [](std::string_view text, const tocsin::csv_options& options = {}) {
            const auto read = tocsin::parse_csv<double>(text, "f", options);
            return read ? std::string{"read"} : std::string{read.error().message()};
        };
        const std::string rows = "1,2,3\n4,5,6\n7,8,9\n";
        constexpr std::string_view why = "names with line breaks are not read";
        for (const std::string header :
             {"t,\"temp\n(C)\",p\n", "\"t\n(s)\",temp,p\n", "t,temp,\"p\n(bar)\"\n",
              "t,\"temp\r\n(C)\",\"p\r\n(bar)\"\r\n", "t,\"temp\nof\nwater\",p\n",
              "\"t\",\"temp \"\"in\"\"\n(C)\",p\n"}) {
            CAPTURE(header);
            CHECK(refusal(header + rows).find(why) != std::string::npos);
        }
        // One before the header is none of its names.
        CHECK(refusal("\"Report\nof Monday\"\nt,temp,p\n" + rows) == "read");
        CHECK(refusal("t,\"temp\n(C)\",p\n" + rows, {.header = false, .skip_rows = 2}) == "read");
        CHECK(refusal("t,p\n1,\"2\n\"\n3,4\n5,6\n").find("not closed on its line") !=
              std::string::npos);
    }

    TEST_CASE("csv_detection: serial dates, by the name of the column and by option") {
        const auto clock_of = [](const std::string& name, const tocsin::csv_options& options = {}) {
            const auto read = tocsin::parse_csv_recording<double>(
                name + ";a\n45292,5;1\n45293,5;2\n45294,5;3\n", "f", options);
            REQUIRE_MESSAGE(read.has_value(), read.error().message());
            CHECK(read->times.size() == (read->clock.serial() ? 3 : read->times.size()));
            return read->clock;
        };
        CHECK(clock_of("Date").serial());
        CHECK(clock_of("date_time").serial());
        CHECK_FALSE(clock_of("time").serial());
        CHECK(clock_of("time", {.serial_dates = true}).seconds("45292,5") == 1704110400);
        CHECK_FALSE(clock_of("Date", {.serial_dates = false}).serial());
    }

    TEST_CASE("csv_detection: markers of missing values, by default and asked for") {
        const std::string rows = "1,2\nNA,NaN\nnull,#N/A\n?,-\n,N/A\n-999,-999.0\n3,bad\n4,5\n";
        const auto refused = tocsin::parse_csv<double>("a,b\n" + rows, "f");
        REQUIRE_FALSE(refused.has_value());
        CHECK(std::string{refused.error().message()}.find("found 'bad'; --missing") !=
              std::string::npos);
        const auto read =
            tocsin::parse_csv<double>("a,b\n" + rows, "f", {.missing = {"bad", "-999"}});
        REQUIRE_MESSAGE(read.has_value(), read.error().message());
        CHECK(read->values.array().isNaN().count() == 11);
        CHECK(read->values(1, 7) == 5);
    }

    TEST_CASE("csv_detection: switches are numbers") {
        const auto read =
            tocsin::parse_csv<float>("a,pump,open\n1,ON,true\n2,off,False\n3,On,TRUE\n", "f");
        REQUIRE_MESSAGE(read.has_value(), read.error().message());
        CHECK(read->values.row(1) == Eigen::RowVector3f(1, 0, 1));
        CHECK(read->values.row(2) == Eigen::RowVector3f(1, 0, 1));
        const auto dialect = tocsin::detect_csv_dialect("a,pump\n1,ON\n2,OFF\n");
        CHECK(dialect.columns[1].content == tocsin::csv_content::on_or_off);
    }

    TEST_CASE("csv_detection: label words, the usual ones and one's own") {
        const auto usual = tocsin::parse_csv<float>("a,label\n1,Normal\n2,ATTACK\n3,normal\n", "f");
        REQUIRE_MESSAGE(usual.has_value(), usual.error().message());
        CHECK(usual->labels == std::vector<std::uint8_t>{0, 1, 0});
        const auto refused = tocsin::parse_csv<float>("a,label\n1,1\n2,-1\n", "f");
        REQUIRE_FALSE(refused.has_value());
        CHECK(std::string{refused.error().message()}.find("--label-values") != std::string::npos);
        const auto own = tocsin::parse_csv<float>("a,label\n1,1\n2,-1.0\n", "f",
                                                  {.label_values = {{"1", false}, {"-1", true}}});
        REQUIRE_MESSAGE(own.has_value(), own.error().message());
        CHECK(own->labels == std::vector<std::uint8_t>{0, 1});
        const auto others =
            tocsin::parse_csv<float>("a,label\n1,run\n2,leak\n3,jam\n", "f",
                                     {.label_values = {{"run", false}, {"*", true}}});
        REQUIRE(others.has_value());
        CHECK(others->labels == std::vector<std::uint8_t>{0, 1, 1});
    }

    TEST_CASE("csv_detection: the column of times by name or content, and indices of data frames") {
        const auto features = [](const std::string& text, const csv_options& options = {}) {
            const auto read = tocsin::parse_csv_recording<double>(text, "f", options);
            REQUIRE_MESSAGE(read.has_value(), read.error().message());
            strings names = read->series.names;
            names.push_back(to_string(read->clock.kind()));
            return names;
        };
        for (const std::string name : {"date", "ts", "Timestamps", "epoch", "Date Time", "x"}) {
            CHECK(features(name + ",a\n2024-01-01 00:00,1\n2024-01-01 00:01,3\n") ==
                  strings{"a", "local dates"});
        }
        for (const std::string name : {"timestamps", "epoch", "ts", "time", "unix_time", "x"}) {
            CHECK(features(name + ",a\n1700000000,1\n1700000060,3\n1700000120,2\n1700000180,2\n") ==
                  strings{"a", "seconds"});
        }
        CHECK(features("t,a\n1700000000123,1\n1700000060123,3\n1700000120123,2\n") ==
              strings{"a", "milliseconds"});
        CHECK(features("2024-01-01T00:00:00Z,1\n2024-01-01T00:01:00Z,2\n") ==
              strings{"column2", "dates in UTC"});
        CHECK(features("Date;Time;a\n10/03/2004;18.00.00;2,6\n10/03/2004;19.00.00;2,1\n") ==
              strings{"a", "local dates"});
        // A sensor may be called like a time, and values near 1.7e9 may be values.
        CHECK(features("ts,a\n3,1\n1,3\n2,2\n") == strings{"ts", "a", "not a time"});
        CHECK(features("ts,a\n3,1\n2,3\n1,2\n") == strings{"ts", "a", "not a time"});
        CHECK(features("a,b\n1700000001,1\n1700000000,3\n1700000002,2\n") ==
              strings{"a", "b", "not a time"});
        // Times all the same: one that goes back, the newest row first, many rows in a second.
        std::string back;
        for (int t = 0; t < 30; ++t) {
            const int at = t == 20 ? 3 : t;
            back += std::to_string(1700000000 + 60 * at) + ',' + std::to_string(t % 7) + '\n';
        }
        CHECK(features("epoch,a\n" + back) == strings{"a", "seconds"});
        CHECK(features("x,a\n" + back) == strings{"a", "seconds"});
        CHECK(features(back) == strings{"column2", "seconds"});
        CHECK(features("ts,a\n1,2\n2,3\n3,4\n4,4\n5,2\n6,3\n7,1\n8,1\n7.5,2\n9,2\n10,1\n11,3\n") ==
              strings{"a", "numbers"});
        for (const std::string header : {"epoch,a\n", "when,a\n", ""}) {
            const std::string name = header.empty() ? "column2" : "a";
            CHECK(features(header + "1700000120,1\n1700000060,3\n1700000000,2\n") ==
                  strings{name, "seconds"});
            CHECK(features(header + "1700000000,1\n1700000000,3\n1700000000,2\n") ==
                  strings{name, "seconds"});
        }
        CHECK(features("epoch,a\n1700000000000,1\n1700000001000,3\n1699999999000,2\n") ==
              strings{"a", "milliseconds"});
        CHECK(features(",a,b\n0,1,2\n1,3,5\n2,2,4\n") == strings{"a", "b", "not a time"});
        CHECK(features("index,a\n0,1\n1,3\n2,2\n") == strings{"index", "a", "not a time"});
        CHECK(features("date,a\n2024-01-01,1\n", {.timestamp = "date"}) ==
              strings{"a", "local dates"});
    }

    TEST_CASE("csv_detection: a date next to a time of day is one time, without names") {
        // From 2024-01-14 20:00 in hours; DD and HH stand for day and hour.
        const auto rows = [](const std::string& pattern) {
            const auto put = [](std::string text, const char* name, int number) {
                const auto at = text.find(name);
                return text.replace(at, 2, std::to_string(number / 10) + char('0' + number % 10));
            };
            std::string text;
            for (int t = 0; t < 12; ++t) {
                const int day = t < 4 ? 14 : 15;
                text += put(put(pattern, "DD", day), "HH", (t + 20) % 24) + std::to_string(t % 5) +
                        ".5\n";
            }
            return text;
        };
        for (const std::string& text : {rows("DD.01.2024;HH:00:00;1;"), rows("HH:00,2024-01-DD,1,"),
                                        "Tag;Stunde;a;b\n" + rows("DD/01/24;HH:00;1;"),
                                        "day,clock,a,b\n" + rows("202401DD,HH:00,1,"),
                                        "date,time,a,b\n" + rows("202401DD,HH:00,1,")}) {
            INFO(text.substr(0, 60));
            const auto read = tocsin::parse_csv_recording<double>(text, "f");
            REQUIRE_MESSAGE(read.has_value(), read.error().message());
            CHECK(read->series.features() == 2);
            REQUIRE(read->times.size() == 12);
            for (std::size_t t = 1; t < 12; ++t) {
                CHECK(read->times[t] - read->times[t - 1] == 3600);
            }
            CHECK(read->times[0] == 1705262400);
        }
        // Two columns of dates: the first one is the time, as far as one can tell.
        const auto two = tocsin::parse_csv_recording<double>(
            "from,to,a\n2024-01-01,2024-01-02,1\n2024-01-02,2024-01-03,2\n", "f",
            {.ignore = {"to"}});
        REQUIRE(two.has_value());
        CHECK(two->times[1] - two->times[0] == 86400);
    }

    TEST_CASE("csv_detection: times that count milliseconds or microseconds by their name") {
        const std::string rows = ",a\n0,1\n100,2\n200,1\n300,2\n";
        CHECK(read("time_ms" + rows).times == std::vector<double>{0, 0.1, 0.2, 0.3});
        CHECK(read("Time [us]" + rows).times == std::vector<double>{0, 1e-4, 2e-4, 3e-4});
        CHECK(read("time" + rows).times == std::vector<double>{0, 100, 200, 300});
        csv_options options;
        options.time_unit = tocsin::time_unit::milliseconds; // of earlier data
        CHECK(read("time" + rows, options).times.back() == 0.3);
        CHECK(read("Time (s)" + rows, options).times.back() == 300);
    }

    TEST_CASE("csv_detection: units where the names should stand") {
        const std::string rows = text_of({.header = ""});
        check_reads("degC,degC\n" + rows, {"column1", "column2"});
        check_reads("[V],[V]\n" + rows, {"column1", "column2"});
        check_reads("V,A\n" + rows, {"V", "A"}); // they may be names
        const auto dialect = tocsin::detect_csv_dialect("degC,degC\n" + rows);
        CHECK(dialect.has_units_only);
        CHECK(dialect.skipped == 1);
        csv_options asked;
        asked.header = true; // then they are names, of which each column needs another
        CHECK_FALSE(tocsin::parse_csv<double>("degC,degC\n" + rows, "f", asked).has_value());
    }
}
