#include "sample_reader.hpp"

#include "tocsin/io/csv_cells.hpp"
#include "tocsin/io/csv_number.hpp"

#include <nlohmann/json.hpp>

#include "message.hpp"
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

namespace tocsin_gateway {
namespace {

using tocsin::error_code;
using tocsin::status;

constexpr double missing = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t most_values = 4096;

/// Handles the events of nlohmann's parser: no tree is built, and nesting is refused before it
/// grows.
class sample_events {
  public:
    using json = nlohmann::json;

    explicit sample_events(sample& into) : into_{into} {}
    const status& outcome() const noexcept { return outcome_; }
    bool has_values() const noexcept { return seen_[values_key]; }

    bool null() { return number(missing, "null"); }
    bool boolean(bool /*value*/) { return other("a boolean"); }
    bool number_integer(json::number_integer_t value) {
        return number(static_cast<double>(value), "a number");
    }
    bool number_unsigned(json::number_unsigned_t value) {
        return number(static_cast<double>(value), "a number");
    }
    bool number_float(json::number_float_t value, const json::string_t& /*text*/) {
        return number(value, "a number");
    }
    bool string(json::string_t& value) {
        if (key_ == device_key && depth_ == 1) {
            into_.device = value;
            return true;
        }
        return other("a string");
    }
    bool binary(json::binary_t& /*value*/) { return other("bytes"); }
    bool start_object(std::size_t /*size*/) { return start(true); }
    bool start_array(std::size_t /*size*/) { return start(false); }
    bool end_object() { return end(); }
    bool end_array() { return end(); }
    bool key(json::string_t& name) {
        if (depth_ == 2) {
            if (in_values_) {
                if (std::find(into_.names.begin(), into_.names.end(), name) != into_.names.end()) {
                    return refuse("'values' has '", name, "' twice");
                }
                into_.names.push_back(name);
            }
            return true;
        }
        key_ = name == "device"   ? device_key
               : name == "time"   ? time_key
               : name == "values" ? values_key
                                  : other_key;
        if (key_ != other_key && seen_[key_]) {
            return refuse("'", name, "' occurs twice");
        }
        seen_[key_] = true;
        return true;
    }
    bool parse_error(std::size_t position, const std::string& /*token*/,
                     const nlohmann::detail::exception& error) {
        return refuse("not JSON, at byte ", static_cast<std::int64_t>(position), ": ",
                      std::string_view{error.what()}.substr(0, 160));
    }

  private:
    enum member : std::size_t { device_key, time_key, values_key, other_key };

    template <class... Parts>
    bool refuse(const Parts&... parts) {
        outcome_ = status::error(error_code::invalid_data, parts...);
        return false;
    }
    const char* key_name() const noexcept {
        constexpr const char* names[] = {"device", "time", "values", "another member"};
        return names[key_];
    }
    bool start(bool object) {
        if (depth_ == 0 && !object) {
            return refuse("an array, not an object");
        }
        if (++depth_ > 2) {
            return refuse("nested more than twice");
        }
        if (depth_ == 2) {
            in_values_ = key_ == values_key;
            if (!in_values_ && key_ != other_key) {
                return refuse("'", key_name(), "' is an array or an object");
            }
        }
        return true;
    }
    bool end() {
        in_values_ = in_values_ && depth_ != 2;
        --depth_;
        return true;
    }
    bool number(double value, const char* what) {
        if (depth_ == 2) {
            if (!in_values_) {
                return true;
            }
            if (into_.values.size() == most_values) {
                return refuse("more than ", most_values, " values");
            }
            into_.values.push_back(value);
            return true;
        }
        if (depth_ == 1 && key_ == time_key) {
            into_.time = value;
            return true;
        }
        return other(what);
    }
    bool other(const char* what) {
        if (depth_ == 0) {
            return refuse("not an object, but ", what);
        }
        if (depth_ == 1 && key_ == other_key) {
            return true;
        }
        return depth_ == 2 && !in_values_ ? true : refuse("'", key_name(), "' has ", what);
    }

    sample& into_;
    status outcome_;
    int depth_ = 0;
    member key_ = other_key;
    bool seen_[4] = {};
    bool in_values_ = false;
};

status read_json(std::string_view payload, sample& into) {
    sample_events events{into};
    const bool done = nlohmann::json::sax_parse(payload.begin(), payload.end(), &events);
    if (!done || !events.outcome().ok()) {
        return events.outcome().ok() ? status::error(error_code::invalid_data, "not JSON")
                                     : events.outcome();
    }
    return events.has_values() ? status{}
                               : status::error(error_code::invalid_data, "has no 'values'");
}

status read_csv(std::string_view payload, sample& into) {
    tocsin::csv_cells cells{payload, ','};
    for (std::size_t column = 0; cells.next(); ++column) {
        if (column == 0) {
            into.device = tocsin::detail::unquoted(cells.text());
            continue;
        }
        double value = missing;
        const std::string_view cell = cells.text();
        const auto kind = tocsin::parse_csv_cell(cell, value);
        if (kind == tocsin::csv_cell::other || (column == 1 && std::isinf(value))) {
            return status::error(error_code::invalid_data, column == 1 ? "time" : "value", " '",
                                 cell.substr(0, 40), "' is not a number");
        }
        if (column == 1) {
            into.time = value;
        } else if (into.values.size() == most_values) {
            return status::error(error_code::invalid_data, "more than ", most_values, " values");
        } else {
            into.values.push_back(value);
        }
    }
    if (cells.problem() != nullptr) {
        return status::error(error_code::invalid_data, cells.problem());
    }
    return into.values.empty()
               ? status::error(error_code::invalid_data, "neither a JSON object nor CSV with "
                                                         "device, time and values")
               : status{};
}

} // namespace

status read_sample(std::string_view payload, sample& into) {
    into.device.clear();
    into.time = missing;
    into.values.clear();
    into.names.clear();
    if (payload.size() > longest_payload) {
        return status::error(error_code::invalid_data, "longer than ",
                             static_cast<std::int64_t>(longest_payload), " bytes");
    }
    constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF"; // of a file from Windows
    if (payload.starts_with(byte_order_mark)) {
        payload.remove_prefix(byte_order_mark.size());
    }
    while (payload.ends_with('\n') || payload.ends_with('\r')) { // of a sender that prints lines
        payload.remove_suffix(1);
    }
    while (payload.starts_with('\n') || payload.starts_with('\r')) {
        payload.remove_prefix(1);
    }
    const std::string_view text = tocsin::detail::trimmed(payload);
    if (text.starts_with('{')) {
        return read_json(text, into);
    }
    return text.find('\n') == std::string_view::npos
               ? read_csv(text, into)
               : status::error(error_code::invalid_data,
                               "has several lines; a message is one sample");
}

} // namespace tocsin_gateway
