/// @file commands.hpp
/// @brief The commands, each of which adds itself to the command line.
#pragma once

#include <CLI/CLI.hpp>

#include "console.hpp"
#include <memory>
#include <string>

namespace tocsin_cli {

void add_generate(CLI::App& app);
void add_fit(CLI::App& app);
void add_search(CLI::App& app);
void add_train(CLI::App& app);
void add_import(CLI::App& app);
void add_fit_errors(CLI::App& app);
void add_tune(CLI::App& app);
void add_detect(CLI::App& app);
void add_stream(CLI::App& app);
void add_inspect(CLI::App& app);
void add_export(CLI::App& app);

/// Adds a command whose options live in a `Command` with `add_to(CLI::App&)` and `run()`.
template <class Command>
void add_command(CLI::App& app, const std::string& name, const std::string& description) {
    CLI::App* const command = app.add_subcommand(name, description);
    const auto options = std::make_shared<Command>();
    options->add_to(*command);
    options->out.add_options(*command);
    command->callback([options] { options->run(); });
}

} // namespace tocsin_cli
