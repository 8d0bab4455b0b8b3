/// @file contenders.hpp
/// @brief Contenders in the suites of recordings: methods, alone or combined.
#pragma once

#include "tocsin/metrics/row_ranges.hpp"

#include "methods.hpp"
#include "metrics.hpp"
#include "suite.hpp"
#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace evaluate {

/// One method, or the mean of several in relative units.
struct contender {
    std::string name;
    std::vector<std::size_t> parts; ///< positions in contender_set::methods
    bool seeded = false;
};

/// The suites' own detector: two LSTMs that predict and reconstruct, and their linear counterparts.
inline constexpr const char* own_name = "LSTMs + linear models";

/// The suites' own first, then the LSTMs together, each of the networks, and the comparators;
/// without those when only contenders that depend on the seed are wanted.
struct contender_set {
    std::vector<method> methods;
    std::vector<contender> contenders;

    /// @param more methods that only some suites have
    explicit contender_set(bool seeded_only, std::vector<method> more = {});
    /// Frames for the results, one per contender.
    std::vector<method_result> frames() const;
};

/// The methods' results for the rows of a recording, see method. A method that cannot learn from
/// the training rows (too few) is replaced by the z-score, with a note on standard error.
std::vector<std::vector<double>> residuals_of(std::span<const method> methods,
                                              const scoring_task& task);

/// The same of every method of a set, without signs.
std::vector<std::vector<double>> errors_of(const contender_set& set, const scoring_task& task);

/// Scores of a contender: the errors of each of its methods, smoothed over `rows` (centred), in
/// units of the 0.99 quantile that they have in the training rows; the mean of the methods.
std::vector<double> scores_of(const contender& which,
                              const std::vector<std::vector<double>>& errors,
                              const scoring_task& task, int rows);

/// Threshold without labels by peaks over threshold: one false alarm in a thousand rows.
/// @param normal scores of normal rows in order of time; `invalid_data` for fewer than 200 or so
tocsin::result<double> threshold_of_peaks(std::span<const double> normal);
/// Its settings.
nlohmann::ordered_json peaks_settings();

/// VUS and areas under curves; nothing if the labels have only one class.
metrics score_metrics(std::span<const double> scores, std::span<const std::uint8_t> labels,
                      int window);

} // namespace evaluate
