/// @file training_options.hpp
/// @brief Options that the commands which train have in common.
#pragma once

#include "tocsin/detect/detector_settings.hpp"
#include "tocsin/io/number_text.hpp"
#include "tocsin/training/data_parallel.hpp"
#include "tocsin/training/fit.hpp"
#include "tocsin/training/least_squares.hpp"

#include "any_loss.hpp"
#include "any_model.hpp"
#include "any_scaler.hpp"
#include "any_schedule.hpp"
#include "options.hpp"
#include <cstdint>
#include <string>

namespace tocsin_cli {

/// The trainer of all commands that train detectors.
using any_trainer = tocsin::trainer<any_loss, tocsin::adam, any_schedule, tocsin::early_stopping,
                                    tocsin::data_parallel>;

/// The trainer of linear models: least_squares, for a model that is chosen at run time.
struct linear_trainer {
    tocsin::least_squares solver;
    static constexpr std::uint64_t seed = 0;             ///< not used
    static constexpr tocsin::closed_form optimiser = {}; ///< see least_squares

    /// `invalid_argument` unless the model inside is linear; see tocsin::least_squares::fit.
    template <class... Callbacks>
    tocsin::status fit(const any_model& model, const tocsin::windows<float>& training,
                       const tocsin::windows<float>& validation,
                       tocsin::training_state<float>& state, Callbacks&&... callbacks) const {
        const auto* const inner = std::get_if<tocsin::linear_forecaster<float>>(&model.model());
        return inner == nullptr
                   ? tocsin::status::error(tocsin::error_code::invalid_argument,
                                           "least_squares: a ", model.name(), " is not linear")
                   : solver.fit(*inner, training, validation, state, callbacks...);
    }
};

/// Rows that a linear model sees unless an option says otherwise.
inline constexpr int usual_order = 10;

/// A setting with all its digits, for a fingerprint.
inline std::string exact_text(double value) {
    tocsin::number_text buffer{};
    return std::string{tocsin::format_number(value, buffer)};
}

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
/// Which time steps of a window are judged.
enum class scored_option : std::uint8_t { automatic, all, newest };

inline void add_scored(CLI::App& command, scored_option& scored) {
    add_choice(
        command, "--scored", scored,
        {{"auto", scored_option::automatic},
         {"all", scored_option::all},
         {"newest", scored_option::newest}},
        "Time steps of a window that are judged; auto: all for sequences, the newest for CSV")
        ->group("Reading data");
}
inline tocsin::scored_steps scored_steps_of(scored_option chosen, bool is_series) {
    return chosen == scored_option::all || (chosen == scored_option::automatic && !is_series)
               ? tocsin::scored_steps::all
               : tocsin::scored_steps::newest;
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
