/// @file residual_charts.hpp
/// @brief Monitoring charts over the signed residuals of several sensors, as scores.
#pragma once

#include "tocsin/charts/chart_scores.hpp"
#include "tocsin/charts/fitted_chart.hpp"
#include "tocsin/charts/residual_chart.hpp"
#include "tocsin/core/checked_size.hpp"
#include "tocsin/core/memory_claim.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/core/views.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace tocsin {

/// Residual monitoring charts (see residual_chart) of all targets of a forecaster or a
/// reconstruction. fit() learns mean and deviation of each target from residuals of rows that the
/// model has not learned from, and how far each chart strays on them: residuals that depend on each
/// other stray farther than independent ones. Single wrong readings among 300 rows or more are left
/// out, if the target varies: what is beyond 10 deviations in at most three places, where the
/// deviation of the rest is less than a quarter. They can be beyond 10 deviations in a hundredth of
/// the rows at most. push() scores a stream, whose charts of w rows stray farther than those of the n
/// rows of the fit, because mean and deviation come from these: sqrt((1 + w / n) / (1 - w / n)) times.
/// A chart needs at least 4 times its rows, and is left out where the fit had fewer.
///
/// Signed residuals, observed minus expected: absolute ones do not see that a sensor drifts within
/// its noise or that it has gone quiet.
class residual_charts {
  public:
    /// Rows of the fit that a chart needs, in rows of the chart.
    static constexpr int rows_of_fit = detail::fitted_chart::rows_of_fit;
    static constexpr const char* kind = "residual_charts";
    static constexpr int version = 1;

    residual_charts() = default;

    int targets() const noexcept { return static_cast<int>(sensors_.size()); }
    bool fitted() const noexcept { return !sensors_.empty(); }

    /// @param residuals `[targets x rows]`, in order of time, at least 20 rows; NaN where missing
    /// @param starts    one per row, nonzero where the charts begin anew, after a gap; empty: nowhere
    /// @return `invalid_data` for fewer rows, or a target with fewer than 20 residuals. Not fitted
    ///         after a failure. Allocates.
    template <class Derived>
    status fit(const Eigen::MatrixBase<Derived>& residuals,
               std::span<const std::uint8_t> starts = {}) {
        sensors_.assign(static_cast<std::size_t>(residuals.rows()), detail::fitted_chart{});
        if (residuals.rows() < 1 || residuals.cols() < fewest_rows) {
            sensors_.clear();
            return status::error(error_code::invalid_data, "residual_charts: residuals ",
                                 residuals.rows(), " x ", residuals.cols(),
                                 "; needed are at least 1 x ", fewest_rows);
        }
        for (index_t k = 0; k < residuals.rows(); ++k) {
            if (const int seen =
                    sensors_[static_cast<std::size_t>(k)].fit(residuals.row(k), starts);
                seen < fewest_rows) {
                sensors_.clear();
                return status::error(error_code::invalid_data, "residual_charts: target ", k,
                                     " has ", seen, " finite residuals; needed are at least ",
                                     fewest_rows);
            }
        }
        reset();
        return {};
    }

    /// Takes the newest residuals and scores them. Never allocates.
    /// @param residuals `[targets]`, NaN where missing: the charts of that sensor wait
    chart_scores push(std::span<const double> residuals) noexcept { return push(residuals, false); }
    /// The same for the rows of fit() themselves, right after it: the scores that push() gives normal
    /// rows come from the distribution of these, to which a threshold can be fitted.
    chart_scores push_fitted(std::span<const double> residuals) noexcept {
        return push(residuals, true);
    }
    /// Forgets the stream, keeps what was learned.
    void reset() noexcept {
        for (detail::fitted_chart& each : sensors_) {
            each.chart.reset();
        }
    }
    /// Whether both have learned the same, whatever they have seen since.
    bool same_fit(const residual_charts& other) const noexcept {
        return std::ranges::equal(sensors_, other.sensors_,
                                  [](const auto& a, const auto& b) { return a.same_fit(b); });
    }
    /// Whether no residual has been seen since the fit or reset().
    bool at_start() const noexcept {
        return std::ranges::all_of(sensors_,
                                   [](const auto& each) { return each.chart.count() == 0; });
    }
    /// Whether some target had rows enough for a chart of this kind.
    bool has(chart_family family) const noexcept {
        return std::ranges::any_of(sensors_, [&](const auto& each) { return each.has(family); });
    }
    /// Targets that have a chart of this kind over so many rows: of level_chart_rows or
    /// variance_chart_rows, 0 for the magnitude. All, or fewer where the fit had too few rows, or gaps cut
    /// them into short pieces; none for other numbers of rows.
    int targets_with(chart_family family, int rows) const noexcept {
        return static_cast<int>(std::ranges::count_if(
            sensors_, [&](const auto& each) { return each.has(family, rows); }));
    }
    /// The charts of one target as they stand.
    const residual_chart& chart(int target) const noexcept {
        return sensors_[static_cast<std::size_t>(target)].chart;
    }

    /// Charts that are there load as many, those of a stream for instance. Otherwise loading needs
    /// memory for them, which the file must be large enough for.
    template <class Archive>
    void exchange(Archive& archive) {
        auto count = targets();
        archive.integer("targets", count);
        if constexpr (Archive::loading) {
            if (archive.outcome().ok() && (count < 0 || count > most_targets)) {
                archive.fail(status::error(error_code::format_error, "residual_charts: ", count,
                                           " targets must lie in [0, ", most_targets, "]"));
            }
            if (archive.outcome().ok() && targets() > 0 && count != targets()) {
                archive.fail(status::error(error_code::format_error, "residual_charts: ", count,
                                           " targets, where there are ", targets()));
            }
            if (archive.outcome().ok() && targets() == 0) {
                claim_memory(archive, "charts", checked_size(count) * sizeof(detail::fitted_chart));
            }
            if (!archive.outcome().ok()) {
                return;
            }
            sensors_.assign(static_cast<std::size_t>(count), detail::fitted_chart{});
        }
        std::array<char, 24> name{};
        for (std::size_t k = 0; k < sensors_.size(); ++k) {
            write_number(name, k);
            const auto scope = archive.scope(name.data());
            sensors_[k].exchange(archive);
            if (!archive.outcome().ok()) {
                break;
            }
        }
        if (Archive::loading && !archive.outcome().ok()) {
            sensors_.clear();
        }
    }

  private:
    static constexpr int fewest_rows = detail::fitted_chart::fewest_rows;
    static constexpr int most_targets = 1 << 16;

    chart_scores push(std::span<const double> residuals, bool fitted_rows) noexcept {
        chart_scores scores;
        if (static_cast<int>(residuals.size()) != targets()) {
            return scores;
        }
        for (std::size_t k = 0; k < residuals.size(); ++k) {
            if (sensors_[k].push(residuals[k])) {
                sensors_[k].raise(scores, static_cast<int>(k), fitted_rows);
            }
        }
        return scores;
    }

    static void write_number(std::array<char, 24>& name, std::size_t number) noexcept {
        std::size_t digits = 1;
        for (std::size_t rest = number; rest >= 10; rest /= 10) {
            ++digits;
        }
        name[digits] = '\0';
        for (; digits > 0; number /= 10) {
            name[--digits] = static_cast<char>('0' + number % 10);
        }
    }

    std::vector<detail::fitted_chart> sensors_;
};

} // namespace tocsin
