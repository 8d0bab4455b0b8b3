/// @file held_out_errors.hpp
/// @brief Errors in normal rows that a method has not learned from: what a threshold is measured
/// by.
#pragma once

#include "contenders.hpp"
#include <vector>

namespace evaluate {

/// Per method of a set: its errors in all rows, and in the training rows, one after the other, when
/// it has learned from the other training rows only.
struct calibrated_errors {
    std::vector<std::vector<double>> all;
    std::vector<std::vector<double>> held_out;
};

/// Scores a recording `folds` + 1 times: once having learned from all training rows, which must be
/// one range, and once without each of `folds` blocks of them. Errors in rows that a network has
/// learned from are too small to say what is normal; blocks that follow each other in time also
/// show how much normal data changes.
calibrated_errors errors_with_held_out(const contender_set& set, const scoring_task& task,
                                       int folds = 3);

} // namespace evaluate
