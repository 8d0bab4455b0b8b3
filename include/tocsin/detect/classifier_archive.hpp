/// @file classifier_archive.hpp
/// @brief How a classifier_detector describes what it has learned to an archive.
#pragma once

#include "tocsin/core/checked_size.hpp"
#include "tocsin/core/memory_claim.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/core/storage.hpp"
#include "tocsin/detect/classifier_windows.hpp"
#include "tocsin/detect/parameter_archive.hpp"

#include <cmath>
#include <cstddef>
#include <span>
#include <utility>

namespace tocsin::detail {

/// Names the first setting of a classifier_detector that is out of range.
template <class Network>
status check_classifier(const Network& network,
                        const classifier_detector_settings& settings) noexcept {
    if (network.output_size() > 2) {
        return status::error(error_code::invalid_argument,
                             "classifier_detector: ", network.output_size(),
                             " classes; there must be 2");
    }
    if (settings.window < 1 || settings.stride < 1) {
        return status::error(error_code::invalid_argument, "classifier_detector: window ",
                             settings.window, " and stride ", settings.stride,
                             " must both be at least 1");
    }
    if (const status usable = network.check(); !usable.ok()) {
        return usable;
    }
    if (const int outputs = network.output_time(settings.window); outputs != 1) {
        return status::error(error_code::invalid_argument, "classifier_detector: a window of ",
                             settings.window, " samples gives ", outputs, " outputs, not 1");
    }
    return {};
}

/// Names what keeps weights or a scaler from being those of a network.
template <class Network, class Scaler>
status check_weights(const Network& network,
                     std::span<const typename Network::scalar_type> parameters,
                     const Scaler& scaler) noexcept {
    if (static_cast<index_t>(parameters.size()) != network.parameter_count() ||
        scaler.features() != network.features()) {
        return status::error(
            error_code::invalid_argument, "classifier_detector: ", parameters.size(),
            " weights and a scaler of ", scaler.features(), " features for a network of ",
            network.parameter_count(), " and ", network.features());
    }
    for (const auto weight : parameters) {
        if (!std::isfinite(weight)) {
            return status::error(error_code::invalid_argument, "classifier_detector: weight ",
                                 weight, " is not finite");
        }
    }
    return {};
}

/// What a classifier_detector holds, for an archive to write or to fill.
template <class Network, class Scaler>
struct classifier_parts {
    using scalar_type = typename Network::scalar_type;

    Network& network;
    classifier_detector_settings& settings;
    Scaler& scaler;
    aligned_vector<scalar_type>& parameters; ///< empty before training
    double& threshold;

    template <class Archive>
    void exchange(Archive& archive) {
        archive.expect("scalar_type", sizeof(scalar_type) == sizeof(float) ? "float" : "double");
        archive.object("settings", settings);
        archive.object("network", network);
        archive.number("threshold", threshold);
        bool trained = !parameters.empty();
        archive.integer("trained", trained, false, true);
        if constexpr (Archive::loading) {
            check_loaded(archive, trained);
        }
        if (!archive.outcome().ok() || !trained) {
            return;
        }
        archive.object("scaler", scaler);
        if constexpr (Archive::loading) {
            aligned_vector<scalar_type> loaded(static_cast<std::size_t>(network.parameter_count()));
            exchange_parameters(archive, network, std::span<scalar_type>(loaded));
            if (archive.outcome().ok() && scaler.features() != network.features()) {
                archive.fail(status::error(error_code::format_error, "the scaler has ",
                                           scaler.features(), " features, the network has ",
                                           network.features()));
            }
            if (archive.outcome().ok()) {
                parameters = std::move(loaded);
            }
        } else {
            exchange_parameters(archive, network, std::span<const scalar_type>(parameters));
        }
    }

  private:
    /// Refuses what cannot be, and sizes that the rest of the file does not confirm, before memory
    /// is taken for them.
    template <class Archive>
    void check_loaded(Archive& archive, bool trained) const {
        if (archive.outcome().ok() && !(threshold >= 0 && threshold <= 1)) {
            archive.fail(status::error(error_code::format_error, "the threshold ", threshold,
                                       " is not a probability"));
        }
        if (archive.outcome().ok()) {
            archive.fail(check_classifier(network, settings));
        }
        if (!archive.outcome().ok()) {
            return;
        }
        claim_memory(archive, "network",
                     checked_size(network.parameter_count()) * sizeof(scalar_type));
        if (trained) {
            check_parameter_shapes(archive, network);
        }
        const checked_size samples = checked_size(3) * network.features() * settings.window;
        claim_memory(archive, "stream",
                     (samples + network.infer_work_size(1, settings.window)) * sizeof(scalar_type));
    }
};

} // namespace tocsin::detail
