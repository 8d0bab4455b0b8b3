/// @file dynamic_threshold_settings.hpp
/// @brief What goes into and comes out of the nonparametric dynamic threshold: settings, ranges.
#pragma once

#include "tocsin/core/extents.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/metrics/row_ranges.hpp"

#include <algorithm>
#include <cmath>

namespace tocsin {
namespace detail {

/// Larger errors count as this, and so do values of the signal, which must be scaled to about
/// [-1, 1], of either sign: what such an error leaves in the smoothed ones fades within hours, not
/// within weeks.
inline constexpr double largest_dynamic_input = 1e6;

} // namespace detail

/// Settings of the nonparametric dynamic threshold; the values follow telemanom.
struct dynamic_threshold_settings {
    int batch = 70;             ///< rows judged at a time, at least 1
    int window = 30;            ///< history for judging a batch, in batches, including itself
    double smoothing = 0.05;    ///< span of the EWMA as a share of batch * window rows, (0, 1]
    int buffer = 100;           ///< rows around an anomalous error that belong to it, at least 0
    double minimum_drop = 0.13; ///< p: smallest relative step between peaks that matters, [0, 1)
    int warm_up = 250;  ///< first rows whose errors are replaced by the mean of twice as many
    int look_ahead = 1; ///< values per row for the scale of the signal; telemanom uses 10

    /// `invalid_argument` naming the first setting that is out of range.
    status check() const noexcept {
        const auto refuse = [](const char* name, auto value, const char* expected) {
            return status::error(error_code::invalid_argument, "dynamic_threshold: ", name, ' ',
                                 value, " must ", expected);
        };
        constexpr int most = 1 << 20;
        if (batch < 1 || batch > most) {
            return refuse("batch", batch, "lie in [1, 2^20]");
        }
        if (window < 1 || window > most / batch) {
            return refuse("window", window, "be at least 1, with at most 2^20 rows in all");
        }
        if (!(smoothing > 0 && smoothing <= 1)) {
            return refuse("smoothing", smoothing, "lie in (0, 1]");
        }
        if (buffer < 0 || buffer > most) {
            return refuse("buffer", buffer, "lie in [0, 2^20]");
        }
        if (!(minimum_drop >= 0 && minimum_drop < 1)) {
            return refuse("minimum_drop", minimum_drop, "lie in [0, 1)");
        }
        if (warm_up < 0 || warm_up > most) {
            return refuse("warm_up", warm_up, "lie in [0, 2^20]");
        }
        if (look_ahead < 1 || look_ahead > most / (batch * window)) {
            return refuse("look_ahead", look_ahead,
                          "be at least 1, with at most 2^20 values in a window");
        }
        return {};
    }

    /// Errors that one threshold is chosen from.
    index_t window_rows() const noexcept { return index_t{batch} * window; }
    /// Rows of the EWMA, at least 1.
    double span() const noexcept {
        return std::max(1.0, std::floor(static_cast<double>(window_rows()) * smoothing));
    }
};

/// A run of anomalous rows, and how far its errors exceed the threshold: the largest |error -
/// epsilon| / (mean + standard deviation of the window).
struct scored_range {
    row_range rows; ///< the anomalous rows
    /// How far they are above the threshold, in means and deviations of the errors.
    double score = 0;
};

} // namespace tocsin
