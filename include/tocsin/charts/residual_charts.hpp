/// @file residual_charts.hpp
/// @brief Monitoring charts over the signed residuals of several sensors, as scores.
#pragma once

#include "tocsin/charts/residual_chart.hpp"
#include "tocsin/core/bounded.hpp"
#include "tocsin/core/checked_size.hpp"
#include "tocsin/core/keep_if.hpp"
#include "tocsin/core/memory_claim.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/core/views.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace tocsin {

/// The kinds of charts. They see different faults, so two that agree are worth more than one.
enum class chart_family : std::uint8_t { magnitude, level, variance };

/// Scores of the newest row, one per family, larger is less normal; about 1 on normal data, where
/// rare rows reach 3 to 5. NaN while no chart of the family has seen enough rows.
struct chart_scores {
    static constexpr std::size_t families = 3; ///< kinds of charts
    /// Where the largest value of a family was found.
    struct origin {
        int target = -1; ///< the forecast feature; -1 for none
        int rows = 0;    ///< length of the chart; 0 for the magnitude
    };

    /// The value of each kind of chart.
    std::array<double, families> values{std::numeric_limits<double>::quiet_NaN(),
                                        std::numeric_limits<double>::quiet_NaN(),
                                        std::numeric_limits<double>::quiet_NaN()};
    std::array<origin, families> origins{}; ///< where each value comes from

    /// The value of a kind of chart.
    double of(chart_family family) const noexcept {
        return values[static_cast<std::size_t>(family)];
    }
    /// Where the value of a kind of chart comes from.
    origin origin_of(chart_family family) const noexcept {
        return origins[static_cast<std::size_t>(family)];
    }
};

/// Residual monitoring charts (see residual_chart) of all targets of a forecaster or a
/// reconstruction. fit() learns mean and deviation of each target from residuals of rows that the
/// model has not learned from, and how far each chart strays on them: residuals that depend on each
/// other stray farther than independent ones. push() scores a stream.
///
/// Signed residuals, observed minus expected: absolute ones do not see that a sensor drifts within
/// its noise or that it has gone quiet.
class residual_charts {
  public:
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
        sensors_.assign(static_cast<std::size_t>(residuals.rows()), sensor{});
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
    chart_scores push(std::span<const double> residuals) noexcept {
        chart_scores scores;
        if (static_cast<int>(residuals.size()) != targets()) {
            return scores;
        }
        for (std::size_t k = 0; k < residuals.size(); ++k) {
            if (sensors_[k].push(residuals[k])) {
                sensors_[k].raise(scores, static_cast<int>(k));
            }
        }
        return scores;
    }
    /// Forgets the stream, keeps what was learned.
    void reset() noexcept {
        for (sensor& each : sensors_) {
            each.chart.reset();
        }
    }
    /// Whether both have learned the same, whatever they have seen since.
    bool same_fit(const residual_charts& other) const noexcept {
        return std::ranges::equal(sensors_, other.sensors_, [](const sensor& a, const sensor& b) {
            return a.mean == b.mean && a.scale == b.scale && a.level_units == b.level_units &&
                   a.variance_centres == b.variance_centres && a.variance_units == b.variance_units;
        });
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
                claim_memory(archive, "charts", checked_size(count) * sizeof(sensor));
            }
            if (!archive.outcome().ok()) {
                return;
            }
            sensors_.assign(static_cast<std::size_t>(count), sensor{});
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
    static constexpr int fewest_rows = 20;
    static constexpr int most_targets = 1 << 16;

    /// One target with what was learned of it.
    struct sensor {
        double mean = 0;
        double scale = 1;
        std::array<double, level_chart_rows.size()> level_units{};
        std::array<double, variance_chart_rows.size()> variance_centres{};
        std::array<double, variance_chart_rows.size()> variance_units{};
        residual_chart chart{};

        /// A finite residual counts, however small the scale is.
        bool push(double residual) noexcept {
            return std::isfinite(residual) && chart.push((bounded(residual) - mean) / scale);
        }

        /// Finite residuals seen.
        template <class Row>
        int fit(const Row& residuals, std::span<const std::uint8_t> starts) {
            int count = 0;
            double sum = 0;
            for (index_t t = 0; t < residuals.size(); ++t) {
                const auto value = bounded(static_cast<double>(residuals[t]));
                if (std::isfinite(static_cast<double>(residuals[t]))) {
                    sum += value;
                    ++count;
                }
            }
            if (count < fewest_rows) {
                return count;
            }
            mean = sum / count;
            double squares = 0;
            for (index_t t = 0; t < residuals.size(); ++t) {
                const auto value = bounded(static_cast<double>(residuals[t])) - mean;
                squares += std::isfinite(static_cast<double>(residuals[t])) ? value * value : 0;
            }
            scale = std::sqrt(squares / (count - 1));
            if (!(scale > 0)) { // never an error: any is the surprise of a lifetime
                scale = 1e-9 * std::max(std::abs(mean), 1e-9);
            }
            learn_units(residuals, starts);
            return count;
        }
        /// How far the charts stray on normal residuals, at least as far as independent ones.
        template <class Row>
        void learn_units(const Row& residuals, std::span<const std::uint8_t> starts) {
            std::array<double, level_chart_rows.size()> level_squares{};
            std::array<double, level_chart_rows.size()> level_rows{};
            std::array<double, variance_chart_rows.size()> log_sums{};
            std::array<double, variance_chart_rows.size()> log_squares{};
            std::array<double, variance_chart_rows.size()> full{};
            chart.reset();
            for (index_t t = 0; t < residuals.size(); ++t) {
                if (const auto at = static_cast<std::size_t>(t);
                    at < starts.size() && starts[at] != 0) {
                    chart.reset();
                }
                if (!push(static_cast<double>(residuals[t]))) {
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
            for (std::size_t k = 0; k < level_squares.size(); ++k) {
                const double rows = level_rows[k];
                level_units[k] = std::max(rows > 0 ? std::sqrt(level_squares[k] / rows) : 1.0, 1.0);
            }
            for (std::size_t k = 0; k < full.size(); ++k) {
                // A chart that hardly filled says little about its centre: in theory it is 0.
                const bool known = full[k] >= variance_chart_rows[k];
                const double centre = known ? log_sums[k] / full[k] : 0;
                const double spread =
                    known ? std::sqrt(std::max(log_squares[k] / full[k] - centre * centre, 0.0))
                          : 0;
                variance_centres[k] = centre;
                variance_units[k] = std::max(spread, std::sqrt(2.0 / variance_chart_rows[k]));
            }
        }
        void raise(chart_scores& scores, int target) const noexcept {
            const auto offer = [&](chart_family family, double value, int rows) {
                const auto at = static_cast<std::size_t>(family);
                if (!std::isnan(value) && !(value <= scores.values[at])) {
                    scores.values[at] = value;
                    scores.origins[at] = {target, rows};
                }
            };
            offer(chart_family::magnitude, chart.magnitude(), 0);
            for (std::size_t k = 0; k < level_units.size(); ++k) {
                offer(chart_family::level, std::abs(chart.level(k)) / level_units[k],
                      level_chart_rows[k]);
            }
            for (std::size_t k = 0; k < variance_units.size(); ++k) {
                offer(chart_family::variance,
                      std::abs(chart.log_variance(k) - variance_centres[k]) / variance_units[k],
                      variance_chart_rows[k]);
            }
        }
        /// Whether any residuals give this fit: charts of values within limits have limits as well.
        status check_loaded() const noexcept {
            constexpr double smallest = 1e-162; // root of the smallest sum of squares
            if (!is_bounded(mean) || !(scale >= smallest && scale <= 2 * largest_input)) {
                return status::error(error_code::format_error, "residual_charts: mean ", mean,
                                     " and scale ", scale, " cannot come from residuals");
            }
            const auto refuse = [](const char* what, double value, int rows) {
                return status::error(error_code::format_error, "residual_charts: ", what, " ",
                                     value, " of the charts of ", rows,
                                     " rows cannot come from residuals");
            };
            for (std::size_t k = 0; k < level_units.size(); ++k) {
                const int rows = level_chart_rows[k];
                if (!(level_units[k] >= 1 &&
                      level_units[k] <= residual_chart::largest_level_chart(rows))) {
                    return refuse("unit", level_units[k], rows);
                }
            }
            for (std::size_t k = 0; k < variance_units.size(); ++k) {
                const int rows = variance_chart_rows[k];
                constexpr double most = residual_chart::largest_log_variance;
                if (!is_bounded(variance_centres[k], most)) {
                    return refuse("centre", variance_centres[k], rows);
                }
                if (!(variance_units[k] > 0 && variance_units[k] <= most)) {
                    return refuse("unit", variance_units[k], rows);
                }
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
                detail::keep_if(archive, check_loaded());
            }
        }
    };

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

    std::vector<sensor> sensors_;
};

} // namespace tocsin
