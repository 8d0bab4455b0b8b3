/// @file held_out_errors.hpp
/// @brief Errors in rows that a method has not learned from: what a threshold can be measured by.
#pragma once

#include "contenders.hpp"
#include <vector>

namespace evaluate {

/// Errors of every method of a set in all rows, none of them learned from: a method learns `folds`
/// times, each time without one block of the training rows, which must be one range. Errors in a
/// block are those of the model that does not know it, errors in all other rows are the mean over
/// the models (as in the CV+ of Barber et al., "Predictive inference with the jackknife+", 2021).
///
/// Errors in rows that a network has learned from are too small to say what is normal; blocks that
/// follow each other also show how much normal data changes; several models together depend less on
/// their initial weights than one.
std::vector<std::vector<double>> held_out_errors(const contender_set& set, const scoring_task& task,
                                                 int folds = 3);

} // namespace evaluate
