#include "methods.hpp"

#include "tocsin/comparators/lagged_value.hpp"
#include "tocsin/comparators/linear_autoregression.hpp"
#include "tocsin/comparators/pca_reconstruction.hpp"
#include "tocsin/comparators/smoothed_z_score.hpp"
#include "tocsin/detect/detector.hpp"
#include "tocsin/detect/forecast_detector.hpp"
#include "tocsin/errors/diagonal_gaussian.hpp"
#include "tocsin/errors/smoothing.hpp"
#include "tocsin/models/encoder_decoder.hpp"
#include "tocsin/series/period.hpp"
#include "tocsin/training/fit.hpp"

#include "network.hpp"
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
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

constexpr double none = std::numeric_limits<double>::quiet_NaN();

matrix<double> targets_of(const scoring_task& task) {
    return task.values.topRows(task.targets);
}

/// The training rows of the targets; all rows where the targets stand still in the training rows,
/// which then say nothing.
matrix<double> training_targets(const scoring_task& task) {
    const matrix<double> training = task.training_values().topRows(task.targets);
    const bool constant = (training.colwise() - training.col(0)).cwiseAbs().maxCoeff() == 0;
    return constant ? targets_of(task) : training;
}

/// Fits a scorer to the targets and gives its scores.
template <class Scorer>
result<scores> fit_and_score(Scorer scorer, const scoring_task& task) {
    scores found(static_cast<std::size_t>(task.rows()));
    status done = scorer.fit(training_targets(task));
    if (done) {
        done = tocsin::score_samples(scorer, targets_of(task), found);
    }
    return done ? result<scores>(std::move(found)) : result<scores>(done);
}

/// Absolute difference to the value `lag` rows before, mean over the targets in units of the first.
result<scores> lagged(const scoring_task& task, index_t lag) {
    const column<double> scale = task.target_scale();
    scores found(static_cast<std::size_t>(task.rows()), none);
    for (index_t t = lag; t < task.rows(); ++t) {
        const auto difference = task.values.col(t) - task.values.col(t - lag);
        found[static_cast<std::size_t>(t)] =
            (difference.head(task.targets).array() / scale.array()).abs().mean() * scale[0];
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
        found.push_back((model.errors().array() / scale.array()).abs().mean() * scale[0]);
    }
    return found;
}

/// Where windows of `length` groups of rows begin within ranges of groups: `stride` apart, or where
/// the units of the task begin.
std::vector<index_t> window_starts(const scoring_task& task, const std::vector<row_range>& ranges,
                                   int length, int stride, index_t group = 1) {
    std::vector<index_t> starts;
    for (const auto& range : ranges) {
        for (index_t first = range.begin; first + length <= range.end; first += stride) {
            if (task.units.empty() || std::find(task.units.begin(), task.units.end(),
                                                first * group) != task.units.end()) {
                starts.push_back(first);
            }
        }
    }
    return starts;
}

/// Residual of the principal components of windows of one period, mean of the windows that hold a
/// row.
result<scores> window_pca(const scoring_task& task, double explained_variance) {
    const int length = static_cast<int>(
        std::min<index_t>(std::max(task.period, 8), std::max<index_t>(task.rows() / 4, 2)));
    const matrix<double> all = targets_of(task);
    const index_t width = index_t{length} * all.rows();
    const auto window = [&](index_t first) {
        return tocsin::vector_view<const double>(all.data() + first * all.rows(), width);
    };
    const auto first_rows = window_starts(task, task.training, length, 1);
    if (first_rows.size() < 3) {
        return status::error(tocsin::error_code::invalid_data, "only ", first_rows.size(),
                             " windows of ", length, " rows to train on");
    }
    matrix<double> training(width, static_cast<index_t>(first_rows.size()));
    for (std::size_t k = 0; k < first_rows.size(); ++k) {
        training.col(static_cast<index_t>(k)) = window(first_rows[k]);
    }
    tocsin::pca_reconstruction pca({.explained_variance = explained_variance, .scale = false});
    if (status fitted = pca.fit(training); !fitted) {
        // A target that stands still in the training rows: any other value is anomalous.
        return fit_and_score(tocsin::smoothed_z_score(1), task);
    }
    scores sums(static_cast<std::size_t>(task.rows()) + 1, 0); // differences of a running sum
    std::vector<double> counts(sums.size(), 0);
    for (const index_t k : window_starts(task, {{0, task.rows()}}, length, 1)) {
        const auto statistics = pca.statistics({window(k).data(), static_cast<std::size_t>(width)});
        const double distance = std::sqrt(statistics.q);
        const auto begin = static_cast<std::size_t>(k);
        const auto end = static_cast<std::size_t>(k + length);
        sums[begin] += distance;
        sums[end] -= distance;
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

result<scores> z_score(const scoring_task& task) {
    return fit_and_score(tocsin::smoothed_z_score(1), task);
}

// ---- LSTM ---------------------------------------------------------------------------------------

struct forecaster_settings {
    int hidden = 32;
    int window = 64;
    int stride = 16;
    int warm_up = 8;
    int epochs = 40;
    int batch_size = 16;
    double learning_rate = 5e-3;
};
constexpr forecaster_settings forecasting;

index_t longest_of(const std::vector<tocsin::row_range>& ranges) {
    index_t longest = 0;
    for (const auto& range : ranges) {
        longest = std::max(longest, range.size());
    }
    return longest;
}

/// Windows within the ranges, a quarter of their length apart.
std::vector<index_t> forecast_starts(const std::vector<row_range>& ranges, int window) {
    std::vector<index_t> starts;
    for (const auto& range : ranges) {
        for (index_t first = range.begin; first + window <= range.end;
             first += std::max(window / 4, 1)) {
            starts.push_back(first);
        }
    }
    return starts;
}

/// The changes of the targets from row to row, which are forecast, above all values, which help.
/// Levels that the training rows do not have are thus forecast no worse than by the last value.
matrix<float> changes_and_values(const scoring_task& task) {
    matrix<double> both = matrix<double>::Zero(task.targets + task.values.rows(), task.rows());
    both.bottomRows(task.values.rows()) = task.values;
    const index_t steps = task.rows() - 1;
    both.topRightCorner(task.targets, steps) = task.values.topRightCorner(task.targets, steps) -
                                               task.values.topLeftCorner(task.targets, steps);
    return both.cast<float>();
}

result<scores> forecast_errors(const scoring_task& task) {
    using model_type = tocsin::forecaster<float>;
    const auto& chosen = forecasting;
    const int window =
        static_cast<int>(std::min<index_t>(chosen.window, longest_of(task.training)));
    const matrix<float> values = changes_and_values(task);
    const tocsin::windows<float> training({values.data(), values.rows(), values.cols()},
                                          forecast_starts(task.training, window), window);
    tocsin::forecast_detector<model_type, tocsin::standard_scaler<float>,
                              tocsin::diagonal_gaussian<>>
        detector(model_type::with_layers(static_cast<int>(values.rows()), task.targets,
                                         {chosen.hidden}, 1, 0,
                                         std::min(chosen.warm_up, window / 4)));
    status done = detector.train(
        training, {}, make_trainer(chosen, task.seed, task.epochs.value_or(chosen.epochs)));
    if (done) {
        done = detector.fit_errors(training);
    }
    if (!done) {
        return done;
    }
    const column<double> scale = task.target_scale();
    scores found;
    found.reserve(static_cast<std::size_t>(task.rows()));
    matrix<float> forecast;
    for (index_t t = 0; t < task.rows(); ++t) {
        double error = none;
        if (t > 0) {
            const auto deviation = (values.col(t) - forecast.col(0)).head(task.targets);
            error = (deviation.cast<double>().array() / scale.array()).abs().mean() * scale[0];
        }
        found.push_back(error);
        detector.push({values.col(t).data(), static_cast<std::size_t>(values.rows())});
        forecast = detector.forecast();
    }
    return found;
}

struct reconstruction_settings {
    int steps = 24; ///< of a window; each step reads period / steps rows at once
    int hidden = 24;
    int most_windows = 400; ///< to train on
    int epochs = 60;
    int batch_size = 16;
    double learning_rate = 5e-3;
};
constexpr reconstruction_settings reconstruction;

/// Windows of one period whose rows are read in groups, so that a long period is few steps. The
/// error of a row is its mean over the windows that hold it.
result<scores> reconstruction_errors(const scoring_task& task) {
    using model_type = tocsin::encoder_decoder<float>;
    const auto& chosen = reconstruction;
    const index_t targets = task.targets;
    const index_t rows_in_window =
        task.units.empty()
            ? std::clamp<index_t>(task.period, 8,
                                  std::max<index_t>(longest_of(task.training) / 2, 8))
            : index_t{task.period};
    // A window that is a unit of its own is divided without a rest.
    index_t group = (rows_in_window + chosen.steps - 1) / chosen.steps;
    while (!task.units.empty() && task.period % group != 0) {
        ++group;
    }
    const int length = static_cast<int>((rows_in_window + group - 1) / group);
    const index_t groups = task.rows() / group;
    const matrix<float> rows = targets_of(task).cast<float>();
    // Consecutive columns are one vector, so groups of rows are the same scalars in another shape.
    const tocsin::matrix_view<const float> values(rows.data(), targets * group, groups);
    std::vector<tocsin::row_range> training_groups;
    for (const auto& range : task.training) {
        training_groups.push_back({(range.begin + group - 1) / group, range.end / group});
    }
    auto starts = window_starts(task, training_groups, length, 1, group);
    if (static_cast<int>(starts.size()) > chosen.most_windows) {
        std::vector<index_t> fewer;
        for (int k = 0; k < chosen.most_windows; ++k) {
            fewer.push_back(starts[starts.size() * static_cast<std::size_t>(k) /
                                   static_cast<std::size_t>(chosen.most_windows)]);
        }
        starts = std::move(fewer);
    }
    const tocsin::windows<float> training(values, starts, length);
    const tocsin::windows<float> all(values, window_starts(task, {{0, groups}}, length, 1, group),
                                     length);
    const int features = static_cast<int>(targets * group);
    tocsin::detector<model_type, tocsin::standard_scaler<float>> detector(
        model_type{tocsin::lstm_stack<float>({features, chosen.hidden}),
                   tocsin::lstm_stack<float>({features, chosen.hidden}),
                   tocsin::dense_head<float>({chosen.hidden, features})},
        {.window = length});
    // Few windows need more epochs for as many updates.
    const int epochs =
        chosen.epochs *
        std::max(chosen.most_windows / std::max(static_cast<int>(starts.size()), 1), 1);
    status done =
        detector.train(training, {}, make_trainer(chosen, task.seed, task.epochs.value_or(epochs)));
    const column<double> scale = task.target_scale();
    std::vector<double> sums(static_cast<std::size_t>(task.rows()), 0);
    std::vector<double> counts(sums.size(), 0);
    if (done) {
        done = detector.reconstruct(all, [&](index_t k, const auto& window, const auto& made) {
            const index_t first = all.first_column(k) * group;
            for (index_t r = 0; r < length * group; ++r) {
                double squares = 0;
                for (index_t d = 0; d < targets; ++d) {
                    const index_t row = (r % group) * targets + d;
                    const double error =
                        static_cast<double>(window(row, r / group) - made(row, r / group)) /
                        scale[d];
                    squares += error * error;
                }
                sums[static_cast<std::size_t>(first + r)] += squares / double(targets);
                ++counts[static_cast<std::size_t>(first + r)];
            }
        });
    }
    if (!done) {
        return done;
    }
    for (std::size_t t = 0; t < sums.size(); ++t) {
        sums[t] = counts[t] > 0 ? std::sqrt(sums[t] / counts[t]) : none;
    }
    return sums;
}

} // namespace

matrix<double> scoring_task::training_values() const {
    index_t count = 0;
    for (const auto& range : training) {
        count += range.size();
    }
    matrix<double> joined(values.rows(), count);
    count = 0;
    for (const auto& range : training) {
        joined.middleCols(count, range.size()) = values.middleCols(range.begin, range.size());
        count += range.size();
    }
    return joined;
}

column<double> scoring_task::target_scale() const {
    const auto deviation = [this](const matrix<double>& of) -> column<double> {
        const matrix<double> rows = of.topRows(targets);
        const column<double> mean = rows.rowwise().mean();
        return ((rows.colwise() - mean).rowwise().squaredNorm() /
                static_cast<double>(std::max<index_t>(rows.cols(), 1)))
            .cwiseSqrt();
    };
    column<double> scale = deviation(training_values());
    const column<double> everywhere = deviation(values);
    for (index_t k = 0; k < scale.size(); ++k) {
        if (!(scale[k] > 1e-6 * everywhere[k])) {
            scale[k] = everywhere[k] > 0 ? everywhere[k] : 1.0;
        }
    }
    return scale;
}

std::vector<method> comparators() {
    constexpr int order = 10;
    constexpr double share = 0.9;
    return {
        {"last value", false, true, true, {}, [](const auto& task) { return lagged(task, 1); }},
        {"seasonal last value",
         false,
         true,
         true,
         {{"lag", "period"}},
         [](const auto& task) {
             return lagged(task, std::min<index_t>(task.period, task.rows()));
         }},
        {autoregression_name,
         false,
         true,
         true,
         {{"order", order}, {"relative_ridge", 1e-2}},
         [](const auto& task) { return autoregression(task, order); }},
        {window_pca_name,
         false,
         false,
         false,
         {{"window", "period"}, {"explained_variance", share}},
         [](const auto& task) { return window_pca(task, share); }},
        {"absolute z-score", false, false, true, {}, z_score},
    };
}

method lstm_forecaster() {
    return {"LSTM forecaster",
            true,
            true,
            true,
            {{"model", tocsin::forecaster<float>::kind},
             {"hidden", forecasting.hidden},
             {"look_ahead", 1},
             {"window", forecasting.window},
             {"stride", forecasting.stride},
             {"warm_up", forecasting.warm_up},
             {"epochs", forecasting.epochs},
             {"batch_size", forecasting.batch_size},
             {"learning_rate", forecasting.learning_rate}},
            forecast_errors};
}

method lstm_encoder_decoder() {
    return {"LSTM encoder-decoder",
            true,
            false,
            true,
            {{"model", tocsin::encoder_decoder<float>::kind},
             {"hidden", reconstruction.hidden},
             {"window", "period"},
             {"steps", reconstruction.steps},
             {"most_windows", reconstruction.most_windows},
             {"epochs", reconstruction.epochs},
             {"batch_size", reconstruction.batch_size},
             {"learning_rate", reconstruction.learning_rate}},
            reconstruction_errors};
}

int period_of(const matrix<double>& values) {
    constexpr index_t most = 20000;
    const auto found =
        tocsin::dominant_period(values.topRows(1).leftCols(std::min(values.cols(), most)));
    return found && *found > 3 && *found <= 300 ? *found : 125;
}

std::vector<double> smoothed(std::span<const double> errors, int rows) {
    double sum = 0;
    double count = 0;
    for (const double error : errors) {
        if (std::isfinite(error)) {
            sum += error;
            ++count;
        }
    }
    std::vector<double> filled(errors.begin(), errors.end());
    for (double& error : filled) {
        if (!std::isfinite(error)) {
            error = count > 0 ? sum / count : 0;
        }
    }
    std::vector<double> means(filled.size());
    if (!tocsin::centred_moving_mean(filled, std::max(rows, 1), means)) {
        return filled;
    }
    return means;
}

} // namespace evaluate
