/// @file history.hpp
/// @brief The record of each training epoch.
#pragma once

namespace tocsin {

/// One epoch; all errors are in the scaled units of the model.
struct epoch_record {
    int epoch = 0;              ///< counted from 0
    double training_loss = 0;   ///< mean over the epoch's batches, dropout on
    double validation_rmse = 0; ///< after the epoch, own predictions fed back
    double validation_mae = 0;  ///< as validation_rmse
    double learning_rate = 0;   ///< of the epoch
    double gradient_norm = 0;   ///< mean over the epoch's batches, before clipping
};

} // namespace tocsin
