/// @file nab_choice.hpp
/// @brief How the alarm rule of the suite nab is chosen.
#pragma once

#include "suite.hpp"

namespace evaluate {

/// Tries alarm rules for the suite's own method on 120 generated streams (by the seed) and lists
/// them by their NAB score, standard profile, at their fixed threshold. Reads no data.
tocsin::result<suite_result> choose_nab_settings(const run_options& options);

} // namespace evaluate
