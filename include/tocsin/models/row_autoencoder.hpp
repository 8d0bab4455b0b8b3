/// @file row_autoencoder.hpp
/// @brief A feed-forward autoencoder of rows: each sample is reconstructed from itself alone.
#pragma once

#include "tocsin/core/checked_size.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/core/storage.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/layers/dense.hpp"
#include "tocsin/models/model_parts.hpp"
#include "tocsin/models/sequential.hpp"

#include <algorithm>
#include <span>

namespace tocsin {

/// A sequence_model that reconstructs every sample of a window by itself, for tables whose rows are
/// no time series: a row is a window of one sample. So trainers, scalers, detectors and thresholds
/// work as for sequences. Parameters: the network's.
/// @tparam Network a `sequential` with as many outputs as inputs and without statistics, whose
///                 layers treat each column alone
template <class Network>
class row_autoencoder {
  public:
    using scalar_type = typename Network::scalar_type;
    static constexpr const char* kind = "row_autoencoder";
    static constexpr int version = 1;

    constexpr row_autoencoder() noexcept = default;
    constexpr explicit row_autoencoder(Network network) noexcept : network_{network} {}

    constexpr const Network& network() const noexcept { return network_; }
    constexpr int features() const noexcept { return network_.input_size(); }
    constexpr index_t parameter_count() const noexcept { return network_.parameter_count(); }
    /// Checks the network, then that it gives back what it reads.
    status check() const noexcept {
        if (const status part = network_.check(); !part.ok()) {
            return part;
        }
        return detail::first_failure(
            {detail::require_equal(kind, "inputs and outputs of the network", features(),
                                   network_.output_size()),
             detail::check_row_network(kind, "network", network_)});
    }
    /// Calls `visit(name, first parameter, network)` for the network.
    template <class Visit>
    void for_each_network(Visit&& visit) const {
        visit("network", index_t{0}, network_);
    }
    template <class Visit>
    void for_each_parameter_block(Visit&& visit) const {
        network_.for_each_parameter_block(visit);
    }
    void initialise(std::span<scalar_type> parameters, random_generator& random) const {
        network_.initialise(parameters, random);
    }

    /// See detail::memory_of_pass().
    checked_size memory_of_pass(checked_size steps) const { return network_.memory_of_pass(steps); }
    constexpr index_t predict_work_size(int batch, int time) const noexcept {
        return network_.infer_work_size(batch, time);
    }
    /// See concept sequence_model.
    void predict(std::span<const scalar_type> parameters, sequence_view<const scalar_type> windows,
                 sequence_view<scalar_type> predictions,
                 std::span<scalar_type> work) const noexcept {
        const auto made = network_.infer(parameters, windows, work);
        std::copy_n(made.data(), made.size(), predictions.data());
    }
    constexpr index_t training_work_size(int batch, int time) const noexcept {
        return network_.training_work_size(batch, time);
    }
    /// Loss of the reconstructions; adds its gradient. See concept sequence_model.
    template <class Loss>
    double loss_and_gradient(std::span<const scalar_type> parameters,
                             sequence_view<const scalar_type> windows, const Loss& loss,
                             std::span<scalar_type> gradients, random_generator& random,
                             std::span<scalar_type> work) const noexcept {
        return network_.loss_and_gradient(
            parameters, windows,
            [&](sequence_view<const scalar_type> made, sequence_view<scalar_type> slopes) noexcept {
                return static_cast<double>(loss(std::span<const scalar_type>(made.span()),
                                                std::span<const scalar_type>(windows.span()),
                                                slopes.span()));
            },
            gradients, random, work);
    }

    template <class Archive>
    void exchange(Archive& archive) {
        detail::exchange_part(archive, "network", network_);
    }

  private:
    Network network_;
};

/// Sizes of the hidden layers of row models, from the outside in.
struct row_model_sizes {
    int outer = 15; ///< next to the features
    int inner = 7;  ///< next to the code
    int latent = 2; ///< of the code
};

/// Dense layers features - outer - inner - latent - inner - outer - features: ReLU, a linear code,
/// since a code of two cannot spare a unit that dies, and a sigmoid at the end, for features scaled
/// to [0, 1] (min_max_scaler).
/// @tparam Activation of the hidden layers
template <class Scalar, class Activation = relu_activation>
auto make_row_autoencoder(int features, const row_model_sizes& sizes = {}) noexcept {
    using hidden = dense<Scalar, Activation>;
    return row_autoencoder(
        sequential(hidden(features, sizes.outer), hidden(sizes.outer, sizes.inner),
                   dense<Scalar>(sizes.inner, sizes.latent), hidden(sizes.latent, sizes.inner),
                   hidden(sizes.inner, sizes.outer),
                   dense<Scalar, sigmoid_activation>(sizes.outer, features)));
}

} // namespace tocsin
