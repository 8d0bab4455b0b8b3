/// @file mqtt_topics.hpp
/// @brief Rules for filters of topics and for topics (OASIS MQTT 5.0, section 4.7).
#pragma once

#include "tocsin/core/status.hpp"

#include <span>
#include <string>
#include <string_view>

namespace tocsin_gateway {

/// Whether a broker may take a filter of topics, with or without `$share/<name>/` before it.
/// @return `invalid_argument` with the reason: empty, longer than 65535 bytes, a control character, not
///         UTF-8, `#` that is not the last level alone, `+` that is not a level alone
tocsin::status check_filter(std::string_view filter);

/// Whether there is a topic, be it the empty one, that both filters match. Both must be valid.
bool filters_overlap(std::string_view one, std::string_view other);

/// Whether all filters are valid and no topic matches two of them: a broker may deliver its messages
/// once for each.
/// @return `invalid_argument` with the reason
tocsin::status check_filters(std::span<const std::string> filters);

/// Whether lines can be published under a prefix, to topics that no filter matches: verdicts that come
/// back as samples would never end.
/// @return `invalid_argument` with the reason
tocsin::status check_prefix(std::string_view prefix, std::span<const std::string> filters);

} // namespace tocsin_gateway
