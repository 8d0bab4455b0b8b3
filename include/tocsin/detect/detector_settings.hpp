/// @file detector_settings.hpp
/// @brief Settings of a detector beyond its policies.
#pragma once

#include "tocsin/core/status.hpp"

#include <cstdint>

namespace tocsin {

/// Which time steps of a window are scored.
enum class scored_steps : std::uint8_t {
    all,   ///< every step: windows that stand for themselves, such as one cycle of a machine
    newest ///< only the last step: streams, where each sample is the newest of one window
};

struct detector_settings {
    int window = 30;                         ///< time steps the model sees at once, at least 1
    scored_steps scored = scored_steps::all; ///< for the error statistics, tuning and scoring alike
    int batch_size = 64; ///< windows scored at once while fitting and tuning, at least 1

    /// Names the first setting that is out of range.
    status check() const noexcept {
        if (window < 1 || batch_size < 1) {
            return status::error(error_code::invalid_argument, "detector: window ", window,
                                 " and batch size ", batch_size, " must both be at least 1");
        }
        return {};
    }

    template <class Archive>
    void exchange(Archive& archive) {
        archive.integer("window", window, 1, 1 << 20);
        archive.integer("scored", scored, scored_steps::all, scored_steps::newest);
        archive.integer("batch_size", batch_size);
        if constexpr (Archive::loading) {
            archive.fail(check());
        }
    }
};

} // namespace tocsin
