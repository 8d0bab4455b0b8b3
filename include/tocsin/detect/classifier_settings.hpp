/// @file classifier_settings.hpp
/// @brief Settings of a classifier_detector.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/detect/detector_settings.hpp"
#include "tocsin/series/labelled_windows.hpp"

namespace tocsin {

/// Which windows a classifier_detector is trained on, and what its streams do about missing values
/// and time.
struct classifier_detector_settings {
    int window = 60; ///< samples of a window, at least 1
    int stride = 1;  ///< samples from one training window to the next, at least 1
    window_label label = window_label::any_row; ///< when a window counts as anomalous

    // ---- streams: as in detector_settings, with the same defaults ----------------------------
    /// What the network reads where a value is missing: hold or mean, as it forecasts nothing. The
    /// mean is 0 after the scaler, in training as well.
    missing_value missing = missing_value::hold;
    int longest_gap = detector_settings{}.longest_gap; ///< samples without any value in a row
    int lost_after = detector_settings{}.lost_after;   ///< missing samples until a sensor is lost
    double longest_pause = detector_settings{}.longest_pause; ///< NaN: by the usual interval
    int clock_agreement =
        detector_settings{}.clock_agreement; ///< samples until a time is taken over

    /// What the functions of streams read.
    detector_settings of_streams() const noexcept {
        detector_settings settings;
        settings.window = window;
        settings.missing = missing;
        settings.longest_gap = longest_gap;
        settings.lost_after = lost_after;
        settings.longest_pause = longest_pause;
        settings.clock_agreement = clock_agreement;
        return settings;
    }
    /// Names the first setting that is out of range.
    status check() const noexcept {
        if (window < 1 || stride < 1) {
            return status::error(error_code::invalid_argument, "classifier_detector: window ",
                                 window, " and stride ", stride, " must both be at least 1");
        }
        if (missing == missing_value::forecast) {
            return status::error(error_code::invalid_argument,
                                 "classifier_detector: a classifier forecasts nothing that could "
                                 "take the place of a missing value");
        }
        return of_streams().check();
    }

    static constexpr int version = 1;
    template <class Archive>
    void exchange(Archive& archive) {
        constexpr int longest = detector_settings::largest_window;
        archive.integer("window", window, 1, longest);
        archive.integer("stride", stride, 1, longest);
        archive.integer("label", label, window_label::any_row, window_label::next_row);
    }
    /// The settings of streams, which files have since version 2 of classifier_detector.
    template <class Archive>
    void exchange_streams(Archive& archive) {
        detector_settings settings = of_streams();
        archive.object("streams", settings);
        if constexpr (Archive::loading) {
            missing = settings.missing;
            longest_gap = settings.longest_gap;
            lost_after = settings.lost_after;
            longest_pause = settings.longest_pause;
            clock_agreement = settings.clock_agreement;
        }
    }
};

} // namespace tocsin
