#include "event_charts.hpp"

#include "tocsin/charts/residual_charts.hpp"
#include "tocsin/detect/combination.hpp"
#include "tocsin/tail/alarm_rate.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

namespace evaluate {
namespace {

using tocsin::chart_scores;
using tocsin::index_t;

/// Rows whose forecasts have seen the end of another part.
constexpr index_t seam = 10;

/// The units of the charts in rows after the training rows: those of new rows, for thresholds that are
/// fitted to training rows, or of all rows alike, for thresholds that a series gives itself.
enum class chart_units : std::uint8_t { of_new_rows, of_all_rows };

/// The charts of one forecast in every row, fitted to the training rows; none if they are too few.
std::vector<chart_scores> charts_of(std::span<const double> residuals, tocsin::row_range training,
                                    chart_units units) {
    std::vector<chart_scores> rows(residuals.size());
    const tocsin::matrix_view<const double> all(residuals.data(), 1,
                                                static_cast<index_t>(residuals.size()));
    tocsin::residual_charts charts;
    if (const auto fitted = charts.fit(all.middleCols(training.begin, training.size())); !fitted) {
        progress::note("no charts: " + std::string(fitted.message()));
        return rows;
    }
    for (index_t t = training.begin; t < static_cast<index_t>(residuals.size()); ++t) {
        if (t == training.end) {
            charts.reset();
        }
        if (t >= training.end && t < training.end + seam) {
            continue;
        }
        const auto row = static_cast<std::size_t>(t);
        rows[row] = t < training.end || units == chart_units::of_all_rows
                        ? charts.push_fitted({&residuals[row], 1})
                        : charts.push({&residuals[row], 1});
    }
    return rows;
}

constexpr double unknown = -9; ///< score of rows without one

} // namespace

std::vector<std::vector<double>> charted(const event_rule& rule, const held_out& rows,
                                         std::span<const std::size_t> parts,
                                         tocsin::row_range training) {
    std::vector<std::vector<double>> series;
    for (const std::size_t part : parts) {
        auto errors = rows.errors[part];
        std::fill_n(errors.begin() + training.end,
                    std::min(seam, static_cast<index_t>(errors.size()) - training.end),
                    std::numeric_limits<double>::quiet_NaN());
        series.push_back(smoothed(errors, rule.smoothing));
        auto& levels = series.emplace_back();
        for (const chart_scores& row :
             charts_of(rows.residuals[part], training, chart_units::of_all_rows)) {
            const double level = row.of(tocsin::chart_family::level);
            levels.push_back(std::isnan(level) ? 0 : level);
        }
    }
    return series;
}

nlohmann::ordered_json promised_charts::settings() const {
    return {{"charts", "magnitude, level, variance"},
            {"of_one_forecast", "second smallest expected false alarms"},
            {"of_all_forecasts", "their number times the smallest"},
            {"promised", promised},
            {"warm_up", warm_up},
            {"buffer", buffer}};
}

std::vector<double> promised_charts::scores(const held_out& rows,
                                            std::span<const std::size_t> parts,
                                            tocsin::row_range training) const {
    std::vector<std::vector<double>> expected; // per forecast
    for (const std::size_t part : parts) {
        const auto charts = charts_of(rows.residuals[part], training, chart_units::of_new_rows);
        std::array<tocsin::alarm_rate, chart_scores::families> rules;
        for (std::size_t family = 0; family < rules.size(); ++family) {
            std::vector<double> normal;
            for (index_t t = training.begin; t < training.end; ++t) {
                const double score = charts[static_cast<std::size_t>(t)].values[family];
                if (!std::isnan(score)) { // the charts warm up
                    normal.push_back(score);
                }
            }
            rules[family] = tocsin::alarm_rate({.alarms = promised});
            // A chart that never filled is left out.
            static_cast<void>(rules[family].fit(normal, {}));
        }
        auto& of_forecast = expected.emplace_back();
        for (const chart_scores& row : charts) {
            std::array<double, chart_scores::families> each{};
            for (std::size_t family = 0; family < each.size(); ++family) {
                each[family] = rules[family].expected_false_alarms(row.values[family]);
            }
            of_forecast.push_back(
                tocsin::combined_false_alarms(each, tocsin::combination::second_smallest));
        }
    }
    std::vector<double> found(expected.front().size(), unknown);
    std::vector<double> row(expected.size());
    for (std::size_t t = 0; t < found.size(); ++t) {
        for (std::size_t k = 0; k < row.size(); ++k) {
            row[k] = expected[k][t];
        }
        const double all = tocsin::combined_false_alarms(row, tocsin::combination::bonferroni);
        if (!std::isnan(all)) {
            found[t] = -std::log10(std::max(all, std::numeric_limits<double>::min()));
        }
    }
    return found;
}

double promised_charts::threshold() const noexcept {
    return -std::log10(promised);
}

std::vector<std::uint8_t> promised_charts::flags(std::span<const double> scores) const {
    event_rule rule;
    rule.pruning = 0;
    rule.buffer = buffer;
    rule.threshold = 0; // the score of the promised rate
    std::vector<double> judged(scores.begin(), scores.end());
    for (double& score : judged) {
        score -= threshold();
    }
    std::fill_n(judged.begin(),
                std::min<std::size_t>(static_cast<std::size_t>(warm_up), judged.size()), unknown);
    return event_flags(rule, judged);
}

} // namespace evaluate
