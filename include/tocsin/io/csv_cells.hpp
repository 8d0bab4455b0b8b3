/// @file csv_cells.hpp
/// @brief The cells of one line of CSV.
#pragma once

#include "tocsin/io/number_text.hpp"

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

namespace tocsin {

/// Iterates over the cells of one line. A cell in double quotes may contain delimiters and doubled
/// double quotes, and blanks may surround it; it ends on its line. Where the delimiter is a space,
/// several in a row count as one. Never allocates.
class csv_cells {
  public:
    csv_cells(std::string_view line, char delimiter) noexcept : line_{line}, delimiter_{delimiter} {
        if (delimiter == ' ') {
            position_ = after_blanks(0, '\0');
        }
    }

    /// Moves to the next cell; false at the end of the line, or when problem() is not null.
    bool next() noexcept {
        if (done_) {
            return false;
        }
        column_ = position_ + 1;
        std::size_t end = after_blanks(position_, delimiter_);
        if (end < line_.size() && line_[end] == '"') {
            const std::size_t begin = end + 1;
            for (end = begin;; end += 2) {
                end = line_.find('"', end);
                if (end == std::string_view::npos) {
                    unclosed_ = true;
                    return fail("a double quote is not closed on its line");
                }
                if (end + 1 >= line_.size() || line_[end + 1] != '"') {
                    break;
                }
            }
            text_ = line_.substr(begin, end - begin);
            end = after_blanks(end + 1, delimiter_);
            if (end < line_.size() && line_[end] != delimiter_) {
                return fail("text after a closing double quote");
            }
            quoted_ = true;
        } else {
            end = std::min(line_.find(delimiter_, position_), line_.size());
            text_ = detail::trimmed(line_.substr(position_, end - position_));
            quoted_ = false;
        }
        done_ = end >= line_.size();
        position_ = end + 1;
        if (delimiter_ == ' ' && !done_) {
            position_ = after_blanks(position_, '\0');
            done_ = position_ >= line_.size();
        }
        return true;
    }

    /// The cell without its quotes; double quotes inside it are still doubled.
    std::string_view text() const noexcept { return text_; }
    /// Whether the cell stood in double quotes.
    bool quoted() const noexcept { return quoted_; }
    /// Where the cell starts, in bytes from 1.
    std::size_t column() const noexcept { return column_; }
    /// Why next() returned false, or null at the end of a valid line.
    const char* problem() const noexcept { return problem_; }
    /// Whether the problem is a double quote that the line does not close.
    bool unclosed() const noexcept { return unclosed_; }

    /// Cells of a line; those before a problem where there is one.
    static std::size_t count(std::string_view line, char delimiter) noexcept {
        std::size_t number = 0;
        for (csv_cells cells{line, delimiter}; cells.next();) {
            ++number;
        }
        return number;
    }

  private:
    bool fail(const char* problem) noexcept {
        problem_ = problem;
        done_ = true;
        return false;
    }
    std::size_t after_blanks(std::size_t at, char delimiter) const noexcept {
        while (at < line_.size() && (line_[at] == ' ' || line_[at] == '\t') &&
               line_[at] != delimiter) {
            ++at;
        }
        return at;
    }

    std::string_view line_;
    std::string_view text_;
    std::size_t position_ = 0;
    std::size_t column_ = 1;
    const char* problem_ = nullptr;
    char delimiter_;
    bool done_ = false;
    bool quoted_ = false;
    bool unclosed_ = false;
};

namespace detail {

/// The text of a cell with doubled double quotes replaced by single ones. Allocates.
inline std::string unquoted(std::string_view cell) {
    std::string text;
    for (std::size_t k = 0; k < cell.size(); ++k) {
        text += cell[k];
        if (cell[k] == '"' && k + 1 < cell.size() && cell[k + 1] == '"') {
            ++k;
        }
    }
    return text;
}

} // namespace detail
} // namespace tocsin
