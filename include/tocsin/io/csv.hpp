/// @file csv.hpp
/// @brief CSV files as series.
#pragma once

#include "tocsin/core/checked_size.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/io/atomic_file.hpp"
#include "tocsin/io/csv_detection.hpp"
#include "tocsin/io/csv_row.hpp"
#include "tocsin/io/csv_switches.hpp"
#include "tocsin/io/csv_times.hpp"
#include "tocsin/io/number_text.hpp"
#include "tocsin/io/read_file.hpp"
#include "tocsin/io/text_encoding.hpp"
#include "tocsin/io/text_lines.hpp"
#include "tocsin/io/timestamps.hpp"
#include "tocsin/series/series.hpp"
#include "tocsin/series/time_steps.hpp"
#include "tocsin/series/times_of_day.hpp"

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tocsin {

namespace detail {

/// Rows from the next line on.
inline index_t count_rows(text_lines lines, const csv_layout& layout) {
    index_t rows = 0;
    while (lines.next()) {
        rows += layout.kind_of(lines.line()) == csv_line::row ? 1 : 0;
    }
    return rows;
}

/// Passes over lines that are not blank. @return false at the end of the text
inline bool skip_lines(text_lines& lines, index_t count) {
    while (count > 0 && lines.next()) {
        count -= trimmed(lines.line()).empty() ? 0 : 1;
    }
    return count == 0;
}

} // namespace detail

/// A recording from a CSV file, with what was found out about the file.
template <std::floating_point Scalar>
struct csv_recording {
    tocsin::series<Scalar> series; ///< what the file holds
    /// One per time step, in seconds; NaN where the timestamp cannot be read. Empty where there are
    /// no timestamps or they are no times. Times of day go on over midnight.
    std::vector<double> times;
    timestamp_reader clock;                        ///< how they are read
    csv_dialect dialect;                           ///< how the file is written
    csv_layout layout = csv_layout::of_numbers(0); ///< which column means what
    index_t comments = 0;                          ///< lines of comments among the rows
    index_t headers = 0;                           ///< lines that name the columns again
    std::vector<csv_switch_words> switches;        ///< words such as `off` among other numbers
    csv_cut_cells cut;                             ///< cells such as `####`
    csv_unread_cells unread;                       ///< values in columns without a name
};

namespace detail {

/// Seconds of all timestamps; none unless at least one can be read.
template <class Scalar>
status read_times(csv_recording<Scalar>& read, const csv_options& options,
                  const std::string& name) {
    const std::span<const std::string> all{read.series.timestamps};
    auto clock = timestamps_of(all, read.layout.columns(), options, name);
    if (!clock) {
        return clock.error();
    }
    read.clock = *clock;
    if (read.clock.kind() == timestamp_kind::unknown) {
        return {};
    }
    read.times.reserve(all.size());
    for (const std::string& text : all) {
        read.times.push_back(read.clock.seconds(text));
    }
    if (read.clock.kind() == timestamp_kind::time_of_day) {
        times_of_day day{study_times(read.times).descending};
        for (double& time : read.times) {
            time = day.advance(time);
        }
    }
    return {};
}

} // namespace detail

/// Reads a recording from CSV text: a header, then one row per time step; lines of spaces only,
/// comments and a header that comes again are skipped. detect_csv_dialect() finds out how the text is
/// written, unless options say it. Missing values are NaN. A malformed or ragged row is a
/// `format_error` that starts with `name:line:column: `. Allocates at most 32 bytes for each byte of
/// the text and 128 for each column.
/// @param text UTF-8, see to_utf8()
template <std::floating_point Scalar>
result<csv_recording<Scalar>> parse_csv_recording(std::string_view text,
                                                  const std::filesystem::path& name,
                                                  const csv_options& options = {}) {
    if (const char* const format = detail::foreign_format(text); format != nullptr) {
        return status::error(error_code::format_error, detail::shown_name(name), ": ", format);
    }
    csv_recording<Scalar> whole;
    whole.dialect = detect_csv_dialect(text, options);
    text_lines lines{text, name};
    bool found = lines.next();
    while (found &&
           (lines.number() <= whole.dialect.skipped || detail::trimmed(lines.line()).empty())) {
        found = lines.next();
    }
    if (!found) {
        return status::error(error_code::format_error, lines.name(), ": has no header line");
    }
    auto layout = csv_layout::from_dialect(whole.dialect, lines.line(), options, lines.place());
    if (!layout) {
        return layout.error();
    }
    whole.layout = *std::move(layout);
    series<Scalar>& read = whole.series;
    read.names = whole.layout.names();
    const int features = whole.layout.features();
    bool more = true;
    if (whole.dialect.has_header) {
        more = detail::skip_lines(lines, whole.dialect.unit_rows) && lines.next();
    }
    const bool begins = more && whole.layout.kind_of(lines.line()) == csv_line::row;
    const index_t rows = detail::count_rows(lines, whole.layout) + (begins ? 1 : 0);
    // Each cell takes a byte at least, its delimiter. Where there are not as many, some row is
    // ragged: it is found below, and nothing is stored.
    const bool possible = (checked_size{rows} * features).is_at_most(checked_size{text.size()} + 1);
    const bool timed = whole.layout.has_timestamp();
    if (possible) {
        read.values.resize(features, rows);
        read.timestamps.reserve(timed ? static_cast<std::size_t>(rows) : 0);
        read.labels.reserve(whole.layout.has_label() ? static_cast<std::size_t>(rows) : 0);
    }
    std::vector<Scalar> sample(static_cast<std::size_t>(features));
    csv_notes notes;
    csv_switch_watch switches{features};
    index_t row = 0;
    for (; more; more = lines.next()) {
        const csv_line kind = whole.layout.kind_of(lines.line());
        if (kind != csv_line::row) {
            whole.headers += kind == csv_line::header ? 1 : 0;
            whole.comments += detail::looks_like_comment(lines.line()) ? 1 : 0;
            continue;
        }
        if (auto outcome =
                whole.layout.template parse<Scalar>(lines.line(), sample, notes, lines.place());
            !outcome) {
            return row > 0 && detail::count_rows(lines, whole.layout) == 0
                       ? csv_layout::in_last_line(outcome)
                       : outcome;
        }
        if (!possible) {
            continue;
        }
        whole.cut.take(notes, lines.number());
        whole.unread.take(notes, lines.number());
        switches.take(whole.layout, lines.line(), std::span<const Scalar>{sample}, notes,
                      lines.number());
        std::copy(sample.begin(), sample.end(), read.values.col(row++).data());
        if (timed) {
            read.timestamps.push_back(notes.time());
        }
        if (whole.layout.has_label()) {
            read.labels.push_back(notes.label);
        }
    }
    if (row == 0) {
        return status::error(error_code::format_error, lines.name(), ": has a header but no rows");
    }
    whole.switches = switches.found();
    if (auto outcome = detail::read_times(whole, options, std::string{lines.name()}); !outcome) {
        return outcome;
    }
    return whole;
}

/// The series of parse_csv_recording().
template <std::floating_point Scalar>
result<series<Scalar>> parse_csv(std::string_view text, const std::filesystem::path& name,
                                 const csv_options& options = {}) {
    auto read = parse_csv_recording<Scalar>(text, name, options);
    if (!read) {
        return read.error();
    }
    return std::move(read->series);
}

/// Reads a CSV file: parse_csv() on its content, in UTF-8 or in UTF-16, which is recognised by its
/// byte order mark or the NUL bytes of its text.
/// @param largest_file bytes; a larger file is refused, see read_file()
template <std::floating_point Scalar>
result<series<Scalar>> read_csv(const std::filesystem::path& path, const csv_options& options = {},
                                std::uint64_t largest_file = default_file_limit) {
    auto text = read_file(path, largest_file);
    if (!text) {
        return text.error();
    }
    return parse_csv<Scalar>(to_utf8(*std::move(text)), path, options);
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
/// bits, if no feature has the name of a time or a label, such as `time` or `anomaly`.
/// `invalid_argument` when the number of names, timestamps or labels is wrong, one contains a line
/// break, or the delimiter is part of numbers; `io_error` when the file cannot be written.
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
    if (detail::part_of_numbers(delimiter)) {
        return status::error(error_code::invalid_argument, "write_csv: '", delimiter,
                             "' cannot be a delimiter");
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
