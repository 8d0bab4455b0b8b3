/// @file synth_suite.cpp
/// @brief Synthetic sequences: sets of noisy sinusoids, normal ones to train on, labelled to test.

#include "tocsin/detect/detector.hpp"
#include "tocsin/io/delimited_sequences.hpp"
#include "tocsin/metrics/confusion.hpp"
#include "tocsin/metrics/regression.hpp"
#include "tocsin/metrics/roc.hpp"
#include "tocsin/threshold/f_beta_threshold.hpp"

#include "network.hpp"
#include "suite.hpp"
#include <algorithm>
#include <array>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace evaluate {
namespace {

namespace fs = std::filesystem;
using set_of_sequences = tocsin::sequence_set<float>;
using detector_type = tocsin::detector<network, tocsin::standard_scaler<float>,
                                       tocsin::mahalanobis<>, tocsin::f_beta_threshold>;

/// One setting for all sets.
struct hyper_parameters {
    int hidden = 64;
    int epochs = 100;
    int batch_size = 32;
    double learning_rate = 5e-3;
    double beta = 1;
};
constexpr hyper_parameters chosen;

constexpr std::array file_names = {
    "training_normal_sequences.csv", "validation_normal_1_sequences.csv",
    "labeled_validation_mixed_sequences.csv", "labeled_test_mixed_sequences.csv"};

/// The directories below `root` (itself included) that hold all files of a set, in order of name.
std::vector<fs::path> find_sets(const fs::path& root) {
    const auto complete = [](const fs::path& directory) {
        return std::all_of(file_names.begin(), file_names.end(),
                           [&](const char* name) { return fs::is_regular_file(directory / name); });
    };
    std::vector<fs::path> found;
    if (complete(root)) {
        found.push_back(root);
    }
    for (const auto& entry : files_below(root)) {
        if (entry.is_directory() && complete(entry.path())) {
            found.push_back(entry.path());
        }
    }
    std::sort(found.begin(), found.end());
    return found;
}

/// Reads the four files of a set; they must agree in shape, the last two must have labels.
tocsin::result<std::vector<set_of_sequences>> read_set(const fs::path& directory) {
    std::vector<set_of_sequences> parts;
    for (const char* name : file_names) {
        auto read = tocsin::read_sequences<float>(directory / name);
        if (!read) {
            return read.error();
        }
        const bool labelled = parts.size() >= 2;
        if (labelled == read->labels.empty()) {
            return tocsin::status::error(tocsin::error_code::format_error, name, ": ",
                                         labelled ? "has no labels" : "has labels, expected none");
        }
        if (!parts.empty() && (read->length != parts.front().length ||
                               read->features() != parts.front().features())) {
            return tocsin::status::error(tocsin::error_code::format_error, name, ": has ",
                                         read->features(), " features over ", read->length,
                                         " steps, the training sequences have ",
                                         parts.front().features(), " over ", parts.front().length);
        }
        parts.push_back(std::move(*read));
    }
    return parts;
}

struct set_outcome {
    tocsin::confusion_counts counts;
    tocsin::regression_errors errors;
    double auc = 0;
};

tocsin::result<set_outcome> evaluate_set(const fs::path& directory, const run_options& options) {
    const auto parts = read_set(directory);
    if (!parts) {
        return parts.error();
    }
    const set_of_sequences& training = (*parts)[0];
    const set_of_sequences& normal = (*parts)[1];
    const set_of_sequences& tuning = (*parts)[2];
    const set_of_sequences& test = (*parts)[3];
    const int features = training.features();
    detector_type detector(make_network(features, chosen.hidden, options),
                           {.window = training.length}, {}, tocsin::f_beta_threshold(chosen.beta));

    const auto trainer = make_trainer(chosen, options);

    set_outcome outcome;
    tocsin::status done =
        detector.train(training.windows(), normal.windows(), trainer, options.shown);
    if (done) {
        done = detector.fit_errors(normal.windows());
    }
    if (done) {
        done = detector.tune(tuning.windows(), tuning.labels);
    }
    if (done) {
        done = detector.reconstruct(test.windows(),
                                    [&](tocsin::index_t k, const auto& window, const auto& made) {
                                        if (test.labels[static_cast<std::size_t>(k)] == 0) {
                                            outcome.errors.add(window, made);
                                        }
                                    });
    }
    if (!done) {
        return done;
    }
    const auto scored = detector.scores(test.windows());
    if (!scored) {
        return scored.error();
    }
    const std::vector<double>& scores = scored->per_step;
    const auto auc = tocsin::auc_roc(scores, test.labels);
    if (!auc) {
        return auc.error();
    }
    outcome.auc = *auc;
    for (std::size_t k = 0; k < scores.size(); ++k) {
        outcome.counts.add(scores[k] > detector.threshold(), test.labels[k] != 0);
    }
    return outcome;
}

metrics to_metrics(const set_outcome& outcome) {
    metrics values = metrics::of(outcome.counts);
    values.auc = outcome.auc;
    values.rmse = outcome.errors.rmse();
    values.mae = outcome.errors.mae();
    return values;
}

named_metrics line(const char* name, std::optional<double> auc, std::optional<double> rmse,
                   std::optional<double> mae = {}) {
    named_metrics shown{name, {}};
    shown.values.auc = auc;
    shown.values.rmse = rmse;
    shown.values.mae = mae;
    return shown;
}

/// Results published in the README of the data for the sets it names; only for the table.
std::vector<named_metrics> published_for(const std::string& set) {
    const char* const name = "PCA, 20 components, Mahalanobis";
    if (set == "seed000") {
        return {line(name, 1.0, 0.269), line("notebook of the generator", {}, 1.2306, 1.0320)};
    }
    if (set == "phase_mild") {
        return {line(name, 0.9742, 0.2676)};
    }
    if (set == "freqvar_stuck") {
        return {line(name, 0.9999, 0.2696)};
    }
    return {};
}

tocsin::result<suite_result> run(const run_options& options) {
    method_result outcome;
    outcome.name = "LSTM encoder-decoder";
    outcome.settings = {{"model", network::kind},
                        {"hidden", chosen.hidden},
                        {"reversed", options.reversed},
                        {"decoder_training", options.training_name()},
                        {"scaler", "standard"},
                        {"loss", tocsin::mean_squared_error::kind},
                        {"optimiser", "adam"},
                        {"learning_rate", chosen.learning_rate},
                        {"schedule", "cosine_decay"},
                        {"epochs", options.epochs.value_or(chosen.epochs)},
                        {"batch_size", chosen.batch_size},
                        {"statistic", "mahalanobis"},
                        {"view", "per time step"},
                        {"threshold", "f_beta"},
                        {"beta", chosen.beta}};
    tocsin::confusion_counts counts;
    tocsin::regression_errors errors;
    double auc_sum = 0;
    const auto sets = find_sets(options.directory);
    for (std::size_t k = 0; k < sets.size(); ++k) {
        const std::string name = name_below(options.directory, sets[k]);
        options.shown.begin_file(name, k + 1, sets.size());
        const auto reached = evaluate_set(sets[k], options);
        if (!reached) {
            return in_file(name, reached.error());
        }
        options.shown.end_file();
        counts += reached->counts;
        errors += reached->errors;
        auc_sum += reached->auc;
        outcome.files.push_back({name, to_metrics(*reached), published_for(name)});
    }
    if (!sets.empty()) {
        outcome.totals = to_metrics({counts, errors, auc_sum / static_cast<double>(sets.size())});
    }
    return suite_result{{outcome}, {{"", line("noise floor", {}, 0.2887, 0.25)}}};
}

} // namespace

const suite synth_suite{"synth", "sets of noisy sinusoids, in sub-directories", run};

} // namespace evaluate
