#include "tocsin/io/csv.hpp"
#include "tocsin/io/csv_row_reader.hpp"

#include <doctest/doctest.h>

#include "temporary_directory.hpp"
#include <cmath>
#include <span>
#include <string>
#include <vector>

namespace {

/// All rows of a file as text, the failure that ended it as the last one.
std::vector<std::string> rows_of(const std::filesystem::path& path,
                                 const tocsin::csv_options& options = {}) {
    auto reader = tocsin::csv_row_reader::open(path, options);
    if (!reader) {
        return {reader.error().message()};
    }
    std::vector<std::string> rows;
    std::vector<double> values(static_cast<std::size_t>(reader->layout().features()));
    tocsin::csv_notes notes;
    for (;;) {
        const auto more = reader->next(std::span<double>{values}, notes);
        if (!more) {
            rows.emplace_back(more.error().message());
            return rows;
        }
        if (!*more) {
            return rows;
        }
        std::string row = notes.time() + '|';
        for (const double value : values) {
            row += std::isnan(value) ? "nan " : std::to_string(static_cast<int>(value)) + ' ';
        }
        rows.push_back(row + std::to_string(notes.label));
    }
}

} // namespace

TEST_SUITE("io") {
    TEST_CASE("csv_row_reader: the rows of parse_csv, one by one") {
        const tocsin_test::temporary_directory directory;
        const auto path = directory / "f.csv";
        const auto read = [&](const std::string& text, const tocsin::csv_options& options = {}) {
            REQUIRE(tocsin::write_file(path, text).ok());
            return rows_of(path, options);
        };
        using rows = std::vector<std::string>;
        CHECK(read("\xEF\xBB\xBFtime,a,label\r\n1,2,0\r\n\r\n2,,1") == rows{"1|2 0", "2|nan 1"});
        CHECK(read("1,2\n3,4\n") == rows{"|1 2 0", "|3 4 0"});
        CHECK(read("Logger;X\n\na;b\n[V];[A]\n1;2\n3;4\n") == rows{"|1 2 0", "|3 4 0"});
        CHECK(read("a,b\n1,2\n3,x\n5,6\n").back().find(":3:3: expected a number") !=
              std::string::npos);
        for (const char* end : {"", "\n", "\r\n\n \n"}) {
            const std::string message = read(std::string{"a,b\n1,2\n3"} + end).back();
            CHECK(message.find("it is the last line: was the file cut") != std::string::npos);
        }
        CHECK(read("a,b\n1,2\n3\n4,5\n").back().find("the last line") == std::string::npos);
        CHECK(read("").front().find("has no header line") != std::string::npos);
        CHECK(read("a,b\n").empty());
        CHECK(rows_of(directory / "none").front().find("cannot open") != std::string::npos);
        CHECK(rows_of(directory / "").front().find("is a folder") != std::string::npos);
        CHECK(rows_of("/dev/zero").front().find("is a device, only regular files and pipes") !=
              std::string::npos);
    }

    TEST_CASE("csv_row_reader: comments of several blocks before the header") {
        const tocsin_test::temporary_directory directory;
        std::string text = "\xEF\xBB\xBF";
        for (int k = 0; k < 20000; ++k) {
            text +=
                "# comment number " + std::to_string(k) + ": 1, 2, 3\n" + (k % 9 == 0 ? "\n" : "");
        }
        REQUIRE(text.size() > 600000);
        using rows = std::vector<std::string>;
        for (const std::string end : {"\n", ""}) {
            REQUIRE(tocsin::write_file(directory / "f.csv", text + "time,a\n1,5\n2,6" + end).ok());
            CHECK(rows_of(directory / "f.csv") == rows{"1|5 0", "2|6 0"});
        }
        REQUIRE(tocsin::write_file(directory / "f.csv", text).ok());
        CHECK(rows_of(directory / "f.csv").size() <= 1); // an error, or no rows
    }

    TEST_CASE("csv_row_reader: a file of many blocks, and lines longer than one") {
        const tocsin_test::temporary_directory directory;
        std::string text = "name,a\n";
        for (int k = 0; k < 60000; ++k) {
            text += std::string(k == 7 ? 600000U : 3U, 'x') + ',' + std::to_string(k) + '\n';
        }
        REQUIRE(tocsin::write_file(directory / "f.csv", text).ok());
        const auto rows = rows_of(directory / "f.csv", {.ignore = {"name"}});
        REQUIRE(rows.size() == 60000);
        for (int k = 0; k < 60000; ++k) {
            REQUIRE(rows[static_cast<std::size_t>(k)] == '|' + std::to_string(k) + " 0");
        }
    }
}
