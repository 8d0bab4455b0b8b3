/// @file json_line.hpp
/// @brief Writes one line of JSON, without a tree.
#pragma once

#include <nlohmann/json.hpp>

#include <array>
#include <charconv>
#include <cmath>
#include <concepts>
#include <string>
#include <string_view>

namespace tocsin_gateway {

/// A string in quotes, as JSON. Bytes that are not UTF-8 are replaced.
inline std::string json_quoted(std::string_view text) {
    using nlohmann::json;
    return json(text).dump(-1, ' ', false, json::error_handler_t::replace);
}

/// An object that grows member by member; names must need no quoting.
class json_line {
  public:
    /// Begins a new line in the same memory.
    void begin() {
        text_ = '{';
        first_ = true;
    }
    std::string_view end() {
        text_ += '}';
        return text_;
    }
    /// Numbers have the fewest digits that are read back exactly; NaN and infinity are null.
    template <class Number>
        requires std::floating_point<Number> || std::integral<Number>
    void add(std::string_view name, Number value) {
        member(name);
        append(value);
    }
    void add(std::string_view name, bool value) {
        member(name);
        text_ += value ? "true" : "false";
    }
    /// A string that needs no escapes.
    void add_plain(std::string_view name, std::string_view value) {
        member(name);
        text_ += '"';
        text_ += value;
        text_ += '"';
    }
    /// JSON as it is.
    void add_json(std::string_view name, std::string_view json) {
        member(name);
        text_ += json;
    }

  private:
    void member(std::string_view name) {
        text_ += first_ ? "\"" : ",\"";
        first_ = false;
        text_ += name;
        text_ += "\":";
    }
    template <class Number>
    void append(Number value) {
        if constexpr (std::floating_point<Number>) {
            if (!std::isfinite(value)) {
                text_ += "null";
                return;
            }
        }
        std::array<char, 32> digits{};
        const auto written = std::to_chars(digits.data(), digits.data() + digits.size(), value);
        text_.append(digits.data(), written.ptr);
    }

    std::string text_;
    bool first_ = true;
};

} // namespace tocsin_gateway
