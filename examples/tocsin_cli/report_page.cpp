#include "report_page.hpp"

#include "report_assets.hpp" // written by CMake
#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

namespace tocsin_cli {
namespace {

constexpr std::string_view alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Takes bytes one by one, three to four characters (RFC 4648, section 4).
class base64_text {
  public:
    explicit base64_text(std::size_t bytes) { text_.reserve((bytes + 2) / 3 * 4); }

    void add(std::uint8_t byte) {
        bits_ = bits_ << 8 | byte;
        if (++held_ == 3) {
            put(4);
        }
    }
    std::string finish() {
        if (held_ > 0) {
            const int characters = held_ + 1;
            bits_ <<= 8 * (3 - held_);
            put(characters);
            text_.append(static_cast<std::size_t>(4 - characters), '=');
        }
        return std::move(text_);
    }

  private:
    void put(int characters) {
        for (int k = 0; k < characters; ++k) {
            text_ += alphabet[bits_ >> (18 - 6 * k) & 63U];
        }
        bits_ = 0;
        held_ = 0;
    }

    std::string text_;
    std::uint32_t bits_ = 0;
    int held_ = 0;
};

template <class Number>
std::string encoded(std::span<const Number> values) {
    using bits_type = std::conditional_t<sizeof(Number) == 4, std::uint32_t, std::uint64_t>;
    base64_text text{values.size_bytes()};
    for (const Number value : values) {
        const auto bits = std::bit_cast<bits_type>(value);
        for (std::size_t k = 0; k < sizeof(Number); ++k) {
            text.add(static_cast<std::uint8_t>(bits >> (8 * k) & 255U));
        }
    }
    return text.finish();
}

/// Text escaped for use between two tags.
std::string escaped(std::string_view text) {
    std::string result;
    for (const char c : text) {
        switch (c) {
        case '&':
            result += "&amp;";
            break;
        case '<':
            result += "&lt;";
            break;
        case '>':
            result += "&gt;";
            break;
        default:
            result += c;
        }
    }
    return result;
}

/// JSON escaped for use in a script: a '<' occurs only in its texts, where it can be escaped.
std::string harmless_json(std::string_view json) {
    std::string result;
    result.reserve(json.size());
    for (const char c : json) {
        if (c == '<') {
            result += "\\u003c";
        } else {
            result += c;
        }
    }
    return result;
}

} // namespace

std::string base64(std::span<const float> values) {
    return encoded(values);
}
std::string base64(std::span<const double> values) {
    return encoded(values);
}

std::string page_block(std::string_view name, std::string_view encoded) {
    std::string block = "<script type=\"text/plain\" id=\"block-";
    block.append(name).append("\">").append(encoded).append("</script>\n");
    return block;
}

std::string page(std::string_view title, std::string_view json, std::string_view blocks) {
    const std::string safe_title = escaped(title);
    const std::string safe_json = harmless_json(json);
    const std::pair<std::string_view, std::string_view> parts[] = {
        {"@TITLE@", safe_title},     {"@UPLOT_CSS@", assets::uplot_css},
        {"@CSS@", assets::page_css}, {"@DATA@", safe_json},
        {"@BLOCKS@", blocks},        {"@UPLOT_JS@", assets::uplot_js},
        {"@JS@", assets::page_js}};
    std::string text;
    text.reserve(assets::uplot_js.size() + assets::page_js.size() + safe_json.size() +
                 blocks.size() + 32'768);
    // Only placeholders of the template are replaced, in one pass: a title "@JS@" stays as it is.
    std::string_view rest = assets::page_html;
    for (const auto& [place, content] : parts) {
        const auto position = rest.find(place);
        text.append(rest.substr(0, position)).append(content);
        rest.remove_prefix(position + place.size());
    }
    return text.append(rest);
}

} // namespace tocsin_cli
