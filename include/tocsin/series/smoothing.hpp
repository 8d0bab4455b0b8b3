/// @file smoothing.hpp
/// @brief Smoothing of errors and scores: exponentially weighted for streams, centred for batches.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/series/moving_window.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

namespace tocsin {

/// Exponentially weighted moving average of a stream:
///
///     s(t) = sum over i of (1 - alpha)^i x(t - i) / sum over i of (1 - alpha)^i.
///
/// Dividing by the sum of the weights makes the first results averages of the available values,
/// with no bias to the first one (pandas' `ewm(adjust=True)`). For a trailing mean with equal
/// weights, see moving_window. push() is O(1) and never allocates.
class ewma {
  public:
    /// @param alpha weight of the newest value, in (0, 1] (debug builds check); 1 means no
    ///              smoothing
    explicit ewma(double alpha = 1) noexcept : alpha_{alpha} {
        TOCSIN_ASSERT(alpha > 0 && alpha <= 1, "ewma: alpha must lie in (0, 1]");
    }
    /// From a span of rows, at least 1: alpha = 2 / (span + 1) gives the weights the same centre of
    /// mass as a mean over `span` rows.
    static ewma from_span(double span) noexcept { return ewma(2 / (span + 1)); }

    double alpha() const noexcept { return alpha_; }
    /// The last smoothed value; NaN before the first.
    double value() const noexcept {
        return weight_ > 0 ? value_ : std::numeric_limits<double>::quiet_NaN();
    }
    /// Values that were not finite since the last reset().
    std::int64_t rejected() const noexcept { return rejected_; }

    /// Adds a value and returns the smoothed one. A value that is not finite is returned unchanged
    /// and counted, and changes nothing else.
    double push(double value) noexcept {
        if (!std::isfinite(value)) {
            ++rejected_;
            return value;
        }
        const double before = weight_ * (1 - alpha_);
        weight_ = before + 1;
        value_ += value / weight_ - value_ / weight_; // the difference alone can overflow
        return value_;
    }

    void reset() noexcept {
        value_ = 0;
        weight_ = 0;
        rejected_ = 0;
    }

    template <class Archive>
    void exchange(Archive& archive) {
        archive.number("alpha", alpha_);
        archive.number("value", value_);
        archive.number("weight", weight_);
        archive.integer("rejected", rejected_);
        if constexpr (Archive::loading) {
            if (archive.outcome().ok() && !(alpha_ > 0 && alpha_ <= 1 && weight_ >= 0)) {
                archive.fail(status::error(error_code::format_error, "ewma: alpha ", alpha_,
                                           " must lie in (0, 1] and weight ", weight_,
                                           " must not be negative"));
            }
        }
    }

  private:
    double alpha_;
    double value_ = 0;
    double weight_ = 0; // sum of all weights; the newest is 1
    std::int64_t rejected_ = 0;
};

/// Centred moving mean: out[i] is the mean of the values in the existing rows of [i - before, i +
/// after], where before = rows / 2 and after = rows - 1 - before, so both ends average fewer rows.
/// Values that are not finite are left out; if no others are in reach, the result is NaN.
///
/// For scores of a whole recording: it looks ahead and adds no delay. O(n), never allocates.
/// @param rows at least 1
/// @param out  as many as there are values; must not share memory with `values`
/// @return `invalid_argument` for other sizes, or when the two arrays share memory
inline status centred_moving_mean(std::span<const double> values, int rows,
                                  std::span<double> out) noexcept {
    if (rows < 1) {
        return status::error(error_code::invalid_argument, "centred_moving_mean: rows ", rows,
                             " must be at least 1");
    }
    if (out.size() != values.size()) {
        return status::error(error_code::invalid_argument, "centred_moving_mean: ", values.size(),
                             " values but room for ", out.size());
    }
    if (!values.empty() && out.data() < values.data() + values.size() &&
        values.data() < out.data() + out.size()) {
        return status::error(error_code::invalid_argument,
                             "centred_moving_mean: values and out must not share memory");
    }
    const std::size_t size = values.size();
    const auto width = static_cast<std::size_t>(rows);
    const std::size_t before = width / 2;
    const std::size_t after = width - 1 - before;
    // Window sums are recomputed every `width` rows, so rounding errors cannot accumulate and the
    // cost stays linear.
    double sum = 0;
    std::size_t count = 0;
    std::size_t begin = 0;
    std::size_t end = 0;
    for (std::size_t i = 0; i < size; ++i) {
        const std::size_t wanted_begin = i > before ? i - before : 0;
        const std::size_t wanted_end = std::min(i + after + 1, size);
        if (i % width == 0) {
            sum = 0;
            count = 0;
            begin = end = wanted_begin;
        }
        for (; end < wanted_end; ++end) {
            if (std::isfinite(values[end])) {
                sum += values[end];
                ++count;
            }
        }
        for (; begin < wanted_begin; ++begin) {
            if (std::isfinite(values[begin])) {
                sum -= values[begin];
                --count;
            }
        }
        out[i] =
            count > 0 ? sum / static_cast<double>(count) : std::numeric_limits<double>::quiet_NaN();
    }
    return {};
}

} // namespace tocsin
