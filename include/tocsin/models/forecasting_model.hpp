/// @file forecasting_model.hpp
/// @brief A model that reads a stream sample by sample and forecasts the next samples.
#pragma once

#include "tocsin/core/views.hpp"
#include "tocsin/layers/lstm_state.hpp"
#include "tocsin/layers/packed_weights.hpp"
#include "tocsin/models/sequence_model.hpp"

#include <concepts>
#include <span>

namespace tocsin {

/// A sequence model that keeps what it knows of a stream in a state of the caller.
///
/// - `targets()`, `look_ahead()`: after each sample it forecasts the first `targets()` features of
///   the next `look_ahead()` samples, `forecast_size(batch)` scalars, the next sample first.
/// - `state_size(batch)`: scalars of the state of a batch of streams; all zero before the first
///   sample.
/// - `step(packed, samples, state, forecasts, work)` reads one sample of each stream,
///   `[features x batch]`, with `step_work_size(batch)` scalars of scratch. It is noexcept and never
///   allocates.
/// - A model may have `order()`, the samples that a forecast is made from: the errors of a stream are
///   those of a complete forecast after so many.
/// - A model may have `for_each_state_block(visit)`, which calls `visit(size)` for each part of the
///   state: a batch has the part of every stream, `[size x batch]`, then the next part. With it, the
///   detector batches the streams of a fleet.
template <class Model>
concept forecasting_model =
    packable_model<Model> &&
    requires(const Model model, packed_weights<typename Model::scalar_type> packed,
             matrix_view<const typename Model::scalar_type> samples,
             std::span<typename Model::scalar_type> area,
             matrix_view<typename Model::scalar_type> forecasts, int size) {
        { model.targets() } -> std::convertible_to<int>;
        { model.look_ahead() } -> std::convertible_to<int>;
        { model.state_size(size) } -> std::convertible_to<index_t>;
        { model.forecast_size(size) } -> std::convertible_to<index_t>;
        { model.step_work_size(size) } -> std::convertible_to<index_t>;
        // Must be noexcept; it cannot be asked for here, as copying an Eigen::Map is not.
        model.step(packed, samples, area, forecasts, area);
    };

} // namespace tocsin
