/// @file found_peers.hpp
/// @brief The peers of this build; CMake writes the definitions.
#pragma once

#include "competitor.hpp"
#include <vector>

namespace tocsin_bench {

std::vector<const peer*> found_peers();
/// One line per missing peer: why, and what to install.
std::vector<const char*> missing_peers();

} // namespace tocsin_bench
