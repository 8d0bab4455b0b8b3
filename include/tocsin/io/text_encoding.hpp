/// @file text_encoding.hpp
/// @brief Text in UTF-16 or Windows-1252 as UTF-8.
#pragma once

#include "tocsin/core/status.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace tocsin {

/// How the bytes of a text stand for characters.
enum class text_encoding : std::uint8_t {
    automatic, ///< UTF-16 where a byte order mark or the NUL bytes of its text say so, else UTF-8
    utf8,
    utf16,  ///< by its byte order mark; without one little-endian
    latin1, ///< Windows-1252, of which Latin-1 is a part
};

namespace detail {

/// Appends a Unicode code point as UTF-8; what is none becomes the replacement character.
inline void append_utf8(std::uint32_t code, std::string& text) {
    if (code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) {
        code = 0xFFFD;
    }
    const auto add = [&](std::uint32_t byte) { text += static_cast<char>(byte); };
    const auto add_tail = [&](int shift) { add(0x80U | ((code >> shift) & 0x3FU)); };
    if (code < 0x80) {
        add(code);
    } else if (code < 0x800) {
        add(0xC0U | (code >> 6U));
        add_tail(0);
    } else if (code < 0x10000) {
        add(0xE0U | (code >> 12U));
        add_tail(6);
        add_tail(0);
    } else {
        add(0xF0U | (code >> 18U));
        add_tail(12);
        add_tail(6);
        add_tail(0);
    }
}

inline std::string utf8_of_utf16(std::string_view bytes, bool big_endian) {
    const auto unit = [&](std::size_t at) {
        const auto first = static_cast<unsigned char>(bytes[at]);
        const auto second = static_cast<unsigned char>(bytes[at + 1]);
        return static_cast<std::uint32_t>(big_endian ? first << 8U | second : second << 8U | first);
    };
    std::string text;
    text.reserve(bytes.size() / 2);
    for (std::size_t k = 0; k + 1 < bytes.size(); k += 2) {
        std::uint32_t code = unit(k);
        const bool high = code >= 0xD800 && code < 0xDC00;
        if (high && k + 3 < bytes.size()) {
            const std::uint32_t low = unit(k + 2);
            if (low >= 0xDC00 && low < 0xE000) {
                code = 0x10000 + ((code - 0xD800) << 10U) + (low - 0xDC00);
                k += 2;
            }
        }
        append_utf8(code, text);
    }
    return text;
}

inline std::string utf8_of_latin1(std::string_view bytes) {
    // Windows-1252 differs from Latin-1 in 0x80 to 0x9F.
    constexpr std::array<std::uint16_t, 32> upper = {
        0x20AC, 0x81,   0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
        0x2039, 0x0152, 0x8D,   0x017D, 0x8F,   0x90,   0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
        0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x9D,   0x017E, 0x0178};
    std::string text;
    text.reserve(bytes.size());
    for (const char character : bytes) {
        const auto byte = static_cast<unsigned char>(character);
        append_utf8(byte >= 0x80 && byte < 0xA0 ? upper[byte - 0x80U] : byte, text);
    }
    return text;
}

} // namespace detail

/// Whether a text is valid UTF-8 (RFC 3629). Never allocates.
constexpr bool is_utf8(std::string_view text) noexcept {
    for (std::size_t k = 0; k < text.size();) {
        const auto lead = static_cast<unsigned char>(text[k]);
        const std::size_t tail = lead < 0x80                   ? 0
                                 : lead >= 0xC2 && lead < 0xE0 ? 1
                                 : lead >= 0xE0 && lead < 0xF0 ? 2
                                 : lead >= 0xF0 && lead < 0xF5 ? 3
                                                               : 4;
        if (tail > 3 || k + tail >= text.size()) {
            return false;
        }
        for (std::size_t t = 1; t <= tail; ++t) {
            const auto byte = static_cast<unsigned char>(text[k + t]);
            if (byte < 0x80 || byte >= 0xC0) {
                return false;
            }
            const bool overlong =
                t == 1 && ((lead == 0xE0 && byte < 0xA0) || (lead == 0xED && byte >= 0xA0) ||
                           (lead == 0xF0 && byte < 0x90) || (lead == 0xF4 && byte >= 0x90));
            if (overlong) {
                return false;
            }
        }
        k += tail + 1;
    }
    return true;
}

/// Whether the bytes are UTF-32: they start with its byte order mark, or with two characters of
/// ASCII. Never allocates.
constexpr bool looks_like_utf32(std::string_view bytes) noexcept {
    constexpr std::string_view zeros{"\0\0\0", 3};
    if (bytes.starts_with(std::string_view{"\xFF\xFE\0\0", 4}) ||
        bytes.starts_with(std::string_view{"\0\0\xFE\xFF", 4})) {
        return true;
    }
    const auto is_ascii = [&](std::size_t at) { return bytes[at] > '\0'; };
    return bytes.size() >= 8 && ((bytes.substr(1, 3) == zeros && bytes.substr(5, 3) == zeros &&
                                  is_ascii(0) && is_ascii(4)) ||
                                 (bytes.starts_with(zeros) && bytes.substr(4, 3) == zeros &&
                                  is_ascii(3) && is_ascii(7)));
}

/// Whether the bytes are UTF-16: they start with its byte order mark, or every other one of the
/// first is NUL, as in text that is mostly ASCII. Never allocates.
constexpr bool looks_like_utf16(std::string_view bytes) noexcept {
    if (looks_like_utf32(bytes)) {
        return false;
    }
    if (bytes.starts_with("\xFF\xFE") || bytes.starts_with("\xFE\xFF")) {
        return true;
    }
    const std::size_t size = bytes.size() < 64 ? bytes.size() : 64;
    std::size_t even = 0;
    std::size_t odd = 0;
    for (std::size_t k = 0; k < size; ++k) {
        (k % 2 == 0 ? even : odd) += bytes[k] == '\0' ? 1U : 0U;
    }
    return size >= 4 && (even == 0 ? odd : odd == 0 ? even : 0) * 5 >= size * 2;
}

/// The bytes of a text as UTF-8, without a byte order mark where it was UTF-16. Text that is UTF-8
/// is returned as it is, also where it is invalid, and so is UTF-32, which readers refuse by name.
/// Allocates where bytes change.
inline std::string to_utf8(std::string bytes, text_encoding encoding = text_encoding::automatic) {
    const std::string_view all = bytes;
    if (encoding == text_encoding::latin1) {
        return detail::utf8_of_latin1(all);
    }
    const bool wide = encoding == text_encoding::utf16 && !looks_like_utf32(all);
    if (wide || (encoding == text_encoding::automatic && looks_like_utf16(all))) {
        const bool marked = all.starts_with("\xFF\xFE") || all.starts_with("\xFE\xFF");
        const bool big =
            marked ? all.front() == '\xFE' : all.size() > 1 && all[0] == '\0' && all[1] != '\0';
        return detail::utf8_of_utf16(all.substr(marked ? 2 : 0), big);
    }
    return bytes;
}

} // namespace tocsin
