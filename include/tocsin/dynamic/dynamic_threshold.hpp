/// @file dynamic_threshold.hpp
/// @brief Nonparametric dynamic threshold with pruning, for recordings.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/dynamic/dynamic_threshold_settings.hpp"
#include "tocsin/dynamic/dynamic_threshold_window.hpp"
#include "tocsin/metrics/row_ranges.hpp"
#include "tocsin/series/smoothing.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace tocsin {

/// The result of find_dynamic_events() for a recording.
struct dynamic_events {
    std::vector<row_range> events;    ///< runs of at least two anomalous rows, in order
    std::vector<scored_range> pieces; ///< results of each window, in order; events consist of them
    std::vector<double> smoothed;     ///< errors that were judged, one per row
};

/// Anomalous rows of a recording from the errors of its prediction, without labels and without an
/// assumption about their distribution (Hundman et al., "Detecting spacecraft anomalies using LSTMs
/// and nonparametric dynamic thresholding", KDD 2018, with the conventions of the authors' program
/// telemanom, whose results it reproduces). For each batch of rows:
///
/// 1. The errors are smoothed (ewma), the first `warm_up` of them replaced by a mean.
/// 2. In the window that ends with the batch, a threshold epsilon is chosen, see choose_epsilon();
///    a second one is chosen for the errors mirrored at their mean, because a sudden silence is
///    anomalous too.
/// 3. Rows of the batch within `buffer` rows of an error of at least epsilon, and of at least a
///    twentieth of the signal's range (5th to 95th percentile), are anomalous.
/// 4. Runs whose peak stands out too little from the next lower one are taken back (pruning).
///
/// The first window is judged as a whole, without its first 2 * warm_up rows (warm_up when there
/// are fewer than 2500 rows, none when fewer than 1800). The last one reaches to the end of the
/// recording, but only its last batch is judged. Errors of at most 0.05 are never anomalous: the
/// signal must be scaled to about [-1, 1]. Errors and values beyond 1e6 count as 1e6.
///
/// O(rows * window). Allocates.
/// @param errors absolute errors, one per row, finite and not negative
/// @param values the signal in the same rows, finite, and look_ahead - 1 more
/// @return `invalid_argument` for settings or sizes, `invalid_data` for numbers that are not
///         finite; nothing found in no rows
inline result<dynamic_events> find_dynamic_events(std::span<const double> errors,
                                                  std::span<const double> values,
                                                  const dynamic_threshold_settings& settings = {}) {
    if (status usable = settings.check(); !usable) {
        return usable;
    }
    const auto look_ahead = static_cast<std::size_t>(settings.look_ahead);
    dynamic_events found;
    if (errors.empty()) {
        return found;
    }
    if (values.size() != errors.size() + look_ahead - 1) {
        return status::error(error_code::invalid_argument, "dynamic_threshold: ", errors.size(),
                             " errors need ", errors.size() + look_ahead - 1, " values, got ",
                             values.size());
    }
    for (std::size_t i = 0; i < values.size(); ++i) {
        const double error = i < errors.size() ? errors[i] : 0.0;
        if (!std::isfinite(values[i]) || !std::isfinite(error) || error < 0) {
            return status::error(error_code::invalid_data, "dynamic_threshold: row ", i,
                                 " has value ", values[i], " and error ", error,
                                 ", expected finite numbers and an error of at least 0");
        }
    }

    ewma smoother = ewma::from_span(settings.span());
    found.smoothed.reserve(errors.size());
    for (const double error : errors) {
        found.smoothed.push_back(smoother.push(std::min(error, detail::largest_dynamic_input)));
    }
    const auto rows = static_cast<index_t>(errors.size());
    const auto clamp_rows = [&](index_t count) {
        return static_cast<std::size_t>(std::min(count, rows));
    };
    if (settings.warm_up > 0) {
        const std::span<const double> start{found.smoothed.data(),
                                            clamp_rows(index_t{2} * settings.warm_up)};
        const double mean = detail::level_and_spread::of(start).mean;
        std::fill_n(found.smoothed.begin(), clamp_rows(settings.warm_up), mean);
    }
    const index_t ignored = rows < 1800   ? 0
                            : rows < 2500 ? index_t{settings.warm_up}
                                          : index_t{2} * settings.warm_up;

    const index_t windows = std::max<index_t>(rows - settings.window_rows(), 0) / settings.batch;
    detail::dynamic_threshold_window window(
        settings, std::min(rows, settings.window_rows() + settings.batch));
    std::vector<std::uint8_t> flags(errors.size(), 0);
    for (index_t k = 0; k <= windows; ++k) {
        const index_t begin = k * settings.batch;
        const index_t end = k < windows ? begin + settings.window_rows() : rows;
        const auto first = static_cast<std::size_t>(begin);
        const auto size = static_cast<std::size_t>(end - begin);
        window.judge({found.smoothed.data() + first, size},
                     values.subspan(first, size + look_ahead - 1), {flags.data() + first, size},
                     k == 0 ? ignored : std::max<index_t>(end - begin - settings.batch, 0));
        for (std::size_t i = 0; i < size; ++i) {
            flags[first + i] = flags[first + i] | window.flags()[i];
        }
        for (const scored_range& piece : window.pieces()) {
            found.pieces.push_back(
                {{piece.rows.begin + begin, piece.rows.end + begin}, piece.score});
        }
    }
    for_each_run(flags, [&](const row_range& run) {
        if (run.size() > 1) {
            found.events.push_back(run);
        }
    });
    return found;
}

} // namespace tocsin
