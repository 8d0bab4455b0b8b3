/// @file number_text.hpp
/// @brief Numbers as text, independent of the locale.
#pragma once

#include <array>
#include <cerrno>
#include <charconv>
#include <clocale>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <optional>
#include <string_view>
#include <type_traits>
#include <version>

namespace tocsin {

/// Space for any number that format_number() writes.
using number_text = std::array<char, 40>;

namespace detail {

/// `text` without leading and trailing spaces and tabs.
constexpr std::string_view trimmed(std::string_view text) noexcept {
    constexpr auto blank = [](char c) { return c == ' ' || c == '\t'; };
    std::size_t begin = 0;
    std::size_t end = text.size();
    while (begin < end && blank(text[begin])) {
        ++begin;
    }
    while (end > begin && blank(text[end - 1])) {
        --end;
    }
    return text.substr(begin, end - begin);
}

/// Whether a character is one of `0` to `9`.
constexpr bool is_digit(char c) noexcept {
    return c >= '0' && c <= '9';
}

/// Equal except for the case of ASCII letters.
constexpr bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept {
    constexpr auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c; };
    if (a.size() != b.size()) {
        return false;
    }
    for (std::size_t k = 0; k < a.size(); ++k) {
        if (lower(a[k]) != lower(b[k])) {
            return false;
        }
    }
    return true;
}

/// parse_number() for finite decimals through strtod, for standard libraries without
/// std::from_chars for floating-point numbers, and for results that std::from_chars rejects. At
/// most 255 characters. strtod reads the decimal point of the C locale, hence the copy.
template <std::floating_point Scalar>
std::optional<Scalar> parse_decimal_through_c(std::string_view text) noexcept {
    std::array<char, 256> copy{};
    if (text.empty() || text.size() >= copy.size() ||
        text.find_first_not_of("0123456789+-.eE") != std::string_view::npos) {
        return std::nullopt;
    }
    const char point = *std::localeconv()->decimal_point;
    for (std::size_t k = 0; k < text.size(); ++k) {
        copy[k] = text[k] == '.' ? point : text[k];
    }
    char* end = nullptr;
    Scalar value = 0;
    if constexpr (std::is_same_v<Scalar, float>) {
        value = std::strtof(copy.data(), &end);
    } else {
        value = static_cast<Scalar>(std::strtod(copy.data(), &end));
    }
    if (end != copy.data() + text.size() || !std::isfinite(value)) {
        return std::nullopt; // not a number, or beyond the largest one
    }
    return value;
}

/// format_number() through snprintf, for standard libraries without std::to_chars.
template <std::floating_point Scalar>
std::string_view format_through_c(Scalar value, number_text& buffer) noexcept {
    const int size =
        std::snprintf(buffer.data(), buffer.size(), "%.*g",
                      std::numeric_limits<Scalar>::max_digits10, static_cast<double>(value));
    const std::string_view text{buffer.data(), static_cast<std::size_t>(size)};
    const auto point = text.find(*std::localeconv()->decimal_point);
    if (point != std::string_view::npos) {
        buffer[point] = '.';
    }
    return text;
}

} // namespace detail

/// Reads a decimal number that makes up all of `text`, except for surrounding spaces. Accepts a
/// sign, an exponent, `nan`, `inf` and `infinity` in any case; a number too small for Scalar is
/// rounded to zero or a subnormal. Returns nothing for other text and for numbers too large for
/// Scalar. Correctly rounded. Never allocates.
template <std::floating_point Scalar>
std::optional<Scalar> parse_number(std::string_view text) noexcept {
    text = detail::trimmed(text);
    const bool negative = !text.empty() && text.front() == '-';
    const bool has_sign = negative || (!text.empty() && text.front() == '+');
    const std::string_view digits = text.substr(has_sign ? 1 : 0);
    if (digits.empty() || digits.front() == '+' || digits.front() == '-') {
        return std::nullopt;
    }
    if (!detail::is_digit(digits.front())) {
        if (detail::equal_ignoring_case(digits, "nan")) {
            return std::numeric_limits<Scalar>::quiet_NaN();
        }
        if (detail::equal_ignoring_case(digits, "inf") ||
            detail::equal_ignoring_case(digits, "infinity")) {
            const Scalar infinity = std::numeric_limits<Scalar>::infinity();
            return negative ? -infinity : infinity;
        }
    }
    std::optional<Scalar> value;
#if defined(__cpp_lib_to_chars)
    Scalar parsed = 0;
    const auto [end, failure] =
        std::from_chars(digits.data(), digits.data() + digits.size(), parsed);
    if (failure == std::errc::result_out_of_range) {
        value = detail::parse_decimal_through_c<Scalar>(digits); // too small is no failure
    } else if (failure == std::errc{} && end == digits.data() + digits.size() &&
               std::isfinite(parsed)) {
        value = parsed;
    }
#else
    value = detail::parse_decimal_through_c<Scalar>(digits);
#endif
    if (value && negative) {
        value = -*value;
    }
    return value;
}

/// Writes a number so that parse_number() returns the same bits (except for the payload of a NaN).
/// The result points into `buffer`. Never allocates.
template <std::floating_point Scalar>
std::string_view format_number(Scalar value, number_text& buffer) noexcept {
    if (std::isnan(value)) {
        return "nan";
    }
    if (std::isinf(value)) {
        return value < 0 ? "-inf" : "inf";
    }
#if defined(__cpp_lib_to_chars)
    const auto written = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
    return {buffer.data(), static_cast<std::size_t>(written.ptr - buffer.data())};
#else
    return detail::format_through_c(value, buffer);
#endif
}

} // namespace tocsin
