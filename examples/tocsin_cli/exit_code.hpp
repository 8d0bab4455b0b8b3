/// @file exit_code.hpp
/// @brief Exit codes of the command line.
#pragma once

#include "tocsin/core/status.hpp"

namespace tocsin_cli {

/// What the process returns; docs/command_line.md and --help list the same.
enum class exit_code : int {
    success = 0,
    internal = 1,
    usage = 2,
    bad_data = 3,
    io = 4,
    phase = 5,
    interrupted = 130
};

/// The one place where failures of the library become exit codes.
constexpr exit_code exit_code_of(tocsin::error_code code) noexcept {
    switch (code) {
    case tocsin::error_code::ok:
        return exit_code::success;
    case tocsin::error_code::invalid_argument:
        return exit_code::usage;
    case tocsin::error_code::invalid_data:
    case tocsin::error_code::format_error:
        return exit_code::bad_data;
    case tocsin::error_code::io_error:
        return exit_code::io;
    case tocsin::error_code::not_ready:
        return exit_code::phase;
    case tocsin::error_code::out_of_memory:
        return exit_code::internal;
    }
    return exit_code::internal;
}

inline constexpr const char* exit_code_help =
    "Exit codes: 0 success; 1 unexpected failure (out of memory, ...); 2 wrong command line or a\n"
    "setting out of range; 3 bad data or a malformed file; 4 a file or stream cannot be read or\n"
    "written; 5 an earlier phase (train, fit-errors, tune) is missing; 130 interrupted, the best\n"
    "weights so far are saved.";

} // namespace tocsin_cli
