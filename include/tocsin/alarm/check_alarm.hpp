/// @file check_alarm.hpp
/// @brief What alarm control says of its settings.
#pragma once

#include "tocsin/core/status.hpp"

namespace tocsin::detail {

/// The reason why alarm control would never raise an alarm, where it has a check().
template <class Alarm>
status check_alarm(const Alarm& alarm) noexcept {
    if constexpr (requires { alarm.check(); }) {
        return alarm.check();
    } else {
        return {};
    }
}

} // namespace tocsin::detail
