/// @file file_checks.hpp
/// @brief Keeps a gateway from writing verdicts into files that it reads.
#pragma once

#include "tocsin/core/status.hpp"

#include <span>
#include <string>

namespace tocsin_gateway {

/// A file, and the option that names it.
struct named_file {
    const char* option = "";
    std::string path; ///< empty: the option was not given; -: standard input or output
};

/// Verdicts are appended: a model or states would be destroyed, and an input would never end.
/// Pipes and devices may be both.
/// @return `invalid_argument` for a file that is among both, whatever the spelling of its paths, also
///         one that does not exist yet
tocsin::status check_outputs(std::span<const named_file> outputs, std::span<const named_file> read);

} // namespace tocsin_gateway
