/// @file moving_window.hpp
/// @brief Mean and variance of the last values of a stream, in constant time for each.
#pragma once

#include "tocsin/core/bounded.hpp"
#include "tocsin/core/checked_size.hpp"
#include "tocsin/core/emptied_by_move.hpp"
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

    /// Values that a full window holds; 0 where it was moved from.
    int rows() const noexcept { return static_cast<int>(values_.size()); }
    /// Values in the window, at most rows().
    int count() const noexcept { return state_.count; }
    /// Whether as many values have come as the window holds; never where it was moved from.
    bool full() const noexcept { return state_.count == rows() && rows() > 0; }
    /// Value k of the window, 0 the oldest, bounded as it was counted. @param k below count()
    double value(int k) const noexcept {
        const int place = full() ? state_.next + k : k;
        return values_[place < rows() ? place : place - rows()];
    }
    /// Values that were not finite since the last reset().
    std::int64_t rejected() const noexcept { return state_.rejected; }

    /// Adds a value and returns the mean including it. A value that is not finite is returned
    /// unchanged and counted, and changes nothing else. Moved from, a window takes none: NaN.
    double push(double value) noexcept {
        if (!std::isfinite(value)) {
            count_up(state_.rejected);
            return value;
        }
        if (rows() == 0) {
            return mean();
        }
        value = bounded(value);
        state_.fresh.add(value, state_.next + 1);
        if (full()) {
            const double leaving = std::exchange(values_[state_.next], value);
            const auto [mean_before, scatter_before] = state_.sums;
            const double step = value - leaving;
            state_.sums.mean += step / rows();
            state_.sums.scatter += step * ((value - state_.sums.mean) + (leaving - mean_before));
            constexpr double cancelled = 1e-8; // of what is left, half of the digits are gone
            if (state_.sums.scatter < cancelled * scatter_before) {
                sum_anew();
            }
        } else {
            ++state_.count;
            state_.sums = state_.fresh;
            values_[state_.next] = value;
        }
        if (++state_.next == rows()) {
            state_.next = 0;
            state_.sums = state_.fresh;
            state_.fresh = {};
        }
        return state_.sums.mean;
    }

    /// Mean of the window; NaN while it is empty.
    double mean() const noexcept {
        return state_.count > 0 ? state_.sums.mean : std::numeric_limits<double>::quiet_NaN();
    }
    /// Unbiased variance of the window (divisor count - 1); NaN for fewer than two values.
    double variance() const noexcept {
        return state_.count > 1 ? state_.sums.scatter / (state_.count - 1)
                                : std::numeric_limits<double>::quiet_NaN();
    }

    /// Forgets all values. Never allocates.
    void reset() noexcept { state_ = state_type{}; }

    /// Whether push() can have led here; `format_error` with what is impossible.
    status valid() const noexcept {
        if (rows() == 0) {
            return moved_from(error_code::format_error);
        }
        const double scatter_limit = 4 * largest_input * largest_input * 2 * rows();
        if (state_.count < 0 || state_.count > rows() || state_.next < 0 || state_.next >= rows() ||
            (!full() && state_.next != state_.count) || !is_count(state_.rejected)) {
            return status::error(error_code::format_error, "moving_window: count ", state_.count,
                                 ", next ", state_.next, ", rejected ", state_.rejected, " of ",
                                 rows(), " rows fit no window");
        }
        for (const sums_type& sums : {state_.sums, state_.fresh}) {
            if (!is_bounded(sums.mean, 2 * largest_input) || !(sums.scatter >= 0) ||
                !(sums.scatter <= scatter_limit)) {
                return status::error(error_code::format_error, "moving_window: mean ", sums.mean,
                                     " and scatter ", sums.scatter, " fit no window");
            }
        }
        if (state_.next == 0 && (state_.fresh.mean != 0 || state_.fresh.scatter != 0)) {
            return status::error(error_code::format_error, "moving_window: mean ",
                                 state_.fresh.mean, " and scatter ", state_.fresh.scatter,
                                 " of no values fit no window");
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
        } else if (rows_stored == 0) {
            archive.fail(moved_from(error_code::invalid_argument));
            return;
        }
        archive.integer("count", state_.count);
        archive.integer("next", state_.next);
        archive.integer("rejected", state_.rejected);
        archive.matrix("values", values_);
        archive.number("mean", state_.sums.mean);
        archive.number("scatter", state_.sums.scatter);
        archive.number("fresh_mean", state_.fresh.mean);
        archive.number("fresh_scatter", state_.fresh.scatter);
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
    static status moved_from(error_code code) noexcept {
        return status::error(code, "moving_window: it was moved from");
    }

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
        state_.sums.mean = 0;
        for (index_t k = 0; k < values_.size(); ++k) {
            state_.sums.mean += (values_[k] - state_.sums.mean) / static_cast<double>(k + 1);
        }
        state_.sums.scatter = (values_.array() - state_.sums.mean).square().sum();
    }

    struct state_type {
        int count = 0;
        int next = 0; // where the next value goes; also how many are in fresh
        std::int64_t rejected = 0;
        sums_type sums;
        sums_type fresh; // of the values before `next`
    };

    column<double> values_; // ring
    detail::emptied_by_move<state_type> state_;
};

} // namespace tocsin
