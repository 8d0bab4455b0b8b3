#include "tocsin/core/random.hpp"
#include "tocsin/io/firmware_text.hpp"

#include <doctest/doctest.h>

#include <charconv>
#include <cmath>
#include <string>
#include <string_view>

namespace {

/// The compiler's own reading of literals.
static_assert(std::string_view("a\"b\\c\012\303\244\?") == "a\"b\\c\n\xC3\xA4?");

} // namespace

TEST_SUITE("firmware") {
    TEST_CASE("export: names with quotes, backslashes, line ends and other scripts are safe") {
        using tocsin::detail::literal;
        CHECK(literal("plain") == R"("plain")");
        CHECK(literal(R"(say "hi")") == R"("say \"hi\"")");
        CHECK(literal(R"(C:\new)") == R"("C:\\new")");
        CHECK(literal("two\nlines\r") == R"("two\012lines\015")");
        CHECK(literal("Dr\xC3\xBC"
                      "ck 1") == R"("Dr\303\274ck 1")");
        CHECK(literal("?"
                      "?/") == R"("\?\?/")");
        CHECK(literal(std::string_view("\0001", 2)) == R"("\0001")"); // the digit stays a digit
        CHECK(literal("*/ // ") == R"("*/ // ")");
        CHECK(literal("").size() == 2);
    }

    TEST_CASE("export: floats are read back with every bit") {
        using tocsin::detail::literal;
        CHECK(literal(1.5F) == "0x1.8p+0F");
        CHECK(literal(-0.0F) == "-0x0p+0F");
        tocsin::random_generator random{3};
        for (int k = 0; k < 1000; ++k) {
            const float value = std::ldexp(static_cast<float>(random.normal()), k % 250 - 125);
            const std::string text = literal(value);
            const bool negative = text.front() == '-';
            const char* const begin = text.data() + (negative ? 3 : 2);
            float read = 0;
            const auto end =
                std::from_chars(begin, text.data() + text.size(), read, std::chars_format::hex);
            CHECK(*end.ptr == 'F');
            CHECK((negative ? -read : read) == value);
        }
    }

    TEST_CASE("export: a name that the program has as a macro is an error that says so") {
        const std::string text = tocsin::detail::namespace_text("pump");
        CHECK(text.starts_with("#ifdef pump\n#error \"tocsin: pump is a macro"));
        CHECK(text.ends_with("#endif\nnamespace pump {\n\n"));
    }

    TEST_CASE("export: only identifiers become namespaces") {
        using tocsin::detail::is_identifier;
        for (const char* good :
             {"pump", "Pump_7", "a1", "INT", "PUMP_MAX", "Min_C", "oil", "hot_log", "f", "l", "EO",
              "OF", "time1", "ENGINE", "SIGNAL", "alarms"}) {
            CHECK(is_identifier(good));
        }
        for (const char* bad :
             {"",          "7a",       "a-b",      "a b",      "class",     "std",      "_a",
              "a__b",      "a;",       "\xC3\xA4", "a::b",     "int32_t",   "size_t",   "NULL",
              "offsetof",  "INT8_MAX", "UINT64_C", "SIZE_MAX", "WCHAR_MIN", "typeof",   "EOF",
              "NAN",       "stdout",   "errno",    "isnan",    "SEEK_SET",  "time",     "log",
              "logf",      "index",    "alarm",    "random",   "stat",      "strtok",   "strtoull",
              "vsnprintf", "wcslen",   "wmemcpy",  "FILE",     "va_list",   "LDBL_MAX", "EINVAL",
              "SIGALRM",   "LC_TIME",  "tm",       "yn",       "yn ",       " yn"}) {
            CHECK_FALSE(is_identifier(bad));
        }
    }
}
