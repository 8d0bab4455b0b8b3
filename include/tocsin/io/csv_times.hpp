/// @file csv_times.hpp
/// @brief How the times in a CSV file are read.
#pragma once

#include "tocsin/io/csv_columns.hpp"
#include "tocsin/io/csv_names.hpp"
#include "tocsin/io/csv_options.hpp"
#include "tocsin/io/serial_dates.hpp"

#include <algorithm>
#include <span>
#include <string>

namespace tocsin {

/// When numbers in the column of times are serial dates, by the options and the name of the column.
/// Allocates.
inline serial_dates serial_dates_of(std::span<const csv_column> columns,
                                    const csv_options& options) {
    if (options.serial_dates) {
        return *options.serial_dates ? serial_dates::always : serial_dates::never;
    }
    const bool named = std::any_of(columns.begin(), columns.end(), [](const csv_column& column) {
        const std::string plain = detail::plain_name(column.name);
        return column.role == csv_role::timestamp &&
               (plain.find("date") != std::string::npos || plain == "datum");
    });
    return named ? serial_dates::by_name : serial_dates::by_value;
}

} // namespace tocsin
