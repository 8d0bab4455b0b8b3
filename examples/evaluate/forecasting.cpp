#include "tocsin/detect/forecast_detector.hpp"
#include "tocsin/errors/diagonal_gaussian.hpp"

#include "methods.hpp"
#include "network.hpp"
#include <algorithm>
#include <cmath>
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

} // namespace

method lstm_forecaster() {
    return {"LSTM forecaster",
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

} // namespace evaluate
