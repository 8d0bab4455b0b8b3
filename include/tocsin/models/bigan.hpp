/// @file bigan.hpp
/// @brief Bidirectional generative adversarial network (BiGAN) of rows.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/core/storage.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/layers/dense.hpp"
#include "tocsin/math/binary_cross_entropy.hpp"
#include "tocsin/math/piecewise_activations.hpp"
#include "tocsin/models/model_parts.hpp"
#include "tocsin/models/row_autoencoder.hpp"
#include "tocsin/models/sequential.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <span>

namespace tocsin {

/// A bidirectional generative adversarial network (Donahue et al., ICLR 2017) of
/// every sample of a window by itself; its anomaly score follows Zenati et al. (2018,
/// arXiv 1802.06222).
///
/// The encoder E turns a row x into latent variables, the generator G turns latent variables z into
/// a row. The discriminator reads a row above latent variables, `[features + latent]`, and tells
/// pairs (x, E(x)) from pairs (G(z), z); it consists of hidden layers, whose outputs are its
/// features f, and of one logit. Train it with adversarial_trainer.
///
/// Parameters: encoder, generator, discriminator, its logit.
/// @tparam Encoder,Generator,Discriminator a `sequential` each, without statistics, whose layers
///                                         treat each column alone
template <class Encoder, class Generator, class Discriminator>
class bigan {
  public:
    using scalar_type = typename Encoder::scalar_type;
    static constexpr const char* kind = "bigan";
    static constexpr int version = 1;

    constexpr bigan() noexcept = default;
    /// @param encoder       features to latent variables
    /// @param generator     latent variables to features
    /// @param discriminator the hidden layers, which read both
    constexpr bigan(Encoder encoder, Generator generator, Discriminator discriminator) noexcept
        : encoder_{encoder}, generator_{generator}, discriminator_{discriminator},
          logit_{discriminator.output_size(), 1} {}

    constexpr int features() const noexcept { return encoder_.input_size(); }
    /// Latent variables of a row.
    constexpr int latent() const noexcept { return generator_.input_size(); }
    constexpr index_t parameter_count() const noexcept { return starts().back(); }
    /// Parameters of encoder and generator, which come first.
    constexpr index_t generator_count() const noexcept { return starts()[discriminator_part]; }
    /// Checks all three networks, then that they fit together; names what does not.
    status check() const noexcept {
        if (const status part = detail::first_failure(
                {encoder_.check(), generator_.check(), discriminator_.check(),
                 detail::require_equal(kind, "outputs of the encoder and inputs of the generator",
                                       encoder_.output_size(), latent()),
                 detail::require_equal(kind, "inputs of the encoder and outputs of the generator",
                                       features(), generator_.output_size()),
                 detail::require_equal(kind, "pairs and inputs of the discriminator",
                                       features() + latent(), discriminator_.input_size())});
            !part.ok()) {
            return part;
        }
        return detail::first_failure(
            {detail::check_row_network(kind, "encoder", encoder_),
             detail::check_row_network(kind, "generator", generator_),
             detail::check_row_network(kind, "discriminator", discriminator_)});
    }
    /// Calls `visit(name, first parameter, network)` for each network; the last one is a layer.
    template <class Visit>
    void for_each_network(Visit&& visit) const {
        const auto first = starts();
        visit("encoder", first[encoder_part], encoder_);
        visit("generator", first[generator_part], generator_);
        visit("discriminator", first[discriminator_part], discriminator_);
        visit("logit", first[logit_part], logit_);
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
        return encoder_.memory_of_pass(steps) + generator_.memory_of_pass(steps) +
               discriminator_.memory_of_pass(steps) + detail::memory_of_pass(logit_, steps);
    }
    constexpr index_t predict_work_size(int batch, int time) const noexcept {
        return whole_lines<scalar_type>(encoder_.infer_work_size(batch, time)) +
               generator_.infer_work_size(batch, time);
    }
    /// G(E(x)) of each row; see concept sequence_model.
    void predict(std::span<const scalar_type> parameters, sequence_view<const scalar_type> windows,
                 sequence_view<scalar_type> predictions,
                 std::span<scalar_type> work) const noexcept {
        work_area<scalar_type> rest{work};
        const auto encoder_work = rest.take(
            whole_lines<scalar_type>(encoder_.infer_work_size(windows.batch(), windows.time())));
        const auto encoded = encoder_.infer(part<encoder_part>(parameters), windows, encoder_work);
        const auto made = generator_.infer(part<generator_part>(parameters), encoded, rest.rest());
        std::copy_n(made.data(), made.size(), predictions.data());
    }
    /// Scalars of work area that score() needs.
    constexpr index_t score_work_size(int batch, int time) const noexcept {
        const int columns = batch * time;
        return whole_lines<scalar_type>(encoder_.infer_work_size(columns, 1)) +
               whole_lines<scalar_type>(generator_.infer_work_size(columns, 1)) +
               2 * whole_lines<scalar_type>(pair_size(columns)) +
               2 * whole_lines<scalar_type>(discriminator_.infer_work_size(columns, 1));
    }
    /// The score of each row: `(1 - share) |x - G(E(x))|_1 + share |f(x, E(x)) - f(G(E(x)), E(x))|_1`
    /// (Zenati et al. 2018, section 3.1). Allocates only where a layer does (`dense` with more than
    /// one column).
    /// @param windows `[features x (batch * time)]`; a row with NaN has the score NaN
    /// @param scores  one per column of `windows`, overwritten; not negative
    /// @param share   of the features of the discriminator, in [0, 1]; the paper has 0.1
    /// @param work    `score_work_size(batch, time)` scalars
    void score(std::span<const scalar_type> parameters, sequence_view<const scalar_type> windows,
               std::span<double> scores, double share, std::span<scalar_type> work) const noexcept {
        const int columns = windows.batch() * windows.time();
        work_area<scalar_type> rest{work};
        const sequence_view<const scalar_type> rows(windows.data(), features(), columns, 1);
        const auto encoded = encoder_.infer(
            part<encoder_part>(parameters), rows,
            rest.take(whole_lines<scalar_type>(encoder_.infer_work_size(columns, 1))));
        const auto made = generator_.infer(
            part<generator_part>(parameters), encoded,
            rest.take(whole_lines<scalar_type>(generator_.infer_work_size(columns, 1))));
        const auto hidden_of = [&](sequence_view<const scalar_type> shown) {
            const auto pair = take_pairs(rest, columns);
            pair.flat().topRows(features()) = shown.flat();
            pair.flat().bottomRows(latent()) = encoded.flat();
            return discriminator_.infer(
                part<discriminator_part>(parameters), pair,
                rest.take(whole_lines<scalar_type>(discriminator_.infer_work_size(columns, 1))));
        };
        const auto of_row = hidden_of(rows);
        const auto of_made = hidden_of(made);
        for (index_t col = 0; col < columns; ++col) {
            const auto apart = [col](const auto& one, const auto& other) {
                double sum = 0;
                for (index_t row = 0; row < one.features(); ++row) {
                    sum += std::abs(static_cast<double>(one.flat()(row, col)) -
                                    static_cast<double>(other.flat()(row, col)));
                }
                return sum;
            };
            scores[static_cast<std::size_t>(col)] =
                (1 - share) * apart(rows, made) + share * apart(of_row, of_made);
        }
    }

    constexpr index_t training_work_size(int batch, int time) const noexcept {
        const index_t columns = index_t{batch} * time;
        return encoder_.tape_size(batch, time) + generator_.tape_size(batch, time) +
               whole_lines<scalar_type>(features() * columns) +
               whole_lines<scalar_type>(latent() * columns) +
               std::max(encoder_.backward_work_size(batch, time),
                        generator_.backward_work_size(batch, time));
    }
    /// Loss of the reconstructions G(E(x)), on which the discriminator has no influence; adds its
    /// gradient. See concept sequence_model.
    template <class Loss>
    double loss_and_gradient(std::span<const scalar_type> parameters,
                             sequence_view<const scalar_type> windows, const Loss& loss,
                             std::span<scalar_type> gradients, random_generator& random,
                             std::span<scalar_type> work) const noexcept {
        const int batch = windows.batch();
        const int time = windows.time();
        work_area<scalar_type> rest{work};
        const auto encoder_tape = rest.take(encoder_.tape_size(batch, time));
        const auto generator_tape = rest.take(generator_.tape_size(batch, time));
        const auto slopes = take_lines(rest, features(), batch, time);
        const auto encoded_slopes = take_lines(rest, latent(), batch, time);
        const auto encoded =
            encoder_.forward(part<encoder_part>(parameters), windows, encoder_tape, random);
        const auto made =
            generator_.forward(part<generator_part>(parameters), encoded, generator_tape, random);
        const double value = loss(std::span<const scalar_type>(made.span()),
                                  std::span<const scalar_type>(windows.span()), slopes.span());
        generator_.backward(part<generator_part>(parameters), encoded, generator_tape, slopes,
                            part<generator_part>(gradients), encoded_slopes, rest.rest());
        encoder_.backward(part<encoder_part>(parameters), windows, encoder_tape, encoded_slopes,
                          part<encoder_part>(gradients), {}, rest.rest());
        return value;
    }

    /// Scalars of work area that the losses of the two players need.
    constexpr index_t adversarial_work_size(int batch, int time) const noexcept {
        const int columns = batch * time;
        const int both = 2 * columns;
        return encoder_.tape_size(columns, 1) + generator_.tape_size(columns, 1) +
               discriminator_.tape_size(both, 1) +
               whole_lines<scalar_type>(logit_.tape_size(both, 1)) +
               2 * whole_lines<scalar_type>(pair_size(both)) +
               whole_lines<scalar_type>(index_t{discriminator_.output_size()} * both) +
               2 * whole_lines<scalar_type>(both) +
               whole_lines<scalar_type>(index_t{features()} * columns) +
               whole_lines<scalar_type>(index_t{latent()} * columns) +
               std::max({encoder_.backward_work_size(columns, 1),
                         generator_.backward_work_size(columns, 1),
                         discriminator_.backward_work_size(both, 1)});
    }
    /// Cross entropy of the discriminator, 1 for (x, E(x)) and 0 for (G(z), z), a mean over all
    /// pairs; adds its gradient. See concept adversarial_model.
    double discriminator_loss_and_gradient(std::span<const scalar_type> parameters,
                                           sequence_view<const scalar_type> windows,
                                           sequence_view<const scalar_type> latents,
                                           std::span<scalar_type> gradients,
                                           random_generator& random,
                                           std::span<scalar_type> work) const noexcept {
        return play(false, parameters, windows, latents, gradients, random, work);
    }
    /// The same with the classes exchanged, which encoder and generator make small: it has the fixed
    /// point of the minimax game, but larger slopes where the discriminator is sure (Goodfellow et
    /// al. 2014, section 3). See concept adversarial_model.
    double generator_loss_and_gradient(std::span<const scalar_type> parameters,
                                       sequence_view<const scalar_type> windows,
                                       sequence_view<const scalar_type> latents,
                                       std::span<scalar_type> gradients, random_generator& random,
                                       std::span<scalar_type> work) const noexcept {
        return play(true, parameters, windows, latents, gradients, random, work);
    }

    template <class Archive>
    void exchange(Archive& archive) {
        detail::exchange_part(archive, "encoder", encoder_);
        detail::exchange_part(archive, "generator", generator_);
        detail::exchange_part(archive, "discriminator", discriminator_);
        if constexpr (Archive::loading) {
            logit_ = {discriminator_.output_size(), 1};
        }
    }

  private:
    enum part_number : std::size_t { encoder_part, generator_part, discriminator_part, logit_part };
    /// Where the parameters of each part begin, and where the last part's end.
    constexpr std::array<index_t, 5> starts() const noexcept {
        std::array<index_t, 5> first{};
        first[generator_part] = encoder_.parameter_count();
        first[discriminator_part] = first[generator_part] + generator_.parameter_count();
        first[logit_part] = first[discriminator_part] + discriminator_.parameter_count();
        first.back() = first[logit_part] + logit_.parameter_count();
        return first;
    }
    /// The scalars of one part.
    template <std::size_t Part, class Element>
    std::span<Element> part(std::span<Element> all) const noexcept {
        const auto first = starts();
        return slice(all, first[Part], first[Part + 1] - first[Part]);
    }
    constexpr index_t pair_size(int columns) const noexcept {
        return (index_t{features()} + latent()) * columns;
    }
    static sequence_view<scalar_type> take_lines(work_area<scalar_type>& rest, int rows, int batch,
                                                 int time) noexcept {
        const index_t size = index_t{rows} * batch * time;
        return {rest.take(whole_lines<scalar_type>(size)).data(), rows, batch, time};
    }
    sequence_view<scalar_type> take_pairs(work_area<scalar_type>& rest,
                                          int columns) const noexcept {
        return take_lines(rest, features() + latent(), columns, 1);
    }

    double play(bool generating, std::span<const scalar_type> parameters,
                sequence_view<const scalar_type> windows, sequence_view<const scalar_type> latents,
                std::span<scalar_type> gradients, random_generator& random,
                std::span<scalar_type> work) const noexcept {
        const int columns = windows.batch() * windows.time();
        const int both = 2 * columns;
        work_area<scalar_type> rest{work};
        const auto encoder_tape = rest.take(encoder_.tape_size(columns, 1));
        const auto generator_tape = rest.take(generator_.tape_size(columns, 1));
        const auto discriminator_tape = rest.take(discriminator_.tape_size(both, 1));
        const auto logits = logit_.make_tape(
            rest.take(whole_lines<scalar_type>(logit_.tape_size(both, 1))), both, 1);
        const auto pairs = take_pairs(rest, both);
        const auto pair_slopes = take_pairs(rest, both);
        const auto hidden_slopes = take_lines(rest, discriminator_.output_size(), both, 1);
        const auto targets = take_lines(rest, 1, both, 1);
        const auto slopes = take_lines(rest, 1, both, 1);
        const auto made_slopes = take_lines(rest, features(), columns, 1);
        const auto encoded_slopes = take_lines(rest, latent(), columns, 1);

        const sequence_view<const scalar_type> rows(windows.data(), features(), columns, 1);
        const sequence_view<const scalar_type> drawn(latents.data(), latent(), columns, 1);
        const auto encoded =
            encoder_.forward(part<encoder_part>(parameters), rows, encoder_tape, random);
        const auto made =
            generator_.forward(part<generator_part>(parameters), drawn, generator_tape, random);
        pairs.flat().topLeftCorner(features(), columns) = rows.flat();
        pairs.flat().bottomLeftCorner(latent(), columns) = encoded.flat();
        pairs.flat().topRightCorner(features(), columns) = made.flat();
        pairs.flat().bottomRightCorner(latent(), columns) = drawn.flat();
        const auto hidden = discriminator_.forward(part<discriminator_part>(parameters), pairs,
                                                   discriminator_tape, random);
        logit_.forward(part<logit_part>(parameters), hidden, logits);
        targets.flat().leftCols(columns).setConstant(scalar_type(generating ? 0 : 1));
        targets.flat().rightCols(columns).setConstant(scalar_type(generating ? 1 : 0));
        const double value =
            binary_cross_entropy{}(std::span<const scalar_type>(logits.span()),
                                   std::span<const scalar_type>(targets.span()), slopes.span());

        logit_.backward(part<logit_part>(parameters), hidden, logits, slopes,
                        part<logit_part>(gradients), hidden_slopes, {});
        discriminator_.backward(part<discriminator_part>(parameters), pairs, discriminator_tape,
                                hidden_slopes, part<discriminator_part>(gradients),
                                generating ? pair_slopes : sequence_view<scalar_type>{},
                                rest.rest());
        if (generating) {
            encoded_slopes.flat() = pair_slopes.flat().bottomLeftCorner(latent(), columns);
            made_slopes.flat() = pair_slopes.flat().topRightCorner(features(), columns);
            encoder_.backward(part<encoder_part>(parameters), rows, encoder_tape, encoded_slopes,
                              part<encoder_part>(gradients), {}, rest.rest());
            generator_.backward(part<generator_part>(parameters), drawn, generator_tape,
                                made_slopes, part<generator_part>(gradients), {}, rest.rest());
        }
        return value;
    }

    Encoder encoder_;
    Generator generator_;
    Discriminator discriminator_;
    dense<scalar_type> logit_;
};

/// The usual shape for features scaled to [0, 1]: dense layers features - outer - inner - latent and
/// back with leaky ReLU, a sigmoid at the end; a discriminator with hidden layers of `outer` and
/// `inner` units.
template <class Scalar>
auto make_bigan(int features, const row_model_sizes& sizes = {}) noexcept {
    using hidden = dense<Scalar, leaky_relu_activation>;
    return bigan(
        sequential(hidden(features, sizes.outer), hidden(sizes.outer, sizes.inner),
                   dense<Scalar>(sizes.inner, sizes.latent)),
        sequential(hidden(sizes.latent, sizes.inner), hidden(sizes.inner, sizes.outer),
                   dense<Scalar, sigmoid_activation>(sizes.outer, features)),
        sequential(hidden(features + sizes.latent, sizes.outer), hidden(sizes.outer, sizes.inner)));
}

} // namespace tocsin
