/// @file resampling.hpp
/// @brief Rows at irregular times, put on a regular grid.
#pragma once

#include "tocsin/core/bounded.hpp"
#include "tocsin/core/checked_size.hpp"
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

namespace detail {

/// Which step of a grid a row falls into, and how many steps it ends.
class grid_clock {
  public:
    grid_clock(double step, double longest_gap) noexcept : step_{step}, longest_gap_{longest_gap} {}

    double step() const noexcept { return step_; }
    /// Number of the step of the last row; NaN before the first one.
    double slot() const noexcept { return slot_; }
    /// Goes to the step of a row at a finite time.
    /// @return steps that have ended, from slot() before the call on: 0, or one and as many empty
    ///         ones as follow it; `invalid_data`, and nothing changes, for a time that goes back, a gap
    ///         of more than `most_steps` steps, or one beyond 2^53 steps from 0, where the next step
    ///         has no number of its own
    result<std::int64_t> advance(double time, double most_steps, std::int64_t row) noexcept {
        if (time < before_) {
            return status::error(error_code::invalid_data, "resample: time ", time, " of row ", row,
                                 " lies before ", before_);
        }
        const double slot = std::floor(time / step_);
        if (!(std::abs(slot) < static_cast<double>(largest_count) && std::isfinite(slot * step_))) {
            return status::error(error_code::invalid_data, "resample: time ", time, " of row ", row,
                                 " has no step of its own on a grid of ", step_);
        }
        std::int64_t ended = 0;
        if (!std::isnan(slot_) && slot != slot_) {
            const bool gap = time - before_ > longest_gap_;
            if (!gap && slot - slot_ > most_steps) {
                return status::error(error_code::invalid_data, "resample: a step of ", step_,
                                     " makes more than ", most_steps, " steps");
            }
            ended = gap ? 1 : static_cast<std::int64_t>(slot - slot_);
        }
        slot_ = slot;
        before_ = time;
        return ended;
    }
    void clear() noexcept { *this = {step_, longest_gap_}; }

  private:
    double step_;
    double longest_gap_;
    double slot_ = std::numeric_limits<double>::quiet_NaN();
    double before_ = -std::numeric_limits<double>::infinity();
};

} // namespace detail

/// Puts the rows of a stream on a grid of steps `[k step, (k + 1) step)`: what has arrived makes one
/// sample when the first row of a later step comes. A step without rows is NaN; a gap longer than
/// `longest_gap` is left out, so that the times jump there.
template <class Scalar>
class stream_resampler {
  public:
    /// Allocates.
    /// @param features of a row, at least 1
    /// @param step        positive
    /// @param longest_gap in the unit of the times
    stream_resampler(int features, double step, resampling method,
                     double longest_gap = std::numeric_limits<double>::infinity())
        : clock_{step, longest_gap}, method_{method},
          features_(static_cast<std::size_t>(std::max(features, 0))), sample_(features_.size()) {}

    /// `invalid_argument` for a step that is not positive.
    status check() const noexcept {
        const double step = clock_.step();
        return step > 0 && std::isfinite(step)
                   ? status{}
                   : status::error(error_code::invalid_argument, "resample: step ", step,
                                   " must be positive");
    }

    /// Takes in a row. One whose time is not finite is left out. Memory for the rows of a step is
    /// allocated for the median alone.
    /// @param row  `[features]`, NaN: missing
    /// @param visit `visit(sample, time)`, for each step that has ended: `[features]`, and its start
    /// @return `invalid_data`, and the row is left out, for a time that goes back, a gap of more than
    ///         1e9 steps, or a time beyond 2^53 steps from 0
    template <class Visit>
    status push(std::span<const Scalar> row, double time, Visit&& visit) {
        ++rows_;
        if (!std::isfinite(time)) {
            return {};
        }
        const double first = clock_.slot();
        const auto ended = clock_.advance(time, most_steps, rows_);
        if (!ended) {
            return ended.error();
        }
        for (std::int64_t k = 0; k < *ended; ++k) {
            end_step(first + static_cast<double>(k), visit);
        }
        for (std::size_t f = 0; f < features_.size(); ++f) {
            features_[f].take(row[f], method_);
        }
        return {};
    }
    /// Ends the step of the last row, and with it the series: any time may follow.
    template <class Visit>
    void finish(Visit&& visit) {
        if (!std::isnan(clock_.slot())) {
            end_step(clock_.slot(), visit);
        }
        clock_.clear();
    }

    /// Steps of one gap, or of a whole recording.
    static constexpr double most_steps = 1e9;

  private:
    /// What the rows of a step have brought of one feature.
    struct feature {
        std::int64_t count = 0;
        double sum = 0;
        Scalar last = std::numeric_limits<Scalar>::quiet_NaN();
        std::vector<Scalar> values; // for the median

        void take(Scalar value, resampling method) {
            if (std::isnan(value)) {
                return;
            }
            ++count;
            // An infinite value makes the mean infinite; a finite one never does.
            sum += std::isinf(value) ? value : bounded(static_cast<double>(value));
            last = value;
            if (method == resampling::median) {
                values.push_back(value);
            }
        }
        Scalar combined(resampling method) {
            if (count == 0) {
                return std::numeric_limits<Scalar>::quiet_NaN();
            }
            switch (method) {
            case resampling::last:
                return last;
            case resampling::median:
                return static_cast<Scalar>(interpolated_quantile(std::span(values), 0.5));
            case resampling::mean:
                break;
            }
            return static_cast<Scalar>(sum / static_cast<double>(count));
        }
        void clear() noexcept {
            count = 0;
            sum = 0;
            values.clear();
        }
    };

    template <class Visit>
    void end_step(double slot, Visit&& visit) {
        for (std::size_t f = 0; f < features_.size(); ++f) {
            sample_[f] = features_[f].combined(method_);
            features_[f].clear();
        }
        visit(std::span<const Scalar>(sample_), slot * clock_.step());
    }

    detail::grid_clock clock_;
    resampling method_;
    std::vector<feature> features_;
    std::vector<Scalar> sample_;
    std::int64_t rows_ = 0;
};

namespace detail {

/// Steps that rows at these times make, so that a grid is allocated once, and refused where it is
/// almost empty: a single wrong time must not take all memory.
inline result<index_t> steps_of_grid(std::span<const double> times, double step, double longest_gap,
                                     double most_steps) noexcept {
    constexpr double always = 1e6;
    constexpr double for_a_row = 1000;
    grid_clock clock(step, longest_gap);
    std::int64_t row = 0;
    std::int64_t steps = 0; // at most 1e9 for each row
    for (const double time : times) {
        ++row;
        if (!std::isfinite(time)) {
            continue;
        }
        const bool first = std::isnan(clock.slot());
        const auto ended = clock.advance(time, most_steps, row);
        if (!ended) {
            return ended.error();
        }
        steps += first ? 1 : *ended;
        if (static_cast<double>(steps) > most_steps) {
            return status::error(error_code::invalid_data, "resample: a step of ", step,
                                 " makes more than ", most_steps, " steps");
        }
    }
    if (static_cast<double>(steps) > always + for_a_row * static_cast<double>(row)) {
        return status::error(error_code::invalid_data, "resample: a step of ", step, " makes ",
                             steps, " steps of ", row, " rows; at most ", always, " and ",
                             for_a_row, " for each row");
    }
    return static_cast<index_t>(steps);
}

} // namespace detail

/// Puts the rows of a recording on the grid of stream_resampler, from the first row's step to the
/// step of the last. Allocates.
/// @param values      `[features x rows]`, NaN: missing
/// @param times       one per row, ascending; rows whose time is not known are left out
/// @param labels      one per row, or none
/// @param step        positive
/// @param longest_gap in the unit of the times
/// @return `invalid_argument` for a step that is not positive or sizes that differ, `invalid_data`
///         for times that go back, a grid of more than 1e9 steps, or of more than 1e6 and 1000 for
///         each row, and times beyond 2^53 steps from 0
template <class Scalar>
result<resampled<Scalar>> resample(const matrix<Scalar>& values, std::span<const double> times,
                                   std::span<const std::uint8_t> labels, double step,
                                   resampling method,
                                   double longest_gap = std::numeric_limits<double>::infinity()) {
    const auto features = static_cast<std::size_t>(values.rows());
    stream_resampler<Scalar> steps(static_cast<int>(features), step, method, longest_gap);
    if (const status usable = steps.check(); !usable.ok()) {
        return usable;
    }
    if (static_cast<index_t>(times.size()) != values.cols() ||
        (!labels.empty() && labels.size() != times.size())) {
        return status::error(error_code::invalid_argument, "resample: ", times.size(),
                             " times and ", labels.size(), " labels for ", values.cols(), " rows");
    }
    const auto count = detail::steps_of_grid(times, step, longest_gap, steps.most_steps);
    if (!count) {
        return count.error();
    }
    const auto bytes = checked_size{*count} * std::max<index_t>(values.rows(), 1) *
                       static_cast<index_t>(sizeof(double));
    if (!bytes.valid()) {
        return status::error(error_code::invalid_data, "resample: ", *count, " steps of ",
                             values.rows(), " features do not fit into memory");
    }
    resampled<Scalar> grid;
    grid.values.resize(values.rows(), *count);
    grid.times.reserve(static_cast<std::size_t>(*count));
    grid.labels.reserve(labels.empty() ? 0 : static_cast<std::size_t>(*count));
    bool anomalous = false; // a row of the step at hand
    const auto keep = [&](std::span<const Scalar> sample, double time) {
        std::copy(sample.begin(), sample.end(),
                  grid.values.col(static_cast<index_t>(grid.times.size())).data());
        grid.times.push_back(time);
        if (!labels.empty()) {
            grid.labels.push_back(anomalous ? 1 : 0);
        }
        anomalous = false;
    };
    for (std::size_t k = 0; k < times.size(); ++k) {
        const std::span<const Scalar> row(values.col(static_cast<index_t>(k)).data(), features);
        if (const status taken = steps.push(row, times[k], keep); !taken.ok()) {
            return taken;
        }
        anomalous = anomalous || (!labels.empty() && labels[k] != 0 && std::isfinite(times[k]));
    }
    steps.finish(keep);
    return grid;
}

} // namespace tocsin
