/// @file further_comparators.hpp
/// @brief Simple methods that only suites of single series compare.
#pragma once

#include "methods.hpp"
#include <vector>

namespace evaluate {

/// Squared change since the last row, variance of the last rows, distance of windows from the nearest
/// of their k-means (KMeansAD).
std::vector<method> further_comparators();

} // namespace evaluate
