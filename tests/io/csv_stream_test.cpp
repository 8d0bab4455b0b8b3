#include "tocsin/io/csv_stream.hpp"

#include <doctest/doctest.h>

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

using tocsin::csv_line;

namespace {

/// Lines with what each is, and the rows among them.
struct reading {
    tocsin::csv_stream stream;
    std::vector<csv_line> kinds;
    std::vector<std::vector<double>> rows;
    tocsin::csv_notes notes;
    tocsin::status wrong;

    explicit reading(std::initializer_list<const char*> lines, tocsin::csv_options options = {})
        : stream{with_names(std::move(options))} {
        tocsin::index_t number = 0;
        for (const char* line : lines) {
            const tocsin::text_place place{"in", ++number};
            const auto kind = stream.take(line, place);
            if (!kind) {
                wrong = kind.error();
                return;
            }
            kinds.push_back(*kind);
            if (*kind == csv_line::row) {
                std::vector<double> values(2);
                wrong = stream.parse<double>(line, values, notes, place);
                rows.push_back(values);
            }
        }
    }
    static tocsin::csv_options with_names(tocsin::csv_options options) {
        options.use = {"a", "b"};
        return options;
    }
};
using kinds = std::vector<csv_line>;
using numbers = std::vector<std::vector<double>>;

} // namespace

TEST_SUITE("io") {
    TEST_CASE("csv_stream: a line break in a name of the header is refused, other formats too") {
        constexpr std::string_view why = "names with line breaks are not read";
        for (const auto& found : {reading({"t,\"a", "(V)\",b", "1,2,3", "4,5,6"}),
                                  reading({"a,\"b", "(A)\"", "1,2", "3,4"})}) {
            CHECK(std::string_view{found.wrong.message()}.find(why) != std::string_view::npos);
            CHECK(found.rows.empty());
        }
        const reading site({"Site,\"North", "West\",7", "a,b", "1,2"});
        CHECK(site.rows == numbers{{1, 2}});
        const reading zip({"PK\x03\x04", "1,2"});
        CHECK(std::string_view{zip.wrong.message()}.starts_with("in:1:1: is a zip archive"));
        CHECK(zip.stream.has_ended());
    }

    TEST_CASE("csv_stream: the header is the line with the names, wherever it stands") {
        const reading plain({"b,x,a", "1,word,2"});
        CHECK(plain.kinds == kinds{csv_line::header, csv_line::row});
        CHECK(plain.rows == numbers{{2, 1}});
        const reading late({"Logger;7", "", "# made today", "a;b", "[V];[A]", "1;2", "3;4"});
        CHECK(late.kinds == kinds{csv_line::preamble, csv_line::nothing, csv_line::nothing,
                                  csv_line::header, csv_line::units, csv_line::row, csv_line::row});
        CHECK(late.rows == numbers{{1, 2}, {3, 4}});
        CHECK(reading({"1,2", "3,4"}).kinds == kinds{csv_line::row, csv_line::row});
        CHECK(reading({"sep=|", "a|b", "1|2"}).rows == numbers{{1, 2}});
        CHECK(reading({"\"sep=\t\"", "1\t2"}).rows == numbers{{1, 2}});
    }

    TEST_CASE("csv_stream: columns without a telling name are known by the first row") {
        const reading dated({"when,a,b", "2024-01-01 10:00,1,2"});
        CHECK(dated.notes.time() == "2024-01-01 10:00");
        const reading counted({"clock_of_unit,a,b", "1700000000,1,2"});
        CHECK(counted.notes.time() == "1700000000");
        const reading bare({"2024-01-01,1,2"});
        CHECK(bare.notes.time() == "2024-01-01");
    }

    TEST_CASE("csv_stream: numbers between blanks are as many as there are features") {
        CHECK(reading({"a b", "20 512"}).rows == numbers{{20, 512}});
        CHECK(reading({"20 512", "21 515"}).rows == numbers{{20, 512}, {21, 515}});
        tocsin::csv_options one;
        one.use = {"a"}; // with a time before it or not
        tocsin::csv_stream stream{one};
        const auto unclear = stream.take("20 512", {"in", 1});
        REQUIRE_FALSE(unclear.has_value());
        CHECK(std::string_view{unclear.error().message()}.find("--delimiter space") !=
              std::string_view::npos);
    }

    TEST_CASE("csv_stream: the first number with a comma or a point decides what they are") {
        CHECK(reading({"a;b", "1;2", "1,500;2"}).rows.back() == std::vector<double>{1.5, 2});
        CHECK(reading({"a;b", "1.500;2"}).rows.back() == std::vector<double>{1.5, 2});
        CHECK(reading({"1.500;2.250"}).rows == numbers{{1.5, 2.25}});
        CHECK(reading({"a b", "1.500 2.250"}).rows == numbers{{1.5, 2.25}}); // no row of units
        CHECK(reading({"1,5;2", "2,5;3"}).rows == numbers{{1.5, 2}, {2.5, 3}});
        CHECK_FALSE(reading({"a;b", "1,5;2", "1.500;2"}).wrong.ok());
        CHECK_FALSE(reading({"a;b", "1.5;2", "1,5;2"}).wrong.ok());
        CHECK(reading({"a,b", "\"1,5\",2"}).rows.back() == std::vector<double>{1.5, 2});
        tocsin::csv_options point;
        point.decimal_comma = false;
        CHECK_FALSE(reading({"a;b", "1,5;2"}, point).wrong.ok());
    }

    TEST_CASE("csv_stream: what cannot be read says what is missing, by the first line") {
        for (const auto& lines :
             {std::initializer_list<const char*>{"a,c", "1,2"}, {"x y", "a,c", "1,2"}}) {
            const reading wrong(lines);
            CHECK_FALSE(wrong.wrong.ok());
            const std::string_view message = wrong.wrong.message();
            CHECK(message.substr(0, 5) == (lines.size() == 2 ? "in:1:" : "in:2:"));
            CHECK(message.find("no column named 'b'") != std::string_view::npos);
        }
        CHECK(reading({"Logger", "1,2"}).rows == numbers{{1, 2}});
        const reading unfinished({"a,c"});
        CHECK(unfinished.wrong.ok());
        CHECK_FALSE(unfinished.stream.outcome().ok());
        CHECK(reading({"", "# only comments"}).stream.outcome().ok());
        tocsin::csv_options headed;
        headed.header = true;
        CHECK_FALSE(reading({"1,2"}, headed).wrong.ok());
        tocsin::csv_options skipped;
        skipped.skip_rows = 1;
        CHECK(reading({"1,2", "3,4"}, skipped).rows == numbers{{3, 4}});
    }

    TEST_CASE("csv_stream: empty cells before the header are neither a row nor a header") {
        for (const auto& lines :
             {std::initializer_list<const char*>{",,", "time,b,a", "2024-05-01 06:00,1,2"},
              {"Site 4,,", ",,", "time,b,a", "2024-05-01 06:00,1,2"},
              {"Site;4", ";;", ";;", "time;b;a", "2024-05-01 06:00;1;2"},
              {"NA,-,", "time,b,a", "2024-05-01 06:00,1,2"}}) {
            const reading found(lines);
            CHECK_MESSAGE(found.wrong.ok(), found.wrong.message());
            CHECK(found.kinds.back() == csv_line::row);
            CHECK(found.kinds[found.kinds.size() - 2] == csv_line::header);
            CHECK(found.rows.back() == std::vector<double>{2, 1});
        }
        CHECK(reading({",", ",", "1,2"}).kinds ==
              kinds{csv_line::preamble, csv_line::preamble, csv_line::row});
        const reading only({",", ","});
        CHECK(only.wrong.ok());
        CHECK(std::string_view{only.stream.outcome().message()}.starts_with("in:1:1: "));
        CHECK(reading({",", "Logger", "1,2"}).stream.outcome().ok());
        tocsin::csv_options headless;
        headless.header = false;
        const reading bare({",", ",", "1,2"}, headless);
        CHECK(bare.kinds == kinds{csv_line::row, csv_line::row, csv_line::row});
        CHECK(bare.rows.back() == std::vector<double>{1, 2});
        // Without a header, rows may begin with missing values.
        const reading missing({"nan,nan", "1,2", "a,b"});
        CHECK(missing.kinds == kinds{csv_line::row, csv_line::row, csv_line::row});
        CHECK(missing.rows[1] == std::vector<double>{1, 2});
        CHECK_FALSE(missing.wrong.ok()); // a header among rows
    }

    TEST_CASE("csv_stream: blanks around a delimiter are none") {
        const reading comma({"time , a , b", "2024-05-01 06:00 , 1.5 , 2"});
        CHECK_MESSAGE(comma.wrong.ok(), comma.wrong.message());
        CHECK(comma.rows == numbers{{1.5, 2}});
        CHECK(comma.notes.time() == "2024-05-01 06:00");
        CHECK(reading({"a ; b", "1,5 ; 2"}).rows == numbers{{1.5, 2}});
        CHECK(reading({"2024-05-01 06:00 | 1 | 2"}).rows == numbers{{1, 2}});
        CHECK(reading({"time a b", "1 2 3"}).rows == numbers{{2, 3}});
    }

    TEST_CASE("csv_stream: a name that is empty in the header is that of its column") {
        tocsin::csv_options options;
        options.use = {"column2", "b"};
        tocsin::csv_stream stream{options};
        const std::string_view row = "2024-05-01 06:00,1,2";
        CHECK(stream.take("time,,b", {"in", 1}).value() == csv_line::header);
        CHECK(stream.take(row, {"in", 2}).value() == csv_line::row);
        std::vector<double> values(2);
        tocsin::csv_notes notes;
        REQUIRE(stream.parse<double>(row, values, notes, {"in", 2}).ok());
        CHECK(values == std::vector<double>{1, 2});
        // A row with missing values is none.
        options.use = {"column2", "column3"};
        tocsin::csv_stream bare{options};
        CHECK(bare.take("2024-05-01 06:00,,", {"in", 1}).value() == csv_line::row);
        CHECK(bare.take(row, {"in", 2}).value() == csv_line::row);
    }

    TEST_CASE("csv_stream: labels are not read") {
        const std::initializer_list<const char*> lines{"time,a,b,label", "2024-05-01 06:00,1,2,7",
                                                       "2024-05-01 06:01,3,4,",
                                                       "2024-05-01 06:02,5,6,good"};
        CHECK(reading(lines).rows == numbers{{1, 2}, {3, 4}, {5, 6}});
        CHECK(reading(lines).wrong.ok());
        tocsin::csv_options options;
        options.labels = std::vector<std::string>{"state"};
        CHECK(reading({"state,a,b", "bad,1,2"}, options).rows == numbers{{1, 2}});
        options.labels = std::vector<std::string>{"column3"};
        CHECK(reading({"1,2,7", "3,4,bad"}, options).rows == numbers{{1, 2}, {3, 4}});
        // Their names must be those of columns.
        options.labels = std::vector<std::string>{"label", "typo"};
        for (const char* first : {"time,a,b,label", "1,2,7"}) {
            CAPTURE(first);
            const reading unknown({first}, options);
            CHECK(std::string_view{unknown.wrong.message()}.starts_with(
                first[0] == 't' ? "in:1:1: has no column named 'typo'"
                                : "in:1:1: has no column named 'label'"));
            CHECK(unknown.stream.has_ended());
        }
        CHECK(reading({"nan,nan", "a,b,label,typo", "1,2,0,0"}, options).wrong.ok());
    }

    TEST_CASE("csv_stream: each change of what the columns are is counted") {
        CHECK(reading({"Logger"}).stream.layout_changes() == 0);
        CHECK(reading({"1,2", "3,4"}).stream.layout_changes() == 1);
        CHECK(reading({"a,b"}).stream.layout_changes() == 1);
        CHECK(reading({"a,b", "1,2", "a,b", "3,4"}).stream.layout_changes() == 2);
        CHECK(reading({"nan,nan", "a,b"}).stream.layout_changes() == 2);
    }

    TEST_CASE(
        "csv_stream: a unit in the first row below the header is told, wherever that stands") {
        for (const auto& lines : {std::initializer_list<const char*>{"a;b", "1;C"},
                                  {"Logger", "#", "", "a;b", "1;C"}}) {
            const reading found(lines);
            CHECK(std::string_view{found.wrong.message()}.find(
                      "--skip-rows leaves out the lines up to here") != std::string_view::npos);
        }
    }

    TEST_CASE("csv_stream: two rows below the names, where the first holds units") {
        const reading logger({"\"TOA5\",\"hut\",\"CR1000\",\"77\"",
                              "\"TIMESTAMP\",\"RECORD\",\"a\",\"b\"",
                              "\"TS\",\"RN\",\"Volts\",\"Deg C\"", "\"\",\"\",\"Avg\",\"Smp\"",
                              "\"2024-05-01 06:00:00\",0,1,2"});
        CHECK_MESSAGE(logger.wrong.ok(), logger.wrong.message());
        CHECK(logger.kinds == kinds{csv_line::preamble, csv_line::header, csv_line::units,
                                    csv_line::units, csv_line::row});
        CHECK(logger.rows == numbers{{1, 2}});
        CHECK(reading({"a,b", "[V],[A]", "mean,max", "1,2"}).rows == numbers{{1, 2}});
        CHECK(reading({"a,b", "volt,ampere", "mean,max", "1,2"}).kinds ==
              kinds{csv_line::header, csv_line::units, csv_line::row, csv_line::row});
    }

    TEST_CASE("csv_stream: digits in groups, without a header, with either decimal mark") {
        for (const char* row : {"20.386;1'246.5", "20,386;1'246,5", "20.386;1,246.5",
                                "20,386;1.246,5", "20,386;1 246,5", "20.386;1\u202f246.5"}) {
            INFO(row);
            const reading found({row, row});
            CHECK(found.wrong.ok());
            CHECK(found.rows == numbers{{20.386, 1246.5}, {20.386, 1246.5}});
        }
    }

    TEST_CASE("csv_stream: the columns are settled with a header or with a row of values") {
        CHECK(reading({"time,a,b"}).stream.is_settled());
        CHECK(reading({"1,2"}).stream.is_settled());
        CHECK(reading({",", "NA,-", "1,2"}).stream.is_settled());
        CHECK(!reading({"Logger", "NA,-"}).stream.is_settled());
        CHECK(reading({"NA,-", "b,a"}).stream.is_settled());
    }

    TEST_CASE("csv_stream: names that are numbers, and rows equal to them") {
        tocsin::csv_stream stream{{.use = {"0", "1"}}};
        tocsin::index_t number = 0;
        kinds found;
        for (const char* line : {"# c", "0,1", "0,1", "1,0", "0,1"}) {
            const auto kind = stream.take(line, {"in", ++number});
            REQUIRE(kind);
            found.push_back(*kind);
        }
        CHECK(found == kinds{csv_line::nothing, csv_line::header, csv_line::row, csv_line::row,
                             csv_line::row});
    }

    TEST_CASE("csv_stream: where units alone have come, the end is no success") {
        reading units({"degC,degC"});
        CHECK(units.stream.outcome().code() == tocsin::error_code::format_error);
        CHECK(reading({"degC,degC", "degC,degC"}).stream.outcome().code() ==
              tocsin::error_code::format_error);
        CHECK(reading({"degC,degC", "1,2"}).stream.outcome().ok());
    }

    TEST_CASE("csv_stream: units where the names should stand, a date next to a time of day") {
        const reading units({"degC,degC", "1,2", "3,4"});
        CHECK(units.kinds == kinds{csv_line::units, csv_line::row, csv_line::row});
        CHECK(units.rows == numbers{{1, 2}, {3, 4}});
        const reading pair({"30.11.2026;23:59;1;2", "01.12.2026;00:00;3;4"});
        CHECK(pair.rows == numbers{{1, 2}, {3, 4}});
        CHECK(pair.notes.time() == "01.12.2026 00:00");
        const reading cut({"time,a,b", "2026-11-30 23:59,1,2", "########,3,4"});
        CHECK(cut.rows == numbers{{1, 2}, {3, 4}});
        CHECK(cut.notes.cut == 1);
        CHECK(cut.notes.first_cut == 1);
    }
}
