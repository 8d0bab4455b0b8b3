/// @file detector_phase.hpp
/// @brief How far a detector has come.
#pragma once

#include <cstdint>

namespace tocsin {

/// How far a detector has come; each phase needs the one before and can run in another process.
enum class detector_phase : std::uint8_t { created, trained, errors_fitted, tuned };

} // namespace tocsin
