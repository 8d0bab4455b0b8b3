/// @file text_lines.hpp
/// @brief Text line by line, with positions for messages.
#pragma once

#include "tocsin/core/extents.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/io/read_file.hpp"

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

/// Iterates over the lines of a text. Lines end with LF or CRLF; the last one needs no line end. A
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
        const auto end = rest_.find('\n');
        line_ = rest_.substr(0, end);
        rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
        if (!line_.empty() && line_.back() == '\r') {
            line_.remove_suffix(1);
        }
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

/// A piece of a file for a message: at most 40 characters, with control characters as `?`.
inline std::string shown_text(std::string_view text) {
    std::string shown{text.substr(0, 40)};
    for (char& character : shown) {
        if (static_cast<unsigned char>(character) < 0x20) {
            character = '?';
        }
    }
    return text.size() > 40 ? shown + "..." : shown;
}

} // namespace detail

} // namespace tocsin
