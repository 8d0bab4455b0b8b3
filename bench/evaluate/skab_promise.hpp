/// @file skab_promise.hpp
/// @brief SKAB judged by expected false alarms, with a network and without.
#pragma once

#include "skab_data.hpp"
#include "suite.hpp"
#include <vector>

namespace evaluate {

/// One result per way to judge, all but the last of which need the network:
/// - the encoder-decoder of the suite, its statistics and thresholds from rows that it has not
///   learned from (tocsin::cross_fit), at two promises and at a quantile;
/// - charts of the residuals of a vector autoregression, the same way;
/// - both, combined by Bonferroni.
/// A row is flagged if at most the promised number of false alarms as high is expected.
tocsin::result<std::vector<method_result>>
run_skab_promises(const run_options& options, const std::vector<std::filesystem::path>& recordings);

} // namespace evaluate
