#include "tocsin/io/text_lines.hpp"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

namespace {

std::vector<std::string> lines_of(std::string_view text) {
    tocsin::text_lines lines{text, "name"};
    std::vector<std::string> found;
    while (lines.next()) {
        found.emplace_back(lines.line());
    }
    CHECK(lines.number() == static_cast<tocsin::index_t>(found.size()));
    return found;
}

using strings = std::vector<std::string>;

} // namespace

TEST_SUITE("io") {
    TEST_CASE("text_lines: LF, CRLF and a missing final line end give the same lines") {
        CHECK(lines_of("a\nb\n") == strings{"a", "b"});
        CHECK(lines_of("a\r\nb\r\n") == strings{"a", "b"});
        CHECK(lines_of("a\rb\r\rc") == strings{"a", "b", "", "c"});
        const std::string wide(600, 'x');
        CHECK(lines_of(wide + '\r' + wide + '\n' + wide) == strings{wide, wide, wide});
        CHECK(lines_of("a\nb") == strings{"a", "b"});
        CHECK(lines_of("a\n\nb") == strings{"a", "", "b"});
        CHECK(lines_of("").empty());
        CHECK(lines_of("\n") == strings{""});
        CHECK(lines_of("\r") == strings{""});
    }

    TEST_CASE("text_lines: a byte order mark is skipped") {
        CHECK(lines_of("\xEF\xBB\xBF"
                       "a\n") == strings{"a"});
    }

    TEST_CASE("text_lines: errors name the text, the line and the column") {
        tocsin::text_lines lines{"a\nb", "data.csv"};
        CHECK(lines.next());
        CHECK(lines.next());
        const auto failure = lines.error(3, "expected ", 5);
        CHECK(failure.code() == tocsin::error_code::format_error);
        CHECK(std::string{failure.message()} == "data.csv:2:3: expected 5");
    }

    TEST_CASE("text_lines: of a very long name the end is shown, so that the reason fits") {
        std::string name(1000, 'x');
        name += "/data.csv";
        tocsin::text_lines lines{"a", name};
        CHECK(lines.next());
        const std::string message = lines.error(1, "reason").message();
        CHECK(message.find("/data.csv:1:1: reason") != std::string::npos);
    }
}
