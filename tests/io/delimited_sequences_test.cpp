#include "tocsin/io/delimited_sequences.hpp"

#include <doctest/doctest.h>

#include "support/allocation_counter.hpp"
#include "temporary_directory.hpp"
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <string>
#include <string_view>

using tocsin::label_field;
using tocsin::parse_sequences;
using tocsin::sequence_format;
using tocsin_test::temporary_directory;

namespace {

std::string message_for(std::string_view text, const sequence_format& format = {}) {
    const auto parsed = parse_sequences<double>(text, "f.csv", format);
    return parsed ? std::string{} : std::string{parsed.error().message()};
}

} // namespace

TEST_SUITE("io") {
    TEST_CASE_TEMPLATE("delimited_sequences: features by ';', steps by ',', label last", Scalar,
                       float, double) {
        const auto set = parse_sequences<Scalar>("1,2,3;4,5,6;0\n-1,-2,-3;-4,-5,-6.5;1\n", "f");
        REQUIRE_MESSAGE(set.has_value(), set.error().message());
        CHECK(set->features() == 2);
        CHECK(set->length == 3);
        CHECK(set->count() == 2);
        CHECK(set->labels == std::vector<std::uint8_t>{0, 1});
        CHECK(set->sequence(0)(1, 0) == 4);
        CHECK(set->sequence(1)(0, 2) == -3);
        CHECK(set->sequence(1)(1, 2) == Scalar(-6.5));
    }

    TEST_CASE("delimited_sequences: without a label, with CRLF, spaces, nan and no final newline") {
        const auto set = parse_sequences<double>("1, nan ;inf,-INF\r\n\r\n NaN,4;5,6e-1", "f");
        REQUIRE_MESSAGE(set.has_value(), set.error().message());
        CHECK(set->count() == 2);
        CHECK(set->labels.empty());
        CHECK(std::isnan(set->values(0, 1)));
        CHECK(set->values(1, 1) == -std::numeric_limits<double>::infinity());
        CHECK(set->values(1, 3) == 0.6);
    }

    TEST_CASE("delimited_sequences: whether a label is there can be said") {
        CHECK(parse_sequences<double>("1,2", "f")->labels.empty());
        CHECK(parse_sequences<double>("1;0", "f")->labels.empty());
        const auto one_step =
            parse_sequences<double>("1;0\n2;1", "f", {.label = label_field::present});
        REQUIRE(one_step.has_value());
        CHECK(one_step->features() == 1);
        CHECK(one_step->labels == std::vector<std::uint8_t>{0, 1});
        CHECK(message_for("1,2;3", {.label = label_field::absent}) ==
              "f.csv:1:5: feature 1 has 1 time steps, expected 2");
        CHECK(message_for("1,2;3,4", {.label = label_field::present}) ==
              "f.csv:1:5: expected a label, 0 or 1, found '3,4'");
        CHECK_FALSE(message_for("0", {.label = label_field::present}).empty());
    }

    TEST_CASE("delimited_sequences: delimiters can be chosen") {
        const auto set = parse_sequences<double>("1 2|3 4|1", "f",
                                                 {.feature_delimiter = '|', .step_delimiter = ' '});
        CHECK_FALSE(set.has_value()); // spaces are allowed around numbers
        const auto colons = parse_sequences<double>(
            "1:2|3:4|1", "f", {.feature_delimiter = '|', .step_delimiter = ':'});
        REQUIRE(colons.has_value());
        CHECK(colons->values(1, 0) == 3);
        CHECK(colons->labels.size() == 1);
        CHECK_FALSE(message_for("1", {.feature_delimiter = ','}).empty());
        CHECK_FALSE(message_for("1", {.step_delimiter = '.'}).empty());
        CHECK_FALSE(message_for("1", {.step_delimiter = '\n'}).empty());
        CHECK_FALSE(message_for("1", {.step_delimiter = '\0'}).empty());
    }

    TEST_CASE("delimited_sequences: malformed lines name file, line and column") {
        struct malformed {
            const char* text;
            const char* message;
        };
        for (const auto& [text, message] : {
                 malformed{"", "f.csv: holds no sequence (0 lines)"},
                 malformed{"\n \n", "f.csv: holds no sequence (2 lines)"},
                 malformed{"1,2;3,x", "f.csv:1:7: expected a number, found 'x'"},
                 malformed{"1,2;,4", "f.csv:1:5: expected a number, found ''"},
                 malformed{"1,2;3,4\n1,2;3,4,5",
                           "f.csv:2:5: feature 1 has 3 time steps, expected 2"},
                 malformed{"1,2;3,4\n\n1,2", "f.csv:3:1: has 1 fields delimited by ';', expected 2 "
                                             "features"},
                 malformed{"1,2;3,4;0\n1,2;3,4",
                           "f.csv:2:1: has 2 fields delimited by ';', expected "
                           "2 features then a label"},
                 malformed{"1,2;3,4;2", "f.csv:1:9: expected a label, 0 or 1, found '2'"},
                 malformed{"1,2;3,4;", "f.csv:1:9: expected a label, 0 or 1, found ''"},
                 malformed{"1,2;3,4;nan", "f.csv:1:9: expected a label, 0 or 1, found 'nan'"},
                 malformed{"1,1e400", "f.csv:1:3: expected a number, found '1e400'"},
                 malformed{"1,2\n3;4", "f.csv:2:1: has 2 fields delimited by ';', expected 1 "
                                       "features"},
                 malformed{"tag,freq", "f.csv:1:1: expected a number, found 'tag'"},
             }) {
            CHECK(message_for(text) == message);
        }
    }

    TEST_CASE("delimited_sequences: cutting or changing a text anywhere never crashes") {
        const std::string text = "1.5,-2e3;nan,4;0\r\n5,6;7,8;1\n";
        for (std::size_t size = 0; size < text.size(); ++size) {
            (void)message_for(std::string_view{text}.substr(0, size));
            for (const char character : {'\0', ';', ',', '\n', '\r', 'x', '-', '9', '\xff'}) {
                std::string changed = text;
                changed[size] = character;
                (void)message_for(changed);
            }
        }
    }

    TEST_CASE_TEMPLATE("delimited_sequences: writing and reading gives the same bits", Scalar,
                       float, double) {
        const temporary_directory directory;
        tocsin::sequence_set<Scalar> set;
        set.length = 5;
        set.values = tocsin::matrix<Scalar>::Random(3, 20) * Scalar(1e5);
        set.values(0, 0) = std::numeric_limits<Scalar>::denorm_min();
        set.values(1, 1) = std::numeric_limits<Scalar>::max();
        set.values(2, 2) = -std::numeric_limits<Scalar>::infinity();
        const sequence_format tabs{.feature_delimiter = '|', .step_delimiter = ':'};
        for (const bool labelled : {false, true}) {
            if (labelled) {
                set.labels = {0, 1, 1, 0};
            }
            for (const auto& format : {sequence_format{}, tabs}) {
                const auto path = directory / "sequences.csv";
                REQUIRE(tocsin::write_sequences(path, set, format).ok());
                const auto read = tocsin::read_sequences<Scalar>(path, format);
                REQUIRE_MESSAGE(read.has_value(), read.error().message());
                CHECK(read->values == set.values);
                CHECK(read->length == 5);
                CHECK(read->labels == set.labels);
            }
        }
        set.values(2, 2) = std::numeric_limits<Scalar>::quiet_NaN();
        REQUIRE(tocsin::write_sequences(directory / "nan.csv", set).ok());
        CHECK(std::isnan(tocsin::read_sequences<Scalar>(directory / "nan.csv")->values(2, 2)));
        set.labels.pop_back();
        CHECK_FALSE(tocsin::write_sequences(directory / "x.csv", set).ok());
        CHECK_FALSE(tocsin::read_sequences<Scalar>(directory / "x.csv").has_value());
    }

    TEST_CASE("delimited_sequences: every sequence file of the data sets is read") {
        const char* const root = std::getenv("TOCSIN_DATA_DIR");
        if (root == nullptr) {
            MESSAGE("skipped: TOCSIN_DATA_DIR is not set");
            return;
        }
        int files = 0;
        for (const auto& entry :
             std::filesystem::recursive_directory_iterator{std::filesystem::path{root} / "synth"}) {
            const std::string name = entry.path().filename().string();
            if (name.find("sequences.csv") == std::string::npos) {
                continue;
            }
            ++files;
            const auto set = tocsin::read_sequences<float>(entry.path());
            REQUIRE_MESSAGE(set.has_value(), set.error().message());
            CHECK(set->features() == 5);
            CHECK(set->length == 30);
            CHECK(set->values.allFinite());
            const bool labelled = name.find("labeled") != std::string::npos;
            CHECK(static_cast<tocsin::index_t>(set->labels.size()) ==
                  (labelled ? set->count() : 0));
        }
        CHECK(files > 0);
    }

    TEST_CASE("delimited_sequences: a small text never takes much memory, whatever it promises") {
        std::string first = "1";
        for (int k = 1; k < 15000; ++k) {
            first += ",1";
        }
        std::string columns = "1";
        for (int k = 1; k < 30000; ++k) {
            columns += ";1";
        }
        std::string lines;
        for (int k = 0; k < 30000; ++k) {
            lines += "1\n";
        }
        for (const auto& [text, accepted] :
             {std::pair{first + std::string(30000, ';'), false},
              std::pair{first + std::string(30000, ';') + "0", false},
              std::pair{first + '\n' + lines, false}, std::pair{columns + '\n' + lines, false},
              std::pair{first + '\n' + first, true}, std::pair{columns + '\n' + columns, true},
              std::pair{lines, true}}) {
            tocsin_test::largest_allocation();
            const auto read = parse_sequences<double>(text, "f", {.label = label_field::absent});
            CHECK(tocsin_test::largest_allocation() < 5 * text.size());
            CHECK(read.has_value() == accepted);
        }
    }
}
