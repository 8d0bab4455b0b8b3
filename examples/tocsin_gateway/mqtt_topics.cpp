#include "mqtt_topics.hpp"

#include "tocsin/io/text_encoding.hpp"

#include "message.hpp"
#include <algorithm>
#include <optional>
#include <string>

namespace tocsin_gateway {

using tocsin::error_code;
using tocsin::status;

namespace {

constexpr std::size_t longest_topic = 65535; // bytes
constexpr std::string_view shared = "$share/";

bool is_control(char byte) {
    return static_cast<unsigned char>(byte) < 0x20 || byte == 0x7F;
}

template <class... Parts>
status refuse(const char* what, std::string_view text, const Parts&... why) {
    std::string shown{text.substr(0, 80)};
    std::replace_if(shown.begin(), shown.end(), is_control, '?');
    return status::error(error_code::invalid_argument, "mqtt: ", what, " '", shown, "' ", why...);
}

/// The levels of a topic or a filter, one after the other.
class topic_levels {
  public:
    explicit topic_levels(std::string_view topic) : rest_{topic} {}
    /// Nothing after the last one.
    std::optional<std::string_view> next() {
        if (ended_) {
            return std::nullopt;
        }
        const auto end = std::min(rest_.find('/'), rest_.size());
        const std::string_view level = rest_.substr(0, end);
        ended_ = end == rest_.size();
        rest_.remove_prefix(ended_ ? end : end + 1);
        return level;
    }
    bool ended() const noexcept { return ended_; }

  private:
    std::string_view rest_;
    bool ended_ = false;
};

/// What topics have in common with filters.
status check_text(const char* what, std::string_view text, std::size_t longest) {
    if (text.empty()) {
        return refuse(what, text, "is empty");
    }
    if (text.size() > longest) {
        return refuse(what, text, "has ", static_cast<std::int64_t>(text.size()),
                      " bytes, more than ", static_cast<std::int64_t>(longest));
    }
    if (!tocsin::is_utf8(text)) {
        return refuse(what, text, "is not UTF-8");
    }
    const bool controls = std::any_of(text.begin(), text.end(), is_control);
    return controls ? refuse(what, text, "has a control character") : status{};
}

/// A filter without `$share/<name>/`.
std::string_view unshared(std::string_view filter) {
    if (!filter.starts_with(shared)) {
        return filter;
    }
    const auto end = filter.find('/', shared.size());
    return end == std::string_view::npos ? std::string_view{} : filter.substr(end + 1);
}

} // namespace

status check_filter(std::string_view filter) {
    constexpr const char* what = "topic";
    if (status text = check_text(what, filter, longest_topic); !text.ok()) {
        return text;
    }
    const std::string_view plain = unshared(filter);
    if (filter.starts_with(shared)) {
        const auto name =
            filter.substr(shared.size(), filter.find('/', shared.size()) - shared.size());
        if (plain.empty() || name.empty() || name.find_first_of("+#") != std::string_view::npos) {
            return refuse(what, filter, "is not $share/<name>/<filter>");
        }
    }
    topic_levels levels{plain};
    while (const auto level = levels.next()) {
        if (level->find('#') != std::string_view::npos && (*level != "#" || !levels.ended())) {
            return refuse(what, filter, "has '#', which must be the last level, alone");
        }
        if (level->find('+') != std::string_view::npos && *level != "+") {
            return refuse(what, filter, "has '+', which must be a level alone");
        }
    }
    return {};
}

bool filters_overlap(std::string_view one, std::string_view other) {
    topic_levels left{unshared(one)};
    topic_levels right{unshared(other)};
    const auto is_wildcard = [](std::string_view level) { return level == "+" || level == "#"; };
    for (bool first = true;; first = false) {
        const auto a = left.next();
        const auto b = right.next();
        if (!a || !b) { // "a/#" also matches "a"
            return (!a && !b) || (a ? *a : *b) == "#";
        }
        // Neither wildcard stands for topics of the broker itself, such as $SYS/uptime.
        if (first && ((is_wildcard(*a) && b->starts_with('$')) ||
                      (is_wildcard(*b) && a->starts_with('$')))) {
            return false;
        }
        if (*a == "#" || *b == "#") {
            return true;
        }
        if (*a != *b && *a != "+" && *b != "+") {
            return false;
        }
    }
}

status check_filters(std::span<const std::string> filters) {
    for (std::size_t k = 0; k < filters.size(); ++k) {
        if (status valid = check_filter(filters[k]); !valid.ok()) {
            return valid;
        }
        for (std::size_t before = 0; before < k; ++before) {
            if (filters_overlap(filters[before], filters[k])) {
                return refuse("topic", filters[k], "overlaps with '",
                              std::string_view{filters[before]}.substr(0, 80),
                              "': samples of both would be judged twice");
            }
        }
    }
    return {};
}

status check_prefix(std::string_view prefix, std::span<const std::string> filters) {
    constexpr const char* what = "prefix";
    constexpr std::string_view longest_name = "/dead_letters";
    constexpr std::size_t longest = longest_topic - longest_name.size() - longest_device;
    if (status text = check_text(what, prefix, longest); !text.ok()) {
        return text;
    }
    if (prefix.find_first_of("+#") != std::string_view::npos) {
        return refuse(what, prefix, "has '+' or '#', which no topic may have");
    }
    for (const std::string& filter : filters) {
        for (const char* name : {"/verdicts/#", "/alarms/#", "/dead_letters"}) {
            if (filters_overlap(filter, std::string{prefix} + name)) {
                return refuse(what, prefix, "gives topics that '",
                              std::string_view{filter}.substr(0, 80),
                              "' matches: verdicts would come back as samples");
            }
        }
    }
    return {};
}

} // namespace tocsin_gateway
