/// @file forecast_errors.hpp
/// @brief Error vectors of models that forecast: sample minus the forecasts made for it.
#pragma once

#include "tocsin/core/bits.hpp"
#include "tocsin/core/config.hpp"
#include "tocsin/core/for_each_index.hpp"
#include "tocsin/core/storage.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/detect/error_source.hpp"
#include "tocsin/detect/model_weights.hpp"
#include "tocsin/math/lstm_step_kernel.hpp"
#include "tocsin/models/forecasting_model.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <type_traits>

namespace tocsin::detail {

/// Each sample is forecast `look_ahead` times. Its one error vector, `[targets * look_ahead]`, has
/// the errors of the newest forecast first (Malhotra et al. 2015). The state holds the model's own
/// and, as a ring, the last `look_ahead` forecasts.
template <class Model>
    requires forecasting_model<Model>
class error_source<Model> {
  public:
    using scalar_type = typename Model::scalar_type;
    static constexpr bool has_feature_view = false;
    /// The errors are known before the model reads the sample.
    static constexpr bool errors_precede_step = true;

    constexpr error_source() noexcept = default;
    constexpr error_source(const Model& model, const detector_settings& /*settings*/) noexcept
        : features_{model.features()}, targets_{model.targets()}, ahead_{model.look_ahead()},
          outputs_{model.forecast_size(1)}, model_state_{model.state_size(1)},
          step_work_{model.step_work_size(1)} {
        if constexpr (requires { model.order(); }) {
            complete_after_ = index_t{model.order()} + ahead_ - 1;
        } else {
            complete_after_ = ahead_;
        }
    }

    constexpr index_t state_size() const noexcept { return model_state_ + outputs_ * ahead_; }
    constexpr index_t work_size() const noexcept { return step_work_; }
    constexpr int vectors() const noexcept { return 1; }
    constexpr int vector_size() const noexcept { return static_cast<int>(outputs_); }
    constexpr int features() const noexcept { return features_; }
    /// Errors of a sample that a stream keeps.
    constexpr int kept_errors() const noexcept { return vector_size(); }
    /// Features that errors are of; element k of a vector is an error of feature `k % targets()`.
    constexpr int targets() const noexcept { return static_cast<int>(targets_); }
    /// Samples after a start that cannot be scored.
    constexpr int shortest_warm_up() const noexcept { return static_cast<int>(ahead_); }
    /// Forecasts from fewer samples than the model looks back on are worse than usual.
    constexpr int complete_after() const noexcept { return static_cast<int>(complete_after_); }

    /// The newest forecast, `[targets * look_ahead]`, scaled, the next sample first; meaningless
    /// where `seen` is 0.
    std::span<const scalar_type> forecast(std::span<const scalar_type> state,
                                          std::int64_t seen) const noexcept {
        return slice(state, column_of(seen + ahead_ - 1), outputs_);
    }
    /// What feature `f` of the sample that is being read was expected to be; NaN: unknown.
    scalar_type expected(std::span<const scalar_type> state, std::int64_t seen,
                         index_t f) const noexcept {
        return seen > 0 && f < targets_ ? forecast(state, seen)[static_cast<std::size_t>(f)]
                                        : std::numeric_limits<scalar_type>::quiet_NaN();
    }

    /// Compares the sample with the forecasts made for it; whether there were as many as there
    /// should be.
    TOCSIN_ALWAYS_INLINE bool prepare(const source_sample<scalar_type>& sample) const noexcept {
        if (sample.seen < ahead_) {
            return false;
        }
        bool finite = true;
        const auto subtract = [&](index_t before, index_t column) TOCSIN_ALWAYS_INLINE {
            const scalar_type* const forecast =
                sample.state.data() + column + (before - 1) * targets_;
            double* const errors = sample.errors + (before - 1) * targets_;
            for_each_index(targets_, [&](index_t f) TOCSIN_ALWAYS_INLINE {
                errors[f] =
                    static_cast<double>(sample.observed[f]) - static_cast<double>(forecast[f]);
                finite &= is_finite(errors[f]);
            });
        };
        if (ahead_ == 1) {
            subtract(1, model_state_);
        } else {
            for (index_t before = 1; before <= ahead_; ++before) {
                subtract(before, column_of(sample.seen + ahead_ - before));
            }
        }
        if (!finite) {
            name_missing(sample.observed, sample.errors);
        }
        return true;
    }
    /// The model reads every sample, also those that it cannot be judged by.
    static constexpr bool advances(bool /*complete*/) noexcept { return true; }

    /// Reads the sample and forecasts the next ones.
    TOCSIN_ALWAYS_INLINE void advance(const Model& model, const model_weights<Model>& weights,
                                      const model_sample<scalar_type>& sample,
                                      std::span<scalar_type> work) const noexcept {
        const std::span<scalar_type> state(sample.state, static_cast<std::size_t>(model_state_));
        scalar_type* const forecast = sample.state + column_of(sample.seen);
        const block_order order = order_of_step(static_cast<int>(sample.seen % 2));
        if constexpr (requires {
                          model.step_column(weights.packed(), sample.inputs, state.data(), forecast,
                                            work.data(), order);
                      }) {
            model.step_column(weights.packed(), sample.inputs, state.data(), forecast, work.data(),
                              order);
        } else {
            model.step(weights.packed(),
                       matrix_view<const scalar_type>(sample.inputs, features_, 1), state,
                       matrix_view<scalar_type>(forecast, outputs_, 1), work);
        }
    }

    // ---- many streams at once ---------------------------------------------------------------

    /// Whether one step of the model can serve several streams.
    static constexpr bool batches =
        requires(const Model& model) { model.for_each_state_block([](index_t) {}); };

    index_t group_work_size(const Model& model, int group) const noexcept {
        return (index_t{features_} + outputs_ + model_state_) * group + model.step_work_size(group);
    }
    void advance_group(const Model& model, const model_weights<Model>& weights,
                       std::span<const model_sample<scalar_type>> samples,
                       std::span<scalar_type> work) const noexcept {
        const auto count = static_cast<int>(samples.size());
        work_area<scalar_type> rest{work};
        scalar_type* const inputs = rest.take(index_t{features_} * count).data();
        scalar_type* const forecasts = rest.take(outputs_ * count).data();
        const auto states = rest.take(model_state_ * count);
        for (int k = 0; k < count; ++k) {
            copy_scalars(samples[static_cast<std::size_t>(k)].inputs, features_,
                         inputs + index_t{k} * features_);
        }
        for_each_part(model, count, [&](auto size, index_t in_stream, index_t in_batch) {
            scalar_type* to = states.data() + in_batch;
            for (const auto& sample : samples) {
                std::copy_n(sample.state + in_stream, size(), to);
                to += size();
            }
        });
        model.step(weights.packed(), matrix_view<const scalar_type>(inputs, features_, count),
                   states, matrix_view<scalar_type>(forecasts, outputs_, count), rest.rest());
        for_each_part(model, count, [&](auto size, index_t in_stream, index_t in_batch) {
            const scalar_type* from = states.data() + in_batch;
            for (const auto& sample : samples) {
                std::copy_n(from, size(), sample.state + in_stream);
                from += size();
            }
        });
        for (int k = 0; k < count; ++k) {
            const auto& sample = samples[static_cast<std::size_t>(k)];
            copy_scalars(forecasts + index_t{k} * outputs_, outputs_,
                         sample.state + column_of(sample.seen));
        }
    }

  private:
    /// Where the forecast made by a sample stands in the state.
    index_t column_of(std::int64_t sample) const noexcept {
        return model_state_ + (ahead_ == 1 ? 0 : static_cast<index_t>(sample % ahead_) * outputs_);
    }
    /// Calls `visit(size, place in each state, place in the batch)` for each part of the states;
    /// `size()` is a constant for usual sizes, so that copies need no call.
    template <class Visit>
    static void for_each_part(const Model& model, int count, Visit&& visit) noexcept {
        index_t in_stream = 0;
        model.for_each_state_block([&](index_t size) {
            const index_t in_batch = in_stream * count;
            switch (size) {
            case 8:
                visit(std::integral_constant<index_t, 8>{}, in_stream, in_batch);
                break;
            case 16:
                visit(std::integral_constant<index_t, 16>{}, in_stream, in_batch);
                break;
            case 32:
                visit(std::integral_constant<index_t, 32>{}, in_stream, in_batch);
                break;
            default:
                visit([size] { return size; }, in_stream, in_batch);
                break;
            }
            in_stream += size;
        });
    }
    /// Errors that are not finite: NaN where a value is missing, infinite where the forecast is not
    /// finite.
    [[gnu::noinline]] void name_missing(const scalar_type* observed,
                                        double* errors) const noexcept {
        for (index_t k = 0; k < outputs_; ++k) {
            if (!std::isfinite(errors[k])) {
                errors[k] = std::isnan(observed[k % targets_])
                                ? std::numeric_limits<double>::quiet_NaN()
                                : std::numeric_limits<double>::infinity();
            }
        }
    }
    /// A copy of few scalars.
    static void copy_scalars(const scalar_type* from, index_t count, scalar_type* to) noexcept {
        if (count == 1) {
            *to = *from;
        } else {
            std::copy_n(from, count, to);
        }
    }

    int features_ = 0;
    index_t targets_ = 0;
    index_t ahead_ = 1;
    index_t outputs_ = 0;
    index_t model_state_ = 0;
    index_t step_work_ = 0;
    index_t complete_after_ = 1;
};

} // namespace tocsin::detail
