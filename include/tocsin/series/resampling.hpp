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
        : step_{step}, longest_gap_{longest_gap}, method_{method},
          features_(static_cast<std::size_t>(std::max(features, 0))), sample_(features_.size()) {}

    /// `invalid_argument` for a step that is not positive.
    status check() const noexcept {
        return step_ > 0 && std::isfinite(step_)
                   ? status{}
                   : status::error(error_code::invalid_argument, "resample: step ", step_,
                                   " must be positive");
    }

    /// Takes in a row. One whose time is not finite is left out. Memory for the rows of a step is
    /// allocated for the median alone.
    /// @param row  `[features]`, NaN: missing
    /// @param emit `emit(sample, time)`, for each step that has ended: `[features]`, and its start
    /// @return `invalid_data`, and the row is left out, for a time that goes back or a gap of more
    ///         than 1e9 steps
    template <class Emit>
    status push(std::span<const Scalar> row, double time, Emit&& emit) {
        ++rows_;
        if (!std::isfinite(time)) {
            return {};
        }
        if (time < before_) {
            return status::error(error_code::invalid_data, "resample: time ", time, " of row ",
                                 rows_, " lies before ", before_);
        }
        const double slot = std::floor(time / step_);
        if (!std::isnan(slot_) && slot != slot_) {
            const bool gap = time - before_ > longest_gap_;
            if (!gap && slot - slot_ > most_steps) {
                return too_many_steps();
            }
            end_step(emit);
            while (!gap && ++slot_ < slot) {
                end_step(emit);
            }
        }
        slot_ = slot;
        before_ = time;
        for (std::size_t f = 0; f < features_.size(); ++f) {
            features_[f].take(row[f], method_);
        }
        return {};
    }
    /// Ends the step of the last row, and with it the series: any time may follow.
    template <class Emit>
    void finish(Emit&& emit) {
        if (!std::isnan(slot_)) {
            end_step(emit);
        }
        slot_ = std::numeric_limits<double>::quiet_NaN();
        before_ = -std::numeric_limits<double>::infinity();
    }

    /// Steps of one gap, or of a whole recording.
    static constexpr double most_steps = 1e9;
    /// The error for a grid of more steps.
    status too_many_steps() const noexcept {
        return status::error(error_code::invalid_data, "resample: a step of ", step_,
                             " makes more than 1e9 steps");
    }

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
            sum += static_cast<double>(value);
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

    template <class Emit>
    void end_step(Emit&& emit) {
        for (std::size_t f = 0; f < features_.size(); ++f) {
            sample_[f] = features_[f].combined(method_);
            features_[f].clear();
        }
        emit(std::span<const Scalar>(sample_), slot_ * step_);
    }

    double step_;
    double longest_gap_;
    resampling method_;
    std::vector<feature> features_;
    std::vector<Scalar> sample_;
    double slot_ = std::numeric_limits<double>::quiet_NaN(); // of the last row
    double before_ = -std::numeric_limits<double>::infinity();
    std::int64_t rows_ = 0;
};

/// Puts the rows of a recording on the grid of stream_resampler, from the first row's step to the
/// step of the last. Allocates.
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
    resampled<Scalar> grid;
    std::vector<Scalar> columns;
    bool anomalous = false; // a row of the step at hand
    bool too_many = false;
    const auto keep = [&](std::span<const Scalar> sample, double time) {
        too_many = too_many || static_cast<double>(grid.times.size()) >= steps.most_steps;
        if (too_many) {
            return;
        }
        columns.insert(columns.end(), sample.begin(), sample.end());
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
        if (too_many) {
            return steps.too_many_steps();
        }
        anomalous = anomalous || (!labels.empty() && labels[k] != 0 && std::isfinite(times[k]));
    }
    steps.finish(keep);
    grid.values = Eigen::Map<const matrix<Scalar>>(columns.data(), values.rows(),
                                                   static_cast<index_t>(grid.times.size()));
    return grid;
}

} // namespace tocsin
