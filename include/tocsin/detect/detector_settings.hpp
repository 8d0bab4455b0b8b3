/// @file detector_settings.hpp
/// @brief Settings of a detector beyond its policies.
#pragma once

#include "tocsin/core/status.hpp"

#include <cmath>
#include <cstdint>
#include <limits>

namespace tocsin {

/// Which time steps of a window are scored.
enum class scored_steps : std::uint8_t {
    all,   ///< every step: windows that stand for themselves, such as one cycle of a machine
    newest ///< only the last step: streams, where each sample is the newest of one window
};

/// The two ways to cut the errors of a window `[features x window]` into vectors.
enum class error_view : std::uint8_t {
    per_step,   ///< a vector of all features for each scored time step
    per_feature ///< a vector of all time steps for each feature
};

/// What a model reads where a value is missing (NaN or infinite).
enum class missing_value : std::uint8_t {
    hold, ///< the last value of that feature
    /// A forecaster's forecast of it; where there is none, the last value. A model of windows runs
    /// twice: it reads the last value, then its own reconstruction in that place.
    forecast,
    mean ///< the mean of the training data
};

/// Settings of models that reconstruct windows, of streams, or of both.
struct detector_settings {
    static constexpr int automatic = -1;           ///< for warm_up: derived by fit_errors()
    static constexpr int largest_window = 1 << 20; ///< time steps
    static constexpr int most_samples = 1 << 30;   ///< upper limit of settings that count samples

    // ---- models that reconstruct windows ----------------------------------------------------
    int window = 30;                         ///< time steps the model sees at once, at least 1
    scored_steps scored = scored_steps::all; ///< for the error statistics, tuning and scoring alike
    error_view view = error_view::per_step;  ///< the view by which push() judges
    int batch_size = 64; ///< windows scored at once while fitting and tuning, at least 1

    // ---- streams ----------------------------------------------------------------------------
    /// Samples after a start, a restart or a gap that a forecaster does not score. By default
    /// fit_errors() finds out how long a cold start is worse than normal.
    int warm_up = automatic;
    /// What the model reads where a value is missing.
    missing_value missing = missing_value::forecast;
    int longest_gap = 10; ///< samples without any value in a row; after more, the stream restarts
    int lost_after = 50;  ///< missing samples in a row after which a sensor is lost, at least 1
    /// Time between two samples after which the stream restarts, in the unit of the timestamps.
    /// NaN: a little more than ten times the usual interval, which the stream learns
    /// (firmware::detail::intervals_of_a_pause). Infinity: never.
    double longest_pause = std::numeric_limits<double>::quiet_NaN();
    /// Samples in a row that must agree with each other before the stream takes over a time that
    /// does not follow from the samples before: one that lies before them, or a pause later.
    int clock_agreement = 3;

    /// Names the first setting that is out of range.
    status check() const noexcept {
        const auto lies = [](int value, int low, int high) {
            return value >= low && value <= high;
        };
        if (!lies(window, 1, largest_window) || batch_size < 1) {
            return status::error(error_code::invalid_argument, "detector: window ", window,
                                 " and batch size ", batch_size,
                                 " must both be at least 1, the window at most ", largest_window);
        }
        if (!lies(warm_up, automatic, most_samples) || !lies(longest_gap, 0, most_samples)) {
            return status::error(error_code::invalid_argument, "detector: warm-up ", warm_up,
                                 " and longest gap ", longest_gap,
                                 " must not be negative and at most ", most_samples);
        }
        if (!lies(lost_after, 1, most_samples) || !lies(clock_agreement, 1, most_samples)) {
            return status::error(error_code::invalid_argument, "detector: lost_after ", lost_after,
                                 " and clock_agreement ", clock_agreement,
                                 " must both be at least 1 and at most ", most_samples);
        }
        if (longest_pause <= 0) {
            return status::error(error_code::invalid_argument, "detector: longest pause ",
                                 longest_pause, " must be positive");
        }
        return {};
    }

    static constexpr int version = 1;

    template <class Archive>
    void exchange(Archive& archive) {
        archive.integer("window", window, 1, largest_window);
        archive.integer("scored", scored, scored_steps::all, scored_steps::newest);
        archive.integer("view", view, error_view::per_step, error_view::per_feature);
        archive.integer("batch_size", batch_size, 1, std::numeric_limits<int>::max());
        archive.integer("warm_up", warm_up, automatic, most_samples);
        archive.integer("missing", missing, missing_value::hold, missing_value::mean);
        archive.integer("longest_gap", longest_gap, 0, most_samples);
        archive.integer("lost_after", lost_after, 1, most_samples);
        archive.integer("clock_agreement", clock_agreement, 1, most_samples);
        exchange_pause(archive);
        if constexpr (Archive::loading) {
            if (archive.outcome().ok()) {
                archive.fail(check());
            }
        }
    }

  private:
    /// Files hold finite numbers only.
    template <class Archive>
    void exchange_pause(Archive& archive) {
        enum class pause : std::uint8_t { learned, never, given };
        pause kind = std::isnan(longest_pause)      ? pause::learned
                     : std::isfinite(longest_pause) ? pause::given
                                                    : pause::never;
        archive.integer("pause", kind, pause::learned, pause::given);
        double given = kind == pause::given ? longest_pause : 1;
        archive.number("longest_pause", given);
        if constexpr (Archive::loading) {
            longest_pause = kind == pause::given   ? given
                            : kind == pause::never ? std::numeric_limits<double>::infinity()
                                                   : std::numeric_limits<double>::quiet_NaN();
        }
    }
};

} // namespace tocsin
