/// @file detector_stream.hpp
/// @brief What one stream remembers of its past.
#pragma once

#include "tocsin/alarm/alarm_control.hpp"
#include "tocsin/detect/detector_model.hpp"
#include "tocsin/detect/stream_learning.hpp"
#include "tocsin/detect/stream_memory.hpp"
#include "tocsin/detect/verdict.hpp"
#include "tocsin/errors/error_statistic.hpp"
#include "tocsin/series/scalers/scaler.hpp"
#include "tocsin/threshold/threshold_rule.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

namespace tocsin {

// Declared for friendship; see detector.hpp and classifier_detector.hpp.
template <detector_model Model, scaler Scaler, error_statistic Statistic, threshold_rule Rule,
          alarm_piece Alarm, int Window>
class detector;
template <class Network, scaler Scaler, alarm_piece Alarm>
class classifier_detector;

/// One stream of a detector: the model's state or window, the clock, missing and lost sensors, alarm
/// control, and, where the stream learns, its own copy of what it adapts. detector::make_stream()
/// makes one; whatever changes it is a function of the detector. It holds no pointer into the
/// detector, so it can be copied, moved, kept in an array, and saved (io/stream_file.hpp).
///
/// With sizes known at compile time it holds everything in place. Otherwise its memory is one block
/// on the heap, allocated when it is made.
/// @tparam Memory detail::stream_memory
template <class Memory>
class detector_stream {
  public:
    /// A stream of no detector: every verdict is `not_ready`.
    detector_stream() = default;

    /// Samples pushed so far, scored or not: the position of the next one.
    std::int64_t position() const noexcept { return memory_.position; }
    /// Time of the last sample that was not refused; NaN where none is known.
    double time() const noexcept { return memory_.clock.last(); }
    /// The verdict on the last sample.
    const verdict& last() const noexcept { return memory_.last; }
    /// The stream's copy of the alarm control, such as a rate_monitor with the rate of its alarms.
    const auto& alarm_control() const noexcept { return memory_.alarm; }
    /// Samples in a row, up to the last one, in which sensor `feature` was missing; 0 for a feature
    /// that does not exist.
    int missing_samples(int feature) const noexcept {
        const auto runs = memory_.missing_runs();
        const auto at = static_cast<std::size_t>(feature);
        return feature >= 0 && at < runs.size() ? runs[at] : 0;
    }
    /// Observed minus expected in the last sample that was scored, scaled. Of a forecaster
    /// `[targets * look_ahead]`, the forecast made one sample before first; NaN where a value was missing.
    /// Of a model of windows: see error_views.
    std::span<const double> errors() const noexcept { return memory_.errors(); }
    /// Whether the stream has copies of its own that it adapts.
    bool learns() const noexcept { return memory_.learning.get() != nullptr; }
    /// What became of the samples since it learns; all 0 where it does not.
    learning_report learning() const noexcept {
        const auto* const own = memory_.learning.get();
        return own != nullptr ? own->report : learning_report{};
    }

    /// Forgets the past, also the clock, for a break that the caller knows of. The position, alarm
    /// control and what was learned stay. Never allocates.
    void restart() noexcept { memory_.restart(); }

  private:
    template <detector_model, scaler, error_statistic, threshold_rule, alarm_piece, int>
    friend class detector;
    template <class, scaler, alarm_piece>
    friend class classifier_detector;

    explicit detector_stream(Memory memory) : memory_{std::move(memory)} {}

    Memory memory_{};
};

} // namespace tocsin
