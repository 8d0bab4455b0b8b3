/// @file csv_digit_groups.hpp
/// @brief Numbers as people write them: digits in groups of three, wide blanks, a wide minus sign.
#pragma once

#include "tocsin/io/number_text.hpp"

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tocsin::detail {

/// Whether digits stand in groups of three, as in 1.234.567.
inline bool has_groups(std::string_view digits, char separator) noexcept {
    if (!digits.empty() && (digits.front() == '-' || digits.front() == '+')) {
        digits.remove_prefix(1);
    }
    std::size_t at = digits.find(separator);
    if (at == std::string_view::npos || at == 0 || at > 3 || digits.front() == '0') {
        return false;
    }
    while (at != std::string_view::npos) {
        const std::size_t next = std::min(digits.find(separator, at + 1), digits.size());
        if (next - at != 4) {
            return false;
        }
        at = next < digits.size() ? next : std::string_view::npos;
    }
    return digits.find_first_not_of("0123456789.,") == std::string_view::npos;
}

/// The cell without blanks at its ends, among them those of Unicode that do not break a line.
inline std::string_view without_wide_blanks(std::string_view cell) noexcept {
    const auto may_be_blank = [](char c) {
        return c == ' ' || c == '\t' || static_cast<unsigned char>(c) >= 0x80;
    };
    if (cell.empty() || !(may_be_blank(cell.front()) || may_be_blank(cell.back()))) {
        return cell;
    }
    for (bool more = true; more;) {
        more = false;
        for (const std::string_view blank : {" ", "\t", "\xC2\xA0", "\xE2\x80\xAF"}) {
            if (cell.starts_with(blank)) {
                cell.remove_prefix(blank.size());
                more = true;
            }
            if (cell.ends_with(blank)) {
                cell.remove_suffix(blank.size());
                more = true;
            }
        }
    }
    return cell;
}

/// How the digits of a number are grouped.
enum class digit_groups : std::uint8_t {
    none,      ///< it is no number with groups
    uncertain, ///< one comma or point before three digits, or three or more, as in 192.168.100.101
    certain    ///< two groups, a decimal mark behind them, or blanks or apostrophes between them
};

/// Reads a number whose digits stand in groups of three, or one with the minus sign of Unicode.
/// @param mark  the decimal mark
/// @param value set unless the answer is `none`. Never allocates.
template <std::floating_point Scalar>
digit_groups parse_grouped(std::string_view cell, char mark, Scalar& value) noexcept {
    constexpr std::string_view minus = "\xE2\x88\x92";
    std::array<char, 64> copy{};
    std::size_t size = 0;
    const bool wide = cell.starts_with(minus);
    if (wide || cell.starts_with('-') || cell.starts_with('+')) {
        copy[size++] = wide ? '-' : cell.front();
        cell.remove_prefix(wide ? minus.size() : 1);
    }
    const std::size_t first_digit = size;
    std::string_view separator;
    int groups = 0;
    int digits = 0; // of the group
    bool fraction = false;
    while (!cell.empty() && size < copy.size()) {
        const char c = cell.front();
        if (c >= '0' && c <= '9') {
            copy[size++] = c;
            ++digits;
            cell.remove_prefix(1);
            continue;
        }
        if (fraction || digits == 0 || (groups > 0 && digits != 3)) {
            return digit_groups::none;
        }
        if (c == mark) {
            fraction = true;
            copy[size++] = '.';
            cell.remove_prefix(1);
            continue;
        }
        std::string_view found;
        for (const std::string_view candidate :
             {",", ".", " ", "'", "\xC2\xA0", "\xE2\x80\xAF", "\xE2\x80\x99"}) {
            found = cell.starts_with(candidate) ? candidate : found;
        }
        if (found.empty() || digits > 3 || (groups > 0 && found != separator)) {
            return digit_groups::none;
        }
        separator = found;
        cell.remove_prefix(found.size());
        ++groups;
        digits = 0;
    }
    const bool complete = cell.empty() && (fraction || groups == 0 || digits == 3);
    if (!complete || (groups == 0 && !wide) || (groups > 0 && copy[first_digit] == '0')) {
        return digit_groups::none;
    }
    const auto number = parse_number<Scalar>(std::string_view{copy.data(), size});
    if (!number) {
        return digit_groups::none;
    }
    value = *number;
    const bool either =
        groups > 0 && groups != 2 && !fraction && (separator == "," || separator == ".");
    return either ? digit_groups::uncertain : digit_groups::certain;
}

} // namespace tocsin::detail
