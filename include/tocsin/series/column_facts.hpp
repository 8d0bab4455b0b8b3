/// @file column_facts.hpp
/// @brief What a person should know about each column before a model learns from it.
#pragma once

#include "tocsin/core/views.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <utility>
#include <vector>

namespace tocsin {

/// A value that may stand for a missing one.
struct missing_code {
    double value = 0;
    index_t count = 0; ///< how often it occurs
};

/// Facts about the values of one column, NaN where there are none.
struct column_facts {
    index_t values = 0;       ///< finite ones
    index_t missing = 0;      ///< NaN
    index_t infinite = 0;     ///< also those beyond the range of single precision
    index_t longest_hole = 0; ///< rows of the longest hole
    double low = std::numeric_limits<double>::quiet_NaN();          ///< the smallest value
    double high = std::numeric_limits<double>::quiet_NaN();         ///< the largest value
    double median = std::numeric_limits<double>::quiet_NaN();       ///< the median
    double middle_range = std::numeric_limits<double>::quiet_NaN(); ///< 0.95 minus 0.05 quantile
    index_t distinct = 0;                                           ///< values that differ
    index_t distinct_as_float = 0; ///< minus the column's offset: see find_value_offsets()
    bool only_rises = false;       ///< never falls, over at least 10 values, and is not constant
    bool counts = false;           ///< rises by the same amount from row to row
    bool two_values = false;       ///< 0 and 1, 1 and 2, or -1 and 1
    int duplicate_of = -1;         ///< an earlier column with the same values

    /// Values far outside all others that occur at least three times, of the usual codes for "missing"
    /// (-999, -9999, ...) also those that occur once; and usual codes below zero that occur at least
    /// twice where no other value is negative. At most four, the most obvious first; they do not count
    /// among each other's others.
    std::vector<missing_code> codes;

    /// Whether all values are the same.
    bool constant() const noexcept { return values > 0 && low == high; }
    /// Whether a few values set the scale: all values span 1000 times the range of nine in ten.
    bool far_outliers() const noexcept {
        return middle_range > 0 && high - low > 1000 * middle_range;
    }
};

namespace detail {

/// Whether loggers and public data sets write a number where a value is missing.
inline bool is_usual_code(double value) noexcept {
    const double magnitude = std::abs(value);
    return magnitude == 99 || magnitude == 999 || magnitude == 9999 || magnitude == 99999 ||
           magnitude == 999999 || magnitude >= 1e30 || value == -200 || magnitude == 32767 ||
           magnitude == 32768 || value == 65535;
}

/// The values of a column in order, from the ends of which codes for missing values are taken.
class code_search {
  public:
    explicit code_search(std::span<const double> sorted) noexcept : rest_{sorted} {}

    /// The codes; those that hide each other are found together.
    std::vector<missing_code> find() {
        constexpr std::size_t most = 4;
        while (found_.size() < most && find_next(most - found_.size())) {
        }
        return std::move(found_);
    }

  private:
    using values = std::span<const double>;

    /// The fewest distinct values at the ends without which the others are far away.
    bool find_next(std::size_t most) {
        for (std::size_t together = 1; together <= most; ++together) {
            for (std::size_t below = 0; below <= together; ++below) {
                if (take(together - below, below)) {
                    return true;
                }
            }
        }
        return false;
    }
    /// Takes this many distinct values from the ends if all of them may be codes.
    bool take(std::size_t low, std::size_t high) {
        values others = rest_;
        std::vector<missing_code> ends;
        for (std::size_t k = 0; k < low + high && !others.empty(); ++k) {
            const bool lowest = k < low;
            const double value = lowest ? others.front() : others.back();
            const auto [first, last] = std::equal_range(others.begin(), others.end(), value);
            const auto count = static_cast<std::size_t>(last - first);
            ends.push_back({value, static_cast<index_t>(count)});
            others = lowest ? others.subspan(count) : others.first(others.size() - count);
        }
        if (others.size() < 2 || !std::all_of(ends.begin(), ends.end(), [&](const auto& code) {
                return may_be_code(code, others);
            })) {
            return false;
        }
        found_.insert(found_.end(), ends.begin(), ends.end());
        rest_ = others;
        return true;
    }
    static bool may_be_code(const missing_code& code, values others) noexcept {
        const bool usual = is_usual_code(code.value);
        // A usual code may be what most rows hold: of a sensor that was hardly ever there.
        if (code.count > static_cast<index_t>(others.size()) && !usual) {
            return false;
        }
        const double range = others.back() - others.front();
        const double distance = std::max(others.front() - code.value, code.value - others.back());
        const bool outside = distance > 2 * range && range > 0;
        // Alone below zero it says enough, however widely the others are spread.
        const bool negative = usual && code.value < 0 && others.front() >= 0 && code.count > 1;
        return (outside && (usual || code.count > 2)) || negative;
    }

    values rest_;
    std::vector<missing_code> found_;
};

} // namespace detail

/// Facts about each feature. Allocates.
/// @param values  `[features x samples]`
/// @param offsets `[features]` that are removed before values become single precision, or empty
inline std::vector<column_facts> study_columns(const matrix<double>& values,
                                               const column<double>& offsets = {}) {
    constexpr index_t few = 10;
    std::vector<column_facts> all(static_cast<std::size_t>(values.rows()));
    std::vector<double> sorted;
    for (index_t f = 0; f < values.rows(); ++f) {
        column_facts& facts = all[static_cast<std::size_t>(f)];
        const double offset = offsets.size() > 0 ? offsets[f] : 0;
        sorted.clear();
        bool falls = false;
        bool even = true; // the same step from row to row
        double before = std::numeric_limits<double>::quiet_NaN();
        double step = std::numeric_limits<double>::quiet_NaN();
        index_t hole = 0;
        for (index_t t = 0; t < values.cols(); ++t) {
            const double value = values(f, t);
            hole = std::isnan(value) ? hole + 1 : 0;
            facts.longest_hole = std::max(facts.longest_hole, hole);
            if (std::isnan(value)) {
                ++facts.missing;
                continue;
            }
            if (std::abs(value - offset) > double{std::numeric_limits<float>::max()}) {
                ++facts.infinite;
                continue;
            }
            sorted.push_back(value);
            if (!std::isnan(before)) {
                falls = falls || value < before;
                even = even && (std::isnan(step) ||
                                std::abs(value - before - step) <= 1e-9 * std::abs(step));
                step = value - before;
            }
            before = value;
        }
        facts.values = static_cast<index_t>(sorted.size());
        if (sorted.empty()) {
            continue;
        }
        std::sort(sorted.begin(), sorted.end());
        facts.low = sorted.front();
        facts.high = sorted.back();
        const auto at = [&](double share) {
            return sorted[static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1))];
        };
        facts.median = at(0.5);
        facts.middle_range = at(0.95) - at(0.05);
        for (std::size_t k = 0; k < sorted.size(); ++k) {
            const bool first = k == 0;
            facts.distinct += first || sorted[k] != sorted[k - 1] ? 1 : 0;
            facts.distinct_as_float += first || static_cast<float>(sorted[k] - offset) !=
                                                    static_cast<float>(sorted[k - 1] - offset)
                                           ? 1
                                           : 0;
        }
        facts.only_rises = !falls && facts.values >= few && facts.low < facts.high;
        facts.counts = facts.only_rises && even && step > 0;
        facts.two_values = facts.distinct == 2 && ((facts.low == 0 && facts.high == 1) ||
                                                   (facts.low == 1 && facts.high == 2) ||
                                                   (facts.low == -1 && facts.high == 1));
        facts.codes = detail::code_search{sorted}.find();
    }
    // Columns with the same facts may be the same; those are compared value by value.
    for (index_t f = 1; f < values.rows(); ++f) {
        column_facts& facts = all[static_cast<std::size_t>(f)];
        for (index_t g = 0; g < f && facts.duplicate_of < 0 && !facts.constant(); ++g) {
            const column_facts& other = all[static_cast<std::size_t>(g)];
            if (facts.values == 0 || other.values != facts.values || other.low != facts.low ||
                other.high != facts.high || other.median != facts.median) {
                continue;
            }
            bool same = true;
            for (index_t t = 0; t < values.cols() && same; ++t) {
                same = values(f, t) == values(g, t) ||
                       (std::isnan(values(f, t)) && std::isnan(values(g, t)));
            }
            facts.duplicate_of = same ? static_cast<int>(g) : -1;
        }
    }
    return all;
}

} // namespace tocsin
