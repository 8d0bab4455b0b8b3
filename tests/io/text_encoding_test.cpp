#include "tocsin/io/csv.hpp"
#include "tocsin/io/text_encoding.hpp"

#include <doctest/doctest.h>

#include "temporary_directory.hpp"
#include <string>
#include <string_view>

namespace {

std::string utf16(std::u16string_view text, bool big, bool mark) {
    std::string bytes;
    const auto add = [&](char16_t unit) {
        const char low = static_cast<char>(unit & 0xFF);
        const char high = static_cast<char>(unit >> 8);
        bytes += big ? high : low;
        bytes += big ? low : high;
    };
    if (mark) {
        add(0xFEFF);
    }
    for (const char16_t unit : text) {
        add(unit);
    }
    return bytes;
}

} // namespace

TEST_SUITE("io") {
    TEST_CASE("text_encoding: UTF-16 of both orders, with characters beyond the first plane") {
        const std::string expected = "t \xC2\xB0\x43, \xE2\x82\xAC \xF0\x9F\x98\x80";
        for (const bool big : {false, true}) {
            CHECK(tocsin::to_utf8(utf16(u"t \u00B0C, \u20AC \U0001F600", big, true)) == expected);
            CHECK(tocsin::to_utf8(utf16(u"a,b\n1.5,2.5\n3,4\n", big, false)) ==
                  "a,b\n1.5,2.5\n3,4\n");
        }
        CHECK(tocsin::to_utf8(utf16(u"x\xD800y", false, true)) == "x\xEF\xBF\xBDy"); // half a pair
        CHECK(tocsin::to_utf8("a,b\n1,2\n") == "a,b\n1,2\n");
        CHECK(tocsin::to_utf8(std::string("\xFF\xFE"
                                          "a",
                                          3))
                  .empty()); // half a unit
    }

    TEST_CASE("text_encoding: UTF-32 is not mistaken for UTF-16, and refused") {
        const tocsin_test::temporary_directory directory;
        for (const bool big : {false, true}) {
            for (const bool mark : {false, true}) {
                std::string bytes;
                for (const char32_t code : std::u32string_view{U"\uFEFFa,b\n1,2\n"}) {
                    for (unsigned k = 0; k < 4; ++k) {
                        bytes += static_cast<char>(code >> (8 * (big ? 3 - k : k)) & 0xFFU);
                    }
                }
                bytes.erase(0, mark ? 0 : 4);
                CHECK(tocsin::looks_like_utf32(bytes));
                CHECK_FALSE(tocsin::looks_like_utf16(bytes));
                CHECK(tocsin::to_utf8(bytes) == bytes);
                CHECK(tocsin::to_utf8(bytes, tocsin::text_encoding::utf16) == bytes);
                REQUIRE(tocsin::write_file(directory / "f.csv", bytes).ok());
                const auto read = tocsin::read_csv<float>(directory / "f.csv");
                REQUIRE_FALSE(read.has_value());
                CHECK(std::string_view{read.error().message()}.find(
                          "is UTF-32, which is not read; save it as UTF-8") !=
                      std::string_view::npos);
            }
        }
        CHECK_FALSE(tocsin::looks_like_utf32(utf16(u"a,b\n", false, true)));
        CHECK_FALSE(tocsin::looks_like_utf32("a,b\n1,2\n"));
    }

    TEST_CASE("text_encoding: Windows-1252") {
        CHECK(tocsin::to_utf8("Temp \xB0"
                              "C \x80",
                              tocsin::text_encoding::latin1) == "Temp \xC2\xB0"
                                                                "C \xE2\x82\xAC");
    }

    TEST_CASE("text_encoding: what is UTF-8") {
        for (const std::string_view good :
             {"", "abc", "\xC2\xB0", "\xE2\x82\xAC", "\xF0\x9F\x98\x80", "\xED\x9F\xBF"}) {
            CHECK(tocsin::is_utf8(good));
        }
        for (const std::string_view bad :
             {"\xB0", "a\xC2", "\xC0\x80", "\xE0\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80",
              "\xF5\x80\x80\x80", "\xFF", "\xE2\x82"}) {
            CHECK_FALSE(tocsin::is_utf8(bad));
        }
    }

    TEST_CASE("text_encoding: read_csv takes UTF-16") {
        const tocsin_test::temporary_directory directory;
        REQUIRE(tocsin::write_file(directory / "f.csv",
                                   utf16(u"T \u00B0C;b\r\n1,5;2\r\n2,5;3\r\n", false, true))
                    .ok());
        const auto read = tocsin::read_csv<float>(directory / "f.csv");
        REQUIRE_MESSAGE(read.has_value(), read.error().message());
        CHECK(read->names.front() == "T \xC2\xB0"
                                     "C");
        CHECK(read->values(0, 1) == 2.5F);
    }
}
