/// @file inserted_anomalies.hpp
/// @brief Artificial anomalies in normal recordings, for choosing settings without labels.
#pragma once

#include "tocsin/core/random.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/metrics/row_ranges.hpp"

#include <vector>

namespace evaluate {

/// Changes the first feature of `[features x rows]` in one or two ranges of `where`, which are
/// returned in order of time; none if the rows are too few, or if a change cannot be seen (such as
/// a frozen constant).
///
/// A range has from 10 rows to an eighth of `where`, is at least 250 rows away from another, and is
/// one of: shifted, frozen, noisy, drifting, mirrored, copied from elsewhere, stretched around its
/// mean. Sizes are from a half to four standard deviations of the feature; values stay within its
/// range and half of that on both sides.
std::vector<tocsin::row_range> insert_anomalies(tocsin::matrix<double>& values,
                                                tocsin::row_range where,
                                                tocsin::random_generator& random);

} // namespace evaluate
