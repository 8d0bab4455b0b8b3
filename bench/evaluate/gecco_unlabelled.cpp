/// @file gecco_unlabelled.cpp
/// @brief Methods that learn without labels, on the same windows as the classifiers.

#include "tocsin/comparators/isolation_forest.hpp"
#include "tocsin/comparators/k_means.hpp"
#include "tocsin/series/scalers/standard_scaler.hpp"

#include "gecco_methods.hpp"
#include "methods.hpp"
#include "scoring_task.hpp"
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <utility>

namespace evaluate {
namespace {

using tocsin::index_t;
using tocsin::matrix;
using scores = tocsin::result<std::vector<double>>;

constexpr int training_stride = 5; ///< rows from one window of a comparator to the next
constexpr int error_epochs = 15;

/// A comparator of the statistics of windows, standardised by those that it learns from.
template <class Scorer>
scores of_statistics(Scorer scorer, const gecco_task& task) {
    matrix<double> all =
        window_statistics(task.data.values, 0, task.data.rows()).template cast<double>();
    const tocsin::windows<double> training({all.data(), all.rows(), all.cols()},
                                           starts_within(task.learn, gecco_window, training_stride),
                                           1);
    tocsin::standard_scaler<double> scaler;
    if (const auto fitted = scaler.fit(training); !fitted) {
        return fitted;
    }
    scaler.transform(all);
    matrix<double> learned(all.rows(), training.count());
    for (index_t k = 0; k < training.count(); ++k) {
        learned.col(k) = all.col(training.first_column(k));
    }
    if (const auto fitted = scorer.fit(learned); !fitted) {
        return fitted;
    }
    std::vector<double> found;
    found.reserve(task.judged.size());
    for (const index_t first : task.judged) {
        found.push_back(scorer.push(
            std::span<const double>(all.col(first).data(), static_cast<std::size_t>(all.rows()))));
    }
    return found;
}

/// The largest error of a row of each window.
scores of_errors(const method& which, const gecco_task& task) {
    const scoring_task rows{.values = task.data.values.cast<double>(),
                            .training = task.learn,
                            .targets = static_cast<int>(task.data.values.rows()),
                            .period = gecco_window,
                            .seed = task.seed,
                            .epochs = task.epochs.value_or(error_epochs)};
    const auto errors = which.errors(rows);
    if (!errors) {
        return errors.error();
    }
    std::vector<double> found;
    found.reserve(task.judged.size());
    for (const index_t first : task.judged) {
        double largest = 0;
        for (index_t t = first; t < first + gecco_window; ++t) {
            const double error = (*errors)[static_cast<std::size_t>(t)];
            largest = error > largest ? error : largest;
        }
        found.push_back(largest);
    }
    return found;
}

gecco_method network_of_errors(method which) {
    auto settings = which.settings;
    settings["epochs"] = error_epochs;
    settings["score"] = "largest error of a row";
    const std::string name = which.name;
    return {name, false, true, std::move(settings),
            [which = std::move(which)](const gecco_task& task) { return of_errors(which, task); }};
}

} // namespace

std::vector<gecco_method> unlabelled_methods() {
    const nlohmann::ordered_json inputs = {{"inputs", "window statistics, standardised"},
                                           {"stride", training_stride}};
    nlohmann::ordered_json forest = {{"trees", 100}, {"samples", 256}};
    nlohmann::ordered_json clusters = {{"clusters", 20}};
    forest.update(inputs);
    clusters.update(inputs);
    return {{"isolation forest", false, true, std::move(forest),
             [](const gecco_task& task) {
                 return of_statistics(tocsin::isolation_forest({.seed = task.seed}), task);
             }},
            {"k-means", false, true, std::move(clusters),
             [](const gecco_task& task) {
                 return of_statistics(tocsin::k_means({.seed = task.seed}), task);
             }},
            network_of_errors(lstm_encoder_decoder()),
            network_of_errors(lstm_forecaster())};
}

} // namespace evaluate
