/// @file load_options.hpp
/// @brief What loading a file may cost, and who vouches for it.
#pragma once

#include "tocsin/core/load_budget.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/io/read_file.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

namespace tocsin {

/// Limits of one load, and a check by the application.
struct load_options {
    std::uint64_t largest_file = default_file_limit; ///< bytes; larger files are refused
    /// Bytes of memory that objects may take for each byte of the file, at least 1.
    int memory_factor = 16;
    /// Called with all bytes of the file before anything in them is believed: the place to check a
    /// signature that the application keeps next to the file. A failure is what loading returns.
    std::function<status(std::span<const std::byte>)> verify = {};
};

} // namespace tocsin
