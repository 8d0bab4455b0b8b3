/// @file scoring_task.hpp
/// @brief A recording to be scored: which rows are for training, which windows it has.
#pragma once

#include "tocsin/core/views.hpp"
#include "tocsin/metrics/row_ranges.hpp"

#include <cmath>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace evaluate {

/// A recording as a method sees it: without labels.
struct scoring_task {
    tocsin::matrix<double> values;           ///< `[features x rows]`, finite
    std::vector<tocsin::row_range> training; ///< rows to learn from
    int targets = 1;  ///< the first features are measured; others (commands) may help
    int period = 125; ///< rows; a usual window if the series has none
    std::uint64_t seed = 1;
    std::optional<int> epochs = {}; ///< instead of those of the method
    /// Starts of windows of one period if they are separate units, such as weeks; else windows
    /// start at every row.
    std::vector<tocsin::index_t> units = {};
    /// Normal rows that are not trained on, for the choice of an epoch and the error statistics;
    /// may be none.
    std::vector<tocsin::row_range> validation = {};

    tocsin::index_t rows() const noexcept { return values.cols(); }
    /// The training rows one after the other, `[features x rows]`.
    tocsin::matrix<double> training_values() const;
    /// The targets in all rows, `[targets x rows]`.
    tocsin::matrix<double> target_values() const;
    /// Standard deviation of each target in the training rows; if it is 0, that in all rows, or 1.
    tocsin::column<double> target_scale() const;
};

/// Mean absolute deviation of the targets from the expected values, in units of the first; for a
/// single target, with the sign of the deviation.
/// @param deviation measured minus expected, `[targets]`
/// @param scale     of the targets, see target_scale()
template <class Deviation>
double error_of(const Deviation& deviation, const tocsin::column<double>& scale) {
    const double size =
        (deviation.template cast<double>().array() / scale.array()).abs().mean() * scale[0];
    return scale.size() == 1 ? std::copysign(size, static_cast<double>(deviation[0])) : size;
}

/// The changes of the targets from row to row above all values, `[targets + features x rows]`.
/// Levels that the training rows do not have are forecast by changes no worse than by the last
/// value.
tocsin::matrix<double> changes_and_values(const scoring_task& task);

/// Where windows of `length` groups of rows begin within ranges of groups: everywhere, or where the
/// units of the task begin.
std::vector<tocsin::index_t> window_starts(const scoring_task& task,
                                           const std::vector<tocsin::row_range>& ranges, int length,
                                           tocsin::index_t group = 1);

/// Where windows of `length` rows begin within ranges of rows, `stride` apart.
std::vector<tocsin::index_t> starts_within(const std::vector<tocsin::row_range>& ranges, int length,
                                           int stride);

/// Rows of the longest range.
tocsin::index_t longest_of(const std::vector<tocsin::row_range>& ranges);

/// Period of the first feature, 125 rows if it has none between 4 and 300 (as TSB-AD decides it).
int period_of(const tocsin::matrix<double>& values);

/// Errors averaged over `rows`, centred; rows without an error get the mean of the others.
std::vector<double> smoothed(std::span<const double> errors, int rows);

/// A copy with missing values replaced by the last finite one, or by 0 before the first.
tocsin::matrix<double> filled(tocsin::matrix<double> values);

} // namespace evaluate
