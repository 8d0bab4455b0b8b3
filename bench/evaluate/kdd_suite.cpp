/// @file kdd_suite.cpp
/// @brief Rows of network connections: models of rows learn normal ones and judge the others.

#include "tocsin/comparators/isolation_forest.hpp"
#include "tocsin/comparators/k_means.hpp"
#include "tocsin/comparators/one_class_svm.hpp"
#include "tocsin/comparators/pca_reconstruction.hpp"
#include "tocsin/io/csv.hpp"
#include "tocsin/metrics/roc.hpp"
#include "tocsin/models/row_autoencoder.hpp"
#include "tocsin/models/variational_autoencoder.hpp"
#include "tocsin/series/scaler.hpp"
#include "tocsin/series/scalers/min_max_scaler.hpp"
#include "tocsin/tail/spot_threshold.hpp"
#include "tocsin/threshold/quantile_threshold.hpp"
#include "tocsin/training/fit.hpp"

#include "suite.hpp"
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <functional>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace evaluate {
namespace {

namespace fs = std::filesystem;
using tocsin::index_t;

/// Files whose names begin so hold the rows to learn from, and the rows that choose a threshold.
constexpr const char* training_name = "fit_";
constexpr const char* choice_name = "devtest";

struct table_file {
    std::string name;
    tocsin::matrix<double> values; // [features x rows], scaled
    std::vector<std::uint8_t> labels;

    bool both_classes() const {
        return std::count(labels.begin(), labels.end(), 0) > 0 &&
               std::count(labels.begin(), labels.end(), 0) <
                   static_cast<std::ptrdiff_t>(labels.size());
    }
};

struct data_set {
    table_file training;
    std::vector<table_file> judged; // the one that chooses the threshold first
};

bool begins_with(const std::string& name, const char* start) {
    return name.rfind(start, 0) == 0;
}

/// The tables below the directory that have the column `target`, scaled to [0, 1] by the training
/// rows.
tocsin::result<data_set> read_tables(const fs::path& directory) {
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(directory)) {
        const std::string name = entry.path().filename().string();
        if (entry.path().extension() == ".csv" && !begins_with(name, "ref_")) {
            files.push_back(entry.path());
        }
    }
    std::sort(files.begin(), files.end());
    data_set all;
    bool found = false;
    for (const fs::path& file : files) {
        auto read = tocsin::read_csv<double>(file, {.labels = std::vector<std::string>{"target"}});
        if (!read) {
            return read.error();
        }
        table_file table{file.filename().string(), std::move(read->values),
                         std::move(read->labels)};
        if (!table.values.allFinite()) {
            return tocsin::status::error(tocsin::error_code::invalid_data, table.name,
                                         ": has missing values");
        }
        if (begins_with(table.name, training_name)) {
            all.training = std::move(table);
            found = true;
        } else if (begins_with(table.name, choice_name)) {
            all.judged.insert(all.judged.begin(), std::move(table));
        } else {
            all.judged.push_back(std::move(table));
        }
    }
    if (!found || all.judged.empty() || !begins_with(all.judged.front().name, choice_name) ||
        !all.judged.front().both_classes()) {
        return tocsin::status::error(tocsin::error_code::invalid_data, directory.string(),
                                     ": needs a table ", training_name, "*.csv and a labelled ",
                                     choice_name, "*.csv");
    }
    tocsin::min_max_scaler<double> scaler;
    if (const tocsin::status fitted = scaler.fit(all.training.values); !fitted) {
        return fitted;
    }
    scaler.transform(all.training.values);
    for (table_file& table : all.judged) {
        if (table.values.rows() != all.training.values.rows()) {
            return tocsin::status::error(tocsin::error_code::invalid_data, table.name, ": has ",
                                         table.values.rows(), " columns, the training rows ",
                                         all.training.values.rows());
        }
        scaler.transform(table.values);
    }
    return all;
}

/// Gives the scores of rows.
using row_scorer = std::function<std::vector<double>(const tocsin::matrix<double>&)>;

template <class Scorer>
tocsin::result<row_scorer> fit_comparator(Scorer scorer, const data_set& data) {
    if (const tocsin::status fitted = scorer.fit(data.training.values); !fitted) {
        return fitted;
    }
    return row_scorer([scorer](const tocsin::matrix<double>& values) {
        Scorer fresh = scorer;
        std::vector<double> scores(static_cast<std::size_t>(values.cols()));
        (void)tocsin::score_samples(fresh, values, scores); // sizes agree
        return scores;
    });
}

/// What is learned the same for all networks.
struct hyper_parameters {
    int epochs = 200;
    int batch_size = 128;
    double learning_rate = 3e-3;
};
constexpr hyper_parameters chosen;

/// Trained parameters of a model of rows.
template <class Model>
tocsin::result<tocsin::aligned_vector<float>> train(const Model& model, const data_set& data,
                                                    const run_options& options) {
    const tocsin::matrix<float> values = data.training.values.cast<float>();
    tocsin::trainer<tocsin::mean_squared_error, tocsin::adam, tocsin::cosine_decay,
                    tocsin::never_stop>
        how;
    how.epochs = options.epochs.value_or(chosen.epochs);
    how.schedule.epochs = how.epochs;
    how.batch_size = chosen.batch_size;
    how.optimiser.learning_rate = chosen.learning_rate;
    how.seed = options.seed;
    auto state = tocsin::training_state<float>::fresh(model, how.optimiser, how.seed);
    const auto rows = tocsin::make_windows(values, 1);
    if (const tocsin::status done = how.fit(model, *rows, {}, state, options.shown); !done) {
        return done;
    }
    return state.best_parameters;
}

/// Mean squared error of each row.
template <class Model>
std::vector<double> row_errors(const Model& model, std::span<const float> parameters,
                               const tocsin::matrix<double>& given) {
    const tocsin::matrix<float> values = given.cast<float>();
    std::vector<double> scores;
    tocsin::predict_windows(model, parameters, *tocsin::make_windows(values, 1), 256,
                            [&](index_t, const auto& row, const auto& made) {
                                scores.push_back(static_cast<double>((row - made).squaredNorm()) /
                                                 static_cast<double>(row.rows()));
                            });
    return scores;
}

tocsin::result<row_scorer> autoencoder(const data_set& data, const run_options& options) {
    const auto model =
        tocsin::make_row_autoencoder<float>(static_cast<int>(data.training.values.rows()));
    auto trained = train(model, data, options);
    if (!trained) {
        return trained.error();
    }
    return row_scorer([model, parameters = std::move(*trained)](const auto& values) {
        return row_errors(model, parameters, values);
    });
}

// Of the divergence beside the squared error of a row; set once, not searched for.
constexpr double divergence_weight = 0.02;

auto variational_model(const data_set& data) {
    return tocsin::make_variational_autoencoder<float>(
        static_cast<int>(data.training.values.rows()), {}, divergence_weight);
}
tocsin::result<row_scorer> variational(const data_set& data, const run_options& options) {
    const auto model = variational_model(data);
    auto trained = train(model, data, options);
    if (!trained) {
        return trained.error();
    }
    return row_scorer([model, parameters = std::move(*trained)](const auto& values) {
        return row_errors(model, parameters, values);
    });
}
/// Scores by reconstructions of drawn latent variables.
tocsin::result<row_scorer> variational_drawn(const data_set& data, const run_options& options) {
    constexpr int draws = 32;
    const auto model = variational_model(data);
    auto trained = train(model, data, options);
    if (!trained) {
        return trained.error();
    }
    return row_scorer([model, parameters = std::move(*trained),
                       seed = options.seed](const tocsin::matrix<double>& given) {
        const tocsin::matrix<float> values = given.cast<float>();
        const auto rows = static_cast<int>(values.rows());
        const auto count = static_cast<int>(values.cols());
        tocsin::aligned_vector<float> work(
            static_cast<std::size_t>(model.predict_work_size(count, 1)));
        tocsin::matrix<float> made(rows, count);
        std::vector<double> scores(static_cast<std::size_t>(count), 0.0);
        tocsin::random_generator random(seed);
        for (int k = 0; k < draws; ++k) {
            model.predict_drawn(parameters, {values.data(), rows, count, 1},
                                {made.data(), rows, count, 1}, random, work);
            for (index_t t = 0; t < count; ++t) {
                scores[static_cast<std::size_t>(t)] +=
                    static_cast<double>((values.col(t) - made.col(t)).squaredNorm()) /
                    (draws * rows);
            }
        }
        return scores;
    });
}

tocsin::result<row_scorer> pca(const data_set& data, const run_options& /*options*/) {
    // 4 of 18 components; the squared length of the rest is the score.
    tocsin::pca_reconstruction components({.explained_variance = 0.75, .scale = false});
    if (const tocsin::status fitted = components.fit(data.training.values); !fitted) {
        return fitted;
    }
    return row_scorer([components](const tocsin::matrix<double>& values) {
        std::vector<double> scores;
        for (index_t t = 0; t < values.cols(); ++t) {
            scores.push_back(
                components
                    .statistics({values.col(t).data(), static_cast<std::size_t>(values.rows())})
                    .q);
        }
        return scores;
    });
}
tocsin::result<row_scorer> forest(const data_set& data, const run_options& options) {
    return fit_comparator(tocsin::isolation_forest({.seed = options.seed}), data);
}
tocsin::result<row_scorer> clusters(const data_set& data, const run_options& options) {
    return fit_comparator(tocsin::k_means({.seed = options.seed}), data);
}
tocsin::result<row_scorer> support_vectors(const data_set& data, const run_options& /*options*/) {
    return fit_comparator(tocsin::one_class_svm({.nu = 1e-4}), data);
}

struct method {
    const char* name;
    tocsin::result<row_scorer> (*fit)(const data_set&, const run_options&);
    bool seeded;
    nlohmann::ordered_json settings;
};

std::vector<method> methods(const run_options& options) {
    const nlohmann::ordered_json network = {{"optimiser", "adam"},
                                            {"learning_rate", chosen.learning_rate},
                                            {"schedule", "cosine"},
                                            {"epochs", options.epochs.value_or(chosen.epochs)},
                                            {"batch_size", chosen.batch_size},
                                            {"scaler", "min_max"}};
    nlohmann::ordered_json plain = {{"model", "18-15-7-2-7-15-18, ReLU, sigmoid"}};
    plain.update(network);
    nlohmann::ordered_json drawn = {{"model", "18-15-7-2-7-15-18, ReLU, sigmoid"},
                                    {"divergence_weight", divergence_weight}};
    drawn.update(network);
    std::vector<method> all = {
        {"autoencoder", autoencoder, true, plain},
        {"variational autoencoder", variational, true, drawn},
        {"variational autoencoder, 32 draws", variational_drawn, true, drawn},
        {"PCA", pca, false, {{"explained_variance", 0.75}, {"scaler", "min_max"}}},
        {"isolation forest", forest, true, {{"trees", 100}, {"samples", 256}}},
        {"k-means", clusters, true, {{"clusters", 20}, {"scaler", "min_max"}}}};
    if (tocsin::one_class_svm::available()) {
        all.push_back({"one-class SVM",
                       support_vectors,
                       false,
                       {{"nu", 1e-4}, {"gamma", "scale"}, {"scaler", "min_max"}}});
    } else {
        progress::note("kdd: the one-class SVM is left out (compiled without libsvm)");
    }
    return all;
}

/// The threshold of the highest accuracy; the middle between the two scores that it separates.
double most_accurate_threshold(const std::vector<double>& scores,
                               const std::vector<std::uint8_t>& labels) {
    std::vector<std::size_t> order(scores.size());
    for (std::size_t k = 0; k < order.size(); ++k) {
        order[k] = k;
    }
    std::sort(order.begin(), order.end(),
              [&](std::size_t a, std::size_t b) { return scores[a] > scores[b]; });
    // Nothing is flagged: all normal rows are right.
    index_t right = std::count(labels.begin(), labels.end(), 0);
    index_t best = right;
    double threshold = scores[order.front()];
    for (std::size_t k = 0; k + 1 < order.size(); ++k) {
        right += labels[order[k]] != 0 ? 1 : -1;
        const double below = scores[order[k + 1]];
        if (right > best && below < scores[order[k]]) {
            best = right;
            threshold = below + (scores[order[k]] - below) / 2;
        }
    }
    return threshold;
}

metrics judge(const std::vector<double>& scores, const table_file& table, double threshold) {
    tocsin::confusion_counts counts;
    for (std::size_t k = 0; k < scores.size(); ++k) {
        counts.add(scores[k] > threshold, table.labels[k] != 0);
    }
    metrics values = metrics::of(counts);
    values.accuracy = counts.accuracy();
    values.f2 = counts.f_beta(2);
    if (const auto area = tocsin::auc_roc(scores, table.labels); area.ok()) {
        values.auc_roc = *area;
        values.auc_pr = tocsin::average_precision(scores, table.labels).value();
    }
    return values;
}

tocsin::result<method_result> evaluate_method(const method& which, const data_set& data,
                                              const run_options& options) {
    const auto scorer = which.fit(data, options);
    if (!scorer) {
        return scorer.error();
    }
    const table_file& choice = data.judged.front();
    const std::vector<double> normal = (*scorer)(data.training.values);
    const std::vector<double> choosing = (*scorer)(choice.values);
    method_result reached;
    reached.name = which.name;
    reached.settings = which.settings;
    reached.seeded = which.seeded;
    const double labelled = most_accurate_threshold(choosing, choice.labels);
    std::vector<metrics> totals;
    for (const table_file& table : data.judged) {
        const auto scores = (*scorer)(table.values);
        reached.files.push_back({table.name, judge(scores, table, labelled)});
        if (table.both_classes()) {
            totals.push_back(reached.files.back().values);
        }
    }
    reached.totals = summarise(totals).mean;
    const auto add_group = [&](const char* name, auto rule) {
        if (rule.fit(normal, {})) {
            reached.groups.push_back({name, judge(choosing, choice, rule.threshold())});
        }
    };
    add_group("quantile 0.99 of the training scores", tocsin::quantile_threshold(0.99));
    add_group("peaks over threshold", tocsin::spot_threshold({.q = 1e-3}));
    return reached;
}

tocsin::result<suite_result> run(const run_options& options) {
    const auto data = read_tables(options.directory);
    if (!data) {
        return data.error();
    }
    suite_result all;
    const auto list = methods(options);
    std::size_t position = 0;
    for (const method& each : list) {
        ++position;
        if (options.seeded_only && !each.seeded) {
            continue;
        }
        options.shown.begin_file(each.name, position, list.size());
        auto reached = evaluate_method(each, *data, options);
        if (!reached) {
            return in_file(each.name, reached.error());
        }
        options.shown.end_file();
        all.methods.push_back(std::move(*reached));
    }
    // deepad's own numbers are of models trained on other rows; the README of the data has them.
    const auto line = [](const char* name, double accuracy, double precision, double recall,
                         double f1, double area) {
        named_metrics shown{name, {}};
        shown.values.accuracy = accuracy;
        shown.values.precision = precision;
        shown.values.recall = recall;
        shown.values.f1 = f1;
        shown.values.auc_roc = area;
        return published_line{"", shown};
    };
    all.published = {line("AE, deepad, other rows", .846, .697, .408, .515, .956),
                     line("VAE, deepad, other rows", .931, .821, .836, .829, .947),
                     line("PCA, deepad, other rows", .919, .871, .70, .776, .754),
                     line("OCSVM, deepad, other rows", .949, .907, .832, .868, .958),
                     line("BiGAN, deepad, other rows", .923, .793, .833, .812, .947)};
    return all;
}

} // namespace

const suite kdd_suite{"kdd", "rows of network connections: models of rows", run};

} // namespace evaluate
