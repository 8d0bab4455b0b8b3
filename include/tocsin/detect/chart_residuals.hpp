/// @file chart_residuals.hpp
/// @brief Signed residuals of normal rows, for the charts of a charted_detector.
#pragma once

#include "tocsin/charts/residual_charts.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/core/storage.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/detect/held_out.hpp"
#include "tocsin/detect/held_out_models.hpp"
#include "tocsin/detect/verdict.hpp"
#include "tocsin/series/windows.hpp"
#include "tocsin/tail/alarm_rate.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <utility>
#include <vector>

namespace tocsin::detail {

/// Whether charts begin anew with the sample of a verdict: after a gap or a new time, also while a
/// sensor is lost. Charts join neighbours only.
inline bool starts_charts(const verdict& of_detector) noexcept {
    return of_detector.reason == sample_reason::warming_up;
}

/// Residuals of rows, observed minus forecast.
struct chart_residuals {
    matrix<double> values;            ///< `[targets x rows]`; NaN where there is none
    std::vector<std::uint8_t> starts; ///< one per row, nonzero where the charts begin anew

    chart_residuals(index_t targets, index_t rows)
        : values{matrix<double>::Constant(targets, rows, std::numeric_limits<double>::quiet_NaN())},
          starts(static_cast<std::size_t>(rows)) {}

    /// By one detector that judges all rows as a stream. Allocates.
    /// @param rows  `[features x rows]`
    /// @param times one per row, or none: not known
    template <class Detector>
    void add_stream(const Detector& detector, const matrix<typename Detector::scalar_type>& rows,
                    std::span<const double> times) {
        auto stream = detector.make_stream();
        for (index_t t = 0; t < rows.cols(); ++t) {
            const auto at = static_cast<std::size_t>(t);
            const verdict said = times.empty() ? detector.push(stream, rows.col(t))
                                               : detector.push(stream, rows.col(t), times[at]);
            starts[at] = starts_charts(said) ? 1 : 0;
            if (said.scored()) {
                values.col(t) = vector_view<const double>(stream.errors().data(), values.rows());
            }
        }
    }

    /// By a detector of a part of the rows, in the scale of another one. Rows before `first` are read
    /// to warm up.
    /// @param rows  `[features x rows]`
    /// @param begin first row of the recording that `first` belongs to
    template <class Detector, class Rows>
    void add_part(const Detector& of_part, const Detector& in_scale_of, const Rows& rows,
                  index_t begin, index_t first, index_t end) {
        using scalar = typename Detector::scalar_type;
        auto stream = of_part.make_stream();
        matrix<scalar> both(rows.rows(), 2);
        for (index_t t = std::max(begin, first - of_part.warm_up()); t < end; ++t) {
            both.col(0) = rows.col(t);
            both.col(1) = rows.col(t);
            both.col(1).head(values.rows()) = of_part.forecast(stream).col(0).head(values.rows());
            const verdict said = of_part.push(stream, rows.col(t));
            if (t < first) {
                continue;
            }
            starts[static_cast<std::size_t>(t)] = starts_charts(said) ? 1 : 0;
            if (said.scored()) {
                in_scale_of.data_scaler().transform(both);
                values.col(t) =
                    (both.col(0) - both.col(1)).head(values.rows()).template cast<double>();
            }
        }
    }

    /// The values that each family of charts takes on these residuals, to which it has been fitted,
    /// without those of the warm-up. Resets the charts first. Allocates.
    std::array<std::vector<double>, chart_scores::families>
    chart_values(residual_charts& charts) const {
        std::array<std::vector<double>, chart_scores::families> found;
        for (index_t t = 0; t < values.cols(); ++t) {
            if (t == 0 || starts[static_cast<std::size_t>(t)] != 0) {
                charts.reset();
            }
            const chart_scores scores = charts.push_fitted(
                std::span(values.col(t).data(), static_cast<std::size_t>(values.rows())));
            for (std::size_t k = 0; k < found.size(); ++k) {
                if (!std::isnan(scores.values[k])) {
                    found[k].push_back(scores.values[k]);
                }
            }
        }
        return found;
    }

    /// Fits charts to these residuals, and a rule for each family to their values. Allocates.
    /// @param promised false alarms in 10 000 rows
    /// @return the reason where no family can be fitted; charts and rules are then as they were
    status fit(residual_charts& charts, std::array<alarm_rate, chart_scores::families>& rules,
               double promised) const {
        residual_charts fitted;
        if (status usable = fitted.fit(values, starts); !usable.ok()) {
            return usable;
        }
        const auto seen = chart_values(fitted);
        std::array<alarm_rate, chart_scores::families> of_families;
        bool any = false;
        status last;
        for (std::size_t k = 0; k < seen.size(); ++k) {
            of_families[k] = alarm_rate({.alarms = promised});
            if (status usable = of_families[k].fit(seen[k], {}); usable.ok()) {
                any = true;
            } else {
                last = usable; // charts that are too long for these rows are left out
            }
        }
        if (!any) {
            return last;
        }
        fitted.reset();
        charts = std::move(fitted);
        rules = std::move(of_families);
        return {};
    }
};

/// Trains a detector, and takes the residuals of the judged rows by others that have not learned from
/// them, one for each block of a plan. Rows in no window without an anomalous row have none. Allocates.
/// @param fitted     is trained, and brings the scale of all residuals
/// @param untrained  is copied for each block
/// @param callbacks  see trainer::fit
template <class Detector, class Trainer, class Plan, class... Callbacks>
result<chart_residuals>
held_out_residuals(Detector& fitted, const Detector& untrained,
                   const held_out_data<typename Detector::scalar_type>& data,
                   const Trainer& trainer, const Plan& plan, Callbacks&... callbacks) {
    using scalar = typename Detector::scalar_type;
    const windows<scalar> training = sorted_by_time(normal_windows(data.training, data.labels));
    const windows<scalar> judged = sorted_by_time(data.judged);
    const windows<scalar> normal = normal_windows(judged, data.labels);
    const auto rows = judged.values();
    chart_residuals residuals(fitted.model().targets(), rows.cols());
    std::fill(residuals.starts.begin(), residuals.starts.end(), std::uint8_t{1});
    const index_t guard = plan.guard < 0 ? index_t{judged.length()} : index_t{plan.guard};
    const std::vector<held_out_block> blocks = plan.blocks(judged.count());
    if (blocks.empty()) {
        return status::error(error_code::invalid_data, "charted_detector: ", judged.count(),
                             " windows are too few to hold any out");
    }
    // Windows overlap: a row belongs to the block of the first window that begins with it.
    const auto rows_of = [&](const held_out_block& block) {
        return std::pair<index_t, index_t>(
            judged.first_column(block.begin),
            block.end < judged.count() ? judged.first_column(block.end) : rows.cols());
    };
    const auto judge = [&](const held_out_block& block) -> status {
        const split_windows<scalar> split(training, judged, block, guard);
        Detector part = untrained;
        if (split.learned.empty()) {
            return nothing_left("charted_detector", block, judged.count(), guard);
        }
        status known = part.train(split.learned, {}, trainer, callbacks...);
        known = known.ok() ? part.fit_errors(split.learned) : known;
        if (!known.ok()) {
            return of_block(known, block, judged.count());
        }
        const std::pair<index_t, index_t> own = rows_of(block);
        normal.for_each_linked_run([&](index_t begin, index_t columns) {
            const index_t first = std::max(begin, own.first);
            const index_t end = std::min(begin + columns, own.second);
            if (first < end) {
                residuals.add_part(part, fitted, rows, begin, first, end);
            }
        });
        return {};
    };
    const auto team = team_of(plan);
    std::vector<status> outcomes(blocks.size());
    status done;
    const status ended = team.run([&] {
        const auto learned = normal_windows(data.training, data.labels);
        done = fitted.train(learned, {}, trainer, callbacks...);
        done = done.ok() ? fitted.fit_errors(learned) : done;
        bool going_on = done.ok();
        for (std::size_t k = 0; k < blocks.size() && going_on; ++k) {
            if (team.trains(k)) {
                outcomes[k] = judge(blocks[k]);
                going_on = outcomes[k].ok();
            }
        }
    });
    if (!ended.ok() || !done.ok()) {
        return ended.ok() ? done : ended;
    }
    for (std::size_t k = 0; k < blocks.size(); ++k) {
        if (const status known = team.share(k, outcomes[k]); !known.ok()) {
            return known;
        }
        const auto [from, to] = rows_of(blocks[k]);
        team.share(
            k, std::span<double>(residuals.values.col(from).data(),
                                 static_cast<std::size_t>((to - from) * residuals.values.rows())));
        team.share(
            k, std::span<std::uint8_t>(residuals.starts)
                   .subspan(static_cast<std::size_t>(from), static_cast<std::size_t>(to - from)));
    }
    return residuals;
}

} // namespace tocsin::detail
