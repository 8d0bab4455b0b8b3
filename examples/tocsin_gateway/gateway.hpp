/// @file gateway.hpp
/// @brief Common parts of all commands: options, signals, and the loop around the worker.
#pragma once

#include <CLI/CLI.hpp>

#include "file_checks.hpp"
#include "ports.hpp"
#include "state_file.hpp"
#include "worker.hpp"
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace tocsin_gateway {

/// Options of all commands.
struct gateway_options {
    std::string rules;
    std::string model;
    worker_settings worker;
    tocsin_cli::alarm_options alarms;
    std::int64_t checkpoint_milliseconds = 1000;
    int metrics_port = -1; ///< -1: none
    bool quiet = false;
    std::vector<named_file> outputs; ///< which must not be files of the rules

    void add_to(CLI::App& command);
    tocsin::result<model_rules> load_rules() const;
};

/// Makes SIGTERM and SIGINT end run_gateway() instead of the process, and handles SIGHUP; call it
/// before anything is opened.
void listen_to_signals();
/// Whether SIGTERM or SIGINT has arrived.
bool stop_requested() noexcept;

/// Judges until the source ends or SIGTERM or SIGINT arrives; then judges what the source cannot get
/// again, makes a checkpoint and closes the source. SIGHUP reloads the rules: if they cannot be used, the old ones stay and the reason
/// is printed on standard error.
tocsin::status run_gateway(const gateway_options& options, source& from, sink& to,
                           state_store& states);

// Each adds a command that opens its source, sink and store, and runs the gateway.
void add_lines(CLI::App& app);
void add_kafka(CLI::App& app);
void add_mqtt(CLI::App& app);

/// How a command ends when something fails; main() turns it into an exit code.
struct gateway_failure {
    tocsin::status reason;
};
inline void require(const tocsin::status& outcome) {
    if (!outcome.ok()) {
        throw gateway_failure{outcome};
    }
}
template <class T>
T require(tocsin::result<T> outcome) {
    if (!outcome) {
        throw gateway_failure{outcome.error()};
    }
    return *std::move(outcome);
}

/// The states in a file; says on standard error what a crash has left unfinished there.
std::unique_ptr<state_file> open_states(const std::string& path);

} // namespace tocsin_gateway
