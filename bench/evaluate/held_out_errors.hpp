/// @file held_out_errors.hpp
/// @brief Errors in rows that a method has not learned from, from which a threshold can be set.
#pragma once

#include "tocsin/detect/held_out.hpp"

#include "contenders.hpp"
#include <span>
#include <vector>

namespace evaluate {

/// The errors of methods in all rows, held out; one list per method.
struct held_out {
    std::vector<std::vector<double>> errors;    ///< without signs
    std::vector<std::vector<double>> residuals; ///< as methods give them
};

/// A method learns once per block of the plan, each time without the block and the guard rows next
/// to it (tocsin::cross_fit; -1 is none); the training rows must be one range. Errors in a block
/// are those of the model that has not seen it; errors in all other rows are the mean over the
/// models (as in the CV+ of Barber et al., "Predictive inference with the jackknife+", 2021).
///
/// Errors in rows that a network has learned from are too small to show what is normal; consecutive
/// blocks also show how much normal data changes; several models together depend less on their
/// initial weights than one.
held_out held_out_errors(std::span<const method> methods, const scoring_task& task,
                         const tocsin::cross_fit& plan = {.folds = 3, .guard = 0});

/// Held-out residuals of linear_forecasts(): five blocks, with a guard of 20 rows, or of a tenth of
/// the training rows if these are few. The mean, a single number, is that of all training rows.
held_out linear_residuals(const scoring_task& task);

} // namespace evaluate
