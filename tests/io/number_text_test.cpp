#include "tocsin/core/random.hpp"
#include "tocsin/io/number_text.hpp"

#include <doctest/doctest.h>

#include <bit>
#include <clocale>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>

using tocsin::format_number;
using tocsin::number_text;
using tocsin::parse_number;

TEST_SUITE("io") {
    TEST_CASE_TEMPLATE("number_text: decimals are parsed whole, with spaces around", Scalar, float,
                       double) {
        CHECK(parse_number<Scalar>("1.5") == Scalar(1.5));
        CHECK(parse_number<Scalar>(" \t-2e3 ") == Scalar(-2000));
        CHECK(parse_number<Scalar>("+.5") == Scalar(0.5));
        CHECK(parse_number<Scalar>("7.") == Scalar(7));
        CHECK(std::signbit(parse_number<Scalar>("-0").value()));
        CHECK(parse_number<Scalar>("0.1") == Scalar(0.1));
    }

    TEST_CASE_TEMPLATE("number_text: nan and inf are data in any case", Scalar, float, double) {
        for (const char* text : {"nan", "NaN", "NAN", "-nan"}) {
            CHECK(std::isnan(parse_number<Scalar>(text).value()));
        }
        const Scalar infinity = std::numeric_limits<Scalar>::infinity();
        CHECK(parse_number<Scalar>("inf") == infinity);
        CHECK(parse_number<Scalar>("-Infinity") == -infinity);
        CHECK(parse_number<Scalar>("+INF") == infinity);
    }

    TEST_CASE_TEMPLATE("number_text: anything else is not a number", Scalar, float, double) {
        for (const char* text :
             {"",   " ",  "-",   "+",    "--1",    "+-1",     "-+1", "1,5",   "1 2",     "0x10",
              "1e", "e5", "abc", "1.5x", "nan(1)", "1e99999", ".",   "1.2.3", "infinit", "1_000"}) {
            CAPTURE(text);
            CHECK_FALSE(parse_number<Scalar>(text).has_value());
            CHECK_FALSE(tocsin::detail::parse_decimal_through_c<Scalar>(text).has_value());
        }
        CHECK_FALSE(parse_number<Scalar>(std::string_view{"1\0", 2}).has_value());
    }

    TEST_CASE("number_text: too large is refused, too small is rounded") {
        CHECK(parse_number<double>("1e-400") == 0.0);
        CHECK(parse_number<float>("1e-60") == 0.0F);
        CHECK(parse_number<float>("1e-40").value() > 0); // subnormal
        CHECK_FALSE(parse_number<float>("1e39").has_value());
        CHECK(parse_number<double>("1e39") == 1e39);
    }

    TEST_CASE_TEMPLATE("number_text: random bits survive being written, both ways", Scalar, float,
                       double) {
        using bits =
            std::conditional_t<std::is_same_v<Scalar, float>, std::uint32_t, std::uint64_t>;
        tocsin::random_generator random{1};
        number_text buffer{};
        for (int k = 0; k < 20000; ++k) {
            const auto value = std::bit_cast<Scalar>(static_cast<bits>(random()));
            if (!std::isfinite(value)) {
                continue;
            }
            CHECK(parse_number<Scalar>(format_number(value, buffer)) == value);
            const auto written = tocsin::detail::format_through_c(value, buffer);
            CHECK(tocsin::detail::parse_decimal_through_c<Scalar>(written) == value);
        }
        CHECK(format_number(Scalar(NAN), buffer) == "nan");
        CHECK(format_number(-std::numeric_limits<Scalar>::infinity(), buffer) == "-inf");
        CHECK(format_number(Scalar(0.1), buffer) == "0.1");
    }

    TEST_CASE("number_text: a locale with a decimal comma changes nothing") {
        const std::string before = std::setlocale(LC_NUMERIC, nullptr);
        bool found = false;
        for (const char* name : {"de_DE.UTF-8", "fr_FR.UTF-8", "de_DE"}) {
            found = found || std::setlocale(LC_NUMERIC, name) != nullptr;
        }
        if (!found) {
            MESSAGE("skipped: no locale with a decimal comma is installed");
            return;
        }
        number_text buffer{};
        CHECK(parse_number<double>("1.5") == 1.5);
        CHECK_FALSE(parse_number<double>("1,5").has_value());
        CHECK(tocsin::detail::parse_decimal_through_c<double>("1.5") == 1.5);
        CHECK(tocsin::detail::format_through_c(1.5, buffer) == "1.5");
        CHECK(format_number(1.5, buffer) == "1.5");
        std::setlocale(LC_NUMERIC, before.c_str());
    }
}
