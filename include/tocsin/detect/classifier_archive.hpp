/// @file classifier_archive.hpp
/// @brief How a classifier_detector describes what it has learned to an archive.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/core/storage.hpp"
#include "tocsin/detect/parameter_archive.hpp"
#include "tocsin/series/labelled_windows.hpp"

#include <algorithm>
#include <span>
#include <string_view>

namespace tocsin::detail {

/// Longest window that a file may ask for.
inline constexpr int longest_classifier_window = 1 << 20;

/// What a file holds of a classifier_detector. The network is the program's; the file must have all
/// its blocks in their shapes.
template <class Scalar, class Settings, class Scaler>
struct classifier_parts {
    Settings& settings;
    Scaler& scaling;
    aligned_vector<Scalar>& parameters; // empty before training
    double& threshold;
};

/// A variance of a normalisation is not negative: its root would be NaN.
template <class Archive, class Network, class Scalar>
void check_variances(Archive& archive, const Network& network, std::span<const Scalar> all) {
    network.for_each_parameter_block(
        [&](const char* name, index_t offset, index_t rows, index_t cols) {
            const auto block = slice(all, offset, rows * cols);
            if (std::string_view(name).ends_with(".variance") &&
                std::any_of(block.begin(), block.end(), [](Scalar value) { return value < 0; })) {
                archive.fail(status::error(error_code::format_error, "'parameters.", name,
                                           "' holds a negative variance"));
            }
        });
}

template <class Archive, class Network, class Scalar, class Settings, class Scaler>
void exchange_classifier(Archive& archive, const Network& network,
                         classifier_parts<Scalar, Settings, Scaler> parts) {
    archive.expect("scalar_type", sizeof(Scalar) == sizeof(float) ? "float" : "double");
    archive.expect("features", network.input_size());
    archive.expect("outputs", network.output_size());
    archive.integer("window", parts.settings.window, 1, longest_classifier_window);
    archive.integer("stride", parts.settings.stride, 1, longest_classifier_window);
    archive.integer("label", parts.settings.label, window_label::any_row, window_label::next_row);
    archive.number("threshold", parts.threshold);
    bool trained = !parts.parameters.empty();
    archive.integer("trained", trained);
    if (!archive.outcome().ok()) {
        return;
    }
    if constexpr (Archive::loading) {
        if (!(parts.threshold >= 0 && parts.threshold <= 1)) {
            archive.fail(status::error(error_code::format_error, "threshold: ", parts.threshold,
                                       " is not a probability"));
        }
        if (network.output_time(parts.settings.window) != 1) {
            archive.fail(status::error(error_code::format_error, "window: for ",
                                       parts.settings.window, " samples the network says ",
                                       network.output_time(parts.settings.window),
                                       " steps of logits, not 1"));
        }
        parts.parameters.clear();
        if (trained) {
            check_parameter_shapes(archive, network);
            if (archive.outcome().ok()) {
                parts.parameters.resize(static_cast<std::size_t>(network.parameter_count()));
            }
        }
    }
    if (!trained || !archive.outcome().ok()) {
        return;
    }
    archive.object("scaler", parts.scaling);
    exchange_parameters(archive, network, std::span<Scalar>(parts.parameters));
    if constexpr (Archive::loading) {
        if (archive.outcome().ok()) {
            check_variances(archive, network, std::span<const Scalar>(parts.parameters));
        }
        if constexpr (requires { parts.scaling.features(); }) {
            if (archive.outcome().ok() && parts.scaling.features() != network.input_size()) {
                archive.fail(status::error(error_code::format_error, "scaler: has ",
                                           parts.scaling.features(), " features, the network ",
                                           network.input_size()));
            }
        }
    }
}

} // namespace tocsin::detail
