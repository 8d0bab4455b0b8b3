/// @file firmware_text.hpp
/// @brief C++ literals of numbers and names, whatever the names hold.
#pragma once

#include "tocsin/firmware/feed_forward_layers.hpp"
#include "tocsin/firmware/fixed_feed_forward_layers.hpp"
#include "tocsin/firmware/fixed_network.hpp"
#include "tocsin/firmware/peaks_over_threshold.hpp"
#include "tocsin/io/c_library_names.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

namespace tocsin::detail {

/// A float as a literal that is read back with every bit: 0x1.8p+1F.
inline std::string literal(float value) {
    std::array<char, 40> buffer{};
    const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), std::abs(value),
                                   std::chars_format::hex);
    return (std::signbit(value) ? "-0x" : "0x") + std::string(buffer.data(), end.ptr) + 'F';
}
template <class Integer>
    requires std::is_integral_v<Integer>
std::string literal(Integer value) {
    if constexpr (std::is_unsigned_v<Integer>) {
        return std::to_string(value) + 'U';
    } else {
        // The smallest one is not a literal but the negative of a larger one.
        return value == INT32_MIN ? "(-2147483647 - 1)" : std::to_string(value);
    }
}

/// A text as a string literal: quotes and backslashes escaped, bytes that are not printable ASCII as
/// three octal digits, after which a digit of the text is not read as part of the escape.
inline std::string literal(std::string_view text) {
    std::string result = "\"";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            result += '\\';
            result += c;
        } else if (c == '?') {
            result += "\\?"; // no trigraph for any compiler
        } else if (byte >= 0x20 && byte < 0x7F) {
            result += c;
        } else {
            result += '\\';
            for (unsigned shift : {6U, 3U, 0U}) {
                result += static_cast<char>('0' + ((unsigned{byte} >> shift) & 7U));
            }
        }
    }
    return result + '"';
}

inline std::string literal(const firmware::detail::fixed_gate_row& row) {
    return '{' + literal(row.bias) + ", " + literal(int{row.input_factor}) + ", " +
           literal(int{row.hidden_factor}) + '}';
}
inline std::string literal(const firmware::detail::fixed_dense_row& row) {
    return '{' + literal(row.bias) + ", " + literal(row.factor) + '}';
}
inline std::string literal(const firmware::peak& peak) {
    return '{' + literal(peak.excess) + ", " + literal(peak.age) + '}';
}
inline std::string literal(const firmware::detail::fixed_shifts& shifts) {
    return '{' + literal(shifts.input_sum) + ", " + literal(shifts.hidden_sum) + ", " +
           literal(shifts.result) + '}';
}

inline std::string literal(const firmware::feed_forward_layer& layer) {
    std::string text = "{";
    for (const int number :
         {layer.inputs, layer.outputs, layer.kernel, layer.dilation, layer.before}) {
        text += literal(number);
        text += ", ";
    }
    text += "tocsin::firmware::activation_kind::";
    switch (layer.activation) {
    case firmware::activation_kind::identity:
        text += "identity";
        break;
    case firmware::activation_kind::relu:
        text += "relu";
        break;
    case firmware::activation_kind::leaky_relu:
        text += "leaky_relu";
        break;
    case firmware::activation_kind::sigmoid:
        text += "sigmoid";
        break;
    case firmware::activation_kind::tanh:
        text += "tanh";
        break;
    }
    text += ", ";
    return text + literal(layer.below) + '}';
}

inline std::string literal(const firmware::detail::fixed_layer& layer) {
    return '{' + literal(layer.shift) + ", " + literal(layer.largest) + ", " +
           literal(layer.below) + ", " + literal(layer.left) + '}';
}

/// `    static constexpr <type> <name> = <value>;`
inline std::string constant_text(std::string_view type, std::string_view name,
                                 std::string_view value) {
    std::string text = "    static constexpr ";
    for (std::string_view piece :
         {type, std::string_view(" "), name, std::string_view(" = "), value}) {
        text += piece;
    }
    return text + ";\n";
}

/// `    static constexpr <type> <name>[] = {...};`, lines of at most 100 characters.
template <class Values>
std::string array_text(std::string_view type, std::string_view name, const Values& values) {
    std::string text =
        "    static constexpr " + std::string(type) + ' ' + std::string(name) + "[] = {";
    std::size_t length = text.size();
    bool first = true;
    for (const auto& value : values) {
        std::string piece;
        if constexpr (std::is_convertible_v<decltype(value), std::string_view>) {
            piece = literal(std::string_view(value));
        } else {
            piece = literal(value);
        }
        if (!first) {
            text += ',';
            ++length;
        }
        if (length + piece.size() + 2 > 98) {
            text += "\n        ";
            length = 8;
        } else if (!first) {
            text += ' ';
            ++length;
        }
        text += piece;
        length += piece.size();
        first = false;
    }
    return text + "};\n";
}

/// Whether the headers that a generated one includes could have a name as a type or a macro: uint8_t,
/// INT8_MAX.
inline bool is_integer_name(std::string_view text) noexcept {
    if (text.ends_with("_t")) {
        return true;
    }
    for (std::string_view begin :
         {"INT", "UINT", "PTRDIFF_", "SIZE_", "SIG_ATOMIC_", "WCHAR_", "WINT_"}) {
        for (std::string_view end : {"_MAX", "_MIN", "_C", "_WIDTH"}) {
            if (text.starts_with(begin) && text.ends_with(end)) {
                return true;
            }
        }
    }
    return false;
}

/// Whether a text can be the name of a namespace.
inline bool is_identifier(std::string_view text) noexcept {
    // Those that are lower-case words of their own; a name is not one of them by accident.
    constexpr std::string_view keywords =
        " alignas alignof and and_eq asm auto bitand bitor bool break case catch char char8_t "
        "char16_t char32_t class compl concept const consteval constexpr constinit const_cast "
        "continue co_await co_return co_yield decltype default delete do double dynamic_cast else "
        "enum explicit export extern false float for friend goto if inline int long mutable "
        "namespace new noexcept not not_eq nullptr operator or or_eq private protected public "
        "register reinterpret_cast requires return short signed sizeof static static_assert "
        "static_cast struct switch template this thread_local throw true try typedef typeid "
        "typename union unsigned using virtual void volatile wchar_t while xor xor_eq std tocsin "
        "main linux unix arm typeof typeof_unqual ";
    const auto letter = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    };
    if (text.empty() || !letter(text.front()) || text.front() == '_' ||
        text.find("__") != std::string_view::npos || is_integer_name(text)) {
        return false;
    }
    for (const char c : text) {
        if (!letter(c) && !(c >= '0' && c <= '9')) {
            return false;
        }
    }
    return keywords.find(' ' + std::string(text) + ' ') == std::string_view::npos &&
           !is_c_library_name(text);
}

/// The begin of a namespace. A program may have its name as a macro: that is said.
inline std::string namespace_text(const std::string& name) {
    return "#ifdef " + name + "\n#error \"tocsin: " + name +
           " is a macro in this program: export the model under another name\"\n#endif\n"
           "namespace " +
           name + " {\n\n";
}

} // namespace tocsin::detail
