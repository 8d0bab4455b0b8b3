#include "tocsin/comparators/k_means.hpp"
#include "tocsin/comparators/lagged_value.hpp"
#include "tocsin/comparators/linear_autoregression.hpp"
#include "tocsin/comparators/pca_reconstruction.hpp"
#include "tocsin/comparators/simple_changes.hpp"
#include "tocsin/comparators/smoothed_z_score.hpp"

#include "further_comparators.hpp"
#include "methods.hpp"
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <utility>

namespace evaluate {
namespace {

using tocsin::column;
using tocsin::index_t;
using tocsin::matrix;
using tocsin::result;
using tocsin::row_range;
using tocsin::status;
using scores = std::vector<double>;

constexpr int past_rows = 10; ///< that an autoregression sees
constexpr double none = std::numeric_limits<double>::quiet_NaN();

/// The training rows of the targets; all rows if the targets are constant in the training rows.
matrix<double> training_targets(const scoring_task& task) {
    const matrix<double> training = task.training_values().topRows(task.targets);
    const bool constant = (training.colwise() - training.col(0)).cwiseAbs().maxCoeff() == 0;
    return constant ? task.target_values() : training;
}

/// Fits a scorer to the targets and gives its scores.
template <class Scorer>
result<scores> fit_and_score(Scorer scorer, const scoring_task& task) {
    scores found(static_cast<std::size_t>(task.rows()));
    status done = scorer.fit(training_targets(task));
    if (done) {
        done = tocsin::score_samples(scorer, task.target_values(), found);
    }
    return done ? result<scores>(std::move(found)) : result<scores>(done);
}

/// Difference to the value `lag` rows before, see error_of().
result<scores> lagged(const scoring_task& task, index_t lag) {
    const column<double> scale = task.target_scale();
    scores found(static_cast<std::size_t>(task.rows()), none);
    for (index_t t = lag; t < task.rows(); ++t) {
        const column<double> difference = task.values.col(t) - task.values.col(t - lag);
        found[static_cast<std::size_t>(t)] = error_of(difference.head(task.targets), scale);
    }
    return found;
}

result<scores> autoregression(const scoring_task& task, int order) {
    tocsin::linear_autoregression model(
        {.order = order, .targets = task.targets, .relative_ridge = 1e-2});
    if (status fitted = model.fit(task.training_values()); !fitted) {
        return fitted;
    }
    const column<double> scale = task.target_scale();
    scores found;
    found.reserve(static_cast<std::size_t>(task.rows()));
    for (index_t t = 0; t < task.rows(); ++t) {
        model.push({task.values.col(t).data(), static_cast<std::size_t>(task.values.rows())});
        found.push_back(error_of(model.errors(), scale));
    }
    return found;
}

/// Difference to the mean of the training rows.
result<scores> from_mean(const scoring_task& task) {
    const column<double> scale = task.target_scale();
    const column<double> mean = task.training_values().topRows(task.targets).rowwise().mean();
    scores found;
    found.reserve(static_cast<std::size_t>(task.rows()));
    for (index_t t = 0; t < task.rows(); ++t) {
        found.push_back(error_of((task.values.col(t).head(task.targets) - mean).eval(), scale));
    }
    return found;
}

/// The task with other inputs instead of its values.
scoring_task with_values(const scoring_task& task, matrix<double> values) {
    scoring_task other = task;
    other.values = std::move(values);
    return other;
}

/// Learns from the windows of one period and judges each; a row has the mean of the windows that hold
/// it.
/// @param distance of a window, after fit()
template <class Scorer, class Distance>
result<scores> mean_of_windows(Scorer scorer, const scoring_task& task, Distance&& distance) {
    const int length = static_cast<int>(
        std::min<index_t>(std::max(task.period, 8), std::max<index_t>(task.rows() / 4, 2)));
    const matrix<double> all = task.target_values();
    const index_t width = index_t{length} * all.rows();
    const auto window = [&](index_t first) {
        return tocsin::vector_view<const double>(all.data() + first * all.rows(), width);
    };
    const auto first_rows = window_starts(task, task.training, length);
    if (first_rows.size() < 3) {
        return status::error(tocsin::error_code::invalid_data, "only ", first_rows.size(),
                             " windows of ", length, " rows to train on");
    }
    matrix<double> training(width, static_cast<index_t>(first_rows.size()));
    for (std::size_t k = 0; k < first_rows.size(); ++k) {
        training.col(static_cast<index_t>(k)) = window(first_rows[k]);
    }
    if (status fitted = scorer.fit(training); !fitted) {
        // A target that is constant in the training rows: any other value is anomalous.
        return fit_and_score(tocsin::smoothed_z_score(1), task);
    }
    scores sums(static_cast<std::size_t>(task.rows()) + 1, 0); // differences of a running sum
    std::vector<double> counts(sums.size(), 0);
    for (const index_t k : window_starts(task, {{0, task.rows()}}, length)) {
        const double far =
            distance(scorer, std::span(window(k).data(), static_cast<std::size_t>(width)));
        const auto begin = static_cast<std::size_t>(k);
        const auto end = static_cast<std::size_t>(k + length);
        sums[begin] += far;
        sums[end] -= far;
        ++counts[begin];
        --counts[end];
    }
    double sum = 0;
    double count = 0;
    for (std::size_t t = 0; t + 1 < sums.size(); ++t) {
        sum += sums[t];
        count += counts[t];
        sums[t] = count > 0.5 ? std::max(sum, 0.0) / count : none;
    }
    sums.pop_back();
    return sums;
}

/// Residual of the principal components of windows.
result<scores> window_pca(const scoring_task& task, double explained_variance) {
    return mean_of_windows(
        tocsin::pca_reconstruction({.explained_variance = explained_variance, .scale = false}),
        task, [](const auto& pca, std::span<const double> window) {
            return std::sqrt(pca.statistics(window).q);
        });
}

result<scores> z_score(const scoring_task& task) {
    return fit_and_score(tocsin::smoothed_z_score(1), task);
}

} // namespace

std::vector<method> linear_forecasts() {
    const nlohmann::ordered_json settings = {{"order", past_rows}, {"relative_ridge", 1e-2}};
    return {
        {"autoregression of changes", false, settings,
         [](const auto& task) {
             return autoregression(with_values(task, changes_and_values(task)), past_rows);
         }},
        {"autoregression without commands", false, settings,
         [](const auto& task) {
             return autoregression(with_values(task, task.target_values()), past_rows);
         }},
        {"last value", false, {}, [](const auto& task) { return lagged(task, 1); }},
        {"mean", false, {}, from_mean},
    };
}

std::vector<method> comparators() {
    constexpr double share = 0.9;
    return {
        {"last value", false, {}, [](const auto& task) { return lagged(task, 1); }},
        {"seasonal last value",
         false,
         {{"lag", "period"}},
         [](const auto& task) {
             return lagged(task, std::min<index_t>(task.period, task.rows()));
         }},
        {autoregression_name,
         false,
         {{"order", past_rows}, {"relative_ridge", 1e-2}},
         [](const auto& task) { return autoregression(task, past_rows); }},
        {window_pca_name,
         false,
         {{"window", "period"}, {"explained_variance", share}},
         [](const auto& task) { return window_pca(task, share); }},
        {"absolute z-score", false, {}, z_score},
    };
}

std::vector<method> further_comparators() {
    constexpr int clusters = 20;
    return {
        {"squared change",
         false,
         {},
         [](const auto& task) { return fit_and_score(tocsin::squared_difference{}, task); }},
        {"moving variance",
         false,
         {{"window", past_rows}},
         [](const auto& task) { return fit_and_score(tocsin::moving_variance(past_rows), task); }},
        {"k-means of windows",
         true,
         {{"window", "period"}, {"clusters", clusters}},
         [](const auto& task) {
             return mean_of_windows(
                 tocsin::k_means({.clusters = clusters, .seed = task.seed}), task,
                 [](auto& means, std::span<const double> window) { return means.push(window); });
         }},
    };
}

} // namespace evaluate
