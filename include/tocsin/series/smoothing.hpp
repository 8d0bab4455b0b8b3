/// @file smoothing.hpp
/// @brief Smoothing of errors and scores: exponentially weighted for streams, centred for batches.
#pragma once

#include "tocsin/core/bounded.hpp"
#include "tocsin/core/checked_size.hpp"
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
/// Dividing by the sum of the weights makes the first values an average of what there is, instead
/// of leaning on the first one (pandas' `ewm(adjust=True)`). For a trailing mean of equal weights
/// see moving_window. push() is O(1) and never allocates.
///
/// Values count as at most largest_input in size. Whatever came, 300 / alpha values later less than
/// 1e-29 of it is left.
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

    /// Weight of the newest value.
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
            count_up(rejected_);
            return value;
        }
        const double before = weight_ * (1 - alpha_);
        weight_ = before + 1;
        value_ += (bounded(value) - value_) / weight_;
        return value_;
    }

    void reset() noexcept {
        value_ = 0;
        weight_ = 0;
        rejected_ = 0;
    }

    static constexpr int version = 1;
    template <class Archive>
    void exchange(Archive& archive) {
        archive.number("alpha", alpha_);
        archive.number("value", value_);
        archive.number("weight", weight_);
        archive.integer("rejected", rejected_);
        if constexpr (Archive::loading) {
            if (archive.outcome().ok()) {
                archive.fail(valid());
            }
            if (!archive.outcome().ok()) {
                *this = ewma{};
            }
        }
    }

    /// Whether push() can have led here; `format_error` with what is impossible.
    status valid() const noexcept {
        if (!(alpha_ > 0 && alpha_ <= 1)) {
            return status::error(error_code::format_error, "ewma: alpha ", alpha_,
                                 " must lie in (0, 1]");
        }
        // The sum of (1 - alpha)^i, from 1 for the first value; 0 before.
        const bool possible_weight = weight_ == 0 || (weight_ >= 1 && weight_ * alpha_ <= 1 + 1e-6);
        if (!possible_weight || !is_bounded(value_, 2 * largest_input) || !is_count(rejected_)) {
            return status::error(error_code::format_error, "ewma: value ", value_, " of weight ",
                                 weight_, ", rejected ", rejected_, " is impossible");
        }
        return {};
    }

  private:
    double alpha_;
    double value_ = 0;
    double weight_ = 0; // sum of all weights; the newest is 1
    std::int64_t rejected_ = 0;
};

/// Centred moving mean: out[i] is the mean of the values in the rows [i - before, i + after] that
/// exist, where before = rows / 2 and after = rows - 1 - before, so at both ends over fewer rows.
/// Values that are not finite are left out; a row without any other has NaN. Values count as at
/// most largest_input in size; rows whose window does not hold a huge one are as without it.
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
    const auto usable = [&](std::size_t i) {
        return std::isfinite(values[i]) ? bounded(values[i]) : 0.0;
    };
    // No value is ever taken out of a sum, as a huge one would take the digits of the others with
    // it. Windows of `width` rows that begin in one block of as many rows hold the end of that
    // block and the beginning of the next: the sums of the ends are made backwards, first.
    std::size_t count = 0; // of finite values in the window; integers can be taken out
    std::size_t begin = 0;
    std::size_t end = 0;
    for (std::size_t first = 0; first < size; first += width) {
        const std::size_t last = std::min(size - first, width) + first;
        const std::size_t block_end = first + width > before ? first + width - before : 0;
        double sum = 0;
        std::size_t from = std::min(block_end, size);
        for (std::size_t after_i = last; after_i > first; --after_i) {
            const std::size_t i = after_i - 1;
            for (const std::size_t to = i > before ? i - before : 0; from > to;) {
                sum += usable(--from);
            }
            out[i] = sum;
        }
        sum = 0;
        std::size_t next = std::min(block_end, size);
        for (std::size_t i = first; i < last; ++i) {
            const std::size_t wanted_begin = i > before ? i - before : 0;
            const std::size_t wanted_end = size - i > after + 1 ? i + after + 1 : size;
            for (; next < wanted_end; ++next) {
                sum += usable(next);
            }
            for (; end < wanted_end; ++end) {
                count += std::isfinite(values[end]) ? 1U : 0U;
            }
            for (; begin < wanted_begin; ++begin) {
                count -= std::isfinite(values[begin]) ? 1U : 0U;
            }
            out[i] = count > 0 ? (out[i] + sum) / static_cast<double>(count)
                               : std::numeric_limits<double>::quiet_NaN();
        }
    }
    return {};
}

} // namespace tocsin
