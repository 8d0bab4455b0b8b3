/// @file csv_times.hpp
/// @brief How the times in a CSV file are read.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/io/csv_columns.hpp"
#include "tocsin/io/csv_names.hpp"
#include "tocsin/io/csv_options.hpp"
#include "tocsin/io/date_order.hpp"
#include "tocsin/io/date_time.hpp"
#include "tocsin/io/serial_dates.hpp"
#include "tocsin/io/text_lines.hpp"
#include "tocsin/io/time_unit.hpp"
#include "tocsin/io/timestamps.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

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

/// What numbers in the column of times count, by its name, else by the options; nothing where neither
/// says more than seconds. Allocates.
inline std::optional<time_unit> time_unit_of(std::span<const csv_column> columns,
                                             const csv_options& options) {
    for (const csv_column& column : columns) {
        if (column.role == csv_role::timestamp) {
            if (const auto named = time_unit_of(column.name)) {
                return named;
            }
        }
    }
    return options.time_unit == time_unit::seconds ? std::nullopt
                                                   : std::optional{options.time_unit};
}

/// How the timestamps of a whole recording are read. All of them show the order of day, month and
/// year; `format_error` where no order fits all dates, unless csv_options::dates says which. Allocates.
/// @param timestamps of all rows
/// @param name       of the file, for messages
inline result<timestamp_reader> timestamps_of(std::span<const std::string> timestamps,
                                              std::span<const csv_column> columns,
                                              const csv_options& options, std::string_view name) {
    constexpr std::size_t most_samples = 1000; // they show everything else
    const std::size_t first = std::min(timestamps.size(), most_samples);
    auto reader = timestamp_reader::from_samples(
        timestamps.first(first), serial_dates_of(columns, options), options.dates,
        time_unit_of(columns, options), options.digit_dates);
    if (!reader.order().depends()) {
        return reader;
    }
    for (const std::string& text : timestamps.subspan(first)) {
        reader.learn(text);
    }
    if (!reader.order().contradicts()) {
        return reader;
    }
    // The first date that none of the orders before fits, and one before it that contradicts it.
    const auto orders_of = [](const std::string& text) {
        const auto time = parse_date_time(text);
        return time ? time->orders : date_orders{};
    };
    date_orders left = date_orders::all();
    const auto late = std::find_if(timestamps.begin(), timestamps.end(), [&](const auto& text) {
        const date_orders orders = orders_of(text);
        left = orders.empty() ? left : left & orders;
        return left.empty();
    });
    const auto early = std::find_if(timestamps.begin(), late, [&](const auto& text) {
        const date_orders orders = orders_of(text);
        return !orders.empty() && (orders & orders_of(*late)).empty();
    });
    date_orders all = orders_of(*early);
    for (const date_order one : all_date_orders) {
        if (orders_of(*late).has(one)) {
            all.add(one);
        }
    }
    return status::error(error_code::format_error, name, ": the date '", detail::shown_text(*early),
                         "' of row ", early - timestamps.begin() + 1, " can only be ",
                         in_words(orders_of(*early)), ", '", detail::shown_text(*late), "' of row ",
                         late - timestamps.begin() + 1, " only ", in_words(orders_of(*late)), "; ",
                         options_of(all), " leaves the others without a time");
}

} // namespace tocsin
