/// @file variational_autoencoder.hpp
/// @brief Variational autoencoder of rows.
#pragma once

#include "tocsin/core/checked_size.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/core/storage.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/models/gaussian_divergence.hpp"
#include "tocsin/models/model_parts.hpp"
#include "tocsin/models/row_autoencoder.hpp"
#include "tocsin/models/sequential.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <span>

namespace tocsin {

/// A variational autoencoder (Kingma and Welling, ICLR 2014) of every sample of a window by itself.
///
/// The encoder gives the mean and the logarithm of the variance of a Gaussian over the latent
/// variables, rows `[0, latent)` and `[latent, 2 latent)` of its output. Training draws
/// z = mean + exp(log_variance / 2) * noise and adds the divergence of this Gaussian from the
/// standard one to the loss, `weight / features` times its mean over the samples: with the mean
/// squared error and weight 1 that is, up to a factor, the squared error of a sample plus its
/// divergence. Inference decodes the mean. Parameters: the encoder's, then the decoder's.
template <class Encoder, class Decoder>
class variational_autoencoder {
  public:
    using scalar_type = typename Encoder::scalar_type;
    static constexpr const char* kind = "variational_autoencoder";
    static constexpr int version = 1;

    constexpr variational_autoencoder() noexcept = default;
    /// @param weight of the divergence, finite and not negative
    constexpr variational_autoencoder(Encoder encoder, Decoder decoder, double weight = 1) noexcept
        : encoder_{encoder}, decoder_{decoder}, weight_{weight} {}

    constexpr int features() const noexcept { return encoder_.input_size(); }
    constexpr int latent() const noexcept { return decoder_.input_size(); }
    constexpr double weight() const noexcept { return weight_; }
    constexpr index_t parameter_count() const noexcept {
        return encoder_.parameter_count() + decoder_.parameter_count();
    }
    /// Checks both networks, then that they fit together; names what does not.
    status check() const noexcept {
        for (const status& part : {encoder_.check(), decoder_.check()}) {
            if (!part.ok()) {
                return part;
            }
        }
        if (encoder_.output_size() != 2 * latent() || decoder_.output_size() != features()) {
            return status::error(error_code::invalid_argument, kind, ": the encoder has ",
                                 features(), " inputs and ", encoder_.output_size(),
                                 " outputs, the decoder ", latent(), " and ",
                                 decoder_.output_size(),
                                 "; it must read half of what the encoder gives and give back what "
                                 "that reads");
        }
        if (!(weight_ >= 0) || !std::isfinite(weight_)) {
            return status::error(error_code::invalid_argument, kind, ": weight ", weight_,
                                 " must be finite and not negative");
        }
        return detail::first_failure({detail::check_row_network(kind, "encoder", encoder_),
                                      detail::check_row_network(kind, "decoder", decoder_)});
    }
    /// Calls `visit(name, first parameter, network)` for encoder and decoder.
    template <class Visit>
    void for_each_network(Visit&& visit) const {
        visit("encoder", index_t{0}, encoder_);
        visit("decoder", encoder_.parameter_count(), decoder_);
    }
    template <class Visit>
    void for_each_parameter_block(Visit&& visit) const {
        detail::visit_networks(*this, visit);
    }
    void initialise(std::span<scalar_type> parameters, random_generator& random) const {
        detail::initialise_networks(*this, parameters, random);
    }

    /// See detail::memory_of_pass().
    checked_size memory_of_pass(checked_size steps) const {
        return encoder_.memory_of_pass(steps) + decoder_.memory_of_pass(steps);
    }
    constexpr index_t predict_work_size(int batch, int time) const noexcept {
        return whole_lines<scalar_type>(encoder_.infer_work_size(batch, time)) +
               whole_lines<scalar_type>(index_t{latent()} * batch * time) +
               decoder_.infer_work_size(batch, time);
    }
    /// Decodes the means; see concept sequence_model.
    void predict(std::span<const scalar_type> parameters, sequence_view<const scalar_type> windows,
                 sequence_view<scalar_type> predictions,
                 std::span<scalar_type> work) const noexcept {
        decode(parameters, windows, predictions, work, nullptr);
    }
    /// Decodes latent variables drawn from each sample's Gaussian: the mean error over many draws is
    /// the reconstruction probability of An and Cho (2015) for a decoder of fixed variance, up to
    /// an affine map. Work as in predict().
    void predict_drawn(std::span<const scalar_type> parameters,
                       sequence_view<const scalar_type> windows,
                       sequence_view<scalar_type> predictions, random_generator& random,
                       std::span<scalar_type> work) const noexcept {
        decode(parameters, windows, predictions, work, &random);
    }

    constexpr index_t training_work_size(int batch, int time) const noexcept {
        const index_t columns = index_t{batch} * time;
        return encoder_.tape_size(batch, time) + decoder_.tape_size(batch, time) +
               3 * whole_lines<scalar_type>(latent() * columns) +
               whole_lines<scalar_type>(2 * latent() * columns) +
               whole_lines<scalar_type>(features() * columns) +
               std::max(encoder_.backward_work_size(batch, time),
                        decoder_.backward_work_size(batch, time));
    }
    /// Loss of reconstructions of drawn latent variables plus the weighted divergence; adds its
    /// gradient. See concept sequence_model.
    template <class Loss>
    double loss_and_gradient(std::span<const scalar_type> parameters,
                             sequence_view<const scalar_type> windows, const Loss& loss,
                             std::span<scalar_type> gradients, random_generator& random,
                             std::span<scalar_type> work) const noexcept {
        const int batch = windows.batch();
        const int time = windows.time();
        work_area<scalar_type> rest{work};
        const auto take = [&](int rows) {
            const index_t size = index_t{rows} * batch * time;
            return sequence_view<scalar_type>(rest.take(whole_lines<scalar_type>(size)).data(),
                                              rows, batch, time);
        };
        const auto encoder_tape = rest.take(encoder_.tape_size(batch, time));
        const auto decoder_tape = rest.take(decoder_.tape_size(batch, time));
        const auto noise = take(latent());
        const auto drawn = take(latent());
        const auto drawn_slopes = take(latent());
        const auto encoded_slopes = take(2 * latent());
        const auto slopes = take(features());

        const auto encoded =
            encoder_.forward(of_encoder(parameters), windows, encoder_tape, random);
        draw(encoded, drawn, noise.data(), &random);
        const auto made = decoder_.forward(of_decoder(parameters), drawn, decoder_tape, random);
        double value = loss(std::span<const scalar_type>(made.span()),
                            std::span<const scalar_type>(windows.span()), slopes.span());
        decoder_.backward(of_decoder(parameters), drawn, decoder_tape, slopes,
                          of_decoder(gradients), drawn_slopes, rest.rest());
        const double share =
            weight_ / (static_cast<double>(features()) * static_cast<double>(batch) * time);
        for (index_t col = 0; col < encoded.flat().cols(); ++col) {
            const auto mean = column_of(encoded, col, 0);
            const auto log_variance = column_of(encoded, col, latent());
            const auto mean_slope = column_of(encoded_slopes, col, 0);
            const auto log_variance_slope = column_of(encoded_slopes, col, latent());
            for (std::size_t k = 0; k < mean.size(); ++k) {
                const auto at = static_cast<index_t>(k) + col * latent();
                mean_slope[k] = drawn_slopes.data()[at];
                log_variance_slope[k] =
                    drawn_slopes.data()[at] * noise.data()[at] * std::exp(log_variance[k] / 2) / 2;
            }
            value += gaussian_divergence(std::span<const scalar_type>(mean),
                                         std::span<const scalar_type>(log_variance), share,
                                         mean_slope, log_variance_slope);
        }
        encoder_.backward(of_encoder(parameters), windows, encoder_tape, encoded_slopes,
                          of_encoder(gradients), {}, rest.rest());
        return value;
    }

    template <class Archive>
    void exchange(Archive& archive) {
        detail::exchange_part(archive, "encoder", encoder_);
        detail::exchange_part(archive, "decoder", decoder_);
        archive.number("weight", weight_);
    }

  private:
    template <class Element>
    std::span<Element> of_encoder(std::span<Element> all) const noexcept {
        return slice(all, 0, encoder_.parameter_count());
    }
    template <class Element>
    std::span<Element> of_decoder(std::span<Element> all) const noexcept {
        return slice(all, encoder_.parameter_count(), decoder_.parameter_count());
    }
    /// The latent means (`first` 0) or log variances (`first` latent()) of one column.
    std::span<scalar_type> column_of(sequence_view<scalar_type> encoded, index_t col,
                                     index_t first) const noexcept {
        return slice(encoded.span(), col * 2 * latent() + first, latent());
    }
    /// @param noise  keeps what was drawn; null if nobody needs it
    /// @param random null: the means
    void draw(sequence_view<scalar_type> encoded, sequence_view<scalar_type> drawn,
              scalar_type* noise, random_generator* random) const noexcept {
        for (index_t col = 0; col < encoded.flat().cols(); ++col) {
            const auto mean = column_of(encoded, col, 0);
            const auto log_variance = column_of(encoded, col, latent());
            for (std::size_t k = 0; k < mean.size(); ++k) {
                const auto at = static_cast<index_t>(k) + col * latent();
                const auto by =
                    random == nullptr ? scalar_type(0) : static_cast<scalar_type>(random->normal());
                drawn.data()[at] = mean[k] + by * std::exp(log_variance[k] / 2);
                if (noise != nullptr) {
                    noise[at] = by;
                }
            }
        }
    }
    void decode(std::span<const scalar_type> parameters, sequence_view<const scalar_type> windows,
                sequence_view<scalar_type> predictions, std::span<scalar_type> work,
                random_generator* random) const noexcept {
        const int batch = windows.batch();
        const int time = windows.time();
        work_area<scalar_type> rest{work};
        const auto encoder_work =
            rest.take(whole_lines<scalar_type>(encoder_.infer_work_size(batch, time)));
        const index_t size = index_t{latent()} * batch * time;
        const sequence_view<scalar_type> drawn(rest.take(whole_lines<scalar_type>(size)).data(),
                                               latent(), batch, time);
        draw(encoder_.infer(of_encoder(parameters), windows, encoder_work), drawn, nullptr, random);
        const auto made = decoder_.infer(of_decoder(parameters), drawn, rest.rest());
        std::copy_n(made.data(), made.size(), predictions.data());
    }

    Encoder encoder_;
    Decoder decoder_;
    double weight_ = 1;
};

/// Dense ReLU layers features - outer - inner on both sides, linear Gaussian parameters, sigmoid
/// outputs for features scaled to [0, 1].
/// @tparam Activation of the hidden layers
template <class Scalar, class Activation = relu_activation>
auto make_variational_autoencoder(int features, const row_model_sizes& sizes = {},
                                  double weight = 1) noexcept {
    using hidden = dense<Scalar, Activation>;
    return variational_autoencoder(
        sequential(hidden(features, sizes.outer), hidden(sizes.outer, sizes.inner),
                   dense<Scalar>(sizes.inner, 2 * sizes.latent)),
        sequential(hidden(sizes.latent, sizes.inner), hidden(sizes.inner, sizes.outer),
                   dense<Scalar, sigmoid_activation>(sizes.outer, features)),
        weight);
}

} // namespace tocsin
