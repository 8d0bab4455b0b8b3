/// @file residual_chart.hpp
/// @brief Level and variance charts of the residuals of one sensor.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/core/views.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace tocsin {

/// Rows over which the level charts average, shortest first.
inline constexpr std::array<int, 4> level_chart_rows = {10, 30, 100, 300};
/// Rows over which the variance charts average.
inline constexpr std::array<int, 3> variance_chart_rows = {30, 100, 300};

/// Statistics of the last rows of standardised residuals r (mean 0, deviation 1 on normal data):
/// - level w: sqrt(w) times the mean of the last w residuals, each within 4 deviations, so that one
///   spike is no shift. It sees slow drifts and small steps that stay, which no single row shows.
/// - variance w: the logarithm of the mean of the last w squares. It rises where a sensor shakes and
///   falls where it freezes: both are wrong.
/// - magnitude: the mean of the last |r| with exponential weights, from normal_magnitude or what
///   push() is given for the start.
///
/// Residuals are kept as whole numbers of 2^-20 deviations, and so are the sums: exact however long
/// the stream. push() is one ring and seven sums, the same time for every row, and never allocates;
/// 1.3 KB in place.
class residual_chart {
  public:
    static constexpr int longest = 300; ///< rows of the longest memory
    /// No variance chart is farther from 0: the logarithm of 2^40.
    static constexpr double largest_log_variance = 27.7259;
    /// No level chart over so many rows is farther from 0: all residuals count 4 deviations.
    static double largest_level_chart(int rows) noexcept { return 4.001 * std::sqrt(rows); }

    /// The mean of |r| of a normal distribution: sqrt(2 / pi).
    static constexpr double normal_magnitude = 0.7978845608028654;

    /// @param smoothing weight of the newest magnitude, in (0, 1]
    explicit residual_chart(double smoothing = 0.2) noexcept : smoothing_{smoothing} {}

    /// Takes the newest residual; one that is not finite is left out. Whether it was taken.
    /// @param start magnitude before the first residual, in [0, 64]; not read later
    bool push(double residual, double start = normal_magnitude) noexcept {
        if (!std::isfinite(residual)) {
            return false;
        }
        const double within = std::clamp(residual, -largest_residual, largest_residual);
        const auto value = static_cast<std::int32_t>(std::lround(within * unit));
        for (std::size_t k = 0; k < level_chart_rows.size(); ++k) {
            level_sums_[k] += level_part(value) - level_part(leaving(level_chart_rows[k]));
        }
        for (std::size_t k = 0; k < variance_chart_rows.size(); ++k) {
            square_sums_[k] += square_part(value) - square_part(leaving(variance_chart_rows[k]));
        }
        ring_[static_cast<std::size_t>(next_)] = value;
        next_ = next_ + 1 == longest ? 0 : next_ + 1;
        // What is usual comes before the first, or one residual would count like a whole mean.
        const double before = count_ == 0 ? start : magnitude_;
        magnitude_ = before + smoothing_ * (std::abs(within) - before);
        count_ = std::min(count_ + 1, longest);
        return true;
    }

    /// Weight of the newest magnitude.
    double smoothing() const noexcept { return smoothing_; }
    /// Residuals seen, at most 300.
    int count() const noexcept { return count_; }
    /// The signed level chart of level_chart_rows[k]; NaN until so many residuals have been seen.
    double level(std::size_t k) const noexcept {
        const int rows = level_chart_rows[k];
        return count_ < rows ? std::numeric_limits<double>::quiet_NaN()
                             : static_cast<double>(level_sums_[k]) / unit / std::sqrt(rows);
    }
    /// The variance chart of variance_chart_rows[k], at least log 2^-40; NaN as above.
    double log_variance(std::size_t k) const noexcept {
        const int rows = variance_chart_rows[k];
        return count_ < rows ? std::numeric_limits<double>::quiet_NaN()
                             : std::log(std::max(static_cast<double>(square_sums_[k]), 1.0 * rows) /
                                        (unit * unit * rows));
    }
    /// NaN before the first residual.
    double magnitude() const noexcept {
        return count_ > 0 ? magnitude_ : std::numeric_limits<double>::quiet_NaN();
    }

    void reset() noexcept { *this = residual_chart(smoothing_); }

    static constexpr int version = 1;
    template <class Archive>
    void exchange(Archive& archive) {
        archive.number("smoothing", smoothing_);
        archive.number("magnitude", magnitude_);
        archive.integer("count", count_);
        archive.integer("next", next_);
        column<double, longest> values = column<double, longest>::Zero();
        for (int k = 0; k < longest; ++k) {
            values[k] = ring_[static_cast<std::size_t>(k)];
        }
        archive.matrix("residuals", values);
        if constexpr (Archive::loading) {
            if (archive.outcome().ok()) {
                archive.fail(take(values));
            }
            if (!archive.outcome().ok()) {
                *this = residual_chart();
            }
        }
    }

  private:
    static constexpr double unit = 1 << 20;        ///< of whole numbers, per deviation
    static constexpr double largest_residual = 64; ///< its square 2^52, times 300 below 2^63
    static constexpr std::int32_t largest_level = 4 << 20;

    static std::int64_t level_part(std::int32_t value) noexcept {
        return std::clamp(value, -largest_level, largest_level);
    }
    static std::int64_t square_part(std::int32_t value) noexcept {
        return std::int64_t{value} * value;
    }
    /// The residual that leaves the newest `rows`; 0 while the ring is that young.
    std::int32_t leaving(int rows) const noexcept {
        const int at = next_ - rows;
        return ring_[static_cast<std::size_t>(at < 0 ? at + longest : at)];
    }
    /// Ring and sums from loaded values.
    status take(const column<double, longest>& values) noexcept {
        const bool usable = smoothing_ > 0 && smoothing_ <= 1 && magnitude_ >= 0 &&
                            magnitude_ <= largest_residual && count_ >= 0 && count_ <= longest &&
                            next_ >= 0 && next_ < longest && (count_ == longest || next_ == count_);
        if (!usable || (count_ == 0 && magnitude_ != 0)) {
            return status::error(error_code::format_error, "residual_chart: smoothing ", smoothing_,
                                 ", magnitude ", magnitude_, ", count ", count_, ", next ", next_,
                                 " do not describe a chart");
        }
        for (int k = 0; k < longest; ++k) {
            if (!(std::abs(values[k]) <= largest_residual * unit) ||
                values[k] != std::floor(values[k]) || (k >= count_ && values[k] != 0)) {
                return status::error(error_code::format_error, "residual_chart: residual ", k,
                                     " of ", count_, " is ", values[k]);
            }
            ring_[static_cast<std::size_t>(k)] = static_cast<std::int32_t>(values[k]);
        }
        level_sums_.fill(0);
        square_sums_.fill(0);
        for (int back = 1; back <= count_; ++back) {
            const int at = next_ - back;
            const auto value = ring_[static_cast<std::size_t>(at < 0 ? at + longest : at)];
            for (std::size_t k = 0; k < level_chart_rows.size(); ++k) {
                level_sums_[k] += back <= level_chart_rows[k] ? level_part(value) : 0;
            }
            for (std::size_t k = 0; k < variance_chart_rows.size(); ++k) {
                square_sums_[k] += back <= variance_chart_rows[k] ? square_part(value) : 0;
            }
        }
        return {};
    }

    double smoothing_;
    double magnitude_ = 0;
    int count_ = 0;
    int next_ = 0;
    std::array<std::int64_t, level_chart_rows.size()> level_sums_{};
    std::array<std::int64_t, variance_chart_rows.size()> square_sums_{};
    std::array<std::int32_t, longest> ring_{};
};

} // namespace tocsin
