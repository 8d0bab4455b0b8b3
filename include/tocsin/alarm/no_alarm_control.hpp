/// @file no_alarm_control.hpp
/// @brief Alarm control that raises an alarm for each anomaly.
#pragma once

namespace tocsin {

/// What a detector uses where no alarm_chain is given: every flag is an alarm. Holds nothing.
struct no_alarm_control {
    static constexpr const char* kind = "none";

    /// The flag itself: every anomaly is an alarm.
    static constexpr bool push(bool flag) noexcept { return flag; }
    static constexpr void reset() noexcept {}
    template <class Archive>
    static void exchange(Archive& /*archive*/) {}
};

} // namespace tocsin
