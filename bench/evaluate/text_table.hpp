/// @file text_table.hpp
/// @brief Small CSV files whose cells are names and numbers: labels, splits, indices.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/io/read_file.hpp"
#include "tocsin/io/text_lines.hpp"
#include "tocsin/metrics/row_ranges.hpp"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace evaluate {

/// Rows of text under a header. Cells may be in double quotes, with commas inside.
class text_table {
  public:
    /// `format_error` naming file and line if a line has a different number of cells than the
    /// header.
    static tocsin::result<text_table> read(const std::filesystem::path& path) {
        const auto text = tocsin::read_file(path);
        if (!text) {
            return text.error();
        }
        tocsin::text_lines lines{*text, path};
        text_table table;
        table.name_ = path.filename().string();
        while (lines.next()) {
            if (lines.line().empty()) {
                continue;
            }
            auto cells = split(lines.line());
            if (table.header_.empty()) {
                table.header_ = std::move(cells);
            } else if (cells.size() == table.header_.size()) {
                table.rows_.push_back(std::move(cells));
            } else {
                return tocsin::status::error(tocsin::error_code::format_error, lines.name(), ':',
                                             lines.number(), ": has ", cells.size(),
                                             " cells, the header has ", table.header_.size());
            }
        }
        return table;
    }

    std::size_t rows() const noexcept { return rows_.size(); }
    bool has(std::string_view column) const noexcept { return position(column) < header_.size(); }
    /// Refuses a table without one of the columns.
    tocsin::status require(std::initializer_list<std::string_view> columns) const {
        for (const auto column : columns) {
            if (!has(column)) {
                return tocsin::status::error(tocsin::error_code::format_error, name_,
                                             ": has no column '", column, "'");
            }
        }
        return {};
    }
    /// A cell of an existing column.
    const std::string& text(std::size_t row, std::string_view column) const {
        return rows_[row][position(column)];
    }
    /// The same as a whole number; `format_error` for anything else.
    tocsin::result<tocsin::index_t> number(std::size_t row, std::string_view column) const {
        return whole_number(text(row, column), row, column);
    }
    /// A cell such as `10-19;40-44` with both ends inclusive.
    tocsin::result<std::vector<tocsin::row_range>> ranges(std::size_t row,
                                                          std::string_view column) const {
        std::vector<tocsin::row_range> found;
        std::string_view rest = text(row, column);
        while (!rest.empty()) {
            const auto end = rest.find(';');
            const std::string_view one = rest.substr(0, end);
            rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
            const auto dash = one.find('-');
            const auto first = whole_number(one.substr(0, dash), row, column);
            const auto last = whole_number(
                dash == std::string_view::npos ? one : one.substr(dash + 1), row, column);
            if (!first || !last) {
                return first ? last.error() : first.error();
            }
            found.push_back({*first, *last + 1});
        }
        return found;
    }

  private:
    static std::vector<std::string> split(std::string_view line) {
        std::vector<std::string> cells(1);
        bool quoted = false;
        for (const char character : line) {
            if (character == '"') {
                quoted = !quoted;
            } else if (character == ',' && !quoted) {
                cells.emplace_back();
            } else {
                cells.back() += character;
            }
        }
        return cells;
    }
    std::size_t position(std::string_view column) const noexcept {
        return static_cast<std::size_t>(std::find(header_.begin(), header_.end(), column) -
                                        header_.begin());
    }
    tocsin::result<tocsin::index_t> whole_number(std::string_view cell, std::size_t row,
                                                 std::string_view column) const {
        tocsin::index_t value = 0;
        const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
        if (error != std::errc{} || end != cell.data() + cell.size()) {
            return tocsin::status::error(tocsin::error_code::format_error, name_, ": row ", row + 1,
                                         " has '", cell, "' in column '", column,
                                         "', expected a whole number");
        }
        return value;
    }

    std::string name_;
    std::vector<std::string> header_;
    std::vector<std::vector<std::string>> rows_;
};

/// One label per row, from ranges; parts outside the rows are left out.
inline std::vector<std::uint8_t> labels_of(const std::vector<tocsin::row_range>& ranges,
                                           tocsin::index_t rows) {
    std::vector<std::uint8_t> labels(static_cast<std::size_t>(rows), 0);
    for (const auto& range : ranges) {
        for (auto row = std::max<tocsin::index_t>(range.begin, 0); row < std::min(range.end, rows);
             ++row) {
            labels[static_cast<std::size_t>(row)] = 1;
        }
    }
    return labels;
}

/// Ranges in order of time; those that touch or overlap become one.
inline std::vector<tocsin::row_range> merged(std::vector<tocsin::row_range> ranges) {
    std::sort(ranges.begin(), ranges.end(),
              [](const auto& a, const auto& b) { return a.begin < b.begin; });
    std::vector<tocsin::row_range> apart;
    for (const auto& range : ranges) {
        if (!apart.empty() && range.begin <= apart.back().end) {
            apart.back().end = std::max(apart.back().end, range.end);
        } else {
            apart.push_back(range);
        }
    }
    return apart;
}

} // namespace evaluate
