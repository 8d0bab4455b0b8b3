#include <doctest/doctest.h>

#include "tocsin_gateway/mqtt_topics.hpp"
#include <string>
#include <string_view>
#include <vector>

using namespace tocsin_gateway;

namespace {

/// Section 4.7 of the standard, for valid filters.
bool matches(std::string_view filter, std::string_view topic) {
    const auto level_of = [](std::string_view& rest) {
        const auto end = std::min(rest.find('/'), rest.size());
        const std::string_view level = rest.substr(0, end);
        rest = end == rest.size() ? std::string_view{} : rest.substr(end + 1);
        return level;
    };
    if (topic.starts_with('$') && !filter.starts_with('$')) {
        return false;
    }
    // Each level with a slash behind it, so that an empty text has no level left.
    const std::string filters = std::string{filter} + '/';
    const std::string topics = std::string{topic} + '/';
    std::string_view left = filters;
    std::string_view right = topics;
    while (!left.empty()) {
        const auto level = level_of(left);
        if (level == "#") {
            return true;
        }
        if (right.empty()) {
            return false;
        }
        const auto part = level_of(right);
        if (level != "+" && level != part) {
            return false;
        }
    }
    return right.empty();
}

/// All texts of one to three levels.
std::vector<std::string> combined(const std::vector<std::string>& levels) {
    std::vector<std::string> all = levels;
    for (std::size_t depth = 1, first = 0; depth < 3; ++depth) {
        const std::size_t last = all.size();
        for (; first < last; ++first) {
            for (const std::string& level : levels) {
                all.push_back(all[first] + '/' + level);
            }
        }
    }
    return all;
}

} // namespace

TEST_CASE("gateway mqtt: filters that a broker would refuse are refused with the reason") {
    for (const char* good :
         {"a", "/", "+", "#", "a/+/b", "a/#", "+/+", "/+/", "$share/g/a/#", "$SYS/#"}) {
        CAPTURE(good);
        CHECK(check_filter(good).ok());
    }
    using namespace std::string_view_literals;
    const std::string long_one(65536, 'x');
    const std::pair<std::string_view, const char*> wrong[] = {
        {"", "is empty"},
        {"a\0b"sv, "control character"},
        {"a\nb", "control character"},
        {"a\xFF", "not UTF-8"},
        {long_one, "has 65536 bytes"},
        {"#/a", "'#'"},
        {"a/#/b", "'#'"},
        {"a#", "'#'"},
        {"a/b#", "'#'"},
        {"##", "'#'"},
        {"a+/b", "'+'"},
        {"a/+b", "'+'"},
        {"++", "'+'"},
        {"$share/g", "$share/<name>"},
        {"$share//a", "$share/<name>"},
        {"$share/g/", "$share/<name>"},
        {"$share/+/a", "$share/<name>"},
        {"$share/g/a/#/b", "'#'"},
    };
    for (const auto& [filter, reason] : wrong) {
        CAPTURE(filter.substr(0, 20));
        const tocsin::status refused = check_filter(filter);
        REQUIRE(!refused.ok());
        CHECK(refused.code() == tocsin::error_code::invalid_argument);
        CHECK(std::string{refused.message()}.find(reason) != std::string::npos);
    }
}

TEST_CASE("gateway mqtt: two filters overlap where one topic matches both") {
    std::vector<std::string> filters;
    for (const std::string& one : combined({"a", "b", "", "+", "#", "$x"})) {
        if (!one.empty() && check_filter(one).ok()) {
            filters.push_back(one);
        }
    }
    const std::vector<std::string> topics = combined({"a", "b", "", "c", "$x"});
    REQUIRE(filters.size() > 100);
    int overlaps = 0;
    for (const std::string& one : filters) {
        for (const std::string& other : filters) {
            bool both = false;
            for (std::size_t k = 0; k < topics.size() && !both; ++k) {
                both = matches(one, topics[k]) && matches(other, topics[k]);
            }
            overlaps += both ? 1 : 0;
            if (filters_overlap(one, other) != both) {
                CAPTURE(one);
                CAPTURE(other);
                CHECK(filters_overlap(one, other) == both);
            }
        }
    }
    CHECK(overlaps > 1000);
    CHECK(filters_overlap("$share/g/a/#", "a/b"));
    CHECK(!filters_overlap("$share/g/a/#", "b/#"));
}

TEST_CASE("gateway mqtt: overlapping filters are refused, and prefixes that they match") {
    const std::vector<std::string> apart{"devices/north/+", "devices/south/+", "spare/#"};
    CHECK(check_filters(apart).ok());
    const std::vector<std::string> twice{"devices/+/samples", "spare", "devices/pump-1/#"};
    CHECK(std::string{check_filters(twice).message()} ==
          "mqtt: topic 'devices/pump-1/#' overlaps with 'devices/+/samples': samples of both would "
          "be judged twice");
    CHECK(!check_filters(std::vector<std::string>{"a", "b/#/c"}).ok());

    CHECK(check_prefix("out", apart).ok());
    CHECK(check_prefix("devices/west", apart).ok());
    using namespace std::string_view_literals;
    const std::string long_one(65500, 'x');
    for (const auto& [prefix, reason] : std::vector<std::pair<std::string_view, const char*>>{
             {"out/+", "'+' or '#'"},
             {"#", "'+' or '#'"},
             {"out\0"sv, "control character"},
             {long_one, "has 65500 bytes"},
             {"spare", "come back as samples"},
             {"devices/north", "come back as samples"}}) {
        CAPTURE(prefix.substr(0, 20));
        const tocsin::status refused = check_prefix(prefix, apart);
        REQUIRE(!refused.ok());
        CHECK(std::string{refused.message()}.find(reason) != std::string::npos);
    }
}
