/// @file options.hpp
/// @brief Kinds of options that several commands have, each with a message that names the value.
#pragma once

#include "tocsin/io/csv_cells.hpp"
#include "tocsin/io/number_text.hpp"
#include "tocsin/series/generator.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <initializer_list>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tocsin_cli {

/// The pieces of `text` between commas.
inline std::vector<std::string> split_at_commas(std::string_view text) {
    std::vector<std::string> pieces;
    for (;;) {
        const auto end = text.find(',');
        pieces.emplace_back(text.substr(0, end));
        if (end == std::string_view::npos) {
            return pieces;
        }
        text.remove_prefix(end + 1);
    }
}

/// Text as one argument in a shell: in single quotes where it has characters that a shell reads.
inline std::string as_argument(const std::string& text) {
    constexpr std::string_view plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                       "0123456789_-+./:,=@%";
    const auto is_plain = [&](char c) {
        return static_cast<unsigned char>(c) >= 0x80 || plain.find(c) != std::string_view::npos;
    };
    if (!text.empty() && std::all_of(text.begin(), text.end(), is_plain)) {
        return text;
    }
    std::string quoted = "'";
    for (const char c : text) {
        quoted += c == '\'' ? "'\\''" : std::string{c};
    }
    return quoted + '\'';
}

/// An option with a few named values.
template <class T>
CLI::Option* add_choice(CLI::App& command, const std::string& name, T& value,
                        std::initializer_list<std::pair<const char*, T>> choices,
                        const std::string& description) {
    std::string all;
    std::string chosen;
    for (const auto& [word, meaning] : choices) {
        all += (all.empty() ? "" : "|") + std::string{word};
        chosen = meaning == value ? word : chosen;
    }
    const std::vector<std::pair<std::string, T>> table(choices.begin(), choices.end());
    return command
        .add_option_function<std::string>(
            name,
            [table, name, all, &value](const std::string& given) {
                for (const auto& [word, meaning] : table) {
                    if (word == given) {
                        value = meaning;
                        return;
                    }
                }
                throw CLI::ValidationError(name, "'" + given + "' is not one of " + all);
            },
            description)
        ->type_name(all)
        ->default_str(chosen);
}

/// A number that is finite and in [low, high]; `open` leaves `low` itself out.
inline CLI::Option* add_number(CLI::App& command, const std::string& name, double& value,
                               const std::string& description,
                               double low = std::numeric_limits<double>::lowest(),
                               double high = std::numeric_limits<double>::max(),
                               bool open = false) {
    return command
        .add_option_function<std::string>(
            name,
            [=, &value](const std::string& given) {
                const auto number = tocsin::parse_number<double>(given);
                if (!number || !std::isfinite(*number)) {
                    throw CLI::ValidationError(name, "'" + given + "' is not a finite number");
                }
                if (*number < low || *number > high || (open && *number == low)) {
                    char range[96] = "at least ";
                    if (high < std::numeric_limits<double>::max()) {
                        std::snprintf(range, sizeof range, "%s %g and at most %g",
                                      open ? "more than" : "at least", low, high);
                    } else {
                        std::snprintf(range, sizeof range, "%s %g", open ? "more than" : "at least",
                                      low);
                    }
                    throw CLI::ValidationError(name, given + " must be " + range);
                }
                value = *number;
            },
            description)
        ->type_name("NUMBER");
}
/// The same with the current value shown in --help.
inline CLI::Option* with_default(CLI::Option* option, double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%g", value);
    return option->default_str(text);
}

/// `[low, high]` of whole numbers.
template <class Integer>
Integer parse_integer(const std::string& name, const std::string& given, Integer low,
                      Integer high) {
    Integer number = 0;
    const char* const end = given.data() + given.size();
    const auto [stop, failure] = std::from_chars(given.data(), end, number);
    if (stop != end || failure == std::errc::invalid_argument) {
        throw CLI::ValidationError(name, "'" + given + "' is not a whole number");
    }
    if (failure != std::errc{} || number < low || number > high) {
        throw CLI::ValidationError(name, given + " must be from " + std::to_string(low) + " to " +
                                             std::to_string(high));
    }
    return number;
}

template <class Integer>
CLI::Option* add_integer(CLI::App& command, const std::string& name, Integer& value,
                         const std::string& description, Integer low,
                         Integer high = std::numeric_limits<Integer>::max()) {
    return command
        .add_option_function<std::string>(
            name,
            [=, &value](const std::string& given) {
                value = parse_integer<Integer>(name, given, low, high);
            },
            description)
        ->type_name("INTEGER")
        ->default_str(std::to_string(value));
}

/// Sizes of layers, such as `64,32`.
inline CLI::Option* add_sizes(CLI::App& command, const std::string& name, std::vector<int>& sizes,
                              const std::string& description) {
    constexpr int largest = 8192;
    return command
        .add_option_function<std::string>(
            name,
            [name, &sizes](const std::string& given) {
                sizes.clear();
                for (const std::string& piece : split_at_commas(given)) {
                    sizes.push_back(parse_integer<int>(name, piece, 1, largest));
                }
            },
            description)
        ->type_name("SIZE[,SIZE...]");
}

/// A range such as `1,2`; a single number is a range without width.
inline CLI::Option* add_range(CLI::App& command, const std::string& name,
                              tocsin::uniform_range& range, const std::string& description) {
    char text[64];
    std::snprintf(text, sizeof text, "%g,%g", range.low, range.high);
    return command
        .add_option_function<std::string>(
            name,
            [name, &range](const std::string& given) {
                const auto pieces = split_at_commas(given);
                const auto low = tocsin::parse_number<double>(pieces.front());
                const auto high = tocsin::parse_number<double>(pieces.back());
                if (pieces.size() > 2 || !low || !high || !std::isfinite(*low) ||
                    !std::isfinite(*high) || *low > *high) {
                    throw CLI::ValidationError(name,
                                               "'" + given + "' is not LOW,HIGH with LOW <= HIGH");
                }
                range = {*low, *high};
            },
            description)
        ->type_name("LOW,HIGH")
        ->default_str(text);
}

/// Names of columns, such as `pressure,current`; one with a comma, or with blanks around it,
/// stands in double quotes.
inline CLI::Option* add_names(CLI::App& command, const std::string& name,
                              std::vector<std::string>& names, const std::string& description) {
    return command
        .add_option_function<std::string>(
            name,
            [name, &names](const std::string& given) {
                names.clear();
                tocsin::csv_cells cells{given, ','};
                while (cells.next()) {
                    names.push_back(cells.quoted() ? tocsin::detail::unquoted(cells.text())
                                                   : std::string{cells.text()});
                }
                if (cells.problem() != nullptr) {
                    throw CLI::ValidationError(name, "'" + given + "': " + cells.problem());
                }
            },
            description)
        ->type_name("NAME[,NAME...]");
}

/// One character.
inline CLI::Option* add_character(CLI::App& command, const std::string& name, char& value,
                                  const std::string& description) {
    return command
        .add_option_function<std::string>(
            name,
            [name, &value](const std::string& given) {
                if (given.size() != 1) {
                    throw CLI::ValidationError(name, "'" + given + "' is not one character");
                }
                value = given.front();
            },
            description)
        ->type_name("CHARACTER");
}

} // namespace tocsin_cli
