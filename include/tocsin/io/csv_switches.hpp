/// @file csv_switches.hpp
/// @brief Words such as `off` in columns of numbers.
#pragma once

#include "tocsin/core/extents.hpp"
#include "tocsin/io/csv_row.hpp"
#include "tocsin/io/number_text.hpp"

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin {

/// Words that are read as 1 or 0 (`on`, `off`, ...) in a column that holds other numbers too: they
/// may mean that there was no value.
struct csv_switch_words {
    int feature = -1;               ///< its position among the features
    index_t count = 0;              ///< cells with such a word
    index_t line = 0;               ///< of the first, from 1
    std::size_t column = 0;         ///< of the first in its line, in bytes from 1
    std::vector<std::string> words; ///< those that differ, at most 5
};

/// Finds such columns row by row.
class csv_switch_watch {
  public:
    csv_switch_watch() = default;
    /// @param features their number. Allocates.
    explicit csv_switch_watch(int features)
        : numbers_(static_cast<std::size_t>(features)), known_(static_cast<std::size_t>(features)),
          switches_(static_cast<std::size_t>(features)) {}

    /// Takes in a row. Allocates where it has a word that has not occurred yet.
    /// @param values as csv_layout::parse() has read them
    /// @param number of the line, from 1
    /// @return whether a word and other numbers have now met in a column for the first time
    template <std::floating_point Scalar>
    bool take(const csv_layout& layout, std::string_view line, std::span<const Scalar> values,
              const csv_notes& notes, index_t number) {
        bool met = false;
        for (std::size_t f = 0; f < values.size(); ++f) {
            const Scalar value = values[f];
            if (!numbers_[f] && std::isfinite(value) && value != 0 && value != 1) {
                numbers_[f] = true;
                met = met || switches_[f].count > 0;
            }
        }
        if (notes.switches > 0) {
            layout.for_each_switch(
                line, [&](int feature, std::size_t column, std::string_view word) {
                    csv_switch_words& found = switches_[static_cast<std::size_t>(feature)];
                    met = met || (found.count == 0 && numbers_[static_cast<std::size_t>(feature)]);
                    found.feature = feature;
                    found.line = found.count == 0 ? number : found.line;
                    found.column = found.count == 0 ? column : found.column;
                    ++found.count;
                    remember(found, word);
                });
        }
        return met;
    }

    /// The columns in which words and other numbers have met. Allocates.
    std::vector<csv_switch_words> found() const {
        std::vector<csv_switch_words> all;
        for (std::size_t f = 0; f < switches_.size(); ++f) {
            if (is_found(f)) {
                all.push_back(switches_[f]);
            }
        }
        return all;
    }
    /// Those of them that newly_found() has not returned before. Allocates.
    std::vector<csv_switch_words> newly_found() {
        std::vector<csv_switch_words> all;
        for (std::size_t f = 0; f < switches_.size(); ++f) {
            if (is_found(f) && !known_[f]) {
                all.push_back(switches_[f]);
                known_[f] = true;
            }
        }
        return all;
    }

  private:
    bool is_found(std::size_t f) const { return numbers_[f] && switches_[f].count > 0; }
    static void remember(csv_switch_words& found, std::string_view word) {
        constexpr std::size_t most = 5;
        if (found.words.size() < most &&
            std::find(found.words.begin(), found.words.end(), word) == found.words.end()) {
            found.words.emplace_back(word);
        }
    }

    std::vector<bool> numbers_; // features that have had another number than 0 and 1
    std::vector<bool> known_;   // of newly_found()
    std::vector<csv_switch_words> switches_;
};

} // namespace tocsin
