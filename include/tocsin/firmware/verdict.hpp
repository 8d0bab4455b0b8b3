/// @file verdict.hpp
/// @brief What a watcher says about the newest sample: the host's words, in a few bytes.
#pragma once

#include <stdint.h>

namespace tocsin::firmware {

/// Of the models that these headers take: the numbers of a model and their meaning.
inline constexpr int model_format_version = 3;

/// Outcome of one push(); names and values as in tocsin::verdict_kind.
enum class verdict_kind : uint8_t {
    normal,        ///< scored, not above the threshold
    anomaly,       ///< scored, above the threshold
    sensor_lost,   ///< not an anomaly, but a sensor has not reported for too long
    warming_up,    ///< the model has not seen enough of the stream yet: no score
    invalid_sample ///< the sample cannot be scored: `reason` says why
};

/// Why a sample has a score, or why it has none; values of tocsin::sample_reason.
enum class sample_reason : uint8_t {
    scored,        ///< it has a score
    warming_up,    ///< too few samples since the start, a restart or a gap
    missing_value, ///< a value is missing (NaN) that would be needed
    not_finite,    ///< no value is finite, and at least one is infinite
    /// its time does not follow from earlier samples; it was ignored. See timed_watcher.
    out_of_order = 5
};

/// What push() says about the newest sample.
struct verdict {
    verdict_kind kind = verdict_kind::warming_up;     ///< what the sample is
    sample_reason reason = sample_reason::warming_up; ///< why it has a score, or why not
    uint8_t missing = 0; ///< values of this sample that are missing or not finite, at most 255
    uint8_t lost = 0;    ///< sensors that have been missing for `lost_after` samples, at most 255
    float score = 0;     ///< at least 0, larger is less normal; 0 unless scored()

    constexpr bool scored() const noexcept { return reason == sample_reason::scored; }
    constexpr bool is_anomaly() const noexcept { return kind == verdict_kind::anomaly; }
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
    }
    return "unknown";
}

/// What a network reads where a value is missing; see tocsin::missing_value.
enum class missing_policy : uint8_t {
    none,     ///< a sample with a value that is not finite is refused, and the stream stands still
    hold,     ///< the last value of that feature
    forecast, ///< the forecast of it; where there is none, the last value
    mean      ///< the mean of the training data
};

/// The statistic of errors.
enum class statistic_kind : uint8_t {
    diagonal, ///< squares over their variances
    full      ///< squared Mahalanobis distance with the whole covariance
};

/// What became of a self-test.
enum class self_test_result : uint8_t {
    passed,
    wrong_checksum, ///< the numbers of the model are not those that were exported
    wrong_score     ///< this build computes other scores than the host did
};

} // namespace tocsin::firmware
