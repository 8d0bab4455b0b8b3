#include "held_out_errors.hpp"

#include <algorithm>
#include <cmath>

namespace evaluate {

using tocsin::index_t;
using tocsin::row_range;

held_out held_out_errors(std::span<const method> methods, const scoring_task& task,
                         const tocsin::cross_fit& plan) {
    const row_range training = task.training.front();
    const std::vector<std::vector<double>> none(
        methods.size(), std::vector<double>(static_cast<std::size_t>(task.rows()), 0));
    held_out of_rows{none, none};
    const auto parts = plan.blocks(training.size());
    const auto folds = static_cast<double>(parts.size());
    const index_t guard = std::max(plan.guard, 0);
    for (const auto& part : parts) {
        const row_range block{training.begin + part.begin, training.begin + part.end};
        scoring_task others = task;
        others.training.clear();
        for (const row_range& range : {row_range{training.begin, block.begin - guard},
                                       row_range{block.end + guard, training.end}}) {
            if (range.size() > 0) {
                others.training.push_back(range);
            }
        }
        const auto found = residuals_of(methods, others);
        for (std::size_t m = 0; m < found.size(); ++m) {
            for (index_t t = 0; t < task.rows(); ++t) {
                const auto row = static_cast<std::size_t>(t);
                const double residual = found[m][row];
                if (block.begin <= t && t < block.end) {
                    of_rows.errors[m][row] = std::abs(residual);
                    of_rows.residuals[m][row] = residual;
                } else if (t < training.begin || t >= training.end) {
                    of_rows.errors[m][row] += std::abs(residual) / folds;
                    of_rows.residuals[m][row] += residual / folds;
                }
            }
        }
    }
    return of_rows;
}

held_out linear_residuals(const scoring_task& task) {
    const auto forecasts = linear_forecasts();
    // Short training parts cannot spare that many rows.
    const auto guard = static_cast<int>(std::min<index_t>(20, task.training.front().size() / 10));
    held_out rows = held_out_errors(forecasts, task, {.folds = 5, .guard = guard});
    rows.residuals.back() = residuals_of({&forecasts.back(), 1}, task).front();
    for (std::size_t t = 0; t < rows.errors.back().size(); ++t) {
        rows.errors.back()[t] = std::abs(rows.residuals.back()[t]);
    }
    return rows;
}

} // namespace evaluate
