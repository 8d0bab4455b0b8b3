/// @file gecco_data.hpp
/// @brief Series with labelled events in the format of GECCO 2018, and the inputs of classifiers.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/metrics/row_ranges.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace evaluate {

/// A recording, split by date. Values are scaled robustly by the training rows, then compressed by
/// the inverse hyperbolic sine: events are up to a thousand times the usual spread away, and
/// methods must generalise between sizes.
struct gecco_series {
    std::string name;
    tocsin::matrix<float> values;     ///< `[sensors x rows]`, missing ones held
    tocsin::matrix<float> changes;    ///< values minus their mean over the day that ends with them
    tocsin::matrix<float> calendar;   ///< `[10 x rows]`, in -1 to 1
    std::vector<std::uint8_t> labels; ///< of rows
    std::vector<tocsin::row_range> events;
    tocsin::index_t train_end = 0;      ///< rows before it are for training
    tocsin::index_t validation_end = 0; ///< rows between the two choose settings
    tocsin::index_t test_end = 0;       ///< rows between these two are judged

    tocsin::index_t rows() const noexcept { return values.cols(); }
    /// Changes, above the calendar if wanted: `[features x rows]`.
    tocsin::matrix<float> inputs(bool with_calendar) const;
};

/// Rows of a window, by the protocol.
inline constexpr int gecco_window = 60;

/// The recordings that `splits.csv` lists.
tocsin::result<std::vector<gecco_series>> read_gecco(const std::filesystem::path& directory);

/// For each row before the end of training, the number of its part, of `count` parts. Events less
/// than a day apart are one series, and a series is never in two parts. Fewer than two parts if all
/// events are one series.
struct series_parts {
    std::vector<int> of_row;
    int count = 0;
};
series_parts parts_by_series(const gecco_series& data, int most);

/// Statistics of each window that ends within [begin, end), by columns: of each sensor mean,
/// standard deviation, minimum, maximum, last value minus median, and largest step.
/// @return `[6 sensors x windows]`; the window k begins at row `begin + k`
tocsin::matrix<float> window_statistics(const tocsin::matrix<float>& values, tocsin::index_t begin,
                                        tocsin::index_t end);

} // namespace evaluate
