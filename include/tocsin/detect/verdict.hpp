/// @file verdict.hpp
/// @brief What a detector says about a window, or about the newest sample of a stream.
#pragma once

#include "tocsin/core/views.hpp"

#include <cstdint>
#include <span>

namespace tocsin {

/// Outcome of one push().
enum class verdict_kind : std::uint8_t {
    normal,         ///< scored, not above the threshold
    anomaly,        ///< scored, above the threshold
    warming_up,     ///< fewer samples than a window so far: no score yet
    invalid_sample, ///< a NaN or infinite value: reported, not taken into the window
    not_ready       ///< the detector has not been trained and fitted yet
};

/// The name of a kind, such as "anomaly".
constexpr const char* to_string(verdict_kind kind) noexcept {
    switch (kind) {
    case verdict_kind::normal:
        return "normal";
    case verdict_kind::anomaly:
        return "anomaly";
    case verdict_kind::warming_up:
        return "warming_up";
    case verdict_kind::invalid_sample:
        return "invalid_sample";
    case verdict_kind::not_ready:
        return "not_ready";
    }
    return "unknown";
}

/// What push() says about the newest sample. `shares` is valid until the detector is used again.
struct verdict {
    verdict_kind kind = verdict_kind::not_ready;
    double score = 0;     ///< squared distance, at least 0; 0 unless kind is normal or anomaly
    double threshold = 0; ///< what the score is compared with
    /// Each feature's share of the score, `[features]`, sum 1; empty unless there is a score.
    std::span<const double> shares;

    constexpr bool is_anomaly() const noexcept { return kind == verdict_kind::anomaly; }
};

/// What score() says about a window. The views are valid until the detector is used again.
template <class Scalar>
struct window_verdict {
    bool valid = false; ///< false when the window holds NaN or infinite values: nothing is flagged
    bool flagged_by_step = false;                ///< some step's distance exceeds its threshold
    bool flagged_by_feature = false;             ///< some feature's distance exceeds its threshold
    double step_score = 0;                       ///< largest of `step_distances`
    double feature_score = 0;                    ///< largest of `feature_distances`
    matrix_view<const Scalar> reconstruction;    ///< `[features x window]`, original units
    std::span<const double> step_distances{};    ///< one per scored step: all, or the newest
    std::span<const double> feature_distances{}; ///< `[features]`
};

} // namespace tocsin
