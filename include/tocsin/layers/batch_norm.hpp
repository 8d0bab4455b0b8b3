/// @file batch_norm.hpp
/// @brief Batch normalisation of the channels of a sequence.
#pragma once

#include "tocsin/core/keep_if.hpp"
#include "tocsin/core/random.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/core/storage.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/layers/layer_archive.hpp"

#include <cmath>
#include <limits>
#include <span>

namespace tocsin {

/// Constants of batch normalisation, which differ between libraries.
struct batch_norm_settings {
    double epsilon = 1e-5; ///< added to the variance; positive, also as a Scalar
    double keep = 0.9;     ///< share of the running value that stays at an update, in [0, 1)
    bool unbiased = true;  ///< whether the running variance divides by n - 1

    /// torch.nn.BatchNorm1d, whose `momentum` is 1 - keep.
    static constexpr batch_norm_settings pytorch() noexcept { return {1e-5, 0.9, true}; }
    /// keras.layers.BatchNormalization, whose `momentum` is keep.
    static constexpr batch_norm_settings keras() noexcept { return {1e-3, 0.99, false}; }
};

/// y = gamma (x - mean) / sqrt(variance + epsilon) + beta for each channel (Ioffe and Szegedy,
/// ICML 2015), with mean and (biased) variance over batch and time of the batch in training, and
/// their running values in inference. A single column has a variance of 0, so that nothing but the shift
/// is left of it: trainers refuse batches that would give one, see least_columns().
///
/// Parameters are the columns `[gamma | beta]`. The running `[mean | variance]` are statistics: a
/// model keeps them behind all parameters, where the optimiser does not reach them.
template <class Scalar, int Channels = dynamic>
class batch_norm {
  public:
    using scalar_type = Scalar;
    static constexpr const char* kind = "batch_norm";
    static constexpr int version = 1;

    /// Views into `tape_size()` scalars.
    struct tape_type {
        sequence_view<Scalar, Channels> normalised; ///< (x - mean) / sqrt(variance + epsilon)
        sequence_view<Scalar, Channels> outputs;    ///< what forward() computed
        Scalar* moments; ///< mean, variance, 1 / sqrt(variance + epsilon) of the batch
    };

    constexpr batch_norm() noexcept = default;
    /// @param channels values of a time step
    constexpr explicit batch_norm(int channels, batch_norm_settings settings = {}) noexcept
        : channels_{channels}, settings_{settings} {}

    constexpr int input_size() const noexcept { return channels_.value(); }
    constexpr int output_size() const noexcept { return channels_.value(); }
    constexpr index_t parameter_count() const noexcept { return index_t{2} * input_size(); }
    constexpr const batch_norm_settings& settings() const noexcept { return settings_; }
    /// Names the first setting that is out of range.
    status check() const noexcept {
        if (input_size() < 1) {
            return status::error(error_code::invalid_argument, "batch_norm: ", input_size(),
                                 " channels; must be at least 1");
        }
        constexpr double least = std::numeric_limits<Scalar>::min();
        constexpr double most = std::numeric_limits<Scalar>::max();
        if (!(settings_.epsilon >= least && settings_.epsilon <= most) ||
            !(settings_.keep >= 0 && settings_.keep < 1)) {
            return status::error(error_code::invalid_argument, "batch_norm: epsilon ",
                                 settings_.epsilon, " must be positive, from ", least, " to ", most,
                                 ", keep ", settings_.keep, " in [0, 1)");
        }
        return {};
    }
    template <class Visit>
    void for_each_parameter_block(Visit&& visit) const {
        visit("scale", index_t{0}, index_t{input_size()}, index_t{1});
        visit("shift", index_t{input_size()}, index_t{input_size()}, index_t{1});
    }
    /// gamma 1, beta 0.
    void initialise(std::span<Scalar> parameters, random_generator& /*random*/) const noexcept {
        column_of(parameters, 0).setOnes();
        column_of(parameters, 1).setZero();
    }

    // ---- running statistics -----------------------------------------------------------------

    constexpr index_t statistics_count() const noexcept { return index_t{2} * input_size(); }
    /// Columns (windows times steps) that a training pass must have: one alone has no variance.
    static constexpr int least_columns() noexcept { return 2; }
    template <class Visit>
    void for_each_statistics_block(Visit&& visit) const {
        visit("mean", index_t{0}, index_t{input_size()}, index_t{1});
        visit("variance", index_t{input_size()}, index_t{input_size()}, index_t{1});
    }
    /// Mean 0, variance 1.
    void initialise_statistics(std::span<Scalar> statistics) const noexcept {
        column_of(statistics, 0).setZero();
        column_of(statistics, 1).setOnes();
    }
    /// Adds mean and variance of the batch that forward() has seen, as the running values take
    /// them, to `measured`: means over shards of a batch are then sums, like gradients.
    void measure(const tape_type& tape, std::span<Scalar> measured) const noexcept {
        const auto count =
            static_cast<Scalar>(tape.outputs.batch()) * static_cast<Scalar>(tape.outputs.time());
        const Scalar correction = settings_.unbiased && count > 1 ? count / (count - 1) : Scalar(1);
        column_of(measured, 0) += moment(tape, 0);
        column_of(measured, 1) += correction * moment(tape, 1);
    }
    /// Moves the running values towards the moments of a batch.
    void update_statistics(std::span<Scalar> statistics,
                           std::span<const Scalar> measured) const noexcept {
        const auto keep = static_cast<Scalar>(settings_.keep);
        for (std::size_t k = 0; k < measured.size(); ++k) {
            statistics[k] = keep * statistics[k] + (1 - keep) * measured[k];
        }
    }
    /// Inference: running values, folded into one factor and one summand per channel. Fills the
    /// outputs of the tape; not for backward(). Never allocates.
    void infer(std::span<const Scalar> parameters, std::span<const Scalar> statistics,
               sequence_view<const Scalar, Channels> inputs, const tape_type& tape) const noexcept {
        auto factor = moment(tape, 0);
        auto summand = moment(tape, 1);
        fold(parameters, statistics, factor, summand);
        for (index_t col = 0; col < inputs.flat().cols(); ++col) {
            tape.outputs.flat().col(col) = inputs.flat().col(col).cwiseProduct(factor) + summand;
        }
    }
    /// The factor and the summand of each channel that inference amounts to:
    /// gamma / sqrt(variance + epsilon) and beta - mean * factor.
    template <class Factor, class Summand>
    void fold(std::span<const Scalar> parameters, std::span<const Scalar> statistics,
              Factor&& factor, Summand&& summand) const noexcept {
        const auto epsilon = static_cast<Scalar>(settings_.epsilon);
        factor =
            column_of(parameters, 0).array() / (column_of(statistics, 1).array() + epsilon).sqrt();
        summand = column_of(parameters, 1) - column_of(statistics, 0).cwiseProduct(factor);
    }

    // ---- training (concept differentiable_layer) --------------------------------------------

    constexpr index_t tape_size(int batch, int time) const noexcept {
        return 2 * whole_lines<Scalar>(index_t{input_size()} * batch * time) +
               index_t{3} * input_size();
    }
    tape_type make_tape(std::span<Scalar> area, int batch, int time) const noexcept {
        work_area<Scalar> rest{area};
        const index_t size = whole_lines<Scalar>(index_t{input_size()} * batch * time);
        tape_type tape;
        tape.normalised = {rest.take(size).data(), input_size(), batch, time};
        tape.outputs = {rest.take(size).data(), input_size(), batch, time};
        tape.moments = rest.take(index_t{3} * input_size()).data();
        return tape;
    }
    void reset(const tape_type& /*tape*/) const noexcept {}
    /// The outputs that forward() left in the tape.
    sequence_view<Scalar, Channels> outputs(const tape_type& tape) const noexcept {
        return tape.outputs;
    }
    /// Training: moments of the batch, summed in two passes.
    void forward(std::span<const Scalar> parameters, sequence_view<const Scalar, Channels> inputs,
                 const tape_type& tape) const noexcept {
        const auto x = inputs.flat();
        auto normalised = tape.normalised.flat();
        auto mean = moment(tape, 0);
        auto variance = moment(tape, 1);
        auto scale = moment(tape, 2);
        const auto share = Scalar(1) / static_cast<Scalar>(x.cols());
        mean.setZero();
        for (index_t col = 0; col < x.cols(); ++col) {
            mean += x.col(col);
        }
        mean *= share;
        variance.setZero();
        for (index_t col = 0; col < x.cols(); ++col) {
            normalised.col(col) = x.col(col) - mean;
            variance += normalised.col(col).cwiseAbs2();
        }
        variance *= share;
        scale = (variance.array() + static_cast<Scalar>(settings_.epsilon)).rsqrt();
        for (index_t col = 0; col < x.cols(); ++col) {
            normalised.col(col).array() *= scale.array();
            tape.outputs.flat().col(col) =
                normalised.col(col).cwiseProduct(column_of(parameters, 0)) +
                column_of(parameters, 1);
        }
    }
    constexpr index_t backward_work_size(int /*batch*/, int /*time*/) const noexcept {
        return index_t{2} * input_size();
    }
    /// dx = gamma / sqrt(variance + epsilon) (dy - mean(dy) - xhat mean(dy xhat)).
    void backward(std::span<const Scalar> parameters, sequence_view<const Scalar, Channels> inputs,
                  const tape_type& tape, sequence_view<const Scalar, Channels> output_gradient,
                  std::span<Scalar> gradients, sequence_view<Scalar, Channels> input_gradient,
                  std::span<Scalar> work) const noexcept {
        const auto slopes = output_gradient.flat();
        const auto normalised = tape.normalised.flat();
        auto along = column_of(work, 0);
        auto sum = column_of(work, 1);
        along.setZero();
        sum.setZero();
        for (index_t col = 0; col < slopes.cols(); ++col) {
            along += slopes.col(col).cwiseProduct(normalised.col(col));
            sum += slopes.col(col);
        }
        column_of(gradients, 0) += along;
        column_of(gradients, 1) += sum;
        if (input_gradient.data() == nullptr) {
            return;
        }
        const auto share = Scalar(1) / static_cast<Scalar>(inputs.flat().cols());
        along *= share;
        sum *= share;
        auto scale = moment(tape, 2);
        scale.array() *= column_of(parameters, 0).array();
        for (index_t col = 0; col < slopes.cols(); ++col) {
            input_gradient.flat().col(col) =
                scale.cwiseProduct(slopes.col(col) - sum - normalised.col(col).cwiseProduct(along));
        }
    }

    template <class Archive>
    void exchange(Archive& archive) {
        detail::exchange_size(archive, "channels", channels_);
        archive.number("epsilon", settings_.epsilon);
        archive.number("keep", settings_.keep);
        archive.integer("unbiased", settings_.unbiased, false, true);
        detail::keep_if(archive, check());
    }

  private:
    template <class Element>
    vector_view<Element, Channels> column_of(std::span<Element> area, index_t k) const noexcept {
        TOCSIN_ASSERT(static_cast<index_t>(area.size()) >= (k + 1) * input_size(),
                      "batch_norm: too small an area");
        return vector_view<Element, Channels>(area.data() + k * input_size(), input_size());
    }
    vector_view<Scalar, Channels> moment(const tape_type& tape, index_t k) const noexcept {
        return vector_view<Scalar, Channels>(tape.moments + k * input_size(), input_size());
    }

    [[no_unique_address]] extent<Channels> channels_;
    batch_norm_settings settings_;
};

} // namespace tocsin
