/// @file epoch_event.hpp
/// @brief What the training loop tells its callbacks, and what a callback is.
#pragma once

#include "tocsin/training/history.hpp"
#include "tocsin/training/training_state.hpp"

#include <concepts>

namespace tocsin {

/// What a callback receives after each epoch.
template <class Scalar>
struct epoch_event {
    const epoch_record& record;          ///< the epoch that has just ended
    const training_state<Scalar>& state; ///< weights and history after it
    int planned_epochs = 0;              ///< epochs at most
};

/// What a callback that asks for it receives after each batch.
struct batch_event {
    int epoch = 0;          ///< from 0
    index_t windows = 0;    ///< trained on in this epoch so far
    index_t in_epoch = 0;   ///< of an epoch
    int planned_epochs = 0; ///< epochs at most
    double loss = 0;        ///< mean of this epoch so far
};

namespace detail {
template <class Result>
concept nothing_or_bool = std::same_as<Result, void> || std::same_as<Result, bool>;
} // namespace detail

/// `callback(event)` is called after each epoch, in the thread that called trainer::fit. It returns
/// nothing, or a bool: false ends training. Other results are refused, as nobody would read them.
/// The event and what it refers to are valid during the call only. A callback may also have
/// `bool after_batch(const batch_event&)`, which is called after each batch; false ends training in
/// the middle of an epoch. That epoch does not count, the best weights so far stay; where none was
/// finished, the weights are judged as they are.
template <class Callback, class Scalar = float>
concept training_callback = requires(Callback& callback, const epoch_event<Scalar>& event) {
    { callback(event) } -> detail::nothing_or_bool;
};

} // namespace tocsin
