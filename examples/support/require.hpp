/// @file require.hpp
/// @brief Ends an example if something failed.
#pragma once

#include "tocsin/core/status.hpp"

#include <cstdio>
#include <cstdlib>

namespace support {

/// Returns on success; else prints the message, which names the value that was wrong, and exits.
inline void require(const tocsin::status& outcome) {
    if (!outcome.ok()) {
        std::fprintf(stderr, "%s\n", outcome.message());
        std::exit(EXIT_FAILURE);
    }
}

} // namespace support
