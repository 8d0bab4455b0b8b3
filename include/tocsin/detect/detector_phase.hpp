/// @file detector_phase.hpp
/// @brief How far a detector has come, and what a phase requires.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/series/windows.hpp"

#include <cstdint>

namespace tocsin {

/// How far a detector has come; each phase needs the one before and can run in another process.
enum class detector_phase : std::uint8_t { created, trained, errors_fitted, tuned };

namespace detail {

/// Refuses no windows, and windows that do not fit a detector.
/// @param steps that a window must have; 0: any number
template <class Scalar>
status check_windows(const char* caller, const windows<Scalar>& given, int features,
                     int steps = 0) noexcept {
    if (given.empty()) {
        return status::error(error_code::invalid_data, caller, ": there are no windows");
    }
    if (steps == 0 && given.features() != features) {
        return status::error(error_code::invalid_argument, caller, ": windows of ",
                             given.features(), " features do not fit a detector of ", features);
    }
    if (steps > 0 && (given.features() != features || given.length() != steps)) {
        return status::error(error_code::invalid_argument, caller, ": windows of ",
                             given.features(), " features and ", given.length(),
                             " steps do not fit a detector of ", features, " features and ", steps,
                             " steps");
    }
    return {};
}

/// Refuses settings that cannot work, a phase that needs another one first, and windows as above.
template <class Detector, class Scalar>
status require_phase(const Detector& detector, const char* caller, detector_phase needed,
                     const windows<Scalar>& given, int steps = 0) noexcept {
    if (const status ready = detector.check(); !ready.ok()) {
        return ready;
    }
    if (detector.phase() < needed) {
        return status::error(error_code::not_ready, caller, ": call ",
                             needed == detector_phase::trained ? "train()" : "fit_errors()",
                             " first");
    }
    return check_windows(caller, given, detector.features(), steps);
}

} // namespace detail
} // namespace tocsin
