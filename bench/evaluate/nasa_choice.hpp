/// @file nasa_choice.hpp
/// @brief How the rule for events of the suite nasa is chosen.
#pragma once

#include "suite.hpp"

namespace evaluate {

/// Tries event rules on the training parts of the labelled channels: methods learn from the first
/// 30 or 50 % of a part, artificial anomalies are inserted into the rest (three times each, by the
/// seed). Neither a test part nor a label is read.
///
/// Rules that flag at most twice the anomalous rows come first, then by F0.5 of the events; the
/// first 25 are returned. Takes several minutes.
tocsin::result<suite_result> choose_nasa_settings(const run_options& options);

} // namespace evaluate
