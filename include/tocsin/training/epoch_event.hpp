/// @file epoch_event.hpp
/// @brief What the training loop tells its callbacks, and what a callback is.
#pragma once

#include "tocsin/training/epoch_callback.hpp"
#include "tocsin/training/history.hpp"
#include "tocsin/training/training_state.hpp"

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

/// A callback of `trainer`; see epoch_callback. An epoch that its `after_batch` breaks off does not
/// count, the best weights so far stay; where none was finished, the weights are judged as they are.
template <class Callback, class Scalar = float>
concept training_callback = epoch_callback<Callback, epoch_event<Scalar>>;

} // namespace tocsin
