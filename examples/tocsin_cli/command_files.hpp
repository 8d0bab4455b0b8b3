/// @file command_files.hpp
/// @brief Keeps commands from writing over files of the user.
#pragma once

#include <string>
#include <vector>

namespace tocsin_cli {

/// A file of a command, and the option that names it.
struct command_file {
    const char* option; ///< as in --help, such as `--report`
    std::string path;   ///< empty: the option was not given
};

/// The same option for several files.
std::vector<command_file> command_files(const char* option, const std::vector<std::string>& paths);

/// Fails where an output is also an input or another output, whatever the spelling of their paths.
/// To be called before any work is done. A file that is to be replaced in place is an output only.
void refuse_overwriting(const std::vector<command_file>& inputs,
                        const std::vector<command_file>& outputs);

/// Fails where a model or a checkpoint would replace a file that is neither.
void refuse_replacing_other_file(const command_file& output);

} // namespace tocsin_cli
