/// @file csv.hpp
/// @brief CSV files with a header, as a series.
#pragma once

#include "tocsin/core/checked_size.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/io/atomic_file.hpp"
#include "tocsin/io/csv_row.hpp"
#include "tocsin/io/number_text.hpp"
#include "tocsin/io/read_file.hpp"
#include "tocsin/io/text_lines.hpp"
#include "tocsin/series/series.hpp"

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tocsin {

namespace detail {

/// Lines from the next one on that hold more than spaces.
inline index_t count_rows(text_lines lines) {
    index_t rows = 0;
    while (lines.next()) {
        rows += trimmed(lines.line()).empty() ? 0 : 1;
    }
    return rows;
}

} // namespace detail

/// Reads a series from CSV text: a header, then one row per time step; lines of spaces only are
/// skipped. Missing values (empty, nan, na, null) are NaN. A malformed or ragged row is a
/// `format_error` that starts with `name:line:column: `. Allocates at most 24 bytes for each byte
/// of the text and 128 for each column.
template <std::floating_point Scalar>
result<series<Scalar>> parse_csv(std::string_view text, const std::filesystem::path& name,
                                 const csv_options& options = {}) {
    text_lines lines{text, name};
    bool found = lines.next();
    while (found && detail::trimmed(lines.line()).empty()) {
        found = lines.next();
    }
    if (!found) {
        return status::error(error_code::format_error, lines.name(), ": has no header line");
    }
    const auto layout = csv_layout::from_header(lines.line(), options, lines.place());
    if (!layout) {
        return layout.error();
    }
    series<Scalar> read;
    read.names = layout->names();
    const index_t rows = detail::count_rows(lines);
    // Each cell takes a byte at least, its delimiter. Where there are not as many, some row is
    // ragged: it is found below, and nothing is stored.
    const bool possible =
        (checked_size{rows} * layout->features()).is_at_most(checked_size{text.size()} + 1);
    if (possible) {
        read.values.resize(layout->features(), rows);
        read.timestamps.reserve(layout->has_timestamp() ? static_cast<std::size_t>(rows) : 0);
        read.labels.reserve(layout->has_label() ? static_cast<std::size_t>(rows) : 0);
    }
    std::vector<Scalar> sample(static_cast<std::size_t>(layout->features()));
    csv_notes notes;
    index_t row = 0;
    while (lines.next()) {
        if (detail::trimmed(lines.line()).empty()) {
            continue;
        }
        if (auto outcome =
                layout->parse(lines.line(), std::span<Scalar>{sample}, notes, lines.place());
            !outcome) {
            return outcome;
        }
        if (!possible) {
            continue;
        }
        std::copy(sample.begin(), sample.end(), read.values.col(row++).data());
        if (layout->has_timestamp()) {
            read.timestamps.push_back(csv_layout::unquoted(notes.timestamp));
        }
        if (layout->has_label()) {
            read.labels.push_back(notes.label);
        }
    }
    if (row == 0) {
        return status::error(error_code::format_error, lines.name(), ": has a header but no rows");
    }
    return read;
}

/// Reads a CSV file: parse_csv() on its content.
/// @param largest_file bytes; a larger file is refused, see read_file()
template <std::floating_point Scalar>
result<series<Scalar>> read_csv(const std::filesystem::path& path, const csv_options& options = {},
                                std::uint64_t largest_file = default_file_limit) {
    const auto text = read_file(path, largest_file);
    if (!text) {
        return text.error();
    }
    return parse_csv<Scalar>(*text, path, options);
}

namespace detail {

/// A cell as text, in double quotes if it needs them.
inline std::string quoted(std::string_view text, char delimiter) {
    const bool needs_quotes = text.find_first_of("\"\r\n") != std::string_view::npos ||
                              text.find(delimiter) != std::string_view::npos ||
                              trimmed(text).size() != text.size();
    if (!needs_quotes) {
        return std::string{text};
    }
    std::string cell = "\"";
    for (const char character : text) {
        cell += character;
        if (character == '"') {
            cell += '"';
        }
    }
    return cell + '"';
}

} // namespace detail

/// Writes a series with a header, replacing the file completely or not at all: the column
/// `timestamp` if there are timestamps, the features (`feature0`, ... if they have no names), the
/// column `label` if there are labels. NaN is written as `nan`. Reading the file gives the same
/// bits. `invalid_argument` when the number of names, timestamps or labels is wrong or one contains
/// a line break; `io_error` when the file cannot be written.
template <std::floating_point Scalar>
status write_csv(const std::filesystem::path& path, const series<Scalar>& data,
                 char delimiter = ',') {
    const auto features = static_cast<std::size_t>(data.features());
    const auto time = static_cast<std::size_t>(data.time());
    if ((!data.names.empty() && data.names.size() != features) ||
        (!data.timestamps.empty() && data.timestamps.size() != time) ||
        (!data.labels.empty() && data.labels.size() != time)) {
        return status::error(error_code::invalid_argument, "write_csv: ", data.names.size(),
                             " names, ", data.timestamps.size(), " timestamps, ",
                             data.labels.size(), " labels for ", features, " features, ", time,
                             " time steps");
    }
    for (const auto* texts : {&data.names, &data.timestamps}) {
        for (const std::string& text : *texts) {
            if (text.find_first_of("\r\n") != std::string::npos) {
                return status::error(error_code::invalid_argument, "write_csv: '",
                                     detail::shown_text(text), "' contains a line break");
            }
        }
    }
    auto file = atomic_file::create(path);
    if (!file) {
        return file.error();
    }
    std::string line;
    const auto add = [&](std::string_view cell) {
        line += cell;
        line += delimiter;
    };
    const auto end_line = [&] {
        if (!line.empty()) {
            line.back() = '\n'; // instead of the last delimiter
        }
        file->write(line);
        line.clear();
    };
    if (!data.timestamps.empty()) {
        add("timestamp");
    }
    for (std::size_t k = 0; k < features; ++k) {
        add(data.names.empty() ? "feature" + std::to_string(k)
                               : detail::quoted(data.names[k], delimiter));
    }
    if (!data.labels.empty()) {
        add("label");
    }
    end_line();
    number_text buffer{};
    for (std::size_t t = 0; t < time; ++t) {
        if (!data.timestamps.empty()) {
            add(detail::quoted(data.timestamps[t], delimiter));
        }
        for (std::size_t k = 0; k < features; ++k) {
            add(format_number(data.values(static_cast<index_t>(k), static_cast<index_t>(t)),
                              buffer));
        }
        if (!data.labels.empty()) {
            add(data.labels[t] != 0 ? "1" : "0");
        }
        end_line();
    }
    return file->commit();
}

} // namespace tocsin
