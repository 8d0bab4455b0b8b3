/// @file fitted_chart.hpp
/// @brief A chart of one target's residuals with what is normal for it.
#pragma once

#include "tocsin/charts/chart_scores.hpp"
#include "tocsin/charts/residual_chart.hpp"
#include "tocsin/core/bounded.hpp"
#include "tocsin/core/keep_if.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/core/views.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <span>

namespace tocsin::detail {

/// The residuals that are at most `limit` from `centre`; by default all.
struct residual_range {
    double centre = 0;
    double limit = 2 * largest_input;
    bool has(double residual) const noexcept { return std::abs(residual - centre) <= limit; }
};

/// Number, mean and deviation of the finite residuals in a range, and where others are.
struct residual_summary {
    int count = 0;
    double mean = 0;
    double deviation = 0; ///< 0 where all are equal
    int left_out = 0;     ///< stretches of others, with 30 rows or more between them

    template <class Row>
    static residual_summary of(const Row& residuals, const residual_range& near) {
        const auto each = [&](auto&& visit) {
            for (index_t t = 0; t < residuals.size(); ++t) {
                const auto residual = static_cast<double>(residuals[t]);
                if (std::isfinite(residual)) {
                    visit(t, bounded(residual), near.has(bounded(residual)));
                }
            }
        };
        constexpr int apart = variance_chart_rows[0];
        residual_summary found;
        double sum = 0;
        double low = largest_input;
        double high = -largest_input;
        index_t last = -apart;
        each([&](index_t t, double value, bool is_near) {
            if (is_near) {
                sum += value;
                low = std::min(low, value);
                high = std::max(high, value);
                ++found.count;
            } else {
                found.left_out += t - last >= apart ? 1 : 0;
                last = t;
            }
        });
        if (found.count > 1) { // exact where all are equal, or rounding would be a deviation
            found.mean = low == high ? low : sum / found.count;
            double squares = 0;
            each([&](index_t, double value, bool is_near) {
                squares += is_near ? (value - found.mean) * (value - found.mean) : 0;
            });
            found.deviation = std::sqrt(squares / (found.count - 1));
        }
        return found;
    }
    /// Of all but wrong readings. These are beyond 10 deviations, in at most three places, and the
    /// deviation without them is above 0, but less than a quarter. One can hide another, so what is left
    /// is looked at again, three times in all. What is as rare but recurs, like a switch, is usual.
    /// @param all  of all finite residuals
    /// @param near out: which are not wrong
    template <class Row>
    static residual_summary of_usual(const Row& residuals, const residual_summary& all,
                                     residual_range& near) {
        near = {};
        residual_summary kept = all;
        residual_summary last = all;
        for (int times = 0; times < 3; ++times) {
            const residual_range narrower{last.mean, largest_deviation * last.deviation};
            const residual_summary rest = of(residuals, narrower);
            if (rest.left_out == 0 || rest.left_out > 3 || !(rest.deviation > 0)) {
                break;
            }
            if (rest.deviation < kept.deviation / 4) {
                kept = rest;
                near = narrower;
            }
            last = rest;
        }
        return kept;
    }
};

/// A residual_chart of one target, with what was learned of it: mean and deviation of the residuals, and
/// how far each chart strays.
struct fitted_chart {
    static constexpr int fewest_rows = 20; ///< of a fit
    /// Rows of the fit that a chart needs, in rows of the chart.
    static constexpr int rows_of_fit = 4;

    double mean = 0;
    double scale = 1;
    int rows = 0; ///< of the fit; not in files, as only push_fitted() needs it
    /// Units of new rows; 0: the chart is left out.
    std::array<double, level_chart_rows.size()> level_units{};
    std::array<double, variance_chart_rows.size()> variance_centres{};
    std::array<double, variance_chart_rows.size()> variance_units{};
    residual_chart chart{};

    /// A finite residual counts, however small the scale is.
    bool push(double residual) noexcept {
        return std::isfinite(residual) && chart.push((bounded(residual) - mean) / scale,
                                                     chart.count() == 0 ? usual_magnitude() : 0);
    }
    /// Scale of a target whose residuals are all the same: any error is the surprise of a lifetime.
    static double scale_of_constant(double mean) noexcept {
        return 1e-9 * std::max(std::abs(mean), 1e-9);
    }
    /// Where the magnitude starts: that of normal residuals with the deviation that is usual over the
    /// rows of the shortest variance chart. Rare large residuals make the scale, and a magnitude that
    /// starts at theirs would be an alarm among those that are nearly 0; 0 where none differs.
    double usual_magnitude() const noexcept {
        return scale == scale_of_constant(mean)
                   ? 0
                   : residual_chart::normal_magnitude *
                         std::min(std::exp(variance_centres[0] / 2), 1.0);
    }
    /// Variance of a chart of so many independent rows that the fit has not seen: 1, and the mean's.
    double new_rows(int length) const noexcept { return 1 + double{1} * length / rows; }
    /// The same of rows of the fit, which the mean follows.
    double own_rows(int length) const noexcept { return 1 - double{1} * length / rows; }
    /// How much farther a chart strays in new rows than in those of the fit.
    double widening(int length) const noexcept {
        return rows >= rows_of_fit * length ? std::sqrt(new_rows(length) / own_rows(length)) : 1;
    }

    /// Whether there is a chart of this kind over so many rows.
    bool has(chart_family family, int length) const noexcept {
        const auto is_known = [&](const auto& lengths, const auto& units) {
            const auto at = std::ranges::find(lengths, length) - lengths.begin();
            return at < std::ssize(lengths) && units[static_cast<std::size_t>(at)] > 0;
        };
        return family == chart_family::level      ? is_known(level_chart_rows, level_units)
               : family == chart_family::variance ? is_known(variance_chart_rows, variance_units)
                                                  : length == 0;
    }
    /// Whether there is one over any rows.
    bool has(chart_family family) const noexcept {
        return has(family, 0) ||
               std::ranges::any_of(level_chart_rows, [&](int each) { return has(family, each); }) ||
               std::ranges::any_of(variance_chart_rows,
                                   [&](int each) { return has(family, each); });
    }
    bool same_fit(const fitted_chart& other) const noexcept {
        return mean == other.mean && scale == other.scale && level_units == other.level_units &&
               variance_centres == other.variance_centres && variance_units == other.variance_units;
    }

    /// Learns from all but wrong readings, see residual_summary::of_usual().
    /// @return number of finite residuals, wrong ones included; nothing is learned from fewer than 20
    template <class Row>
    int fit(const Row& residuals, std::span<const std::uint8_t> starts) {
        const residual_summary all = residual_summary::of(residuals, {});
        if (all.count < fewest_rows) {
            return all.count;
        }
        rows = all.count;
        residual_range near;
        const residual_summary usual = residual_summary::of_usual(residuals, all, near);
        mean = usual.mean;
        scale = usual.deviation > 0 ? usual.deviation : scale_of_constant(mean);
        learn_units(residuals, starts, near);
        return all.count;
    }
    /// How far the charts stray on normal residuals, at least as far as independent ones.
    /// @param near which residuals are not left out
    template <class Row>
    void learn_units(const Row& residuals, std::span<const std::uint8_t> starts,
                     const residual_range& near) {
        std::array<double, level_chart_rows.size()> level_squares{};
        std::array<double, level_chart_rows.size()> level_rows{};
        std::array<double, variance_chart_rows.size()> log_sums{};
        std::array<double, variance_chart_rows.size()> log_squares{};
        std::array<double, variance_chart_rows.size()> full{};
        int left_out = 0;
        chart.reset();
        for (index_t t = 0; t < residuals.size(); ++t) {
            if (const auto at = static_cast<std::size_t>(t);
                at < starts.size() && starts[at] != 0) {
                chart.reset();
            }
            const auto residual = static_cast<double>(residuals[t]);
            if (std::isfinite(residual) && !near.has(bounded(residual))) {
                ++left_out;
                continue;
            }
            if (!push(residual)) {
                continue;
            }
            for (std::size_t k = 0; k < level_squares.size(); ++k) {
                const double level = chart.level(k);
                level_squares[k] += std::isnan(level) ? 0 : level * level;
                level_rows[k] += std::isnan(level) ? 0 : 1;
            }
            for (std::size_t k = 0; k < full.size(); ++k) {
                if (chart.count() >= variance_chart_rows[k]) {
                    const double value = chart.log_variance(k);
                    log_sums[k] += value;
                    log_squares[k] += value * value;
                    ++full[k];
                }
            }
        }
        // Charts that restart at gaps have fewer values than rows.
        const auto is_known = [&](double values, int length) {
            return rows >= rows_of_fit * length && values + left_out >= (rows_of_fit - 1) * length;
        };
        for (std::size_t k = 0; k < level_squares.size(); ++k) {
            const int length = level_chart_rows[k];
            level_units[k] =
                is_known(level_rows[k], length)
                    ? std::max(std::sqrt(level_squares[k] / level_rows[k]) * widening(length),
                               std::sqrt(new_rows(length)))
                    : 0;
        }
        for (std::size_t k = 0; k < full.size(); ++k) {
            const int length = variance_chart_rows[k];
            const bool known = is_known(full[k], length);
            const double centre = known ? log_sums[k] / full[k] : 0;
            const double spread =
                known ? std::sqrt(std::max(log_squares[k] / full[k] - centre * centre, 0.0)) : 0;
            variance_centres[k] = centre;
            variance_units[k] = known ? std::max(spread * widening(length),
                                                 std::sqrt(2.0 / length * new_rows(length)))
                                      : 0;
        }
    }
    void raise(chart_scores& scores, int target, bool fitted_rows) const noexcept {
        const auto offer = [&](chart_family family, double value, int length, double unit) {
            const auto at = static_cast<std::size_t>(family);
            value *= (fitted_rows && length > 0 ? widening(length) : 1) / unit;
            if (unit > 0 && !std::isnan(value) && !(value <= scores.values[at])) {
                scores.values[at] = value;
                scores.origins[at] = {target, length};
            }
        };
        offer(chart_family::magnitude, chart.magnitude(), 0, 1);
        for (std::size_t k = 0; k < level_units.size(); ++k) {
            offer(chart_family::level, std::abs(chart.level(k)), level_chart_rows[k],
                  level_units[k]);
        }
        for (std::size_t k = 0; k < variance_units.size(); ++k) {
            offer(chart_family::variance, std::abs(chart.log_variance(k) - variance_centres[k]),
                  variance_chart_rows[k], variance_units[k]);
        }
    }
    /// Whether any residuals give this fit: charts of values within limits have limits as well.
    status check_loaded() const noexcept {
        constexpr double smallest = 1e-162; // root of the smallest sum of squares
        if (!is_bounded(mean) || !(scale >= smallest && scale <= 2 * largest_input)) {
            return status::error(error_code::format_error, "residual_charts: mean ", mean,
                                 " and scale ", scale, " cannot come from residuals");
        }
        const auto refuse = [](const char* what, double value, int length) {
            return status::error(error_code::format_error, "residual_charts: ", what, " ", value,
                                 " of the charts of ", length, " rows cannot come from residuals");
        };
        for (std::size_t k = 0; k < level_units.size(); ++k) {
            const int length = level_chart_rows[k];
            if (level_units[k] != 0 &&
                !(level_units[k] >= 1 &&
                  level_units[k] <= 2 * residual_chart::largest_level_chart(length))) {
                return refuse("unit", level_units[k], length);
            }
        }
        for (std::size_t k = 0; k < variance_units.size(); ++k) {
            const int length = variance_chart_rows[k];
            constexpr double most = residual_chart::largest_log_variance;
            if (!is_bounded(variance_centres[k], most)) {
                return refuse("centre", variance_centres[k], length);
            }
            const double least = (1 - 1e-9) * std::sqrt(2.0 / length);
            if (variance_units[k] != 0 &&
                !(variance_units[k] >= least && variance_units[k] <= 2 * most)) {
                return refuse("unit", variance_units[k], length);
            }
        }
        if (chart.smoothing() != residual_chart{}.smoothing()) {
            return status::error(error_code::format_error, "residual_charts: smoothing ",
                                 chart.smoothing(), ", not ", residual_chart{}.smoothing());
        }
        return {};
    }
    template <class Archive>
    void exchange(Archive& archive) {
        column<double, 10> units;
        const auto each = [&](auto&& visit) {
            index_t at = 0;
            for (double& own : level_units) {
                visit(units[at++], own);
            }
            for (auto* list : {&variance_centres, &variance_units}) {
                for (double& own : *list) {
                    visit(units[at++], own);
                }
            }
        };
        each([](double& stored, double& own) { stored = own; });
        archive.number("mean", mean);
        archive.number("scale", scale);
        archive.matrix("units", units);
        archive.object("chart", chart);
        if constexpr (Archive::loading) {
            each([](double& stored, double& own) { own = stored; });
            keep_if(archive, check_loaded());
        }
    }
};

} // namespace tocsin::detail
