/// @file firmware_header.hpp
/// @brief The text of a header for firmware/watcher.hpp.
#pragma once

#include "tocsin/core/config.hpp"
#include "tocsin/io/firmware_alarm.hpp"
#include "tocsin/io/firmware_fixed.hpp"
#include "tocsin/io/firmware_float.hpp"
#include "tocsin/io/firmware_model.hpp"
#include "tocsin/io/firmware_self_test.hpp"
#include "tocsin/io/firmware_text.hpp"

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tocsin {

/// The numbers that a target computes with.
enum class firmware_format : std::uint8_t {
    float32, ///< the host's; for processors with a floating-point unit
    int16,   ///< 16-bit weights, integers throughout
    int8     ///< 8-bit weights, integers throughout
};

/// How a detector is exported.
struct firmware_options {
    std::string name = "model"; ///< namespace of the header, a C++ identifier
    firmware_format format = firmware_format::float32; ///< which numbers the firmware has
    /// Whether products and sums of floats are fused: rounded once, by the fused multiply-add of the
    /// target. Scores are then bit-identical only among targets that have one.
    bool fused = false;
    /// Whether sensors may be missing, as the detector's settings say. Otherwise
    /// a sample with a value that is not finite is refused, and the stream takes
    /// less memory.
    bool missing_values = true;
    /// Samples of the self-test that have a score, from 0 to 10 000; as many as the model needs
    /// before its first score come on top.
    int self_test_samples = 24;
    std::vector<std::string> feature_names{}; ///< one per feature, any text; empty: none
    std::vector<std::string> feature_units{}; ///< the same
    /// Normal samples one after the other, in original units: 8-bit weights are rounded so that sums
    /// change least on them. A sample with a value that is not finite restarts the stream. The first
    /// 20 000 are used; empty: each weight is rounded to the nearest.
    std::vector<float> calibration{};
    /// What was subtracted from each feature's values before the detector saw
    /// them, in double; empty: nothing. The target gets values as they are.
    std::vector<double> value_offsets{};
    /// Alarm control for a detector that has none of its own: the command line's.
    std::optional<firmware_alarm> alarm{};
    /// Samples after which a sample weighs half as much in a diagonal statistic
    /// that follows the stream by learn(), 1 to 1e6; infinity: it stays as it is.
    /// See learning_settings.
    double half_life = std::numeric_limits<double>::infinity();
    /// Whether the threshold follows the scores by learn(), as a rule of
    /// spot_threshold_by_moments does on the host. Others stay as they are.
    bool rule = false;
    /// Peaks that such a rule keeps, 20 to 4096; 0: as many as on the host.
    int peaks = 0;
    /// Whether the watcher keeps the errors of its last sample, so that it can say by shares() what
    /// each feature accounts for. The statistic must be diagonal.
    bool shares = false;
};

namespace detail {

inline status check_names(std::string_view what, const std::vector<std::string>& names,
                          int features) {
    if (!names.empty() && names.size() != static_cast<std::size_t>(features)) {
        return refuse(names.size(), ' ', what, " for ", features, " features");
    }
    return {};
}
inline status check_options(const firmware_options& options, const firmware_model& model) {
    if (!is_identifier(options.name)) {
        return refuse("'", options.name, "' cannot be the name of a namespace");
    }
    constexpr int most = 10'000;
    if (options.self_test_samples < 0 || options.self_test_samples > most) {
        return refuse("self-test of ", options.self_test_samples, " samples, from 0 to ", most,
                      " are possible");
    }
    const status names = check_names("names", options.feature_names, model.features);
    return names.ok() ? check_names("units", options.feature_units, model.features) : names;
}

inline std::string_view name_of(firmware::missing_policy policy) noexcept {
    switch (policy) {
    case firmware::missing_policy::none:
        return "none";
    case firmware::missing_policy::hold:
        return "hold";
    case firmware::missing_policy::forecast:
        return "forecast";
    case firmware::missing_policy::mean:
        return "mean";
    }
    return "none";
}

/// 0 for one that is learned.
inline std::string pause_literal(double pause) {
    const auto rounded = static_cast<float>(std::isnan(pause) ? 0 : pause);
    return std::isfinite(rounded) ? literal(rounded) : "__builtin_inff()";
}

/// What a header says of a model in any format.
inline std::string sizes_text(const firmware_model& model, const firmware_options& options) {
    const auto number = [](int value) { return std::to_string(value); };
    const auto units = [](const std::vector<firmware_layer>& layers) {
        std::vector<int> hidden;
        hidden.reserve(layers.size());
        for (const firmware_layer& layer : layers) {
            hidden.push_back(layer.rows / 4);
        }
        return hidden;
    };
    std::vector<int> head;
    head.reserve(model.head.size());
    for (const firmware_layer& layer : model.head) {
        head.push_back(layer.rows);
    }
    std::string text =
        constant_text("int", "format_version", number(firmware::model_format_version));
    text += constant_text("int", "features", number(model.features));
    text += constant_text("int", "targets", number(model.targets));
    text += constant_text("int", "look_ahead", number(model.look_ahead));
    if (model.window > 0) {
        text += constant_text("int", "window", number(model.window));
    }
    if (!model.encoder.empty()) {
        text += array_text("int", "encoder_hidden", units(model.encoder));
        text += constant_text("bool", "reversed", model.reversed ? "true" : "false");
    }
    if (model.order > 0) {
        text += constant_text("int", "order", number(model.order));
    } else if (model.network.empty()) {
        text += array_text("int", "hidden", units(model.lstm));
        text += array_text("int", "head", head);
    } else {
        text += array_text("tocsin::firmware::feed_forward_layer", "layers", model.shapes());
        text += constant_text("int", "first_step", number(model.first_step));
    }
    text += constant_text("int", "warm_up", number(model.warm_up));
    text +=
        constant_text("auto", "missing",
                      "tocsin::firmware::missing_policy::" + std::string(name_of(model.missing)));
    text += constant_text("int", "longest_gap", number(model.longest_gap));
    text += constant_text("int", "lost_after", number(model.lost_after));
    text += constant_text("float", "longest_pause", pause_literal(model.longest_pause));
    text += constant_text("int", "clock_agreement", number(model.clock_agreement));
    text += constant_text("auto", "statistic",
                          model.statistic == firmware::statistic_kind::diagonal
                              ? "tocsin::firmware::statistic_kind::diagonal"
                              : "tocsin::firmware::statistic_kind::full");
    if (model.alarm) {
        text += alarm_text(*model.alarm, model.threshold);
    }
    if (model.learning_weight > 0) {
        text += constant_text("float", "learning_weight",
                              literal(static_cast<float>(model.learning_weight)));
        text += constant_text("float", "relative_ridge",
                              literal(static_cast<float>(model.relative_ridge)));
    }
    if (model.peaks) {
        text += peaks_text(*model.peaks);
    }
    if (model.shares) {
        text += constant_text("bool", "keeps_errors", "true");
    }
    if (!options.feature_names.empty()) {
        text += array_text("const char*", "feature_names", options.feature_names);
    }
    if (!options.feature_units.empty()) {
        text += array_text("const char*", "feature_units", options.feature_units);
    }
    return text;
}

template <class Arithmetic>
std::string numbers_text(const basic_firmware_float<Arithmetic>& numbers) {
    const firmware_model& model = numbers.model();
    std::string text = "    template <class Model>\n    using stream = tocsin::firmware::" +
                       std::string(numbers.name()) +
                       "_stream<Model>;\n"
                       "    using arithmetic = tocsin::firmware::" +
                       Arithmetic::name + "_arithmetic;\n";
    text += constant_text("float", "threshold", literal(numbers.threshold()));
    text += array_text("float", "input_offset", model.offset);
    text += array_text("float", "input_factor", model.factor);
    text += array_text("float", "input_mean", model.mean);
    text += array_text("float", "error_mean", numbers.error_mean());
    text += array_text("float",
                       model.statistic == firmware::statistic_kind::diagonal ? "inverse_variance"
                                                                             : "whitening",
                       numbers.statistic());
    if (!model.encoder.empty()) {
        text += array_text("float", "encoder_weights", numbers.encoder_weights());
    }
    text += array_text("float", "weights", numbers.weights());
    return text;
}

template <class Weight>
std::string numbers_text(const firmware_fixed<Weight>& given) {
    const firmware_model& model = given.model();
    const auto& numbers = given.numbers();
    std::string text = "    template <class Model>\n"
                       "    using stream = tocsin::firmware::" +
                       std::string(given.name()) + "_stream<Model>;\n";
    text += constant_text("float", "threshold", literal(given.threshold()));
    text += constant_text("float", "score_unit", literal(numbers.score_unit));
    text += constant_text("int", "score_shift", literal(numbers.score_shift));
    text += constant_text("int32_t", "largest_element", literal(numbers.largest_element));
    text += array_text("float", "input_offset", model.offset);
    text += array_text("float", "input_factor", numbers.input_factor);
    text += array_text("int32_t", "input_mean", numbers.input_mean);
    text += array_text("int32_t", "error_mean", numbers.error_mean);
    text += array_text("int32_t",
                       model.statistic == firmware::statistic_kind::diagonal ? "deviation_factors"
                                                                             : "whitening",
                       numbers.statistic);
    const auto weights_text = [](const auto& values, const std::string& name) {
        // Weights are read a word at a time.
        const std::vector<int> weights(values.begin(), values.end());
        const bool bytes = sizeof(values[0]) == 1;
        return "    alignas(4)" + array_text(bytes ? "int8_t" : "int16_t", name, weights).substr(3);
    };
    const auto layers_text = [&](const auto& layers, const std::string& begin) {
        return array_text("tocsin::firmware::detail::fixed_shifts", begin + "gate_shifts",
                          layers.gate_shifts) +
               array_text("tocsin::firmware::detail::fixed_gate_row", begin + "gate_rows",
                          layers.gate_rows) +
               weights_text(layers.weights, begin + "weights");
    };
    if (!model.encoder.empty()) {
        text += layers_text(numbers.encoder, "encoder_");
    }
    if (model.network.empty()) {
        text += layers_text(numbers.lstm, "");
        text += constant_text("int", "dense_shift", literal(numbers.dense_shift));
    } else {
        text += weights_text(numbers.lstm.weights, "weights");
        text += array_text("tocsin::firmware::detail::fixed_layer", "layer_numbers",
                           numbers.layer_numbers);
    }
    text += weights_text(numbers.head_weights, "head_weights");
    return text + array_text("tocsin::firmware::detail::fixed_dense_row", "dense_rows",
                             numbers.dense_rows);
}

/// Calls `visit` with the numbers of a model in a format, or says why they do
/// not fit.
template <class Visit>
status with_numbers(const firmware_model& model, firmware_format format, Visit&& visit) {
    const auto visit_fixed = [&]<class Weight>(Weight /*of this type*/) {
        if (model.order > 0) {
            return refuse("linear models from sample to sample are supported in float only");
        }
        auto numbers = fixed_numbers<Weight>::from(model);
        if (!numbers) {
            return numbers.error();
        }
        visit(firmware_fixed<Weight>(model, *std::move(numbers)));
        return status{};
    };
    switch (format) {
    case firmware_format::float32:
        if (model.fused) {
            visit(basic_firmware_float<firmware::fused_arithmetic>(model));
        } else {
            visit(firmware_float(model));
        }
        return {};
    case firmware_format::int16:
        return visit_fixed(std::int16_t{});
    case firmware_format::int8:
        return visit_fixed(std::int8_t{});
    }
    return refuse("unknown format");
}

/// What a self-test on the target compares.
template <class Numbers>
std::uint32_t checksum_of(const Numbers& numbers) {
    const firmware_model& model = numbers.model();
    std::uint32_t crc = numbers.checksum();
    crc = model.peaks ? add_to_checksum(crc, *model.peaks) : crc;
    return model.alarm
               ? firmware::detail::add_to_crc(crc, std::bit_cast<std::uint32_t>(alarm_ends_below(
                                                       *model.alarm, model.threshold)))
               : crc;
}

template <class Numbers>
std::string header_text(const Numbers& numbers, const firmware_options& options) {
    const firmware_model& model = numbers.model();
    std::string text = "// Written by tocsin " TOCSIN_VERSION_STRING ": a detector for "
                       "tocsin::firmware::watcher. Do not edit.\n"
                       "// Numbers: " +
                       std::string(numbers.name()) + ", " +
                       std::to_string(numbers.flash() + model.flash_of_peaks()) + " bytes; " +
                       std::to_string(model.multiply_adds()) +
                       " multiply-adds per sample.\n"
                       "#pragma once\n\n#include \"tocsin/firmware/" +
                       numbers.name() +
                       "_stream.hpp\"\n#include \"tocsin/firmware/watcher.hpp\"\n\n" +
                       namespace_text(options.name) + "struct model_type {\n";
    text += sizes_text(model, options);
    text += constant_text("uint32_t", "checksum", literal(checksum_of(numbers)));
    text += numbers_text(numbers);
    if (options.self_test_samples > 0) {
        const firmware_self_test test = make_self_test(numbers, options.self_test_samples);
        text += "    // Raw samples and the scores that every build must compute.\n";
        text += array_text("float", "self_test_samples", test.samples);
        text += array_text("float", "self_test_scores", test.scores);
    }
    return text + "};\ninline constexpr model_type model{};\n\n} // namespace " + options.name +
           '\n';
}

} // namespace detail
} // namespace tocsin
