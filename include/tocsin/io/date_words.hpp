/// @file date_words.hpp
/// @brief Names of months and days of the week in dates.
#pragma once

#include "tocsin/io/number_text.hpp"

#include <array>
#include <cstddef>
#include <string_view>

namespace tocsin::detail {

/// Takes a word off the beginning of text, in any case.
inline bool take_word(std::string_view& text, std::string_view word) noexcept {
    if (text.size() < word.size() || !equal_ignoring_case(text.substr(0, word.size()), word)) {
        return false;
    }
    text.remove_prefix(word.size());
    return true;
}

/// Takes one of several names, given as their first three letters and the others.
/// @return its position from 0; -1 for none
template <std::size_t Count>
int take_name(std::string_view& text,
              const std::array<std::array<std::string_view, 2>, Count>& names) noexcept {
    for (std::size_t k = 0; k < Count; ++k) {
        if (take_word(text, names[k][0])) {
            (void)take_word(text, names[k][1]);
            return static_cast<int>(k);
        }
    }
    return -1;
}

/// Takes an English name of a month, whole or its first three letters.
/// @return 1 to 12; -1 for none
inline int take_month(std::string_view& text) noexcept {
    constexpr std::array<std::array<std::string_view, 2>, 12> names = {{{"jan", "uary"},
                                                                        {"feb", "ruary"},
                                                                        {"mar", "ch"},
                                                                        {"apr", "il"},
                                                                        {"may", ""},
                                                                        {"jun", "e"},
                                                                        {"jul", "y"},
                                                                        {"aug", "ust"},
                                                                        {"sep", "tember"},
                                                                        {"oct", "ober"},
                                                                        {"nov", "ember"},
                                                                        {"dec", "ember"}}};
    const int name = take_name(text, names);
    return name < 0 ? -1 : name + 1;
}

/// Takes an English name of a day of the week with the comma or the blanks behind it.
inline bool take_weekday(std::string_view& text) noexcept {
    constexpr std::array<std::array<std::string_view, 2>, 7> names = {{{"mon", "day"},
                                                                       {"tue", "sday"},
                                                                       {"wed", "nesday"},
                                                                       {"thu", "rsday"},
                                                                       {"fri", "day"},
                                                                       {"sat", "urday"},
                                                                       {"sun", "day"}}};
    std::string_view rest = text;
    if (take_name(rest, names) < 0 || rest.empty() ||
        (rest.front() != ',' && rest.front() != ' ')) {
        return false;
    }
    rest.remove_prefix(1);
    text = trimmed(rest);
    return true;
}

} // namespace tocsin::detail
