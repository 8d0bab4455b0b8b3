/// @file linear_forecaster.hpp
/// @brief Linear model that forecasts the next sample of a stream from the last ones.
#pragma once

#include "tocsin/core/storage.hpp"
#include "tocsin/models/feed_forward.hpp"

#include <algorithm>
#include <span>
#include <type_traits>

namespace tocsin {

/// Vector autoregression: forecasts the first `targets` features of the next sample as an affine
/// function of all features of the last `order` samples (Luetkepohl, "New Introduction to Multiple
/// Time Series Analysis", 2005). Features beyond the targets are inputs only, such as commands.
///
/// The state of a stream is its last samples, zero before the first one: the mean, after a standard
/// scaler. The parameters are one block `[W | b]`, `[targets x (features * order + 1)]`, the oldest
/// sample first; class least_squares finds them in closed form, and gradients can train them
/// further. A linear_forecaster is a feed_forward network without hidden layers, with a state.
/// @tparam Features,Targets,Order sizes, or `dynamic`. If all are known at compile time, a detector
///                                and its streams need no heap.
template <class Scalar, int Features = dynamic, int Targets = dynamic, int Order = dynamic>
class linear_forecaster {
    static constexpr bool is_static = Features != dynamic && Targets != dynamic && Order != dynamic;

  public:
    using scalar_type = Scalar;
    /// The affine map from the last samples to the next one.
    using head_type =
        std::conditional_t<is_static, dense_head<Scalar, extent_product(Features, Order), Targets>,
                           dense_head<Scalar>>;
    static constexpr const char* kind = "linear_forecaster";
    static constexpr bool has_independent_windows = true;
    static constexpr int version = 1;

    /// A model of no features, unless all sizes are known at compile time.
    constexpr linear_forecaster() noexcept = default;
    /// @param features of a sample
    /// @param targets  features to forecast, the first ones
    /// @param order    samples that a forecast uses; check() judges all three
    constexpr linear_forecaster(int features, int targets, int order) noexcept
        : features_{features}, targets_{targets}, order_{order} {}

    constexpr int features() const noexcept { return features_.value(); }
    /// Features that are forecast, the first ones of a sample.
    constexpr int targets() const noexcept { return targets_.value(); }
    /// Samples that a forecast uses.
    constexpr int order() const noexcept { return order_.value(); }
    /// Number of future samples in a forecast.
    static constexpr int look_ahead() noexcept { return 1; }
    /// Values that a forecast uses.
    constexpr index_t inputs() const noexcept { return index_t{features()} * order(); }
    /// Length of the shortest window with a forecast to learn from.
    constexpr int shortest_window() const noexcept { return order() + 1; }
    constexpr index_t parameter_count() const noexcept { return targets() * (inputs() + 1); }

    /// Names the sizes if they do not fit together.
    status check() const noexcept {
        if (features() < 1 || targets() < 1 || targets() > features() || order() < 1 ||
            inputs() > maximum_layer_size) {
            return status::error(error_code::invalid_argument, kind, ": ", targets(),
                                 " targets must be from 1 to the ", features(), " features, order ",
                                 order(), " at least 1, features times order ", "at most ",
                                 maximum_layer_size);
        }
        return head().check();
    }

    template <class Visit>
    void for_each_parameter_block(Visit&& visit) const {
        network().for_each_parameter_block(visit);
    }
    void initialise(std::span<Scalar> parameters, random_generator& random) const {
        network().initialise(parameters, random);
    }

    // ---- inference: one sample, state kept by the caller ------------------------------------

    /// Scalars of the packed weights.
    constexpr index_t packed_size() const noexcept { return head().packed_size(); }
    /// Packs parameters for step() and predict(). Never allocates.
    void pack(std::span<const Scalar> parameters, std::span<Scalar> packed) const noexcept {
        head().pack(parameters, packed);
    }
    /// Scalars of the state of a batch of streams; all zero before the first sample.
    constexpr index_t state_size(int batch) const noexcept { return inputs() * batch; }
    /// Calls `visit(size)` for the one part of a state: the last samples, the oldest first.
    template <class Visit>
    constexpr void for_each_state_block(Visit&& visit) const noexcept {
        visit(inputs());
    }
    /// Scalars of the forecasts of a batch.
    constexpr index_t forecast_size(int batch) const noexcept { return index_t{targets()} * batch; }
    constexpr index_t step_work_size(int batch) const noexcept {
        return head().apply_work_size(batch);
    }
    /// Reads a sample of each stream and forecasts the next one. Never allocates.
    /// @param packed    weights from pack()
    /// @param samples   `[features x batch]`
    /// @param state     `state_size(batch)` scalars, in: before these samples; out: after them
    /// @param forecasts `[targets x batch]`, overwritten
    /// @param work      `step_work_size(batch)` scalars
    void step(packed_weights<Scalar> packed, const matrix_view<const Scalar>& samples,
              std::span<Scalar> state, matrix_view<Scalar> forecasts,
              std::span<Scalar> work) const noexcept {
        const auto batch = static_cast<int>(samples.cols());
        for (int b = 0; b < batch; ++b) {
            Scalar* const past = state.data() + b * inputs();
            std::copy(past + features(), past + inputs(), past);
            std::copy_n(samples.data() + index_t{b} * features(), features(),
                        past + (inputs() - features()));
        }
        head().apply(packed, matrix_view<const Scalar>(state.data(), inputs(), batch), forecasts,
                     work);
    }

    // ---- inference: windows, for training and window detectors ------------------------------

    constexpr index_t predict_work_size(int batch, int /*time*/) const noexcept {
        return state_size(batch) + forecast_size(batch) + step_work_size(batch);
    }
    /// Forecasts of windows, each from a zero state. The first sample and the features beyond the
    /// targets are not forecast but copied. Never allocates.
    /// @param predictions `[features x (batch * time)]`, overwritten
    void predict(packed_weights<Scalar> packed, sequence_view<const Scalar> windows,
                 sequence_view<Scalar> predictions, std::span<Scalar> work) const noexcept {
        const int batch = windows.batch();
        work_area<Scalar> rest{work};
        const auto state = zero(rest.take(state_size(batch)));
        const matrix_view<Scalar> forecasts(rest.take(forecast_size(batch)).data(), targets(),
                                            batch);
        for (int t = 0; t < windows.time(); ++t) {
            predictions.step(t) = windows.step(t);
            if (t > 0) {
                predictions.step(t).topRows(targets()) = forecasts;
            }
            step(packed, windows.step(t), state, forecasts, rest.rest());
        }
    }

    // ---- training by gradients --------------------------------------------------------------

    constexpr index_t training_work_size(int batch, int time) const noexcept {
        return network().training_work_size(batch, time);
    }
    /// Loss of the forecasts from `order` samples of the windows; adds its gradient to `gradients`.
    /// See concept sequence_model.
    template <class Loss>
    double loss_and_gradient(std::span<const Scalar> parameters,
                             sequence_view<const Scalar> windows, const Loss& loss,
                             std::span<Scalar> gradients, random_generator& random,
                             std::span<Scalar> work) const noexcept {
        return network().loss_and_gradient(parameters, windows, loss, gradients, random, work);
    }

    template <class Archive>
    void exchange(Archive& archive) {
        exchange_size(archive, "features", features_);
        exchange_size(archive, "targets", targets_);
        exchange_size(archive, "order", order_);
    }

  private:
    constexpr head_type head() const noexcept {
        if constexpr (is_static) {
            return {};
        } else {
            // A product out of range is refused by check().
            const auto size = std::min<index_t>(inputs(), maximum_layer_size);
            return head_type{{static_cast<int>(size), targets()}};
        }
    }
    constexpr feed_forward<Scalar, head_type> network() const noexcept {
        return {head(), features()};
    }
    template <class Archive, int Size>
    static void exchange_size(Archive& archive, const char* name, extent<Size>& size) {
        if constexpr (Size == dynamic) {
            int value = size.value();
            archive.integer(name, value, 1, maximum_layer_size);
            size = extent<Size>(value);
        } else {
            archive.expect(name, Size);
        }
    }

    [[no_unique_address]] extent<Features> features_;
    [[no_unique_address]] extent<Targets> targets_;
    [[no_unique_address]] extent<Order> order_;
};

} // namespace tocsin
