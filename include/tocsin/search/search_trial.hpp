/// @file search_trial.hpp
/// @brief What is known of a trial, and what the objective sees while it runs.
#pragma once

#include "tocsin/core/config.hpp"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace tocsin {

/// A value of the objective after a part of the work.
struct trial_report {
    std::int64_t resource = 0; ///< epochs, say; rises from report to report
    double value = 0;          ///< of the objective, finite
};

/// How a trial ended.
enum class trial_outcome : std::uint8_t {
    finished, ///< with a value
    stopped,  ///< early, as hopeless; its value is the lowest one reported
    failed    ///< without a value
};

/// The outcome as text, for messages and files.
constexpr const char* name_of(trial_outcome outcome) noexcept {
    constexpr const char* names[] = {"finished", "stopped", "failed"};
    return names[static_cast<std::size_t>(outcome)];
}

/// One set of values and what came of it.
struct search_trial {
    int number = 0;             ///< from 0, in the order in which they were proposed
    std::vector<double> values; ///< one per setting: the number, or the position of the choice
    trial_outcome outcome = trial_outcome::failed;           ///< how it ended
    double value = std::numeric_limits<double>::quiet_NaN(); ///< NaN where it failed
    std::vector<trial_report> reports{};                     ///< in order of resource
    std::string reason{};                                    ///< why it failed
};

} // namespace tocsin
