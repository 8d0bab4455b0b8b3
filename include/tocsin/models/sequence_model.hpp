/// @file sequence_model.hpp
/// @brief The concept of a sequence model: a shape plus pure functions over the caller's
/// parameters.
#pragma once

#include "tocsin/core/random.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/layers/packed_weights.hpp"

#include <concepts>
#include <span>

namespace tocsin {

namespace detail {
/// Stands for any loss in the concept below.
struct any_loss {
    template <class Scalar>
    double operator()(std::span<const Scalar>, std::span<const Scalar>,
                      std::span<Scalar>) const noexcept {
        return 0;
    }
};
} // namespace detail

/// A model whose kernels read weights in their own order: `pack(parameters, packed)` copies
/// parameters into `packed_size()` scalars, once for many predictions; `predict` then takes these
/// instead of the parameters. Neither allocates.
template <class Model>
concept packable_model =
    requires(const Model model, std::span<const typename Model::scalar_type> parameters,
             packed_weights<typename Model::scalar_type> packed,
             std::span<typename Model::scalar_type> area,
             sequence_view<const typename Model::scalar_type> windows,
             sequence_view<typename Model::scalar_type> predictions) {
        { model.packed_size() } -> std::convertible_to<index_t>;
        { model.pack(parameters, area) } noexcept;
        { model.predict(packed, windows, predictions, area) } noexcept;
    };

/// A model that predicts every sample of a window, `[features x (batch * time)]`, from that window.
///
/// - `check()` names the first setting that is out of range; set-up code calls it first.
/// - `parameter_count()`, `initialise()`, `for_each_parameter_block()`: as for a layer.
/// - `predict(parameters, windows, predictions, work)` overwrites `predictions`, in time order,
///   with `predict_work_size(batch, time)` scalars of scratch. It is noexcept and never allocates
///   for a batch of one. NaN in a window only results in NaN predictions. A packable model has the
///   same function with packed weights instead; class predictor calls the right one.
/// - `loss_and_gradient(parameters, windows, loss, gradients, random, work)` returns the loss over
///   the batch and *adds* its gradient to `gradients` (the layout of `parameters`), with
///   `training_work_size(batch, time)` scalars of scratch. `random` drives dropout.
/// - A model may have `shortest_window()`: the fit loop refuses shorter ones.
template <class Model>
concept sequence_model =
    std::copyable<Model> && std::floating_point<typename Model::scalar_type> &&
    requires(const Model model, std::span<const typename Model::scalar_type> parameters,
             std::span<typename Model::scalar_type> area,
             sequence_view<const typename Model::scalar_type> windows, random_generator& random,
             int size) {
        { model.check() } -> std::same_as<status>;
        { model.features() } -> std::convertible_to<int>;
        { model.parameter_count() } -> std::convertible_to<index_t>;
        { model.predict_work_size(size, size) } -> std::convertible_to<index_t>;
        { model.training_work_size(size, size) } -> std::convertible_to<index_t>;
        model.initialise(area, random);
        model.for_each_parameter_block([](const char*, index_t, index_t, index_t) {});
        {
            model.loss_and_gradient(parameters, windows, detail::any_loss{}, area, random, area)
        } -> std::convertible_to<double>;
    } &&
    (packable_model<Model> ||
     requires(const Model model, std::span<const typename Model::scalar_type> parameters,
              std::span<typename Model::scalar_type> area,
              sequence_view<const typename Model::scalar_type> windows,
              sequence_view<typename Model::scalar_type> predictions) {
         { model.predict(parameters, windows, predictions, area) } noexcept;
     });

/// A model whose windows do not influence each other in training, as those of batch normalisation
/// do: the gradient of a batch is the mean of the gradients of its windows. It says so by
/// `static constexpr bool has_independent_windows = true;`.
template <class Model>
concept independent_windows = requires { requires Model::has_independent_windows; };

/// A model whose training can continue from the state where a window ended: `loss_and_gradient`
/// with `state_size(batch)` scalars of state advances it by all samples of the windows but the last
/// `look_ahead()`, where the next windows begin. The last argument says how many steps were read since
/// the state was zero.
template <class Model>
concept stateful_model =
    sequence_model<Model> &&
    requires(const Model model, std::span<const typename Model::scalar_type> parameters,
             std::span<typename Model::scalar_type> area,
             sequence_view<const typename Model::scalar_type> windows, random_generator& random,
             int size) {
        { model.state_size(size) } -> std::convertible_to<index_t>;
        { model.look_ahead() } -> std::convertible_to<int>;
        {
            model.loss_and_gradient(parameters, windows, detail::any_loss{}, area, random, area,
                                    area, size)
        } -> std::convertible_to<double>;
    };

} // namespace tocsin
