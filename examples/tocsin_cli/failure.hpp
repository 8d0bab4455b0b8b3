/// @file failure.hpp
/// @brief How a command ends with a message: an exception that main() turns into an exit code.
#pragma once

#include "tocsin/core/status.hpp"

#include <string_view>
#include <utility>

namespace tocsin_cli {

/// Thrown by commands; the library itself never throws.
struct command_failure {
    tocsin::status reason;
};

/// Thrown by a command that was interrupted and has kept what it had.
struct command_interrupted {};

template <class... Parts>
[[noreturn]] void fail(tocsin::error_code code, const Parts&... parts) {
    throw command_failure{tocsin::status::error(code, parts...)};
}

/// Ends the command unless `outcome` is a success.
inline void require(const tocsin::status& outcome) {
    if (!outcome.ok()) {
        throw command_failure{outcome};
    }
}
/// The same; the message starts with what the failure is about, usually a file.
inline void require(const tocsin::status& outcome, std::string_view about) {
    if (!outcome.ok()) {
        fail(outcome.code(), about, ": ", outcome.message());
    }
}
/// The value, or the end of the command.
template <class T>
T require(tocsin::result<T> outcome) {
    if (!outcome) {
        throw command_failure{outcome.error()};
    }
    return *std::move(outcome);
}
template <class T>
T require(tocsin::result<T> outcome, std::string_view about) {
    if (!outcome) {
        require(outcome.error(), about);
    }
    return *std::move(outcome);
}

} // namespace tocsin_cli
