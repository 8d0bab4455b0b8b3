/// @file gecco_labelled.cpp
/// @brief Classifiers of windows, and logistic regression on their statistics.

#include "tocsin/models/classifiers.hpp"
#include "tocsin/series/scalers/standard_scaler.hpp"
#include "tocsin/training/fit_classifier.hpp"
#include "tocsin/training/schedules.hpp"

#include "gecco_methods.hpp"
#include "scoring_task.hpp"
#include <algorithm>
#include <span>
#include <utility>

namespace evaluate {
namespace {

using tocsin::index_t;
using tocsin::matrix;
using scores = tocsin::result<std::vector<double>>;

/// How a classifier is trained; chosen on training and validation rows.
struct training_settings {
    int epochs;
    int batch_size;
    double learning_rate;
    int anomalous_stride = 2; ///< rows from one anomalous window to the next
    int normal_stride = 10;
};
constexpr training_settings for_networks{15, 32, 5e-3};
constexpr training_settings for_regression{30, 64, 1e-2};
constexpr double regression_penalty = 1e-2;

/// First rows of the windows within the learned rows, anomalous ones closer together.
std::vector<index_t> training_starts(const gecco_task& task, const training_settings& chosen) {
    std::vector<index_t> starts;
    for (const index_t first : starts_within(task.learn, gecco_window, 1)) {
        const auto begin = task.data.labels.begin() + first;
        const bool anomalous =
            std::any_of(begin, begin + gecco_window, [](std::uint8_t label) { return label != 0; });
        if (first % (anomalous ? chosen.anomalous_stride : chosen.normal_stride) == 0) {
            starts.push_back(first);
        }
    }
    return starts;
}

std::vector<int> classes_at(const gecco_task& task, std::span<const index_t> starts) {
    const tocsin::windows<float> whole(
        {task.data.values.data(), task.data.values.rows(), task.data.values.cols()},
        {starts.begin(), starts.end()}, gecco_window);
    return *tocsin::classes_of_windows(whole, task.data.labels); // one label per row
}

/// Trains on windows of `length` columns that begin at `starts`, then gives the probabilities of
/// those that begin at the judged rows.
template <class Network>
scores classify(const Network& network, const matrix<float>& inputs, int length,
                const gecco_task& task, const training_settings& chosen) {
    const tocsin::windows<float>::values_view values(inputs.data(), inputs.rows(), inputs.cols());
    std::vector<index_t> starts = training_starts(task, chosen);
    auto classes = classes_at(task, starts);
    const tocsin::labelled_windows<float> training{
        tocsin::windows<float>(values, std::move(starts), length), std::move(classes), {}};
    tocsin::classifier_trainer<tocsin::adam, tocsin::cosine_decay, tocsin::train_all_epochs>
        trainer;
    trainer.epochs = task.epochs.value_or(chosen.epochs);
    trainer.schedule.epochs = trainer.epochs;
    trainer.batch_size = chosen.batch_size;
    trainer.optimiser.learning_rate = chosen.learning_rate;
    trainer.clip_norm = 1;
    trainer.seed = task.seed;
    trainer.best_by = tocsin::classification_metric::training_loss;
    auto state = tocsin::classifier_state<float>::fresh(network, trainer.optimiser, trainer.seed);
    if (const auto done = trainer.fit(network, training, {}, state, task.shown); !done) {
        return done;
    }
    std::vector<double> found;
    found.reserve(task.judged.size());
    tocsin::predict_logits(network, std::span<const float>(state.best_parameters),
                           tocsin::windows<float>(values, task.judged, length), 64,
                           [&](index_t, std::span<const float> logits) {
                               // The logit, since the probability is 1 for many.
                               found.push_back(static_cast<double>(logits[0]));
                           });
    return found;
}

scores logistic_regression(const gecco_task& task, bool with_calendar) {
    const matrix<float> statistics = window_statistics(task.data.changes, 0, task.data.rows());
    const index_t below = with_calendar ? task.data.calendar.rows() : 0;
    matrix<float> inputs(statistics.rows() + below, statistics.cols());
    inputs.topRows(statistics.rows()) = statistics;
    inputs.bottomRows(below) =
        task.data.calendar.topRightCorner(below, statistics.cols()); // of the last rows
    tocsin::standard_scaler<float> scaler;
    const auto starts = training_starts(task, for_regression);
    if (const auto fitted = scaler.fit(
            tocsin::windows<float>({inputs.data(), inputs.rows(), inputs.cols()}, starts, 1));
        !fitted) {
        return fitted;
    }
    scaler.transform(inputs);
    const tocsin::sequential network(tocsin::penalised(
        tocsin::dense<float>(static_cast<int>(inputs.rows()), 1), {0, regression_penalty}));
    return classify(network, inputs, 1, task, for_regression);
}

/// Makes a network for a number of features.
template <class Make>
auto network_scores(Make make, bool with_calendar) {
    return [=](const gecco_task& task) {
        const matrix<float> inputs = task.data.inputs(with_calendar);
        return classify(make(static_cast<int>(inputs.rows())), inputs, gecco_window, task,
                        for_networks);
    };
}

constexpr tocsin::fully_convolutional_settings convolutions{
    {8, 16, 8}, {8, 5, 3}, tocsin::batch_norm_settings::pytorch()};

/// The fully convolutional network with the maximum over time instead of the mean: one row is
/// enough to make a window anomalous.
auto convolutions_with_maximum(int features) {
    using namespace tocsin;
    const auto normalised = [](int filters) {
        return batch_norm<float>(filters, convolutions.normalisation);
    };
    using relu = activation_layer<float, relu_activation>;
    const auto& filters = convolutions.filters;
    const auto& kernels = convolutions.kernels;
    return sequential(
        conv1d<float>(features, filters[0], {.kernel = kernels[0]}), normalised(filters[0]),
        relu(filters[0]), conv1d<float>(filters[0], filters[1], {.kernel = kernels[1]}),
        normalised(filters[1]), relu(filters[1]),
        conv1d<float>(filters[1], filters[2], {.kernel = kernels[2]}), normalised(filters[2]),
        relu(filters[2]), global_max_pooling<float>(filters[2]), dense<float>(filters[2], 1));
}

nlohmann::ordered_json settings_of(const char* model, const training_settings& training,
                                   bool with_calendar) {
    return {{"model", model},
            {"calendar", with_calendar},
            {"optimiser", "adam"},
            {"learning_rate", training.learning_rate},
            {"schedule", "cosine"},
            {"epochs", training.epochs},
            {"batch_size", training.batch_size},
            {"clip_norm", 1},
            {"window", gecco_window},
            {"stride_anomalous", training.anomalous_stride},
            {"stride_normal", training.normal_stride},
            {"inputs", "robust scaler, asinh, minus the mean of the last day"}};
}

} // namespace

std::vector<gecco_method> labelled_methods() {
    std::vector<gecco_method> all;
    for (const bool calendar : {false, true}) {
        const std::string with = calendar ? ", calendar" : "";
        const auto add = [&](const char* name, const char* model, auto make) {
            all.push_back({name + with, true, true, settings_of(model, for_networks, calendar),
                           network_scores(make, calendar)});
        };
        add("fully convolutional network", "FCN 8-16-8, mean over time", [](int features) {
            return tocsin::fully_convolutional_classifier<float>(features, 1, convolutions);
        });
        add("convolutions with maximum", "FCN 8-16-8, maximum over time",
            convolutions_with_maximum);
        add("LSTM", "LSTM 16",
            [](int features) { return tocsin::lstm_classifier<float>(features, 1, 16); });
        add("stacked LSTM", "LSTM 8 and LSTM 8, hard sigmoids, L2 0.001, each normalised",
            [](int features) {
                return tocsin::stacked_lstm_classifier<float>(
                    features, 1, {.normalisation = tocsin::batch_norm_settings::pytorch()});
            });
        add("bidirectional LSTM", "BiLSTM 8 + 8, dropout 0.2, dense 8", [](int features) {
            return tocsin::bidirectional_lstm_classifier<float>(
                features, 1, {.hidden = 8, .dropout = 0.2, .dense = 8});
        });
        auto settings =
            settings_of("logistic regression on window statistics", for_regression, calendar);
        settings["l2"] = regression_penalty;
        all.push_back(
            {"logistic regression" + with, true, true, std::move(settings),
             [=](const gecco_task& task) { return logistic_regression(task, calendar); }});
    }
    return all;
}

} // namespace evaluate
