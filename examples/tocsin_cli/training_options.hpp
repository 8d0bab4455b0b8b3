/// @file training_options.hpp
/// @brief Options that the commands which train have in common.
#pragma once

#include "tocsin/training/data_parallel.hpp"
#include "tocsin/training/fit.hpp"

#include "any_loss.hpp"
#include "any_scaler.hpp"
#include "any_schedule.hpp"
#include "options.hpp"

namespace tocsin_cli {

/// The trainer of all commands that train detectors.
using any_trainer = tocsin::trainer<any_loss, tocsin::adam, any_schedule, tocsin::early_stopping,
                                    tocsin::data_parallel>;

inline void add_threads(CLI::App& command, any_trainer& trainer, const std::string& group) {
    trainer.execution.threads = 1;
    add_integer(command, "--threads", trainer.execution.threads,
                "Threads that share each batch; the same number gives the same weights", 1, 256)
        ->group(group);
}

inline void add_window(CLI::App& command, int& window) {
    add_integer(command, "--window", window,
                "CSV: time steps that the model sees at once; sequences: their length", 1,
                1'000'000)
        ->default_str("30, or the length of the sequences")
        ->group("Reading data");
}
inline void add_scaler(CLI::App& command, scaler_kind& scaler) {
    add_choice(command, "--scaler", scaler,
               {{"standard", scaler_kind::standard},
                {"min-max", scaler_kind::min_max},
                {"robust", scaler_kind::robust},
                {"identity", scaler_kind::identity}},
               "How features are brought to a common range")
        ->group("Reading data");
}

} // namespace tocsin_cli
