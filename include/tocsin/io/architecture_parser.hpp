/// @file architecture_parser.hpp
/// @brief The layers of a converted network, parsed from JSON that is not trusted.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/io/converted_layer.hpp"
#include "tocsin/io/text_lines.hpp"

#include <nlohmann/json.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace tocsin::detail {

/// Receives the events of the JSON parser and accepts only an object with numbers, texts and
/// `"layers": [{"kind": text, name: number, ...}, ...]`. No tree is built: a tree of a hostile text takes a
/// multiple of its memory, and its destructor allocates.
class architecture_parser {
  public:
    /// Why parsing stopped, without the name of the text.
    std::string_view reason() const noexcept { return outcome_.message(); }
    /// The layers, after a successful parse.
    converted_layers layers() && noexcept { return std::move(layers_); }

    // The interface that nlohmann::json::sax_parse calls; false stops it.
    bool null() { return unexpected(); }
    bool boolean(bool) { return unexpected(); }
    bool binary(nlohmann::json::binary_t&) { return unexpected(); }
    bool number_float(double number, const std::string&) { return take(number); }
    bool number_integer(std::int64_t number) { return take(static_cast<double>(number)); }
    bool number_unsigned(std::uint64_t number) { return take(static_cast<double>(number)); }

    bool string(std::string& text) {
        if (place_ == place::root && key_ != layers_key) {
            return true; // what other versions may say
        }
        if (place_ != place::layer || key_ != kind_key || !layers_.back().kind.empty()) {
            return unexpected();
        }
        layers_.back().kind = std::move(text);
        return true;
    }

    bool start_object(std::size_t) {
        if (place_ == place::outside) {
            place_ = place::root;
            return true;
        }
        if (place_ != place::list) {
            return unexpected();
        }
        place_ = place::layer;
        layers_.emplace_back();
        return true;
    }
    bool key(std::string& key) {
        key_ = std::move(key);
        return true;
    }
    bool end_object() {
        if (place_ == place::root) {
            return found_ || fail(no_layers);
        }
        if (layers_.back().kind.empty()) {
            return unexpected();
        }
        place_ = place::list;
        return true;
    }

    bool start_array(std::size_t) {
        if (place_ != place::root || key_ != layers_key || found_) {
            return unexpected();
        }
        found_ = true;
        place_ = place::list;
        return true;
    }
    bool end_array() {
        place_ = place::root;
        key_.clear();
        return true;
    }

    bool parse_error(std::size_t position, const std::string&, const nlohmann::json::exception&) {
        return fail("no JSON at byte ", position);
    }

  private:
    enum class place : std::uint8_t { outside, root, list, layer };
    static constexpr std::string_view layers_key = "layers";
    static constexpr std::string_view kind_key = "kind";
    static constexpr const char* no_layers = "is no object with an array 'layers'";

    template <class... Parts>
    bool fail(const Parts&... parts) noexcept {
        outcome_ = status::error(error_code::format_error, parts...);
        return false;
    }
    bool unexpected() {
        if (place_ == place::outside || place_ == place::root) {
            return key_.empty() || key_ == layers_key
                       ? fail(no_layers)
                       : fail("'", shown_text(key_), "' is neither a number nor a text");
        }
        const std::size_t index = layers_.size() - (place_ == place::layer ? 1 : 0);
        return fail("layer ", index, " is not a kind and numbers");
    }
    bool take(double number) {
        if (place_ == place::root && key_ != layers_key) {
            return true; // what other versions may say, such as the number of inputs
        }
        if (place_ != place::layer || key_ == kind_key ||
            !layers_.back().numbers.emplace(key_, number).second) {
            return unexpected();
        }
        return true;
    }

    status outcome_;
    place place_ = place::outside;
    bool found_ = false;
    std::string key_;
    converted_layers layers_;
};

} // namespace tocsin::detail
