/// @file csv_row_reader.hpp
/// @brief The rows of a CSV file one after the other, without the whole file in memory.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/io/csv_detection.hpp"
#include "tocsin/io/csv_row.hpp"
#include "tocsin/io/read_file.hpp"
#include "tocsin/io/text_lines.hpp"

#include <algorithm>
#include <cerrno>
#include <concepts>
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace tocsin {

/// Reads a CSV file row by row, as parse_csv() reads it as a whole. Holds about 256 KiB, and a line
/// where one is longer. The text must be UTF-8.
class csv_row_reader {
  public:
    /// Opens a file, finds out how it is written from its beginning, and reads its header.
    /// `io_error` where it cannot be read, otherwise as parse_csv().
    static result<csv_row_reader> open(const std::filesystem::path& path,
                                       const csv_options& options = {}) {
        csv_row_reader reader;
        reader.name_ = detail::shown_name(path);
        detail::file_facts facts;
        const std::string name = path.string();
        if (const int failure = detail::system_files::look(name.c_str(), facts); failure != 0) {
            return reader.refuse("cannot open: ", detail::system_message(failure));
        }
        if (facts.kind == detail::file_kind::missing) {
            return reader.refuse("cannot open: ", detail::system_message(ENOENT));
        }
        if (facts.kind != detail::file_kind::regular && facts.kind != detail::file_kind::fifo) {
            return reader.refuse("is ", name_of(facts.kind),
                                 ", only regular files and pipes are read");
        }
        reader.file_.reset(std::fopen(name.c_str(), "rb"));
        if (!reader.file_) {
            return reader.refuse("cannot open: ", detail::system_message(errno));
        }
        if (auto outcome = reader.begin(options); !outcome) {
            return outcome;
        }
        return reader;
    }

    /// How the file is written.
    const csv_dialect& dialect() const noexcept { return dialect_; }
    /// Which column means what.
    const csv_layout& layout() const noexcept { return layout_; }
    /// The beginning of the file, up to 256 KiB of whole lines, or more where these are comments
    /// alone; until the first next().
    std::string_view beginning() const noexcept { return buffer_; }

    /// The last row as text, until next() is called again.
    std::string_view line() const noexcept { return row_; }
    /// Its number in the file, from 1.
    index_t line_number() const noexcept { return number_; }

    /// Parses the next row as csv_layout::parse() does.
    /// @return false at the end of the file
    template <std::floating_point Scalar>
    result<bool> next(std::span<Scalar> values, csv_notes& notes) {
        for (;;) {
            std::string_view line;
            while (units_ > 0) { // whatever they look like
                if (const auto more = next_line(line); !more || !*more) {
                    return more;
                }
                units_ -= detail::trimmed(line).empty() ? 0 : 1;
            }
            if (held_) { // the first row of a file without a header
                held_ = false;
                line = line_;
            } else if (const auto more = next_line(line); !more || !*more) {
                return more;
            }
            if (layout_.kind_of(line) != csv_line::row) {
                continue;
            }
            row_ = line;
            if (auto outcome = layout_.parse<Scalar>(line, values, notes, {name_, number_});
                !outcome) {
                return any_row_ && is_at_end() ? csv_layout::in_last_line(outcome) : outcome;
            }
            any_row_ = true;
            return true;
        }
    }

  private:
    static constexpr std::size_t block = std::size_t{1} << 18U;

    csv_row_reader() = default;

    template <class... Parts>
    status refuse(const Parts&... parts) const {
        return status::error(error_code::io_error, name_, ": ", parts...);
    }

    status begin(const csv_options& options) {
        if (auto outcome = fill(); !outcome) {
            return outcome;
        }
        if (std::string_view{buffer_}.starts_with("\xEF\xBB\xBF")) {
            buffer_.erase(0, 3);
        }
        if (const char* const format = detail::foreign_format(buffer_); format != nullptr) {
            return status::error(error_code::format_error, name_, ": ", format);
        }
        if (auto outcome = fill_beyond_comments(); !outcome) {
            return outcome;
        }
        dialect_ = detect_csv_dialect(std::string_view{buffer_}.substr(0, whole_lines()), options);
        std::string_view line;
        do {
            const auto more = next_line(line);
            if (!more) {
                return more.error();
            }
            if (!*more) {
                return status::error(error_code::format_error, name_, ": has no header line");
            }
        } while (number_ <= dialect_.skipped || detail::trimmed(line).empty());
        auto layout = csv_layout::from_dialect(dialect_, line, options, {name_, number_});
        if (!layout) {
            return layout.error();
        }
        layout_ = *std::move(layout);
        held_ = !dialect_.has_header;
        units_ = dialect_.unit_rows;
        line_ = std::string{line};
        return {};
    }

    /// Whether nothing but blanks follows, as far as it has been read.
    bool is_at_end() const noexcept {
        return at_end_ && buffer_.find_first_not_of(" \t\r\n", position_) == std::string::npos;
    }

    std::size_t whole_lines() const noexcept {
        const auto end = buffer_.find_last_of("\r\n");
        return at_end_ || end == std::string::npos ? buffer_.size() : end + 1;
    }

    /// Reads on while all whole lines so far are blank or comments, so that detection sees others.
    status fill_beyond_comments() {
        std::size_t seen = 0; // bytes of such lines
        while (!at_end_ && buffer_.size() <= default_file_limit) {
            const std::size_t end = whole_lines();
            text_lines lines{std::string_view{buffer_}.substr(seen, end - seen), ""};
            while (lines.next()) {
                if (!detail::trimmed(lines.line()).empty() &&
                    !detail::looks_like_comment(lines.line())) {
                    return {};
                }
            }
            seen = end;
            if (auto outcome = fill(); !outcome) {
                return outcome;
            }
        }
        return {};
    }

    /// Appends a block of the file.
    status fill() {
        const std::size_t before = buffer_.size();
        buffer_.resize(before + block);
        errno = 0;
        const std::size_t count = std::fread(buffer_.data() + before, 1, block, file_.get());
        buffer_.resize(before + count);
        at_end_ = count < block;
        return std::ferror(file_.get()) != 0
                   ? refuse("cannot read: ", detail::system_message(errno))
                   : status{};
    }

    /// The next line; valid until the one after it.
    result<bool> next_line(std::string_view& line) {
        auto end = detail::find_line_end(buffer_, position_);
        // A CR at the end of the buffer may be half of a CRLF.
        const auto is_cut = [&] {
            return end == std::string::npos || (end + 1 == buffer_.size() && buffer_[end] == '\r');
        };
        while (is_cut() && !at_end_) {
            buffer_.erase(0, position_);
            const std::size_t searched =
                end == std::string::npos ? buffer_.size() : end - position_;
            position_ = 0;
            if (buffer_.size() > default_file_limit) {
                return refuse("has a line of more bytes than the limit of ", default_file_limit);
            }
            if (auto outcome = fill(); !outcome) {
                return outcome;
            }
            end = detail::find_line_end(buffer_, searched);
        }
        if (position_ >= buffer_.size()) {
            return false;
        }
        const std::size_t stop = std::min(end, buffer_.size());
        line = std::string_view{buffer_}.substr(position_, stop - position_);
        const bool two = std::string_view{buffer_}.substr(stop).starts_with("\r\n");
        position_ = std::min(stop + (two ? 2 : 1), buffer_.size());
        ++number_;
        return true;
    }

    std::string name_;
    detail::file_handle file_;
    std::string buffer_;
    std::string_view row_;
    std::string line_; // the first row of a file without a header
    std::size_t position_ = 0;
    index_t number_ = 0; // of the last line
    index_t units_ = 0;  // rows of units still to come
    bool at_end_ = false;
    bool held_ = false;
    bool any_row_ = false;
    csv_dialect dialect_;
    csv_layout layout_ = csv_layout::of_numbers(0);
};

} // namespace tocsin
