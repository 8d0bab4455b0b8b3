/// @file encoded_lines.hpp
/// @brief Lines of text as their bytes come, in UTF-8, UTF-16 or Windows-1252.
#pragma once

#include "tocsin/io/text_encoding.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace tocsin {

/// Lines of a stream of bytes as UTF-8. Never asks for a byte beyond the end of a line, so that each
/// line is known as soon as it has been written. Lines end with LF, CRLF or CR; a byte order mark is
/// skipped. UTF-32 is not read: its bytes come as they are.
class encoded_lines {
  public:
    /// Bytes of a line that are kept by default.
    static constexpr std::size_t usual_longest = std::size_t{1} << 24U;

    /// @param encoding automatic: UTF-16 where a byte order mark or a NUL among the first two bytes
    ///                 says so, else UTF-8
    /// @param longest  bytes of a line that are kept
    explicit encoded_lines(text_encoding encoding = text_encoding::automatic,
                           std::size_t longest = usual_longest)
        : encoding_{encoding}, longest_{longest} {}

    /// Reads a line, without its end; false where there is none. Allocates as the line grows.
    /// @param next_byte called for one byte after the other: 0 to 255, or a negative number at the end
    template <class NextByte>
    bool next(NextByte&& next_byte, std::string& line) {
        bytes_.clear();
        overlong_ = false;
        if (!begun_) {
            begin(next_byte);
        }
        int unit = 0;
        while ((unit = next_unit(next_byte)) >= 0) {
            const bool second_half = after_return_ && unit == '\n'; // of CRLF
            after_return_ = unit == '\r';
            if (second_half) {
                continue;
            }
            if (unit == '\n' || unit == '\r') {
                break;
            }
            keep(unit);
        }
        if (unit < 0 && bytes_.empty()) {
            return false;
        }
        if (encoding_ == text_encoding::utf16) {
            line = detail::utf8_of_utf16(bytes_, big_endian_);
        } else if (encoding_ == text_encoding::latin1) {
            line = detail::utf8_of_latin1(bytes_);
        } else {
            line.assign(bytes_);
        }
        return true;
    }

    /// Whether the last line had more bytes than are kept.
    bool overlong() const noexcept { return overlong_; }

  private:
    /// Finds out the encoding from the first bytes, and passes over a byte order mark.
    template <class NextByte>
    void begin(NextByte& next_byte) {
        begun_ = true;
        if (encoding_ == text_encoding::latin1) {
            return;
        }
        const auto look = [&] {
            if (const int byte = next_byte(); byte >= 0) {
                held_ += static_cast<char>(byte);
            }
        };
        look();
        if (held_.empty() || held_ == "\n" || held_ == "\r") {
            return;
        }
        look();
        const std::string two = held_;
        const bool little = two == "\xFF\xFE";
        const bool big = two == "\xFE\xFF";
        if (little || two == std::string_view{"\0\0", 2}) { // as UTF-32 begins, too
            look(); // UTF-16 has a whole character after its mark
            if (little || held_.ends_with('\xFE')) {
                look();
            }
            if (looks_like_utf32(held_)) {
                encoding_ = text_encoding::utf8;
                return;
            }
        }
        const bool wide = two.size() == 2 && (two[0] == '\0') != (two[1] == '\0');
        if (encoding_ == text_encoding::utf16 ||
            (encoding_ == text_encoding::automatic && (little || big || wide))) {
            encoding_ = text_encoding::utf16;
            big_endian_ = big || (wide && two[0] == '\0');
            held_.erase(0, little || big ? 2 : 0);
        } else if (two == "\xEF\xBB") {
            look();
            held_.erase(0, held_ == "\xEF\xBB\xBF" ? 3 : 0);
        }
    }

    template <class NextByte>
    int byte_from(NextByte& next_byte) {
        if (held_.empty()) {
            return next_byte();
        }
        const auto byte = static_cast<unsigned char>(held_.front());
        held_.erase(0, 1);
        return byte;
    }
    /// The next byte, or of UTF-16 the next two; a negative number at the end.
    template <class NextByte>
    int next_unit(NextByte& next_byte) {
        const int first = byte_from(next_byte);
        if (encoding_ != text_encoding::utf16 || first < 0) {
            return first;
        }
        const int second = byte_from(next_byte);
        return second < 0 ? second : big_endian_ ? first * 256 + second : second * 256 + first;
    }
    void keep(int unit) {
        if (bytes_.size() + 2 > longest_) {
            overlong_ = true;
            return;
        }
        if (encoding_ != text_encoding::utf16) {
            bytes_ += static_cast<char>(unit);
            return;
        }
        const auto high = static_cast<char>(unit / 256);
        const auto low = static_cast<char>(unit % 256);
        bytes_ += big_endian_ ? high : low;
        bytes_ += big_endian_ ? low : high;
    }

    text_encoding encoding_;
    std::size_t longest_;
    std::string bytes_; // of the line
    std::string held_;  // read to find out the encoding
    bool begun_ = false;
    bool big_endian_ = false;
    bool after_return_ = false;
    bool overlong_ = false;
};

} // namespace tocsin
