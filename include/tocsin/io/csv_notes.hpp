/// @file csv_notes.hpp
/// @brief What a row of CSV holds other than its features.
#pragma once

#include "tocsin/core/extents.hpp"
#include "tocsin/io/csv_cells.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace tocsin {

/// The contents of a row other than its features.
struct csv_notes {
    std::string_view timestamp;   ///< points into the line; empty without a timestamp column
    std::string_view time_of_day; ///< the same where date and time have a column each
    std::uint8_t label = 0;       ///< 1 = anomalous; 0 without a label column
    int switches = 0;             ///< features that were a word: on, off, ...
    int cut = 0;                  ///< features and times that were `####`: a column too narrow
    std::size_t first_cut = 0;    ///< where the first of them starts, in bytes from 1
    int unread = 0;               ///< values in columns that csv_column::seemed_empty()

    /// The timestamp without quotes, with the time of day behind its date. Allocates.
    std::string time() const {
        std::string text = detail::unquoted(timestamp);
        return time_of_day.empty() ? text : text + ' ' + detail::unquoted(time_of_day);
    }
};

/// Values in columns without a name that were taken for empty, see csv_column::seemed_empty().
struct csv_unread_cells {
    index_t count = 0; ///< cells
    index_t line = 0;  ///< of the first, from 1

    /// Takes in a row. @return whether it has the first of them
    bool take(const csv_notes& notes, index_t number) noexcept {
        const bool first = count == 0 && notes.unread > 0;
        line = first ? number : line;
        count += notes.unread;
        return first;
    }
};

/// Features and times of a file that were `####`, as a spreadsheet exports what its column is too
/// narrow for. They are missing.
struct csv_cut_cells {
    index_t count = 0;      ///< cells
    index_t line = 0;       ///< of the first, from 1
    std::size_t column = 0; ///< of the first in its line, in bytes from 1

    /// Takes in a row. @return whether it has the first of them
    bool take(const csv_notes& notes, index_t number) noexcept {
        const bool first = count == 0 && notes.cut > 0;
        line = first ? number : line;
        column = first ? notes.first_cut : column;
        count += notes.cut;
        return first;
    }
};

} // namespace tocsin
