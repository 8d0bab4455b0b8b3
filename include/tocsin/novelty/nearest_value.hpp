/// @file nearest_value.hpp
/// @brief Novelty of a value: its distance from the nearest of the last ones.
#pragma once

#include "tocsin/core/bounded.hpp"
#include "tocsin/core/checked_size.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/novelty/sorted_ring.hpp"
#include "tocsin/series/moving_window.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>

namespace tocsin {

/// Distance from the newest value to the nearest of the last `memory` values, in standard deviations
/// of those. A value that has occurred before is not new, whenever it was: there is no model, and
/// what is seen once is known at once. It finds values outside the range and inside its gaps; it is
/// blind to values at a wrong time. Long memories count: a month of a machine's life, not an hour.
class nearest_value {
  public:
    static constexpr const char* kind = "nearest_value";
    static constexpr int version = 1;

    /// Allocates. @param memory values, 2 to 2^24
    explicit nearest_value(int memory = 4000)
        : values_{std::clamp(memory, 2, detail::largest_ring)}, spread_{values_.capacity()} {}

    /// Values that are remembered at most; 0 where it was moved from.
    int memory() const noexcept { return values_.capacity(); }
    /// Values in memory.
    int count() const noexcept { return values_.count(); }

    /// Scores the newest value and remembers it; O(log memory), never allocates.
    /// @return NaN for a value that is not finite, which changes nothing, while fewer than two values
    ///         are known, and where it was moved from; the largest score there is where a value
    ///         differs from all others, which are equal
    double push(double value) noexcept {
        if (!std::isfinite(value) || memory() == 0) {
            return std::numeric_limits<double>::quiet_NaN();
        }
        value = bounded(value);
        const double found = score(value);
        const int before = count();
        const double counted = within_spread(value);
        values_.push(value);
        spread_.push(counted);
        if (before == enough - 1 && count() == enough) {
            limit_first_values();
        }
        return found;
    }
    /// The score that a value would have now.
    double score(double value) const noexcept {
        if (count() < 2 || !std::isfinite(value)) {
            return std::numeric_limits<double>::quiet_NaN();
        }
        const double distance = values_.nearest_distance(bounded(value));
        const double deviation = std::sqrt(spread_.variance());
        // Rounding can leave a little variance of values that are equal.
        if (values_.largest() == values_.smallest() || !(deviation > 0)) {
            return distance > 0 ? largest_score : 0;
        }
        return std::min(distance / deviation, largest_score);
    }
    void reset() noexcept {
        values_.clear();
        spread_.reset();
    }
    static constexpr double largest_score = 1e6; ///< scores are at most this

    /// The values in their order, from which all else follows.
    template <class Archive>
    void exchange(Archive& archive) {
        int memory_stored = memory();
        archive.integer("memory", memory_stored);
        column<double> stored(count());
        for (int k = 0; k < count(); ++k) {
            stored[k] = values_.value(k);
        }
        if constexpr (Archive::loading) {
            if (archive.outcome().ok() &&
                (memory_stored < 2 || memory_stored > detail::largest_ring)) {
                archive.fail(status::error(error_code::format_error, "nearest_value: memory ",
                                           memory_stored, " must lie in [2, ", detail::largest_ring,
                                           "]"));
            }
            stored.resize(0); // takes the size that the file holds
        }
        archive.matrix("values", stored);
        archive.object("spread", spread_);
        if constexpr (Archive::loading) {
            bool usable = archive.outcome().ok() && stored.size() <= memory_stored &&
                          spread_.rows() == memory_stored && spread_.count() == stored.size();
            for (index_t k = 0; usable && k < stored.size(); ++k) {
                usable = is_bounded(stored[k]);
                if (!usable) {
                    archive.fail(status::error(error_code::format_error, "nearest_value: value ",
                                               stored[k], " must lie within ", largest_input));
                }
            }
            if (!usable) {
                archive.fail(status::error(error_code::format_error,
                                           "nearest_value: ", stored.size(),
                                           " values fit no memory of ", memory_stored));
                *this = nearest_value(2);
                return;
            }
            values_ = detail::sorted_ring(memory_stored);
            for (const double value : stored) {
                values_.push(value);
            }
        }
    }

  private:
    /// Values from which a spread can be known; a shorter memory counts every value as it is.
    static constexpr int enough = 100;

    /// As far as a value counts in the standard deviation: a single wrong reading, such as -9999, would
    /// hide all others as long as it is remembered. A few of them would do the same, each counted by
    /// the deviation that those before have made large: only one of `enough` values counts as far out,
    /// others as the mean. If half of them are far out, that is a level, and all count: it is known
    /// after some hundred values.
    double within_spread(double value) const noexcept {
        const double deviation = std::sqrt(spread_.variance());
        if (count() < enough || !(deviation > 0)) {
            return value;
        }
        constexpr double most = 100; // of these, one in 4000 doubles the deviation
        const double middle = spread_.mean();
        if (std::abs(value - middle) <= most * deviation) {
            return value;
        }
        int far = 0;
        bool has_counted = false;
        for (int k = count() - enough; k < count(); ++k) {
            const double counted = spread_.value(k);
            far += std::abs(values_.value(k) - middle) > most * deviation ? 1 : 0;
            has_counted = has_counted || (counted != values_.value(k) &&
                                          std::abs(counted - middle) > 3 * deviation);
        }
        if (has_counted && far < enough / 2) {
            return middle;
        }
        return std::clamp(value, middle - most * deviation, middle + most * deviation);
    }

    /// The same for the values before there were enough: a wrong reading among them has made the
    /// standard deviation so large that it is not far out. The middle nine tenths tell what is usual.
    void limit_first_values() noexcept {
        std::array<double, enough> sorted;
        for (int k = 0; k < enough; ++k) {
            sorted[static_cast<std::size_t>(k)] = values_.value(k);
        }
        std::sort(sorted.begin(), sorted.end());
        constexpr std::size_t low = enough / 20;
        constexpr std::size_t high = enough - 1 - low;
        constexpr double of_normal = 3.29; // the middle nine tenths, in standard deviations
        const double most = largest_deviation * ((sorted[high] - sorted[low]) / of_normal);
        if (!(most > 0)) {
            return;
        }
        const double middle = sorted[enough / 2];
        spread_.reset();
        for (int k = 0; k < enough; ++k) {
            spread_.push(std::clamp(values_.value(k), middle - most, middle + most));
        }
    }

    detail::sorted_ring values_;
    moving_window spread_;
};

} // namespace tocsin
