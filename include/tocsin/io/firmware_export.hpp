/// @file firmware_export.hpp
/// @brief A trained detector as a C++ header for firmware/watcher.hpp.
#pragma once

#include "tocsin/io/atomic_file.hpp"
#include "tocsin/io/firmware_header.hpp"
#include "tocsin/io/firmware_source.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <limits>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace tocsin {
namespace detail {

/// A threshold that learns on the target.
template <class Detector>
status add_peaks(const Detector& detector, const firmware_options& options, firmware_model& model) {
    if (!options.rule) {
        return options.peaks == 0 ? status{}
                                  : refuse(options.peaks, " peaks for a threshold that stays");
    }
    if (options.format != firmware_format::float32) {
        return refuse("a threshold that learns is supported in float only");
    }
    if (detector.threshold() != detector.rule().threshold()) {
        return refuse("a threshold by hand takes the place of the rule, ", detector.threshold());
    }
    if (model.alarm && model.alarm->end_of_alarm < 1) {
        return refuse("an alarm that ends at ", model.alarm->end_of_alarm,
                      " of a threshold that learns is not supported");
    }
    auto peaks = firmware_peaks_of(detector.rule(), options.peaks);
    if (!peaks) {
        return peaks.error();
    }
    model.peaks = *std::move(peaks);
    return {};
}

/// Alarm control and learning, which a detector does not have by itself.
inline status add_options(const firmware_options& options, firmware_model& model) {
    if (options.alarm) {
        if (model.alarm) {
            return refuse("alarm control is given, but the detector has its own");
        }
        if (!(options.alarm->end_of_alarm > 0 && options.alarm->end_of_alarm <= 1)) {
            return refuse("an alarm that ends at ", options.alarm->end_of_alarm,
                          " of the threshold; the share must lie in (0, 1]");
        }
        model.alarm = options.alarm;
    }
    if (options.shares && model.statistic != firmware::statistic_kind::diagonal) {
        return refuse("shares of the whole covariance are not supported; those of a diagonal "
                      "statistic are");
    }
    model.shares = options.shares;
    if (options.fused && options.format != firmware_format::float32) {
        return refuse("fused products and sums are supported in float only");
    }
    model.fused = options.fused;
    if (!(options.half_life < std::numeric_limits<double>::infinity())) {
        return std::isnan(options.half_life) ? refuse("half-life ", options.half_life) : status{};
    }
    // With a smaller weight what is added to a float variance would be lost in its last digit.
    constexpr double longest = 1e6;
    if (!(options.half_life >= 1 && options.half_life <= longest)) {
        return refuse("half-life ", options.half_life, " must lie in [1, ", longest, "]");
    }
    if (model.statistic != firmware::statistic_kind::diagonal ||
        options.format != firmware_format::float32) {
        return refuse("a statistic that learns is supported if diagonal, and in float only");
    }
    model.learning_weight = 1 - std::exp2(-1 / options.half_life);
    return {};
}

/// Notes for the rounding of weights what each layer reads.
inline status add_moments(std::span<const float> samples, firmware_model& model) {
    const auto features = static_cast<std::size_t>(model.features);
    if (samples.size() % features != 0) {
        return refuse(samples.size(), " values of calibration for ", features, " features");
    }
    constexpr std::size_t most = 20'000;
    firmware_float numbers(model);
    numbers.observe();
    for (std::size_t t = 0; t < std::min(samples.size() / features, most); ++t) {
        const auto sample = samples.subspan(t * features, features);
        if (all_fit_float(sample)) {
            numbers.push(sample);
        } else {
            numbers.restart();
        }
    }
    model = numbers.model();
    return {};
}

/// What is subtracted from values. A target subtracts it in float, so detail that the detector saw in
/// double, or after an offset, could be lost before.
/// @param in_double whether the detector gets values in double
inline status add_offsets(const std::vector<double>& offsets, bool in_double,
                          firmware_model& model) {
    if (!offsets.empty() && (offsets.size() != model.offset.size() || !all_fit_float(offsets))) {
        return refuse(offsets.size(), " offsets of values for ", model.features,
                      " features; as many finite ones are needed");
    }
    for (std::size_t f = 0; f < model.offset.size() && (in_double || !offsets.empty()); ++f) {
        const double offset = double{model.offset[f]} + (offsets.empty() ? 0 : offsets[f]);
        model.offset[f] = static_cast<float>(offset);
        const double between_floats = std::abs(offset) * std::numeric_limits<float>::epsilon();
        if (constexpr double largest = 0.01; between_floats * double{model.factor[f]} > largest) {
            return refuse("feature ", f, " has values near ", offset, ", where floats are ",
                          between_floats, " apart, more than a hundredth of its spread of ",
                          1 / double{model.factor[f]},
                          "; subtract a constant from its values, in training and before push()");
        }
    }
    return {};
}

/// The model that options ask for, if both are usable.
template <class Detector>
result<firmware_model> checked_model(const Detector& detector, const firmware_options& options) {
    auto model = make_firmware_model(detector, options.missing_values);
    if (!model) {
        return model;
    }
    if (const status usable = check_options(options, *model); !usable.ok()) {
        return usable;
    }
    if (const status usable = add_options(options, *model); !usable.ok()) {
        return usable;
    }
    if (const status usable = add_peaks(detector, options, *model); !usable.ok()) {
        return usable;
    }
    if (const status usable = add_offsets(
            options.value_offsets, std::is_same_v<typename Detector::scalar_type, double>, *model);
        !usable.ok()) {
        return usable;
    }
    const bool calibrated = options.format == firmware_format::int8 ||
                            (options.format == firmware_format::int16 && !model->network.empty());
    if (calibrated && !options.calibration.empty()) {
        if (const status usable = add_moments(options.calibration, *model); !usable.ok()) {
            return usable;
        }
    }
    return model;
}

} // namespace detail

/// The text of a header; see write_firmware(). Allocates.
template <class Detector>
result<std::string> firmware_header(const Detector& detector,
                                    const firmware_options& options = {}) {
    const auto model = detail::checked_model(detector, options);
    if (!model) {
        return model.error();
    }
    std::string text;
    const status written = detail::with_numbers(*model, options.format, [&](const auto& numbers) {
        text = detail::header_text(numbers, options);
    });
    if (!written.ok()) {
        return written;
    }
    return text;
}

/// Writes a detector as a C++ header, completely or not at all. A program for a microcontroller
/// includes it and makes a `tocsin::firmware::watcher<NAME::model>`, with NAME from the options.
/// @return `not_ready` for a detector without a threshold; `invalid_argument` naming what firmware
///         cannot express, a name that is no identifier or another number of names than features.
///         Allocates.
template <class Detector>
status write_firmware(const Detector& detector, const std::filesystem::path& path,
                      const firmware_options& options = {}) {
    const auto text = firmware_header(detector, options);
    return text ? write_file(path, *text) : text.error();
}

} // namespace tocsin
