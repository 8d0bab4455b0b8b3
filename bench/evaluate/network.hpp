/// @file network.hpp
/// @brief The network of a suite with its training, from the suite's hyper-parameters.
#pragma once

#include "tocsin/models/encoder_decoder.hpp"
#include "tocsin/training/fit.hpp"

#include "suite.hpp"
#include <cstdint>

namespace evaluate {

using network = tocsin::encoder_decoder<float>;

/// One LSTM layer of `hidden` units on each side, linear output.
inline network make_network(int features, int hidden, const run_options& options) {
    return {tocsin::lstm_stack<float>({features, hidden}),
            tocsin::lstm_stack<float>({features, hidden}),
            tocsin::dense_head<float>({hidden, features}), options.reversed, options.training()};
}

/// All epochs on the mean squared error, the learning rate falling along a cosine.
/// @param chosen has `batch_size` and `learning_rate`
template <class HyperParameters>
auto make_trainer(const HyperParameters& chosen, std::uint64_t seed, int epochs) {
    tocsin::trainer<tocsin::mean_squared_error, tocsin::adam, tocsin::cosine_decay,
                    tocsin::never_stop>
        trainer;
    trainer.epochs = epochs;
    trainer.schedule.epochs = trainer.epochs;
    trainer.batch_size = chosen.batch_size;
    trainer.optimiser.learning_rate = chosen.learning_rate;
    trainer.seed = seed;
    return trainer;
}

/// The same with `chosen.epochs`, or those of the command line.
template <class HyperParameters>
auto make_trainer(const HyperParameters& chosen, const run_options& options) {
    return make_trainer(chosen, options.seed, options.epochs.value_or(chosen.epochs));
}

} // namespace evaluate
