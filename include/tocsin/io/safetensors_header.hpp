/// @file safetensors_header.hpp
/// @brief Header of a safetensors file, parsed as untrusted input.
#pragma once

#include "tocsin/core/checked_size.hpp"
#include "tocsin/core/extents.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/io/tensor_type.hpp"
#include "tocsin/io/text_lines.hpp"

#if !__has_include(<nlohmann/json.hpp>)
#error "tocsin/io/safetensors needs nlohmann-json (Debian: apt install nlohmann-json3-dev)"
#endif
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tocsin {

/// One tensor of a file; the last dimension varies fastest.
struct tensor_entry {
    std::string name;                    ///< its name, unique in the file
    tensor_type type = tensor_type::f32; ///< the type of its numbers
    std::vector<index_t> shape;          ///< its extents; the last one varies fastest
    index_t begin = 0;                   ///< first byte, from the start of the data area
    index_t end = 0;                     ///< one past the last byte

    /// Number of elements.
    index_t count() const noexcept {
        const index_t bits = element_bits(type);
        const index_t bytes = end - begin;
        return bits < 8 ? bytes / bits * 8 + bytes % bits * 8 / bits : bytes / (bits / 8);
    }
};

/// A shape for messages: `[4, 3]`.
inline std::string shape_text(const std::vector<index_t>& shape) {
    std::string text = "[";
    for (const index_t size : shape) {
        text += (text.size() > 1 ? ", " : "") + std::to_string(size);
    }
    return text + ']';
}

/// The content of the header. Tensors are in the order of their data.
struct safetensors_header {
    std::map<std::string, std::string> metadata; ///< texts by name
    std::vector<tensor_entry> tensors;           ///< tensors in the order of the file
};

/// Limits of a header. A file beyond them is refused.
struct safetensors_limits {
    static constexpr index_t header_bytes = index_t{1} << 20; ///< bytes of the header
    static constexpr std::size_t name_bytes = 256;            ///< bytes of a name
    static constexpr std::size_t rank = 8;                    ///< extents of a tensor
    static constexpr std::size_t tensors = 16384;             ///< tensors in a file
};

namespace detail {

/// Receives the events of the JSON parser and accepts only
/// `{"__metadata__": {text: text, ...}, name: {"dtype", "shape", "data_offsets"}, ...}`: nothing
/// deeper, no key twice, no other type. No tree is built, so a hostile header cannot grow memory.
class safetensors_header_parser {
  public:
    explicit safetensors_header_parser(safetensors_header& header) noexcept : header_{header} {}

    /// Why parsing stopped; ok() when the header is valid.
    const status& outcome() const noexcept { return outcome_; }

    // The interface that nlohmann::json::sax_parse calls; false stops it.
    bool null() { return unexpected("null"); }
    bool boolean(bool) { return unexpected("a boolean"); }
    bool number_float(double, const std::string&) { return unexpected("a fraction"); }
    bool number_integer(std::int64_t) { return unexpected("a negative number"); }
    bool binary(nlohmann::json::binary_t&) { return unexpected("binary data"); }

    bool number_unsigned(std::uint64_t number) {
        if (place_ != place::shape && place_ != place::offsets) {
            return unexpected("a number");
        }
        if (number > static_cast<std::uint64_t>(std::numeric_limits<index_t>::max())) {
            return fail("number ", number, " in tensor '", shown_text(name_), "' is too large");
        }
        auto& numbers = place_ == place::shape ? shape_ : offsets_;
        if (numbers.size() == (place_ == place::shape ? safetensors_limits::rank : 2U)) {
            return fail("tensor '", shown_text(name_), "' has more than ", numbers.size(),
                        place_ == place::shape ? " dimensions" : " data_offsets");
        }
        numbers.push_back(static_cast<index_t>(number));
        return true;
    }

    bool string(std::string& text) {
        if (place_ == place::metadata) {
            header_.metadata[key_] = std::move(text); // key() has refused a second one
            return true;
        }
        if (place_ == place::tensor && key_ == "dtype") {
            for (const auto type : all_tensor_types) {
                if (text == name_of(type)) {
                    type_ = type;
                    return true;
                }
            }
            return fail("tensor '", shown_text(name_), "' has unknown dtype '", shown_text(text),
                        '\'');
        }
        return unexpected("text");
    }

    bool start_object(std::size_t) {
        switch (place_) {
        case place::outside:
            place_ = place::root;
            return true;
        case place::root:
            if (key_ == "__metadata__") {
                place_ = place::metadata;
                key_.clear();
                return true;
            }
            place_ = place::tensor;
            name_ = key_;
            type_.reset();
            shape_.clear();
            offsets_.clear();
            seen_ = {};
            return true;
        default:
            return unexpected("an object");
        }
    }

    bool key(std::string& key) {
        if (key.empty() || key.size() > safetensors_limits::name_bytes) {
            return fail("a key of ", key.size(), " characters, expected 1 to ",
                        safetensors_limits::name_bytes);
        }
        if (place_ == place::root) {
            if (!names_.emplace(key, 0).second) {
                return fail("key '", shown_text(key), "' stands there twice");
            }
            if (names_.size() > safetensors_limits::tensors) {
                return fail("more than ", safetensors_limits::tensors, " tensors");
            }
        } else if (place_ == place::metadata) {
            if (header_.metadata.contains(key)) {
                return fail("metadata '", shown_text(key), "' stands there twice");
            }
        } else {
            constexpr std::array<std::string_view, 3> fields = {"dtype", "shape", "data_offsets"};
            const auto found = std::find(fields.begin(), fields.end(), key);
            if (found == fields.end()) {
                return fail("tensor '", shown_text(name_), "' has unknown field '", shown_text(key),
                            '\'');
            }
            bool& seen = seen_[static_cast<std::size_t>(found - fields.begin())];
            if (seen) {
                return fail("tensor '", shown_text(name_), "' has '", key, "' twice");
            }
            seen = true;
        }
        key_ = key;
        return true;
    }

    bool end_object() {
        if (place_ == place::tensor) {
            if (!type_ || !seen_[1] || offsets_.size() != 2) {
                return fail("tensor '", shown_text(name_),
                            "' needs a dtype, a shape, two data_offsets");
            }
            header_.tensors.push_back({name_, *type_, shape_, offsets_[0], offsets_[1]});
        }
        place_ = place_ == place::root ? place::outside : place::root;
        return true;
    }

    bool start_array(std::size_t) {
        if (place_ == place::tensor && key_ == "shape") {
            place_ = place::shape;
            return true;
        }
        if (place_ == place::tensor && key_ == "data_offsets") {
            place_ = place::offsets;
            return true;
        }
        return unexpected("an array");
    }
    bool end_array() {
        place_ = place::tensor;
        return true;
    }

    bool parse_error(std::size_t position, const std::string&,
                     const nlohmann::json::exception& reason) {
        return fail("not JSON at byte ", position, ": ", reason.what());
    }

  private:
    enum class place : std::uint8_t { outside, root, metadata, tensor, shape, offsets };

    template <class... Parts>
    bool fail(const Parts&... parts) noexcept {
        outcome_ = status::error(error_code::format_error, parts...);
        return false;
    }
    bool unexpected(const char* what) {
        return fail("unexpected ", what, " at key '", shown_text(key_), '\'');
    }

    safetensors_header& header_;
    status outcome_;
    place place_ = place::outside;
    std::string key_;
    std::map<std::string, char> names_; // of the root object, to find duplicates
    // The tensor being read.
    std::string name_;
    std::optional<tensor_type> type_;
    std::vector<index_t> shape_;
    std::vector<index_t> offsets_;
    std::array<bool, 3> seen_{};
};

/// Sorts the tensors by their data, then checks that they fill the data area without gap or overlap
/// and that each has as many bytes as its shape requires.
inline status check_layout(std::vector<tensor_entry>& tensors, index_t data_bytes) {
    std::sort(tensors.begin(), tensors.end(), [](const tensor_entry& a, const tensor_entry& b) {
        return std::pair{a.begin, a.end} < std::pair{b.begin, b.end};
    });
    index_t position = 0;
    for (const tensor_entry& tensor : tensors) {
        const std::string name = shown_text(tensor.name);
        if (tensor.end < tensor.begin || tensor.end > data_bytes) {
            return status::error(error_code::format_error, "tensor '", name, "' has data_offsets ",
                                 tensor.begin, " to ", tensor.end, " in a data area of ",
                                 data_bytes, " bytes");
        }
        if (tensor.begin != position) {
            return status::error(error_code::format_error, "tensor '", name, "' starts at byte ",
                                 tensor.begin,
                                 tensor.begin < position ? ", overlapping the one that ends at "
                                                         : ", leaving a gap after byte ",
                                 position);
        }
        const bool in_bits = element_size(tensor.type) == 0;
        checked_size needed = in_bits ? element_bits(tensor.type) : element_size(tensor.type);
        for (const index_t size : tensor.shape) {
            needed = needed * size;
        }
        if (!needed.valid()) {
            return status::error(error_code::format_error, "tensor '", name, "' of shape ",
                                 shape_text(tensor.shape), " is too large to count");
        }
        const index_t bytes = in_bits ? needed.value() / 8 : needed.value();
        if ((in_bits && needed.value() % 8 != 0) || bytes != tensor.end - tensor.begin) {
            return status::error(error_code::format_error, "tensor '", name, "' of type ",
                                 name_of(tensor.type), ", shape ", shape_text(tensor.shape),
                                 " needs ", needed.value(), in_bits ? " bits" : " bytes",
                                 ", its data_offsets hold ", tensor.end - tensor.begin,
                                 in_bits ? " bytes" : "");
        }
        position = tensor.end;
    }
    if (position != data_bytes) {
        return status::error(error_code::format_error, "data area has ", data_bytes,
                             " bytes, its tensors end at byte ", position);
    }
    return {};
}

} // namespace detail

/// Parses the JSON text of a header and checks it against the size of the data area that follows.
/// `format_error` with the reason for any violation. Allocates.
inline result<safetensors_header> parse_safetensors_header(std::string_view text,
                                                           index_t data_bytes) {
    if (text.empty() || text.front() != '{') {
        return status::error(error_code::format_error, "header does not start with '{'");
    }
    safetensors_header header;
    detail::safetensors_header_parser parser{header};
    if (!nlohmann::json::sax_parse(text.begin(), text.end(), &parser)) {
        return parser.outcome().ok()
                   ? status::error(error_code::format_error, "header is not valid JSON")
                   : parser.outcome();
    }
    if (auto outcome = detail::check_layout(header.tensors, data_bytes); !outcome) {
        return outcome;
    }
    return header;
}

} // namespace tocsin
