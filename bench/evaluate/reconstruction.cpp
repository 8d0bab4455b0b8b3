#include "tocsin/detect/detector.hpp"
#include "tocsin/models/encoder_decoder.hpp"

#include "methods.hpp"
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
    // A window that is a separate unit is divided without remainder.
    index_t group = (rows_in_window + chosen.steps - 1) / chosen.steps;
    while (!task.units.empty() && task.period % group != 0) {
        ++group;
    }
    const int length = static_cast<int>((rows_in_window + group - 1) / group);
    const index_t groups = task.rows() / group;
    const matrix<float> rows = task.target_values().cast<float>();
    // Consecutive columns are one vector, so groups of rows are the same scalars in another shape.
    const tocsin::matrix_view<const float> values(rows.data(), targets * group, groups);
    std::vector<tocsin::row_range> training_groups;
    for (const auto& range : task.training) {
        training_groups.push_back({(range.begin + group - 1) / group, range.end / group});
    }
    auto starts = window_starts(task, training_groups, length, group);
    if (static_cast<int>(starts.size()) > chosen.most_windows) {
        std::vector<index_t> fewer;
        for (int k = 0; k < chosen.most_windows; ++k) {
            fewer.push_back(starts[starts.size() * static_cast<std::size_t>(k) /
                                   static_cast<std::size_t>(chosen.most_windows)]);
        }
        starts = std::move(fewer);
    }
    const tocsin::windows<float> training(values, starts, length);
    const tocsin::windows<float> all(values, window_starts(task, {{0, groups}}, length, group),
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

method lstm_encoder_decoder() {
    return {"LSTM encoder-decoder",
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

} // namespace evaluate
