/// @file csv_number.hpp
/// @brief Numbers, missing values and switches in the cells of CSV.
#pragma once

#include "tocsin/io/csv_digit_groups.hpp"
#include "tocsin/io/number_text.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin {

/// What a cell holds.
enum class csv_cell : std::uint8_t {
    number,
    missing,
    on_or_off, ///< ON, OFF, true, false, yes, no: 1 or 0
    other
};

/// How numbers are written in a file.
struct csv_number_format {
    /// `1,5` is one and a half; so is `1.5`.
    bool decimal_comma = false;
    /// With a decimal comma, `1.500` may be fifteen hundred: it is refused.
    bool refuse_groups = false;
    /// It is fifteen hundred, and so is `1,500` without a decimal comma.
    bool groups = false;
    std::vector<std::string> missing_texts = {}; ///< in addition to the usual ones
    std::vector<double> missing_numbers = {};    ///< numbers that stand for a missing value

    /// Adds what csv_options::missing names.
    void add_missing(const std::vector<std::string>& texts) {
        for (const std::string& text : texts) {
            if (const auto number = parse_number<double>(text); number && !std::isnan(*number)) {
                missing_numbers.push_back(*number);
            } else {
                missing_texts.emplace_back(detail::trimmed(text));
            }
        }
    }
};

namespace detail {

inline bool is_any_of(std::string_view text,
                      std::initializer_list<std::string_view> words) noexcept {
    return std::any_of(words.begin(), words.end(),
                       [&](std::string_view word) { return equal_ignoring_case(text, word); });
}

/// Whether a cell is `####`, as a spreadsheet shows and may export what its column is too narrow for.
inline bool is_cut_cell(std::string_view cell) noexcept {
    return cell.size() >= 2 && cell.find_first_not_of('#') == std::string_view::npos;
}

/// What means "missing" in any file.
inline bool is_usual_missing(std::string_view cell) noexcept {
    if (cell.starts_with('#')) { // what spreadsheets write for a formula that fails
        return is_cut_cell(cell) || is_any_of(cell, {"#n/a", "#div/0!", "#value!", "#ref!", "#num!",
                                                     "#name?", "#null!"});
    }
    return cell.size() <= 4 && (cell.empty() || !is_digit(cell.front())) &&
           is_any_of(cell, {"", "-", "?", "na", "n/a", "nan", "null", "none"});
}

/// A number with at most one comma, as its decimal point. Never allocates.
template <std::floating_point Scalar>
std::optional<Scalar> parse_comma_number(std::string_view cell, bool refuse_groups) noexcept {
    const auto comma = cell.find(',');
    if (comma == std::string_view::npos) {
        return refuse_groups && has_groups(cell, '.') ? std::nullopt : parse_number<Scalar>(cell);
    }
    std::array<char, 128> copy{};
    if (cell.size() > copy.size() || cell.find('.') != std::string_view::npos) {
        return std::nullopt;
    }
    std::copy(cell.begin(), cell.end(), copy.begin());
    copy[comma] = '.';
    return parse_number<Scalar>(std::string_view{copy.data(), cell.size()});
}

} // namespace detail

/// Reads a cell into `value`: a number, also with digits in groups where it can mean nothing else
/// (`1,234.5`, `1 234`), NaN where it is missing, 1 or 0 for a switch. `value` is
/// unchanged for other text. Never allocates.
template <std::floating_point Scalar>
csv_cell parse_csv_cell(std::string_view cell, Scalar& value,
                        const csv_number_format& format = {}) noexcept {
    constexpr Scalar missing = std::numeric_limits<Scalar>::quiet_NaN();
    cell = detail::without_wide_blanks(cell);
    if (detail::is_usual_missing(cell) ||
        std::any_of(format.missing_texts.begin(), format.missing_texts.end(),
                    [&](const std::string& text) { return text == cell; })) {
        value = missing;
        return csv_cell::missing;
    }
    if (!format.missing_numbers.empty()) {
        const auto exact = format.decimal_comma
                               ? detail::parse_comma_number<double>(cell, format.refuse_groups)
                               : parse_number<double>(cell);
        if (exact && std::find(format.missing_numbers.begin(), format.missing_numbers.end(),
                               *exact) != format.missing_numbers.end()) {
            value = missing;
            return csv_cell::missing;
        }
    }
    const auto number = format.decimal_comma
                            ? detail::parse_comma_number<Scalar>(cell, format.refuse_groups)
                            : parse_number<Scalar>(cell);
    if (number) {
        value = *number;
        return std::isnan(*number) ? csv_cell::missing : csv_cell::number;
    }
    Scalar grouped = 0;
    const auto groups = detail::parse_grouped(cell, format.decimal_comma ? ',' : '.', grouped);
    if (groups == detail::digit_groups::certain ||
        (groups == detail::digit_groups::uncertain && format.groups)) {
        value = grouped;
        return csv_cell::number;
    }
    if (detail::is_any_of(cell, {"on", "true", "yes"})) {
        value = 1;
        return csv_cell::on_or_off;
    }
    if (detail::is_any_of(cell, {"off", "false", "no"})) {
        value = 0;
        return csv_cell::on_or_off;
    }
    return csv_cell::other;
}

/// A number in a cell, as above; nothing for other text.
template <std::floating_point Scalar>
std::optional<Scalar> parse_csv_number(std::string_view cell,
                                       const csv_number_format& format = {}) noexcept {
    Scalar value = 0;
    return parse_csv_cell(cell, value, format) == csv_cell::other ? std::nullopt
                                                                  : std::optional<Scalar>{value};
}

} // namespace tocsin
