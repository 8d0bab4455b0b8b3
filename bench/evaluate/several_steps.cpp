#include "tocsin/detect/detector.hpp"
#include "tocsin/models/forecaster.hpp"

#include "methods.hpp"
#include "network.hpp"
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>

namespace evaluate {
namespace {

using tocsin::index_t;
using tocsin::matrix;
using tocsin::result;
using tocsin::row_range;
using tocsin::status;

struct several_steps_settings {
    int look_ahead = 5;
    int hidden = 32;
    int window = 1024;   ///< rows of a stream, whose state begins at zero
    int truncation = 64; ///< rows per update; the state is kept
    int warm_up = 32;    ///< rows after the start of a stream that are not judged
    int epochs = 60;
    int batch_size = 4;
    double learning_rate = 5e-3;
};
constexpr several_steps_settings chosen;

/// Streams within ranges of rows, overlapping by the rows that are not judged at their start.
tocsin::windows<float> streams(const matrix<float>& values, const std::vector<row_range>& ranges,
                               int overlap) {
    const int length = static_cast<int>(std::min<index_t>(chosen.window, longest_of(ranges)));
    return {{values.data(), values.rows(), values.cols()},
            starts_within(ranges, length, std::max(length - overlap, 1)),
            length};
}

/// Mahalanobis distance of the errors of the forecasts that were made for a row 1 to `look_ahead`
/// rows before it.
result<std::vector<double>> errors(const scoring_task& task) {
    using model_type = tocsin::forecaster<float>;
    const matrix<float> values = task.values.cast<float>();
    const auto training = streams(values, task.training, chosen.window / 2);
    const int warm_up = std::min(chosen.warm_up, training.length() / 4);
    const auto validation = streams(values, task.validation, warm_up);
    tocsin::detector<model_type> detector(model_type::with_layers(static_cast<int>(values.rows()),
                                                                  task.targets, {chosen.hidden},
                                                                  chosen.look_ahead, 0, 0),
                                          {.warm_up = warm_up});
    auto trainer = make_trainer(chosen, task.seed, task.epochs.value_or(chosen.epochs));
    trainer.truncation = chosen.truncation;
    status done = detector.train(training, validation, trainer);
    if (done) {
        done = detector.fit_errors(validation.empty() ? training : validation);
    }
    std::vector<double> found;
    if (done) {
        const tocsin::windows<float> whole(training.values(), {0}, static_cast<int>(task.rows()));
        auto scored = detector.scores(whole);
        done = scored.error();
        found = scored ? std::move(scored->per_step) : std::vector<double>{};
    }
    if (!done) {
        return done;
    }
    for (double& squared : found) {
        squared = std::sqrt(squared);
    }
    return found;
}

} // namespace

method several_steps_forecaster() {
    return {"LSTM forecaster, several steps ahead",
            true,
            {{"model", tocsin::forecaster<float>::kind},
             {"hidden", chosen.hidden},
             {"look_ahead", chosen.look_ahead},
             {"window", chosen.window},
             {"truncation", chosen.truncation},
             {"warm_up", chosen.warm_up},
             {"epochs", chosen.epochs},
             {"batch_size", chosen.batch_size},
             {"learning_rate", chosen.learning_rate},
             {"statistic", "mahalanobis"}},
            errors};
}

} // namespace evaluate
