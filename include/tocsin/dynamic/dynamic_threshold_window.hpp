/// @file dynamic_threshold_window.hpp
/// @brief One window of the nonparametric dynamic threshold: anomalous rows, pruning, scores.
#pragma once

#include "tocsin/core/extents.hpp"
#include "tocsin/dynamic/dynamic_threshold_settings.hpp"
#include "tocsin/dynamic/epsilon_threshold.hpp"
#include "tocsin/dynamic/reserved_vector.hpp"
#include "tocsin/math/quantile.hpp"
#include "tocsin/metrics/row_ranges.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <span>

namespace tocsin::detail {

/// Judges the newest rows of one window of smoothed errors; owns the scratch for it.
class dynamic_threshold_window {
  public:
    dynamic_threshold_window() = default;
    /// Allocates all that judge() needs.
    /// @param rows largest window
    dynamic_threshold_window(const dynamic_threshold_settings& settings, index_t rows)
        : settings_{settings} {
        const auto size = static_cast<std::size_t>(rows);
        indices_.reserve(size);
        spread_values_.reserve(size * static_cast<std::size_t>(settings.look_ahead));
        pieces_.reserve(size / 2 + 1);
        flags_.reserve(size);
        for (side& one : sides_) {
            one.errors.reserve(size);
            one.flags.reserve(size);
            one.runs.reserve(size / 2 + 1);
            one.peaks.reserve(size / 2 + 2);
        }
    }

    /// Never allocates for windows of at most the rows given to the constructor.
    /// @param errors    smoothed errors of the window, finite, at least one
    /// @param values    the signal, `errors.size() + look_ahead - 1` of them
    /// @param earlier   nonzero for rows that an earlier window found anomalous, one per error
    /// @param first_row rows before are history
    void judge(std::span<const double> errors, std::span<const double> values,
               std::span<const std::uint8_t> earlier, index_t first_row) noexcept {
        pieces_.clear();
        flags_.assign(errors.size(), 0);
        level_ = level_and_spread::of(errors);
        sides_[0].errors.assign(errors.begin(), errors.end());
        sides_[1].errors.clear();
        for (const double error : errors) { // a sudden silence is anomalous too
            sides_[1].errors.push_back(level_.mean + (level_.mean - error));
        }
        const double largest = *std::max_element(errors.begin(), errors.end());
        const bool large_enough = is_large_enough(errors.size(), values, largest);
        for (side& one : sides_) {
            one.flags.assign(errors.size(), 0);
            one.chosen = choose_epsilon(one.errors, level_,
                                        std::max<index_t>(settings_.buffer - 1, 0), indices_);
            if (large_enough) {
                flag(one, earlier, first_row);
                prune(one);
            }
            for (std::size_t i = 0; i < flags_.size(); ++i) {
                flags_[i] = flags_[i] | one.flags[i];
            }
        }
        for_each_run(flags_, [&](const row_range& run) { pieces_.push_back({run, score(run)}); });
    }

    /// Nonzero for the anomalous rows of the window.
    std::span<const std::uint8_t> flags() const noexcept { return flags_; }
    /// Their runs, in rows of the window.
    std::span<const scored_range> pieces() const noexcept { return pieces_; }
    /// The threshold for errors, and the one for errors mirrored at their mean.
    const epsilon_choice& upper() const noexcept { return sides_[0].chosen; }
    const epsilon_choice& lower() const noexcept { return sides_[1].chosen; }

  private:
    struct side {
        reserved_vector<double> errors;
        epsilon_choice chosen;
        reserved_vector<std::uint8_t> flags;
        reserved_vector<row_range> runs; // of at least two rows
        reserved_vector<double> peaks;
    };

    /// Errors that are tiny compared with the signal never raise an alarm, whatever their
    /// distribution.
    bool is_large_enough(std::size_t rows, std::span<const double> values,
                         double largest) noexcept {
        const auto look_ahead = static_cast<std::size_t>(settings_.look_ahead);
        spread_values_.clear();
        for (std::size_t i = 0; i < rows; ++i) {
            const auto row = values.subspan(i, look_ahead);
            for (const double value : row) {
                spread_values_.push_back(
                    std::clamp(value, -largest_dynamic_input, largest_dynamic_input));
            }
        }
        const double deviation = level_and_spread::of(spread_values_).deviation;
        const std::span spread(spread_values_);
        const double high = interpolated_quantile(spread, 0.95);
        const double range = high - interpolated_quantile(spread, 0.05);
        smallest_error_ = 0.05 * range;
        return (level_.deviation > 0.05 * deviation || largest > smallest_error_) &&
               largest > 0.05 && level_.deviation > 0; // constant errors do not stand out
    }

    void flag(side& one, std::span<const std::uint8_t> earlier, index_t first_row) noexcept {
        const auto rows = static_cast<index_t>(one.errors.size());
        index_t flagged_end = first_row;
        for (index_t i = 0; i < rows; ++i) {
            const double error = one.errors[static_cast<std::size_t>(i)];
            if (error >= one.chosen.epsilon && error > smallest_error_) {
                const index_t end = std::min(i + settings_.buffer + 1, rows);
                for (index_t k = std::max(i - settings_.buffer, flagged_end); k < end; ++k) {
                    one.flags[static_cast<std::size_t>(k)] = 1;
                }
                flagged_end = std::max(flagged_end, end);
            }
        }
        one.runs.clear();
        for_each_run(one.flags, [&](const row_range& run) {
            if (run.size() > 1) {
                one.runs.push_back(run);
            }
        });
        one.peaks.clear();
        for (const row_range& run : one.runs) {
            one.peaks.push_back(peak(one, run));
        }
        double normal_peak = -std::numeric_limits<double>::infinity();
        for (std::size_t i = 0; i < one.errors.size(); ++i) {
            if (one.flags[i] == 0 && earlier[i] == 0) {
                normal_peak = std::max(normal_peak, one.errors[i]);
            }
        }
        one.peaks.push_back(normal_peak);
    }

    /// Peaks of runs in descending order, then the peak of normal errors: the peaks after the last step
    /// of at least minimum_drop stand out too little (section 3.3 of the paper).
    void prune(side& one) const noexcept {
        if (one.runs.empty()) {
            return; // single rows at the border of a batch are kept
        }
        std::sort(one.peaks.begin(), one.peaks.end() - 1, std::greater<>{});
        std::size_t kept = 0;
        for (std::size_t k = 0; k + 1 < one.peaks.size(); ++k) {
            if (!((one.peaks[k] - one.peaks[k + 1]) / one.peaks[k] < settings_.minimum_drop)) {
                kept = k + 1;
            }
        }
        std::fill(one.flags.begin(), one.flags.end(), std::uint8_t{0});
        for (const row_range& run : one.runs) {
            if (kept > 0 && peak(one, run) >= one.peaks[kept - 1]) {
                std::fill(one.flags.begin() + run.begin, one.flags.begin() + run.end,
                          std::uint8_t{1});
            }
        }
    }

    static double peak(const side& one, const row_range& run) noexcept {
        return *std::max_element(one.errors.begin() + run.begin, one.errors.begin() + run.end);
    }

    double score(const row_range& run) const noexcept {
        double largest = 0;
        for (const side& one : sides_) {
            for (index_t i = run.begin; i < run.end; ++i) {
                largest = std::max(largest, std::abs(one.errors[static_cast<std::size_t>(i)] -
                                                     one.chosen.epsilon));
            }
        }
        return largest / (level_.mean + level_.deviation);
    }

    dynamic_threshold_settings settings_;
    level_and_spread level_;
    double smallest_error_ = 0;
    side sides_[2]; // errors, and errors mirrored at their mean
    reserved_vector<std::uint8_t> flags_;
    reserved_vector<scored_range> pieces_;
    reserved_vector<index_t> indices_;
    reserved_vector<double> spread_values_;
};

} // namespace tocsin::detail
