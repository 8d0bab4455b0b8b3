#include "tocsin/detect/detector.hpp"
#include "tocsin/models/forecaster.hpp"

#include "methods.hpp"
#include "network.hpp"
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <utility>

namespace evaluate {
namespace {

using tocsin::index_t;
using tocsin::matrix;
using tocsin::result;
using tocsin::status;

struct periodic_settings {
    int hidden = 32;
    int periods = 5; ///< of a training window
    int stride = 2;  ///< periods
    int epochs = 20;
    int batch_size = 64;
    double learning_rate = 5e-3;
};
constexpr periodic_settings chosen;

/// The rows of a recording sorted by their place in the period: first all first rows of periods,
/// then all second ones. For a row, the LSTM reads the row and the one before the row that it
/// forecasts, one period later.
struct sorted_rows {
    index_t period;
    matrix<float> values;          ///< `[2 features x rows]`
    std::vector<index_t> row_of;   ///< of each column
    std::vector<index_t> first_of; ///< column with which each place in the period begins

    explicit sorted_rows(const scoring_task& task)
        : period(task.period), values(2 * task.values.rows(), task.rows()) {
        const index_t features = task.values.rows();
        const index_t rows = task.rows();
        for (index_t place = 0; place < period; ++place) {
            first_of.push_back(static_cast<index_t>(row_of.size()));
            for (index_t t = place; t < rows; t += period) {
                const auto at = static_cast<index_t>(row_of.size());
                values.col(at).head(features) = task.values.col(t).cast<float>();
                values.col(at).tail(features) =
                    task.values.col(std::min(t + period, rows) - 1).cast<float>();
                row_of.push_back(t);
            }
        }
        first_of.push_back(rows);
    }

    /// Windows of `length` periods whose rows are all within ranges of rows.
    tocsin::windows<float> within(const std::vector<tocsin::row_range>& ranges, int length,
                                  int stride) const {
        std::vector<index_t> starts;
        for (std::size_t place = 0; place + 1 < first_of.size(); ++place) {
            for (const auto& range : ranges) {
                index_t first = first_of[place];
                while (first < first_of[place + 1] &&
                       row_of[static_cast<std::size_t>(first)] < range.begin) {
                    ++first;
                }
                for (; first + length <= first_of[place + 1] &&
                       row_of[static_cast<std::size_t>(first + length - 1)] < range.end;
                     first += stride) {
                    starts.push_back(first);
                }
            }
        }
        return {{values.data(), values.rows(), values.cols()}, std::move(starts), length};
    }
};

result<std::vector<double>> errors(const scoring_task& task) {
    using model_type = tocsin::forecaster<float>;
    const sorted_rows sorted(task);
    const int length = static_cast<int>(
        std::clamp<index_t>(longest_of(task.training) / sorted.period, 2, chosen.periods));
    const auto training = sorted.within(task.training, length, chosen.stride);
    // Windows of a few periods are too short to measure the warm-up.
    tocsin::detector<model_type> detector(
        model_type::with_layers(static_cast<int>(sorted.values.rows()), task.targets,
                                {chosen.hidden}, 1),
        {.warm_up = 0});
    status done = detector.train(
        training, {}, make_trainer(chosen, task.seed, task.epochs.value_or(chosen.epochs)));
    if (done) {
        done = detector.fit_errors(training);
    }
    std::vector<double> found(static_cast<std::size_t>(task.rows()),
                              std::numeric_limits<double>::quiet_NaN());
    for (std::size_t place = 0; place + 1 < sorted.first_of.size() && done; ++place) {
        const index_t first = sorted.first_of[place];
        const auto periods = static_cast<int>(sorted.first_of[place + 1] - first);
        if (periods == 0) {
            continue;
        }
        const auto scored = detector.scores({training.values(), {first}, periods});
        done = scored.error();
        for (std::size_t k = 0; k < (scored ? scored->per_step.size() : 0); ++k) {
            found[static_cast<std::size_t>(sorted.row_of[static_cast<std::size_t>(first) + k])] =
                std::sqrt(scored->per_step[k]);
        }
    }
    return done ? result<std::vector<double>>(std::move(found)) : done;
}

} // namespace

method periodic_forecaster() {
    return {"LSTM forecaster, state per time of the period",
            true,
            {{"model", tocsin::forecaster<float>::kind},
             {"hidden", chosen.hidden},
             {"periods", chosen.periods},
             {"stride", chosen.stride},
             {"epochs", chosen.epochs},
             {"batch_size", chosen.batch_size},
             {"learning_rate", chosen.learning_rate},
             {"statistic", "mahalanobis"}},
            errors};
}

} // namespace evaluate
