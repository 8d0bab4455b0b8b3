/// @file verdict.hpp
/// @brief What a detector says about a window, or about the newest sample of a stream.
#pragma once

#include <cstdint>
#include <limits>

namespace tocsin {

/// Outcome of one push().
enum class verdict_kind : std::uint8_t {
    normal,         ///< scored, not above the threshold
    anomaly,        ///< scored, above the threshold
    sensor_lost,    ///< not an anomaly, but a sensor has not reported for too long
    warming_up,     ///< the model has not seen enough of the stream yet: no score
    invalid_sample, ///< the sample cannot be scored: `reason` says why
    /// the detector has not been fitted, the stream is not one of its own, or, of an ensemble or a charted
    /// detector, no false alarms are expected yet
    not_ready
};

/// Why a sample has a score, or why it has none.
enum class sample_reason : std::uint8_t {
    scored,     ///< it has a score
    warming_up, ///< too few samples since the start, a restart or a gap
    /// values that the score needs are missing (NaN): all that are scored; of a comparator, any
    missing_value,
    not_finite, ///< no value is finite, and at least one is infinite
    wrong_size, ///< another number of values than the detector has features
    /// its time does not follow from earlier samples: not after them, after a pause, or infinite;
    /// it was ignored
    out_of_order,
    not_ready ///< see verdict_kind::not_ready
};

/// The name of a kind, such as "anomaly".
constexpr const char* to_string(verdict_kind kind) noexcept {
    switch (kind) {
    case verdict_kind::normal:
        return "normal";
    case verdict_kind::anomaly:
        return "anomaly";
    case verdict_kind::sensor_lost:
        return "sensor_lost";
    case verdict_kind::warming_up:
        return "warming_up";
    case verdict_kind::invalid_sample:
        return "invalid_sample";
    case verdict_kind::not_ready:
        return "not_ready";
    }
    return "unknown";
}

/// A reason in words, such as "no value is finite".
constexpr const char* to_string(sample_reason reason) noexcept {
    switch (reason) {
    case sample_reason::scored:
        return "scored";
    case sample_reason::warming_up:
        return "too few samples since the stream started";
    case sample_reason::missing_value:
        return "values that the score needs are missing";
    case sample_reason::not_finite:
        return "no value is finite";
    case sample_reason::wrong_size:
        return "the number of values is not the number of features";
    case sample_reason::out_of_order:
        return "the time does not follow the samples before";
    case sample_reason::not_ready:
        return "the detector is not fitted, expects no false alarms yet, or the stream belongs to "
               "another one";
    }
    return "unknown";
}

/// What push() says about the newest sample. Holds no view: it stays valid.
struct verdict {
    verdict_kind kind = verdict_kind::not_ready;     ///< what the sample is
    sample_reason reason = sample_reason::not_ready; ///< why it has a score, or why not
    bool alarm = false;       ///< what alarm control makes of the verdicts so far
    bool clock_reset = false; ///< the stream has taken over a new time and started afresh
    int missing = 0;          ///< values of this sample that are missing or not finite
    int lost = 0;             ///< sensors that have been missing for `lost_after` samples or more
    /// Larger is less normal; at least 0, and 0 unless scored(). Of ensembles and charted detectors
    /// -log10 of the false alarms as high that are expected in one row: 4 is one in 10 000 rows. A
    /// scored_comparator's is its own, which may be negative; without a score it exceeds no threshold.
    double score = 0;
    double threshold = 0; ///< what the score is compared with; infinity before tune()
    /// False alarms as high as the score that are expected in 10 000 rows, where the rule knows it
    /// (alarm_rate): scores of unlike detectors on one scale. NaN where there is none.
    double expected_false_alarms = std::numeric_limits<double>::quiet_NaN();
    /// There are ten times as many alarms as promised (rate_monitor): fit the detector anew.
    bool rate_exceeded = false;

    /// Whether the sample has a score.
    constexpr bool scored() const noexcept { return reason == sample_reason::scored; }
    /// Whether the score is above the threshold.
    constexpr bool is_anomaly() const noexcept { return kind == verdict_kind::anomaly; }
};

/// What score() says about a window; window_workspace has the details.
struct window_verdict {
    /// Why it has a score, or why not: wrong_size, missing_value, not_ready.
    sample_reason reason = sample_reason::not_ready;
    bool flagged_by_step = false;    ///< the largest distance of a time step exceeds its threshold
    bool flagged_by_feature = false; ///< the largest distance of a feature exceeds its threshold
    double step_score = 0;           ///< largest distance of a time step
    double feature_score = 0;        ///< largest distance of a feature

    /// Whether anything of the window has a score.
    constexpr bool scored() const noexcept { return reason == sample_reason::scored; }
};

} // namespace tocsin
