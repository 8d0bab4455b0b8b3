#include "tocsin/io/csv.hpp"
#include "tocsin/io/csv_digit_groups.hpp"
#include "tocsin/io/csv_row_reader.hpp"

#include <doctest/doctest.h>

#include "io/temporary_directory.hpp"
#include <cmath>
#include <fstream>
#include <limits>
#include <string>
#include <string_view>

using tocsin::csv_options;

namespace {

tocsin::csv_recording<double> read(std::string_view text, const csv_options& options = {}) {
    auto recording = tocsin::parse_csv_recording<double>(text, "f.csv", options);
    REQUIRE_MESSAGE(recording.has_value(), recording.error().message());
    return *std::move(recording);
}
std::string refusal(std::string_view text, const csv_options& options = {}) {
    const auto recording = tocsin::parse_csv_recording<double>(text, "f.csv", options);
    return recording ? std::string{} : std::string{recording.error().message()};
}
bool has(const std::string& text, std::string_view piece) {
    return text.find(piece) != std::string::npos;
}

} // namespace

TEST_SUITE("io") {
    TEST_CASE("csv: digits in groups, where they can be nothing else") {
        const struct {
            const char* cell;
            double value; ///< NaN: it is not taken for a number
        } cells[] = {
            {"1,234.5", 1234.5},
            {"1,234,567", 1234567},
            {"-12,345.25", -12345.25},
            {"1 234", 1234},
            {"1\xC2\xA0\x32\x33\x34.5", 1234.5},
            {"1\xE2\x80\xAF\x32\x33\x34", 1234},
            {"1'234.5", 1234.5},
            {"\xE2\x88\x92\x35.5", -5.5},
            {"\xC2\xA0\x35.5\xC2\xA0", 5.5},
            {"1,234", std::nan("")},
            {"12,34.5", std::nan("")},
            {"1,2345.6", std::nan("")},
            {"0,123.4", std::nan("")},
            {"1,234 567", std::nan("")},
            {"1.5.5", std::nan("")},
            {",234.5", std::nan("")},
            {"1,,234.5", std::nan("")},
        };
        for (const auto& cell : cells) {
            double value = std::numeric_limits<double>::infinity();
            INFO(std::string{cell.cell});
            const auto kind = tocsin::parse_csv_cell<double>(cell.cell, value);
            CHECK((kind == tocsin::csv_cell::number) == !std::isnan(cell.value));
            CHECK((std::isnan(cell.value) || value == cell.value));
        }
        double value = 0;
        tocsin::csv_number_format comma{.decimal_comma = true, .refuse_groups = true};
        CHECK(tocsin::parse_csv_cell<double>("1.234,5", value, comma) == tocsin::csv_cell::number);
        CHECK(value == 1234.5);
        CHECK(tocsin::parse_csv_cell<double>("1.234", value, comma) == tocsin::csv_cell::other);
    }

    TEST_CASE("csv: a file shows whether a comma before three digits groups or divides") {
        // An unmistakable number speaks for the others.
        const auto english = read("a;b\n1,234.5;1\n1,234;2\n987.5;3\n");
        CHECK(english.dialect.groups);
        CHECK(english.series.values(0, 1) == 1234);
        const auto german = read("a;b\n1.234,5;1\n1.234;2\n987,5;3\n");
        CHECK(german.series.values(0, 0) == 1234.5);
        CHECK(german.series.values(0, 1) == 1234);
        // Three decimals throughout.
        CHECK(read("a;b\n1,234;1\n0,987;2\n").series.values(0, 0) == 1.234);
        // Neither: other cells are numbers without a comma.
        const std::string unclear = refusal("a;b\n1,234;1\n987;2\n988;3\n");
        CHECK(has(unclear, "--decimal-comma"));
        CHECK(has(unclear, "--thousands"));
        csv_options grouped;
        grouped.groups = true;
        CHECK(read("a;b\n1,234;1\n987;2\n", grouped).series.values(0, 0) == 1234);
        CHECK(read("a,b\n\"1,234\",1\n987,2\n", grouped).series.values(0, 0) == 1234);
    }

    TEST_CASE("csv: addresses and versions say nothing about decimal marks") {
        // All four numbers of the address have three digits, as groups of digits would.
        const std::string rows = "20.5;192.168.100.101\n23.456;192.168.100.101\n23.45;"
                                 "192.168.100.101\n23.456;192.168.100.101\n";
        csv_options ignoring;
        ignoring.ignore = {"ip"};
        const auto beside = read("a;ip\n" + rows, ignoring);
        CHECK_FALSE(beside.dialect.decimal_comma);
        CHECK(beside.series.values(0, 1) == 23.456);
        CHECK(beside.series.values(0, 2) == 23.45);
        CHECK(has(refusal("a;ip\n" + rows), "192.168.100.101"));
        // Three decimals throughout do not make it a number either.
        CHECK(read("a;ip\n23.456;192.168.100.101\n21.123;192.168.100.101\n", ignoring)
                  .series.values(0, 0) == 23.456);
        // Before the header, also where the line has as many cells as the rows.
        const auto above = read("firmware;10.123.456\nt;a\n0;23.456\n1;23.123\n2;21.789\n");
        CHECK(above.series.values(above.series.features() - 1, 0) == 23.456);
        // A version of two groups: a fraction with a point elsewhere says what points are.
        ignoring.ignore = {"version"};
        CHECK(read("a;version\n23.456;10.123.456\n23.45;10.123.456\n", ignoring)
                  .series.values(0, 0) == 23.456);
        // Where nothing says so, a number of the other kind is refused.
        CHECK(has(refusal("a;version\n23.456;10.123.456\n21.123;10.123.456\n", ignoring),
                  "--decimal-point"));
        ignoring.decimal_comma = false;
        CHECK(read("a;version\n23.456;10.123.456\n21.123;10.123.456\n", ignoring)
                  .series.values(0, 0) == 23.456);
        // Points that group digits, and fractions with a point.
        CHECK(has(refusal("a;b\n1.234,5;23.456\n1.235,5;23.45\n"), "--thousands"));
        // A column of one number that grows, and numbers of a billion.
        CHECK(read("a;b\n999.999;1,5\n1.000.001;1,6\n").series.values(0, 1) == 1000001);
        CHECK(read("a;b\n7.234.567.890;1.234,5\n").series.values(0, 0) == 7234567890);
        CHECK(has(refusal("a;b\n7.234.567.890;5\n7.234.567.891;6\n"), "--thousands"));
    }

    TEST_CASE("csv: comments, a header that comes again, NUL bytes where power was lost") {
        const std::string text =
            "time,a,b\n0,1,2\n# filter changed\ntime,a,b\n1,3,4\n//\n2,5,6\n# end\n" +
            std::string(300, '\0');
        const auto recording = read(text);
        CHECK(recording.series.time() == 3);
        CHECK(recording.comments == 3);
        CHECK(recording.headers == 1);
        const tocsin_test::temporary_directory folder;
        std::ofstream{folder / "f.csv", std::ios::binary} << text;
        auto rows = tocsin::csv_row_reader::open(folder / "f.csv");
        REQUIRE(rows.has_value());
        double values[2] = {};
        tocsin::csv_notes notes;
        int count = 0;
        for (auto more = rows->next<double>(values, notes); more && *more;
             more = rows->next<double>(values, notes)) {
            ++count;
        }
        CHECK(count == 3);
        CHECK(values[1] == 6);
        CHECK(has(refusal("a,b\n1,2\n3,4" + std::string(9, '\0') + "\n"), "NUL bytes"));
        CHECK(read("a,b\n1,2\n#N/A,3\n").series.time() == 2); // a missing value, no comment
        // The first cell of a column that is not read may begin with a mark of comments.
        csv_options ignoring;
        ignoring.ignore = {"id"};
        CHECK(read("id,a\n#1,2\n#2,3\n", ignoring).series.time() == 2);
    }

    TEST_CASE("csv: refusals say what helps") {
        CHECK(has(refusal("a,b\n1,2\n3,4.5 bar\n5,6\n"), "text behind the number"));
        CHECK(has(refusal("a,b\n1,2\n3,4\n5\n"), "it is the last line"));
        CHECK_FALSE(has(refusal("a,b\n1,2\n3\n5,6\n"), "it is the last line"));
        CHECK(has(refusal("a,b\n1,2\n3,4\n5,6\n\nexported by a logger\n"), "a footer"));
    }

    TEST_CASE("csv: lines end with CR, and a CRLF may lie across two blocks") {
        CHECK(read("a,b\r1,2\r3,4\r").series.time() == 2);
        std::string text = "a,b\r\n";
        while (text.size() < (std::size_t{1} << 19U)) {
            text += text.size() % 3 == 0 ? "1,2\r\n" : "1,25\r\n";
        }
        const tocsin_test::temporary_directory folder;
        std::ofstream{folder / "f.csv", std::ios::binary} << text;
        auto rows = tocsin::csv_row_reader::open(folder / "f.csv");
        REQUIRE(rows.has_value());
        double values[2] = {};
        tocsin::csv_notes notes;
        tocsin::index_t count = 0;
        auto more = rows->next<double>(values, notes);
        for (; more && *more; more = rows->next<double>(values, notes)) {
            ++count;
        }
        CHECK(more.has_value());
        CHECK(count == read(text).series.time());
    }
}
