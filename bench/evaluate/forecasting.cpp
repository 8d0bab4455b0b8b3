#include "tocsin/comparators/one_class_svm.hpp"
#include "tocsin/detect/detector.hpp"
#include "tocsin/errors/diagonal_gaussian.hpp"
#include "tocsin/models/feed_forward.hpp"
#include "tocsin/models/forecaster.hpp"

#include "methods.hpp"
#include "network.hpp"
#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <utility>

namespace evaluate {
namespace {

using tocsin::column;
using tocsin::index_t;
using tocsin::matrix;
using tocsin::result;
using tocsin::status;
using scores = std::vector<double>;

constexpr double none = std::numeric_limits<double>::quiet_NaN();

/// Windows, batches and epochs, the same for both networks.
struct forecast_settings {
    int window = 64;
    int stride = 16;
    int epochs = 40;
    int batch_size = 16;
    double learning_rate = 5e-3;
};
constexpr forecast_settings chosen;
constexpr int hidden = 32; ///< units of the LSTM, and of each layer of the feed-forward network
constexpr int warm_up = 8; ///< first rows of a window whose LSTM forecasts do not count in training
constexpr int look_back = 16; ///< rows that the feed-forward network sees
/// Evenly chosen states from which support vectors are selected: the cost is their square.
constexpr index_t most_support_rows = 4000;

/// What is forecast, and the windows to learn it from.
struct forecast_data {
    matrix<float> values;
    int window;
    tocsin::windows<float> training;

    explicit forecast_data(const scoring_task& task)
        : values(changes_and_values(task).cast<float>()),
          window(static_cast<int>(std::min<index_t>(chosen.window, longest_of(task.training)))),
          training({values.data(), values.rows(), values.cols()},
                   starts_within(task.training, window, std::max(window / 4, 1)), window) {}
    forecast_data(const forecast_data&) = delete; // the windows refer to the values
    forecast_data& operator=(const forecast_data&) = delete;

    int features() const noexcept { return static_cast<int>(values.rows()); }
};

auto trainer_of(const scoring_task& task) {
    return make_trainer(chosen, task.seed, task.epochs.value_or(chosen.epochs));
}

/// See evaluate::error_of().
template <class Measured, class Forecast>
double error_between(const Measured& measured, const Forecast& forecast,
                     const column<double>& scale) {
    const auto targets = scale.size();
    return error_of((measured.head(targets) - forecast.head(targets)).eval(), scale);
}

using lstm_model = tocsin::forecaster<float>;
using lstm_detector =
    tocsin::detector<lstm_model, tocsin::standard_scaler<float>, tocsin::diagonal_gaussian<>>;

/// The forecaster, trained and with statistics.
result<lstm_detector> trained_lstm(const scoring_task& task, const forecast_data& data) {
    // The errors are measured here, so it needs no scores and no warm-up.
    lstm_detector detector(lstm_model::with_layers(data.features(), task.targets, {hidden}, 1, 0,
                                                   std::min(warm_up, data.window / 4)),
                           {.warm_up = 0});
    status done = detector.train(data.training, {}, trainer_of(task));
    if (done) {
        done = detector.fit_errors(data.training);
    }
    return done ? result<lstm_detector>(std::move(detector)) : result<lstm_detector>(done);
}

result<scores> lstm_errors(const scoring_task& task) {
    const forecast_data data(task);
    const auto detector = trained_lstm(task, data);
    if (!detector) {
        return detector.error();
    }
    const column<double> scale = task.target_scale();
    scores found;
    found.reserve(static_cast<std::size_t>(task.rows()));
    auto stream = detector->make_stream();
    matrix<float> forecast;
    for (index_t t = 0; t < task.rows(); ++t) {
        found.push_back(t > 0 ? error_between(data.values.col(t), forecast.col(0), scale) : none);
        detector->push(stream, data.values.col(t));
        forecast = detector->forecast(stream);
    }
    return found;
}

/// The hidden state of the trained forecaster after each row, `[hidden x rows]`.
matrix<double> hidden_states(const lstm_detector& detector, const forecast_data& data) {
    const lstm_model& model = detector.model();
    tocsin::aligned_vector<float> packed(static_cast<std::size_t>(model.packed_size()));
    model.pack(detector.parameters(), packed);
    tocsin::aligned_vector<float> state(static_cast<std::size_t>(model.state_size(1)), 0);
    tocsin::aligned_vector<float> work(static_cast<std::size_t>(model.step_work_size(1)));
    matrix<float> scaled = data.values;
    detector.data_scaler().transform(scaled);
    tocsin::aligned_vector<float> forecast(static_cast<std::size_t>(model.forecast_size(1)));
    matrix<double> states(hidden, scaled.cols());
    for (index_t t = 0; t < scaled.cols(); ++t) {
        model.step({std::span<const float>(packed)},
                   {scaled.data() + t * scaled.rows(), scaled.rows(), 1}, state,
                   {forecast.data(), model.forecast_size(1), 1}, work);
        states.col(t) = model.stack().top_hidden(state, 1).col(0).cast<double>();
    }
    return states;
}

/// How far a state of the forecaster is outside the learned region of states.
result<scores> support_vector_scores(const scoring_task& task) {
    const forecast_data data(task);
    const auto detector = trained_lstm(task, data);
    if (!detector) {
        return detector.error();
    }
    scoring_task of_states = task;
    of_states.values = hidden_states(*detector, data);
    const matrix<double> training = of_states.training_values();
    const index_t stride = std::max<index_t>(training.cols() / most_support_rows, 1);
    matrix<double> chosen_rows(training.rows(), training.cols() / stride);
    for (index_t k = 0; k < chosen_rows.cols(); ++k) {
        chosen_rows.col(k) = training.col(k * stride);
    }
    tocsin::one_class_svm machine;
    if (const status fitted = machine.fit(chosen_rows); !fitted) {
        return fitted;
    }
    scores found(static_cast<std::size_t>(task.rows()));
    if (const status scored = tocsin::score_samples(machine, of_states.values, found); !scored) {
        return scored;
    }
    for (double& score : found) {
        score = std::max(score, 0.0); // inside the learned region, all states count as 0
    }
    return found;
}

result<scores> feed_forward_errors(const scoring_task& task) {
    using model_type = tocsin::feed_forward<float>;
    const forecast_data data(task);
    const int past = std::clamp(data.window / 2, 1, look_back);
    tocsin::detector<model_type, tocsin::standard_scaler<float>> detector(
        model_type::with_layers(data.features(), task.targets, past, {hidden, hidden}),
        {.window = data.window});
    if (status done = detector.train(data.training, {}, trainer_of(task)); !done) {
        return done;
    }
    // Each window forecasts all of its rows but the first ones, which those before it forecast.
    const index_t rows = task.rows();
    std::vector<index_t> starts =
        starts_within({{0, rows}}, data.window, std::max(data.window - past, 1));
    if (!starts.empty() && starts.back() + data.window < rows) {
        starts.push_back(rows - data.window);
    }
    const tocsin::windows<float> all(data.training.values(), std::move(starts), data.window);
    const column<double> scale = task.target_scale();
    scores found(static_cast<std::size_t>(rows), none);
    const status done =
        detector.reconstruct(all, [&](index_t k, const auto& window, const auto& forecast) {
            for (index_t t = past; t < data.window; ++t) {
                found[static_cast<std::size_t>(all.first_column(k) + t)] =
                    error_between(window.col(t), forecast.col(t), scale);
            }
        });
    return done ? result<scores>(std::move(found)) : result<scores>(done);
}

nlohmann::ordered_json with_training(nlohmann::ordered_json settings) {
    settings.update({{"window", chosen.window},
                     {"stride", chosen.stride},
                     {"epochs", chosen.epochs},
                     {"batch_size", chosen.batch_size},
                     {"learning_rate", chosen.learning_rate}});
    return settings;
}

} // namespace

method lstm_forecaster() {
    return {"LSTM forecaster", true,
            with_training({{"model", tocsin::forecaster<float>::kind},
                           {"hidden", hidden},
                           {"look_ahead", 1},
                           {"warm_up", warm_up}}),
            lstm_errors};
}

std::vector<method> support_vectors_of_states() {
    if (!tocsin::one_class_svm::available()) {
        return {};
    }
    const tocsin::one_class_svm_settings usual;
    return {{"one-class SVM of the LSTM's states", true,
             with_training({{"model", tocsin::forecaster<float>::kind},
                            {"hidden", hidden},
                            {"nu", usual.nu},
                            {"most_rows", most_support_rows}}),
             support_vector_scores}};
}

method feed_forward_network() {
    return {"feed-forward network", true,
            with_training({{"model", tocsin::feed_forward<float>::kind},
                           {"hidden", {hidden, hidden}},
                           {"look_back", look_back}}),
            feed_forward_errors};
}

} // namespace evaluate
