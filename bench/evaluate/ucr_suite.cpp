/// @file ucr_suite.cpp
/// @brief Two-class sets of the UCR archive: supervised classifiers of whole series.

#include "tocsin/core/status.hpp"
#include "tocsin/models/classifiers.hpp"
#include "tocsin/training/fit_classifier.hpp"

#include "suite.hpp"
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace evaluate {
namespace {

namespace fs = std::filesystem;
using tocsin::index_t;

/// A training or test part: series of one length, each scaled to mean 0 and deviation 1.
struct part {
    tocsin::matrix<float> values; // [1 x (length * count)]
    std::vector<double> labels;
    int length = 0;
};

tocsin::status refuse(tocsin::error_code code, const fs::path& file, std::size_t line,
                      const std::string& what) {
    return tocsin::status::error(code, file.string(), ": line ", line, ": ", what);
}

/// Reads a part. `invalid_data` for what some sets of the archive have and the networks cannot take:
/// missing values (NaN), series of differing length.
tocsin::result<part> read_part(const fs::path& file) {
    using enum tocsin::error_code;
    std::ifstream stream(file);
    if (!stream) {
        return tocsin::status::error(io_error, file.string(), ": cannot be read");
    }
    part read;
    std::vector<std::vector<double>> rows;
    std::string line;
    while (std::getline(stream, line)) {
        std::istringstream fields(line);
        std::vector<double> row;
        std::string field;
        while (fields >> field) {
            char* end = nullptr;
            row.push_back(std::strtod(field.c_str(), &end));
            if (*end != '\0') {
                return refuse(format_error, file, rows.size() + 1,
                              "'" + field + "' is not a number");
            }
            if (!std::isfinite(row.back())) {
                return refuse(invalid_data, file, rows.size() + 1, "has a value " + field);
            }
        }
        if (row.empty()) {
            continue;
        }
        if (row.size() < 2) {
            return refuse(format_error, file, rows.size() + 1, "holds no series");
        }
        if (!rows.empty() && row.size() != rows.front().size()) {
            return refuse(invalid_data, file, rows.size() + 1,
                          "a series of " + std::to_string(row.size() - 1) + " values, before " +
                              std::to_string(rows.front().size() - 1));
        }
        rows.push_back(std::move(row));
    }
    if (rows.empty()) {
        return tocsin::status::error(invalid_data, file.string(), ": holds no series");
    }
    read.length = static_cast<int>(rows.front().size()) - 1;
    read.values.resize(1, index_t{read.length} * static_cast<index_t>(rows.size()));
    index_t next = 0;
    for (const auto& row : rows) {
        read.labels.push_back(row[0]);
        double mean = 0;
        double squares = 0;
        for (std::size_t k = 1; k < row.size(); ++k) {
            mean += row[k] / read.length;
        }
        for (std::size_t k = 1; k < row.size(); ++k) {
            squares += (row[k] - mean) * (row[k] - mean) / read.length;
        }
        const double deviation = squares > 0 ? std::sqrt(squares) : 1;
        for (std::size_t k = 1; k < row.size(); ++k) {
            read.values(0, next++) = static_cast<float>((row[k] - mean) / deviation);
        }
    }
    return read;
}

struct data_set {
    part training;
    part test;
    std::vector<int> training_classes; // 1: the class with fewer training series
    std::vector<int> test_classes;
};

tocsin::result<data_set> read_set(const fs::path& directory) {
    const std::string name = directory.filename().string();
    data_set read;
    for (auto* each : {&read.training, &read.test}) {
        auto found =
            read_part(directory / (name + (each == &read.training ? "_TRAIN.tsv" : "_TEST.tsv")));
        if (!found) {
            return found.error();
        }
        *each = std::move(*found);
    }
    std::map<double, int> counts;
    for (const double label : read.training.labels) {
        ++counts[label];
    }
    if (counts.size() != 2 || read.training.length != read.test.length) {
        return tocsin::status::error(tocsin::error_code::invalid_data, name, ": ", counts.size(),
                                     " classes of series of ", read.training.length, " and ",
                                     read.test.length, " values; there must be 2, of one length");
    }
    const auto rarer = std::min_element(counts.begin(), counts.end(),
                                        [](auto& a, auto& b) { return a.second < b.second; });
    for (const double label : read.training.labels) {
        read.training_classes.push_back(label == rarer->first ? 1 : 0);
    }
    for (const double label : read.test.labels) {
        if (!counts.contains(label)) {
            return tocsin::status::error(tocsin::error_code::invalid_data, name,
                                         ": no training series has the label ", label);
        }
        read.test_classes.push_back(label == rarer->first ? 1 : 0);
    }
    return read;
}

tocsin::labelled_windows<float> labelled(const part& of, const std::vector<int>& classes) {
    return {tocsin::make_windows(of.values, of.length, of.length).value(), classes, {}};
}

struct outcome {
    metrics values;
    double seconds = 0;
    int epochs = 0;
};

/// Trains without the test part, then judges it.
template <class Network, class Trainer>
tocsin::result<outcome> evaluate_network(const data_set& data, const Network& network,
                                         const Trainer& trainer, progress& shown) {
    const auto training = labelled(data.training, data.training_classes);
    const auto test = labelled(data.test, data.test_classes);
    auto state = tocsin::classifier_state<float>::fresh(network, trainer.optimiser, trainer.seed);
    const auto start = std::chrono::steady_clock::now();
    const tocsin::status done = trainer.fit(network, training, {}, state, shown);
    if (!done) {
        return done;
    }
    outcome reached;
    reached.seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    reached.epochs = state.finished_epochs();
    tocsin::confusion_counts counts;
    std::vector<double> scores;
    std::vector<std::uint8_t> truth;
    tocsin::predict_logits(
        network, std::span<const float>(state.best_parameters), test.inputs, 16,
        [&](index_t k, std::span<const float> logits) {
            double p[2] = {};
            tocsin::class_probabilities(logits, std::span<double>(p));
            scores.push_back(p[1]);
            truth.push_back(static_cast<std::uint8_t>(test.classes[static_cast<std::size_t>(k)]));
            counts.add(p[1] > 0.5, truth.back() != 0);
        });
    reached.values = metrics::of(counts);
    reached.values.accuracy = counts.accuracy();
    reached.values.f2 = counts.f_beta(2);
    if (const auto area = tocsin::auc_roc(scores, truth); area.ok()) {
        reached.values.auc_roc = *area;
    }
    if (const auto area = tocsin::average_precision(scores, truth); area.ok()) {
        reached.values.auc_pr = *area;
    }
    return reached;
}

/// The recipe of the published numbers (Fawaz et al. 2019).
tocsin::result<outcome> fully_convolutional(const data_set& data, const run_options& options) {
    tocsin::classifier_trainer<tocsin::adam, tocsin::plateau_decay, tocsin::train_all_epochs>
        trainer;
    trainer.epochs = options.epochs.value_or(2000);
    trainer.batch_size = std::clamp(static_cast<int>(data.training_classes.size() / 10), 1, 16);
    trainer.seed = options.seed;
    trainer.best_by = tocsin::classification_metric::training_loss;
    trainer.schedule = {.factor = 0.5, .patience = 50, .lowest = 0.1};
    return evaluate_network(data, tocsin::fully_convolutional_classifier<float>(1, 2), trainer,
                            options.shown);
}

/// Trainer of the recurrent networks: the series are long for an LSTM, so gradients are clipped.
auto recurrent_trainer(const run_options& options) {
    tocsin::classifier_trainer<tocsin::adam, tocsin::plateau_decay, tocsin::train_all_epochs>
        trainer;
    trainer.epochs = options.epochs.value_or(100);
    trainer.batch_size = 16;
    trainer.clip_norm = 1;
    trainer.seed = options.seed;
    trainer.best_by = tocsin::classification_metric::training_loss;
    trainer.schedule = {.factor = 0.5, .patience = 20, .lowest = 0.1};
    return trainer;
}
tocsin::result<outcome> lstm(const data_set& data, const run_options& options) {
    return evaluate_network(data, tocsin::lstm_classifier<float>(1, 2), recurrent_trainer(options),
                            options.shown);
}
tocsin::result<outcome> stacked(const data_set& data, const run_options& options) {
    return evaluate_network(data, tocsin::stacked_lstm_classifier<float>(1, 2),
                            recurrent_trainer(options), options.shown);
}
tocsin::result<outcome> bidirectional(const data_set& data, const run_options& options) {
    return evaluate_network(data, tocsin::bidirectional_lstm_classifier<float>(1, 2),
                            recurrent_trainer(options), options.shown);
}

/// The group of all sets; each has one of its own.
constexpr const char* mean_of_sets = "mean of the sets";

struct method {
    const char* name;
    tocsin::result<outcome> (*run)(const data_set&, const run_options&);
    nlohmann::ordered_json settings;
};

std::vector<method> methods(const run_options& options) {
    const nlohmann::ordered_json recurrent = {
        {"optimiser", "adam"},
        {"learning_rate", 1e-3},
        {"schedule", "halved after 20 epochs, not below 1e-4"},
        {"batch_size", 16},
        {"clip_norm", 1},
        {"epochs", options.epochs.value_or(100)},
        {"best_by", "training loss"},
        {"scaler", "each series"}};
    nlohmann::ordered_json convolutional = {{"model", "FCN"},
                                            {"filters", {128, 256, 128}},
                                            {"kernels", {8, 5, 3}},
                                            {"optimiser", "adam"},
                                            {"learning_rate", 1e-3},
                                            {"schedule", "halved after 50 epochs, not below 1e-4"},
                                            {"batch_size", "min(n / 10, 16)"},
                                            {"epochs", options.epochs.value_or(2000)},
                                            {"best_by", "training loss"},
                                            {"scaler", "each series"}};
    nlohmann::ordered_json one = {{"model", "LSTM 256"}};
    one.update(recurrent);
    nlohmann::ordered_json two = {
        {"model", "LSTM 8 and LSTM 8, hard sigmoids, L2 0.001, each normalised"}};
    two.update(recurrent);
    nlohmann::ordered_json both = {{"model", "BiLSTM 100, dropout 0.5, dense 100"}};
    both.update(recurrent);
    return {{"fully convolutional network", fully_convolutional, convolutional},
            {"LSTM", lstm, one},
            {"stacked LSTM", stacked, two},
            {"bidirectional LSTM", bidirectional, both}};
}

/// Lines of `published.csv` about a set; none if there is no such file.
std::vector<named_metrics> published_for(const fs::path& directory, const std::string& set) {
    std::vector<named_metrics> lines;
    std::ifstream stream(directory / "published.csv");
    std::string line;
    while (std::getline(stream, line)) {
        std::istringstream fields(line);
        std::string name;
        std::string classifier;
        std::string mean;
        std::string spread;
        std::getline(fields, name, ',');
        std::getline(fields, classifier, ',');
        std::getline(fields, mean, ',');
        std::getline(fields, spread, ',');
        if (name == set && (classifier == "fcn" || classifier == "resnet" || classifier == "mlp")) {
            named_metrics shown{classifier + ", published, standard deviation " + spread, {}};
            shown.values.accuracy = std::strtod(mean.c_str(), nullptr);
            lines.push_back(std::move(shown));
        }
    }
    return lines;
}

tocsin::result<suite_result> run(const run_options& options) {
    std::set<fs::path> sets;
    for (const auto& entry : fs::directory_iterator(options.directory)) {
        const std::string name = entry.path().filename().string();
        if (entry.is_directory() && fs::is_regular_file(entry.path() / (name + "_TRAIN.tsv"))) {
            sets.insert(entry.path());
        }
    }
    suite_result all;
    for (const method& each : methods(options)) {
        method_result reached;
        reached.name = each.name;
        reached.settings = each.settings;
        std::vector<metrics> lines;
        nlohmann::ordered_json seconds;
        std::size_t k = 0;
        for (auto next = sets.begin(); next != sets.end();) {
            const fs::path directory = *next;
            const std::string name = directory.filename().string();
            const auto data = read_set(directory);
            // More classes, NaN, series of differing length.
            if (data.error().code() == tocsin::error_code::invalid_data) {
                progress::note(std::string("left out: ") + data.error().message());
                next = sets.erase(next);
                continue;
            }
            ++next;
            if (!data) {
                return data.error();
            }
            options.shown.begin_file(name + ", " + each.name, ++k, sets.size());
            const auto made = each.run(*data, options);
            if (!made) {
                return in_file(name, made.error());
            }
            options.shown.end_file();
            seconds[name] = made->seconds;
            lines.push_back(made->values);
            reached.files.push_back({name, made->values});
            reached.groups.push_back({name, made->values});
        }
        if (reached.files.empty()) {
            return tocsin::status::error(tocsin::error_code::invalid_data,
                                         options.directory.string(), ": no set with two classes");
        }
        reached.settings["training_seconds"] = seconds;
        reached.totals = summarise(lines).mean;
        reached.groups.push_back({mean_of_sets, reached.totals});
        all.methods.push_back(std::move(reached));
    }
    for (const file_result& set : all.methods.front().files) {
        for (named_metrics& line : published_for(options.directory, set.file)) {
            all.published.push_back({set.file, std::move(line)});
        }
    }
    return all;
}

} // namespace

const suite ucr_suite{"ucr", "two-class sets of the UCR archive: classifiers of labelled series",
                      run};

} // namespace evaluate
