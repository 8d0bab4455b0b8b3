/// @file text_lines.hpp
/// @brief Text line by line, with positions for messages.
#pragma once

#include "tocsin/core/extents.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/io/read_file.hpp"

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

namespace tocsin {

/// A line of a text, for messages.
struct text_place {
    std::string_view name; ///< usually the name of the file
    index_t line = 0;      ///< counts from 1

    /// A `format_error` whose message starts with `name:line:column: `; columns count bytes from 1.
    template <class... Parts>
    status error(std::size_t column, const Parts&... parts) const noexcept {
        return status::error(error_code::format_error, name, ':', line, ':', column, ": ",
                             parts...);
    }
};

namespace detail {

/// Where a line ends, at its LF or CR; npos for none.
inline std::size_t find_line_end(std::string_view text, std::size_t from) noexcept {
    // In pieces, so that text with one kind of line end is not searched to its end for the other.
    constexpr std::size_t piece = 256;
    for (; from < text.size(); from += piece) {
        const std::string_view part = text.substr(from, piece);
        const std::size_t feed = part.find('\n');
        const std::size_t end = std::min(part.substr(0, feed).find('\r'), feed);
        if (end != std::string_view::npos) {
            return from + end;
        }
    }
    return std::string_view::npos;
}

} // namespace detail

/// Iterates over the lines of a text. Lines end with LF, CRLF or CR; the last one needs no line end. A
/// UTF-8 byte order mark at the start is skipped. The text is not owned.
class text_lines {
  public:
    /// @param name name of the text in messages: usually the name of its file
    text_lines(std::string_view text, const std::filesystem::path& name)
        : rest_{text}, name_{detail::shown_name(name)} {
        constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
        if (rest_.substr(0, byte_order_mark.size()) == byte_order_mark) {
            rest_.remove_prefix(byte_order_mark.size());
        }
    }

    /// Moves to the next line; false at the end of the text.
    bool next() noexcept {
        if (rest_.empty()) {
            return false;
        }
        const auto end = detail::find_line_end(rest_, 0);
        line_ = rest_.substr(0, end);
        const bool two = rest_.substr(line_.size()).starts_with("\r\n");
        rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + (two ? 2 : 1));
        ++number_;
        return true;
    }

    /// The line that next() found, without its end.
    std::string_view line() const noexcept { return line_; }
    /// The lines after the current one.
    std::string_view rest() const noexcept { return rest_; }
    /// Number of the line, from 1.
    index_t number() const noexcept { return number_; }
    const std::string& name() const noexcept { return name_; }

    /// The current line; valid as long as this object exists.
    text_place place() const noexcept { return {name_, number_}; }
    /// A failure that names the file, the line and the column, from 1.
    template <class... Parts>
    status error(std::size_t column, const Parts&... parts) const noexcept {
        return place().error(column, parts...);
    }

  private:
    std::string_view rest_;
    std::string_view line_;
    std::string name_;
    index_t number_ = 0;
};

namespace detail {

/// A piece of a file for a message: at most 40 characters or `most`, with control characters as `?`.
inline std::string shown_text(std::string_view text, std::size_t most = 40) {
    std::string shown{text.substr(0, most)};
    for (char& character : shown) {
        if (static_cast<unsigned char>(character) < 0x20) {
            character = '?';
        }
    }
    return text.size() > most ? shown + "..." : shown;
}

} // namespace detail

} // namespace tocsin
