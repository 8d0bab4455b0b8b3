/// @file moving_window.hpp
/// @brief Mean and variance of the last values of a stream, in constant time for each.
#pragma once

#include "tocsin/core/bounded.hpp"
#include "tocsin/core/checked_size.hpp"
#include "tocsin/core/extents.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/core/views.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <utility>

namespace tocsin {
namespace detail {

/// Largest ring that can be loaded: a file must not make a program allocate without limit.
inline constexpr int largest_ring = 1 << 24;

} // namespace detail

/// Mean and variance of the last `rows` values, or of all while there are fewer: the trailing
/// moving mean for streams. push() is O(1), but for O(rows) where a value leaves that was thousands of
/// times farther out than all others, and never allocates.
///
/// The sums follow the window by the update
///
///     m' = m + (x - y) / n,    S' = S + (x - y)((x - m') + (y - m)),
/// where x comes in and y goes out (Welford's update and its inverse in one). Rounding errors would
/// pile up over a year, so a second pair of sums starts anew whenever the ring begins again, and
/// takes the place of the first as soon as it has seen a whole window.
///
/// Values count as at most largest_input in size. A huge value takes the digits of the others with
/// it: mean and variance are right again when it leaves the window and the others are summed anew, at
/// the latest 2 * rows() values after it.
class moving_window {
  public:
    /// Allocates.
    /// @param rows at least 1 (debug builds check)
    explicit moving_window(int rows = 1) : values_{column<double>::Zero(std::max(rows, 1))} {
        TOCSIN_ASSERT(rows >= 1, "moving_window: rows must be at least 1");
    }

    /// Values that a full window holds.
    int rows() const noexcept { return static_cast<int>(values_.size()); }
    /// Values in the window, at most rows().
    int count() const noexcept { return count_; }
    /// Whether as many values have come as the window holds.
    bool full() const noexcept { return count_ == rows(); }
    /// Value k of the window, 0 the oldest, bounded as it was counted. @param k below count()
    double value(int k) const noexcept {
        const int place = full() ? next_ + k : k;
        return values_[place < rows() ? place : place - rows()];
    }
    /// Values that were not finite since the last reset().
    std::int64_t rejected() const noexcept { return rejected_; }

    /// Adds a value and returns the mean including it. A value that is not finite is returned
    /// unchanged and counted, and changes nothing else.
    double push(double value) noexcept {
        if (!std::isfinite(value)) {
            count_up(rejected_);
            return value;
        }
        value = bounded(value);
        fresh_.add(value, next_ + 1);
        if (full()) {
            const double leaving = std::exchange(values_[next_], value);
            const auto [mean_before, scatter_before] = sums_;
            const double step = value - leaving;
            sums_.mean += step / rows();
            sums_.scatter += step * ((value - sums_.mean) + (leaving - mean_before));
            constexpr double cancelled = 1e-8; // of what is left, half of the digits are gone
            if (sums_.scatter < cancelled * scatter_before) {
                sum_anew();
            }
        } else {
            ++count_;
            sums_ = fresh_;
            values_[next_] = value;
        }
        if (++next_ == rows()) {
            next_ = 0;
            sums_ = fresh_;
            fresh_ = {};
        }
        return sums_.mean;
    }

    /// Mean of the window; NaN while it is empty.
    double mean() const noexcept {
        return count_ > 0 ? sums_.mean : std::numeric_limits<double>::quiet_NaN();
    }
    /// Unbiased variance of the window (divisor count - 1); NaN for fewer than two values.
    double variance() const noexcept {
        return count_ > 1 ? sums_.scatter / (count_ - 1) : std::numeric_limits<double>::quiet_NaN();
    }

    /// Forgets all values. Never allocates.
    void reset() noexcept {
        count_ = 0;
        next_ = 0;
        rejected_ = 0;
        sums_ = {};
        fresh_ = {};
    }

    /// Whether push() can have led here; `format_error` with what is impossible.
    status valid() const noexcept {
        const double scatter_limit = 4 * largest_input * largest_input * 2 * rows();
        if (count_ < 0 || count_ > rows() || next_ < 0 || next_ >= rows() ||
            (!full() && next_ != count_) || !is_count(rejected_)) {
            return status::error(error_code::format_error, "moving_window: count ", count_,
                                 ", next ", next_, ", rejected ", rejected_, " of ", rows(),
                                 " rows fit no window");
        }
        for (const sums_type& sums : {sums_, fresh_}) {
            if (!is_bounded(sums.mean, 2 * largest_input) || !(sums.scatter >= 0) ||
                !(sums.scatter <= scatter_limit)) {
                return status::error(error_code::format_error, "moving_window: mean ", sums.mean,
                                     " and scatter ", sums.scatter, " fit no window");
            }
        }
        if (next_ == 0 && (fresh_.mean != 0 || fresh_.scatter != 0)) {
            return status::error(error_code::format_error, "moving_window: mean ", fresh_.mean,
                                 " and scatter ", fresh_.scatter, " of no values fit no window");
        }
        for (const double value : values_) {
            if (!is_bounded(value)) {
                return status::error(error_code::format_error, "moving_window: value ", value,
                                     " fits no window");
            }
        }
        return {};
    }

    static constexpr int version = 1;
    /// Saves or loads everything: after loading the stream continues with the same bits.
    template <class Archive>
    void exchange(Archive& archive) {
        int rows_stored = rows();
        archive.integer("rows", rows_stored);
        if constexpr (Archive::loading) {
            if (archive.outcome().ok() && (rows_stored < 1 || rows_stored > detail::largest_ring)) {
                archive.fail(status::error(error_code::format_error, "moving_window: rows ",
                                           rows_stored, " must lie in [1, ", detail::largest_ring,
                                           "]"));
            }
            if (!archive.outcome().ok()) {
                return;
            }
            values_.resize(0); // takes the size that the file holds
        }
        archive.integer("count", count_);
        archive.integer("next", next_);
        archive.integer("rejected", rejected_);
        archive.matrix("values", values_);
        archive.number("mean", sums_.mean);
        archive.number("scatter", sums_.scatter);
        archive.number("fresh_mean", fresh_.mean);
        archive.number("fresh_scatter", fresh_.scatter);
        if constexpr (Archive::loading) {
            if (archive.outcome().ok() && values_.size() != rows_stored) {
                archive.fail(status::error(error_code::format_error, "moving_window: rows ",
                                           rows_stored, ", but the file holds ", values_.size()));
            }
            if (archive.outcome().ok()) {
                archive.fail(valid());
            }
            if (!archive.outcome().ok()) {
                *this = moving_window(1);
            }
        }
    }

  private:
    struct sums_type {
        double mean = 0;
        double scatter = 0; // sum of squared distances from the mean

        void add(double value, int count) noexcept {
            const double difference = value - mean;
            mean += difference / count;
            scatter += difference * (value - mean);
        }
    };

    /// From the values of a full window, mean first. O(rows), but only after a value left that was much
    /// farther out than all others.
    void sum_anew() noexcept {
        sums_.mean = 0;
        for (index_t k = 0; k < values_.size(); ++k) {
            sums_.mean += (values_[k] - sums_.mean) / static_cast<double>(k + 1);
        }
        sums_.scatter = (values_.array() - sums_.mean).square().sum();
    }

    column<double> values_; // ring
    int count_ = 0;
    int next_ = 0; // where the next value goes; also how many are in fresh_
    std::int64_t rejected_ = 0;
    sums_type sums_;
    sums_type fresh_; // of values_[0, next_)
};

} // namespace tocsin
