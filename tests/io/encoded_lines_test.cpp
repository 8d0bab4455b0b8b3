#include "tocsin/io/encoded_lines.hpp"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

using tocsin::text_encoding;
using strings = std::vector<std::string>;

namespace {

/// Lines of bytes, and how many bytes were read when each was known.
struct reading {
    strings lines;
    std::vector<std::size_t> read;

    explicit reading(std::string_view bytes, text_encoding encoding = text_encoding::automatic) {
        tocsin::encoded_lines source{encoding};
        std::size_t at = 0;
        const auto next = [&] {
            return at < bytes.size() ? static_cast<unsigned char>(bytes[at++]) : -1;
        };
        for (std::string line; source.next(next, line);) {
            lines.push_back(line);
            read.push_back(at);
        }
    }
};

std::string utf16(std::string_view text, bool big_endian) {
    std::string bytes;
    for (const char c : text) {
        bytes += big_endian ? '\0' : c;
        bytes += big_endian ? c : '\0';
    }
    return bytes;
}

} // namespace

TEST_SUITE("io") {
    TEST_CASE("encoded_lines: LF, CRLF and CR end a line; the last one needs no end") {
        CHECK(reading("a\nb\r\nc\rd").lines == strings{"a", "b", "c", "d"});
        CHECK(reading("a\n\nb\r\r\n").lines == strings{"a", "", "b", ""});
        CHECK(reading("").lines.empty());
        CHECK(reading("\n").lines == strings{""});
        CHECK(reading("\r\nx").lines == strings{"", "x"});
        CHECK(reading("x").lines == strings{"x"});
    }

    TEST_CASE("encoded_lines: UTF-32 comes as it is, for the reader to refuse") {
        const std::string little("\xFF\xFE\0\0a\0\0\0", 8);
        const std::string big("\0\0\xFE\xFF\0\0\0a", 8);
        CHECK(reading(little).lines == strings{little});
        CHECK(reading(big).lines == strings{big});
        CHECK(reading(little, text_encoding::utf16).lines == strings{little});
        CHECK(reading({"\0\0\nx\n", 5}).read == std::vector<std::size_t>{3, 5});
        CHECK(reading({"\xFF\xFE\n\0x\0", 6}).read == std::vector<std::size_t>{4, 6});
    }

    TEST_CASE("encoded_lines: byte order marks, with and without") {
        CHECK(reading("\xEF\xBB\xBF"
                      "a\nb")
                  .lines == strings{"a", "b"});
        CHECK(reading("\xEF\xBBx\n").lines == strings{"\xEF\xBBx"});
        for (const bool big : {false, true}) {
            const std::string mark = big ? "\xFE\xFF" : "\xFF\xFE";
            CHECK(reading(mark + utf16("a,1\r\nb\n", big)).lines == strings{"a,1", "b"});
            CHECK(reading(utf16("a,1\nb", big)).lines == strings{"a,1", "b"});
        }
        // U+0A0A has the byte of a line end in both halves; U+1F600 takes two units.
        const std::string wide{"\xFF\xFE\x0A\x0A\x3D\xD8\x00\xDE\x0A\x00", 10};
        CHECK(reading(wide).lines == strings{"\xE0\xA8\x8A\xF0\x9F\x98\x80"});
        CHECK(reading("\xB0\x43\n", text_encoding::latin1).lines == strings{"\xC2\xB0\x43"});
    }

    TEST_CASE("encoded_lines: a line is known as soon as its end has been read") {
        CHECK(reading("ab\ncd\n").read == std::vector<std::size_t>{3, 6});
        CHECK(reading("\nab\n").read == std::vector<std::size_t>{1, 4});
        CHECK(reading("\xFF\xFE" + utf16("ab\nc\n", false)).read ==
              std::vector<std::size_t>{8, 12});
    }

    TEST_CASE("encoded_lines: what is too long is cut, and said to be") {
        tocsin::encoded_lines source{text_encoding::automatic, 10};
        std::string bytes(50, 'x');
        bytes += "\nshort\n";
        std::size_t at = 0;
        const auto next = [&] {
            return at < bytes.size() ? static_cast<unsigned char>(bytes[at++]) : -1;
        };
        std::string line;
        REQUIRE(source.next(next, line));
        CHECK(source.overlong());
        CHECK(line.size() <= 10);
        REQUIRE(source.next(next, line));
        CHECK_FALSE(source.overlong());
        CHECK(line == "short");
    }
}
