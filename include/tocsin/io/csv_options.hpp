/// @file csv_options.hpp
/// @brief What a user says about a CSV file; everything else is recognised.
#pragma once

#include "tocsin/core/extents.hpp"
#include "tocsin/io/date_order.hpp"
#include "tocsin/io/digit_dates.hpp"
#include "tocsin/io/time_unit.hpp"

#include <optional>
#include <string>
#include <vector>

namespace tocsin {

/// A word in a column of labels, and what it says. The word `*` means all others.
struct csv_label_value {
    std::string text;       ///< as in the file
    bool anomalous = false; ///< what it means
};

/// How to read a CSV file, and which of its columns, by the exact names in its header. Columns
/// without a header are named column1, column2, ...
struct csv_options {
    /// Separates cells; '\0': recognised among `,` `;` `|`, tab and spaces.
    char delimiter = '\0';
    /// Unset: a column whose name says so (timestamp, datetime, time, date, ts, epoch, ...; a column
    /// of dates next to one of times of day make one), or whose content does. Empty: none.
    std::optional<std::string> timestamp = {};
    /// Whether numbers in the column of times are days since 1899-12-30, as spreadsheets keep dates.
    /// Unset: recognised, see serial_dates.
    std::optional<bool> serial_dates = {};
    /// What numbers in the column of times count where they are no dates and its name does not say so,
    /// as `time_ms` and `Time [us]` do; see time_unit_of(). Of an epoch, their size shows it.
    tocsin::time_unit time_unit = tocsin::time_unit::seconds;
    /// What is known of dates such as 20160701 in the column of times: then one of them is enough to
    /// read it so, or numbers never are.
    tocsin::digit_dates digit_dates = tocsin::digit_dates::unknown;
    /// Whether day, month or year stands first in dates such as 03/04/15. Without it the dates
    /// show it; one that can only be read in the other order has no time.
    date_order_choice dates = {};
    /// A row is anomalous when any of these columns says so. Unset: the columns named label, labels,
    /// anomaly, is_anomaly, outlier, is_outlier, attack or normal/attack in any case, if they exist.
    /// An empty list: none, and columns with such names are left out unless `use` names them.
    std::optional<std::vector<std::string>> labels = {};
    std::vector<std::string> ignore =
        {}; ///< columns to leave out; names that do not exist are ignored
    /// The features, in this order. Empty: all remaining columns, as in the file. Where there is no
    /// header and the names are not names of columns, they are names for the remaining columns.
    std::vector<std::string> use = {};
    /// Whether a header names the columns. Unset: a first line that does not fit the rows is one.
    std::optional<bool> header = {};
    /// Lines before the header, or before the first row. Rows of words between that header and the
    /// first row of numbers are left out as units. Unset: recognised.
    std::optional<index_t> skip_rows = {};
    /// Whether numbers have a decimal comma. Unset: recognised.
    std::optional<bool> decimal_comma = {};
    /// Whether digits stand in groups of three: `1,234` is 1234 (with a decimal comma, `1.234` is).
    /// Unset: where some number can be read in no other way, such as `1,234.5`.
    std::optional<bool> groups = {};
    /// What means a missing value, besides an empty cell, NA, N/A, NaN, null, none, `#N/A`, ? and -
    /// in any case. A number means all spellings of it.
    std::vector<std::string> missing = {};
    /// What the words in columns of labels say. None: 0, false, normal, ok, good, benign and 1, true,
    /// anomaly, anomalous, abnormal, attack, outlier, fault, faulty. Others are refused.
    std::vector<csv_label_value> label_values = {};
};

} // namespace tocsin
