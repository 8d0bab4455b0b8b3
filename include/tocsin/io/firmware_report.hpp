/// @file firmware_report.hpp
/// @brief What an exported detector takes of a target, and how far its scores are from float.
#pragma once

#include "tocsin/io/firmware_export.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace tocsin {

/// Known before a target is flashed.
struct firmware_report {
    std::size_t flash = 0; ///< bytes of weights, scaler, means and statistic; code comes on top
    std::size_t flash_of_self_test = 0; ///< bytes of its samples, where the program calls it
    std::size_t ram = 0;                ///< bytes of a watcher
    std::size_t multiply_adds = 0;      ///< per sample
    /// Bytes of stack that the score of a sample with missing values takes on top of other scores:
    /// the whole covariance in floats; 0 where that does not occur.
    std::size_t stack_of_missing = 0;

    // ---- against the same model in float, on the samples of the calibration -----------------
    std::size_t rows = 0; ///< of the calibration
    /// Of them compared: with all values, and enough rows with all values before them.
    std::size_t samples = 0;
    std::size_t alarms = 0;    ///< of them above the threshold in float
    std::size_t different = 0; ///< verdicts that differ
    /// Largest change of a score, over the threshold, or over the score where that is larger. Scores
    /// of more than `farthest` thresholds in float do not count: integers cut them off.
    double largest_change = 0;
    static constexpr double farthest = 4;
};

namespace detail {

/// sizeof(firmware::watcher) for a model: member after member, each at a multiple of its alignment;
/// the last ones lie in what the one before would leave empty.
inline std::size_t watcher_bytes(const firmware_model& model, bool fixed) noexcept {
    std::size_t units = 0;
    for (std::size_t k = 0; k < model.lstm.size(); ++k) {
        units += static_cast<std::size_t>(model.hidden(k));
    }
    const auto features = static_cast<std::size_t>(model.features);
    const auto outputs = static_cast<std::size_t>(model.outputs());
    std::size_t bytes = 0;
    std::size_t largest = 1;
    const auto place = [&bytes, &largest](std::size_t size, std::size_t alignment) {
        largest = std::max(largest, alignment);
        bytes = (bytes + alignment - 1) / alignment * alignment + size;
    };
    if (model.window > 0) {
        const int kept = model.reconstructs() ? model.window : model.window - 1;
        const std::size_t value = fixed ? 2 : 4;
        place(value * static_cast<std::size_t>(kept) * features + 2, value);
        place(0, value);
    } else {
        place((fixed ? 6 : 8) * units + 4 * static_cast<std::size_t>(model.order) * features, 4);
        place(0, 4);
    }
    if (model.alarm) {
        place(4 * model.alarm->words, 4);
    }
    if (model.learning_weight > 0) {
        place(12 * outputs + 2, 4);
    }
    if (model.peaks) {
        place(8 * static_cast<std::size_t>(model.peaks->capacity) + 36, 4);
    }
    if (model.shares) {
        place(4 * outputs + 1, 4);
    }
    if (model.look_ahead > 1) {
        place(4 * static_cast<std::size_t>(model.look_ahead) * outputs + 2, 4);
    }
    if (model.missing != firmware::missing_policy::none) {
        model.window > 0 ? place(2 * features + 2, 2) : place(6 * features + 2, 4);
    }
    place(2, 2); // samples since the start
    place(model.alarm ? 2 : 0, 1);
    place(0, largest);
    return bytes;
}

/// What firmware::detail::full_distance_of_observed() and its caller keep on the stack.
inline std::size_t partial_distance_bytes(const firmware_model& model, bool fixed) noexcept {
    const auto size = static_cast<std::size_t>(model.outputs());
    if (model.statistic == firmware::statistic_kind::diagonal || size == 1 ||
        model.missing == firmware::missing_policy::none) {
        return 0;
    }
    // The columns of missing elements and the rest; in integers also the matrix and the errors.
    return 4 * size * (size + 1) + (fixed ? 2 * size * (size + 1) + 4 * size : 0);
}

} // namespace detail

/// Says what a detector takes in a format, and runs both formats over samples.
/// @param samples `[features x n]` in original units, such as the recording that the threshold was
///                tuned on; a sample with a value that is not finite restarts both. May be empty.
/// @return the failures of write_firmware(), and `invalid_argument` for samples of another number
///         of features. Allocates.
template <class Detector>
result<firmware_report> report_firmware(const Detector& detector, const firmware_options& options,
                                        const matrix_view<const float>& samples) {
    const auto model = detail::checked_model(detector, options);
    if (!model) {
        return model.error();
    }
    if (samples.cols() > 0 && samples.rows() != model->features) {
        return detail::refuse("calibration samples of ", samples.rows(),
                              " features for a model of ", model->features);
    }
    firmware_report report;
    report.ram = detail::watcher_bytes(*model, options.format != firmware_format::float32);
    report.multiply_adds = model->multiply_adds();
    report.stack_of_missing =
        detail::partial_distance_bytes(*model, options.format != firmware_format::float32);
    if (options.self_test_samples > 0) {
        report.flash_of_self_test =
            sizeof(float) * (static_cast<std::size_t>(model->features) + 1) *
            static_cast<std::size_t>(model->unscored() + options.self_test_samples);
    }
    report.rows = static_cast<std::size_t>(samples.cols());
    firmware_float reference(*model);
    const status written = detail::with_numbers(*model, options.format, [&](auto numbers) {
        report.flash = numbers.flash() + model->flash_of_peaks();
        int seen = 0;
        for (index_t t = 0; t < samples.cols(); ++t) {
            const std::span sample(samples.data() + t * samples.rows(),
                                   static_cast<std::size_t>(samples.rows()));
            if (!std::all_of(sample.begin(), sample.end(),
                             [](float value) { return std::isfinite(value); })) {
                reference.restart();
                numbers.restart();
                seen = 0;
                continue;
            }
            const float expected = reference.push(sample);
            const float found = numbers.push(sample);
            if (seen++ < model->warm_up) {
                continue;
            }
            ++report.samples;
            report.alarms += reference.exceeds(expected) ? 1 : 0;
            report.different += reference.exceeds(expected) != numbers.exceeds(found) ? 1 : 0;
            const double threshold = std::max(model->threshold, 1e-30);
            if (expected <= report.farthest * threshold) {
                report.largest_change =
                    std::max(report.largest_change, std::abs(double{found} - double{expected}) /
                                                        std::max(double{expected}, threshold));
            }
        }
    });
    if (!written.ok()) {
        return written;
    }
    return report;
}

} // namespace tocsin
