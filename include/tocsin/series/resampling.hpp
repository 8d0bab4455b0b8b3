/// @file resampling.hpp
/// @brief Rows at irregular times, put on a regular grid.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/math/quantile.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace tocsin {

/// What replaces the rows that fall into one step.
enum class resampling : std::uint8_t { mean, last, median };

/// Samples on a regular grid.
template <class Scalar>
struct resampled {
    matrix<Scalar> values;            ///< `[features x steps]`, NaN where no row had a value
    std::vector<double> times;        ///< start of each step
    std::vector<std::uint8_t> labels; ///< 1 if a row of the step is anomalous; as many as given
};

/// Puts rows on a grid of steps `[k step, (k + 1) step)`, from the first row's step to the step of
/// the last. A step without rows is NaN; a gap longer than `longest_gap` is left out, so that the
/// times jump there. Allocates.
/// @param values      `[features x rows]`, NaN: missing
/// @param times       one per row, ascending; rows whose time is not known are left out
/// @param labels      one per row, or none
/// @param step        positive
/// @param longest_gap in the unit of the times
/// @return `invalid_argument` for a step that is not positive or sizes that differ, `invalid_data`
///         for times that go back or a grid of more than 1e9 steps
template <class Scalar>
result<resampled<Scalar>> resample(const matrix<Scalar>& values, std::span<const double> times,
                                   std::span<const std::uint8_t> labels, double step,
                                   resampling method,
                                   double longest_gap = std::numeric_limits<double>::infinity()) {
    if (!(step > 0) || !std::isfinite(step)) {
        return status::error(error_code::invalid_argument, "resample: step ", step,
                             " must be positive");
    }
    if (static_cast<index_t>(times.size()) != values.cols() ||
        (!labels.empty() && labels.size() != times.size())) {
        return status::error(error_code::invalid_argument, "resample: ", times.size(),
                             " times and ", labels.size(), " labels for ", values.cols(), " rows");
    }
    resampled<Scalar> grid;
    std::vector<index_t> rows; // of the step at hand
    std::vector<Scalar> columns;
    std::vector<Scalar> seen;
    const index_t features = values.rows();
    double slot = std::numeric_limits<double>::quiet_NaN();
    const auto close_step = [&] {
        bool anomalous = false;
        for (index_t f = 0; f < features; ++f) {
            seen.clear();
            for (const index_t row : rows) {
                if (!std::isnan(values(f, row))) {
                    seen.push_back(values(f, row));
                }
            }
            Scalar value = std::numeric_limits<Scalar>::quiet_NaN();
            if (!seen.empty() && method == resampling::last) {
                value = seen.back();
            } else if (!seen.empty() && method == resampling::median) {
                value = static_cast<Scalar>(interpolated_quantile(std::span(seen), 0.5));
            } else if (!seen.empty()) {
                double sum = 0;
                for (const Scalar one : seen) {
                    sum += static_cast<double>(one);
                }
                value = static_cast<Scalar>(sum / static_cast<double>(seen.size()));
            }
            columns.push_back(value);
        }
        for (const index_t row : rows) {
            anomalous =
                anomalous || (!labels.empty() && labels[static_cast<std::size_t>(row)] != 0);
        }
        grid.times.push_back(slot * step);
        if (!labels.empty()) {
            grid.labels.push_back(anomalous ? 1 : 0);
        }
        rows.clear();
    };
    double before = -std::numeric_limits<double>::infinity();
    for (std::size_t k = 0; k < times.size(); ++k) {
        if (!std::isfinite(times[k])) {
            continue;
        }
        if (times[k] < before) {
            return status::error(error_code::invalid_data, "resample: time ", times[k], " of row ",
                                 k + 1, " lies before ", before);
        }
        const double at = std::floor(times[k] / step);
        if (!std::isnan(slot) && at != slot) {
            close_step();
            const bool gap = times[k] - before > longest_gap;
            if (!gap && at - slot + static_cast<double>(grid.times.size()) > 1e9) {
                return status::error(error_code::invalid_data, "resample: a step of ", step,
                                     " makes more than 1e9 steps");
            }
            while (!gap && ++slot < at) {
                close_step();
            }
        }
        slot = at;
        before = times[k];
        rows.push_back(static_cast<index_t>(k));
    }
    if (!rows.empty()) {
        close_step();
    }
    grid.values = Eigen::Map<const matrix<Scalar>>(columns.data(), features,
                                                   static_cast<index_t>(grid.times.size()));
    return grid;
}

} // namespace tocsin
