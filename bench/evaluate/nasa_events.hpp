/// @file nasa_events.hpp
/// @brief Events of SMAP and MSL, counted as telemanom counts them.
#pragma once

#include "contenders.hpp"
#include "suite.hpp"
#include <vector>

namespace evaluate {

/// The suite's own method for events, with its own line in the results.
inline constexpr const char* own_events_name = "charts of linear forecasts";

/// One result per way to find events: charts of forecasts first, then the contenders of the set
/// with the rule of all methods (event_rule). Groups are the spacecraft, then all.
tocsin::result<std::vector<method_result>> run_nasa_events(const run_options& options,
                                                           const contender_set& set);

} // namespace evaluate
