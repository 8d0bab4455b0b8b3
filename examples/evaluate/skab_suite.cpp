/// @file skab_suite.cpp
/// @brief SKAB: recordings of a water circuit, each with a start to train on, labels to test with.

#include "tocsin/detect/detector.hpp"
#include "tocsin/io/csv.hpp"
#include "tocsin/metrics/confusion.hpp"
#include "tocsin/series/autocorrelation.hpp"
#include "tocsin/threshold/quantile_threshold.hpp"

#include "network.hpp"
#include "suite.hpp"
#include <algorithm>
#include <filesystem>
#include <iterator>
#include <numeric>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace evaluate {
namespace {

namespace fs = std::filesystem;
using recording = tocsin::series<float>;
using detector_type = tocsin::detector<network, tocsin::standard_scaler<float>,
                                       tocsin::mahalanobis<>, tocsin::quantile_threshold>;

/// Given by the protocol.
constexpr int training_rows = 400;
constexpr const char* label_column = "anomaly";
constexpr const char* change_point_column = "changepoint";

/// One setting for all files; docs/evaluation.md says how it was chosen.
struct hyper_parameters {
    int window = 20;
    int hidden = 16;
    int epochs = 50;
    int batch_size = 32;
    double learning_rate = 3e-3;
    /// A feature that resembles itself more than this one window later is left out: 400 rows hold
    /// too few independent values of it to tell a drift from an anomaly.
    double largest_autocorrelation = 0.5;
    double quantile = 0.99;
    double factor = 16.0 / 9.0; ///< 4/3 in units of the distance, which the score is the square of
};
constexpr hyper_parameters chosen;

/// The files that begin with a header in which a column has the name of the labels, in order of
/// name. Others, such as the recording without anomalies, are named on standard error.
std::vector<fs::path> find_recordings(const fs::path& root) {
    std::vector<fs::path> found;
    for (const auto& entry : files_below(root)) {
        if (!entry.is_regular_file() || entry.path().extension() != ".csv") {
            continue;
        }
        const auto text = tocsin::read_file(entry.path());
        bool labelled = false;
        if (text) {
            tocsin::text_lines lines{*text, entry.path()};
            const auto header = tocsin::csv_layout::from_header(
                lines.next() ? lines.line() : std::string_view{},
                {.timestamp = "", .labels = std::vector<std::string>{}});
            labelled = header &&
                       std::count(header->names().begin(), header->names().end(), label_column) > 0;
        }
        if (labelled) {
            found.push_back(entry.path());
        } else {
            progress::note("skipped: " + entry.path().string() + " has no column '" + label_column +
                           "'");
        }
    }
    std::sort(found.begin(), found.end());
    return found;
}

/// Positions of the features whose training rows can say what is normal; all where none can.
tocsin::result<std::vector<int>> usable_features(const recording& all) {
    const auto coefficients =
        tocsin::autocorrelations(all.values.leftCols(training_rows), chosen.window);
    if (!coefficients) {
        return coefficients.error();
    }
    std::vector<int> kept;
    for (int k = 0; k < all.features(); ++k) {
        if (!((*coefficients)[static_cast<std::size_t>(k)] > chosen.largest_autocorrelation)) {
            kept.push_back(k);
        }
    }
    if (kept.empty()) {
        kept.resize(static_cast<std::size_t>(all.features()));
        std::iota(kept.begin(), kept.end(), 0);
    }
    return kept;
}

tocsin::result<tocsin::confusion_counts> evaluate_file(const fs::path& path,
                                                       const run_options& options) {
    const auto all = tocsin::read_csv<float>(
        path, {.labels = std::vector<std::string>{label_column}, .ignore = {change_point_column}});
    if (!all) {
        return all.error();
    }
    if (all->time() <= training_rows) {
        return tocsin::status::error(tocsin::error_code::invalid_data, "has ", all->time(),
                                     " rows, the protocol trains on ", training_rows,
                                     " and tests on the rest");
    }
    const auto kept = usable_features(*all);
    if (!kept) {
        return kept.error();
    }
    const auto features = static_cast<int>(kept->size());
    tocsin::matrix<float> values(features, all->time());
    for (int k = 0; k < features; ++k) {
        values.row(k) = all->values.row((*kept)[static_cast<std::size_t>(k)]);
    }
    const auto windows = tocsin::make_windows(values, chosen.window);
    if (!windows) {
        return windows.error();
    }
    // Row t is judged by the window that ends with it: the first window of the test rows is the
    // one after those that hold training rows alone.
    const tocsin::index_t training_windows = training_rows - chosen.window + 1;
    const auto training = windows->slice(0, training_windows);
    const auto test = windows->slice(training_windows, windows->count() - training_windows);

    detector_type detector(make_network(features, chosen.hidden, options),
                           {.window = chosen.window}, {},
                           tocsin::quantile_threshold(chosen.quantile, chosen.factor));
    const auto how = make_trainer(chosen, options);

    std::vector<double> unused;
    std::vector<double> scores;
    tocsin::status done = detector.train(training, {}, how, options.shown);
    if (done) {
        done = detector.fit_errors(training);
    }
    if (done) {
        done = detector.tune(training);
    }
    if (done) {
        done = detector.scores(test, unused, scores);
    }
    if (!done) {
        return done;
    }
    tocsin::confusion_counts counts;
    for (std::size_t k = 0; k < scores.size(); ++k) {
        // A score of NaN (a value missing in the window) raises no alarm.
        counts.add(scores[k] > detector.feature_threshold(), all->labels[training_rows + k] != 0);
    }
    return counts;
}

named_metrics published(const char* name, std::int64_t tp, std::int64_t fp, std::int64_t fn,
                        std::int64_t tn) {
    return {name, metrics::of({tp, fp, fn, tn})};
}

named_metrics published_rates(const char* name, double f1, double far_percent, double mar_percent) {
    named_metrics line{name, {}};
    line.values.f1 = f1;
    line.values.far = far_percent / 100;
    line.values.mar = mar_percent / 100;
    return line;
}

tocsin::result<suite_result> run(const run_options& options) {
    suite_result outcome;
    outcome.settings = {{"training_rows", training_rows},
                        {"model", network::kind},
                        {"window", chosen.window},
                        {"stride", 1},
                        {"hidden", chosen.hidden},
                        {"reversed", options.reversed},
                        {"decoder_training", options.training_name()},
                        {"scaler", "standard"},
                        {"largest_autocorrelation", chosen.largest_autocorrelation},
                        {"loss", tocsin::mean_squared_error::name},
                        {"optimiser", "adam"},
                        {"learning_rate", chosen.learning_rate},
                        {"schedule", "cosine_decay"},
                        {"epochs", options.epochs.value_or(chosen.epochs)},
                        {"batch_size", chosen.batch_size},
                        {"statistic", "mahalanobis"},
                        {"view", "per feature"},
                        {"threshold", "quantile"},
                        {"quantile", chosen.quantile},
                        {"factor", chosen.factor}};
    tocsin::confusion_counts counts;
    const auto recordings = find_recordings(options.directory);
    for (std::size_t k = 0; k < recordings.size(); ++k) {
        const auto name = name_below(options.directory, recordings[k]);
        options.shown.begin_file(name, k + 1, recordings.size());
        const auto reached = evaluate_file(recordings[k], options);
        if (!reached) {
            return in_file(name, reached.error());
        }
        options.shown.end_file();
        counts += *reached;
        outcome.files.push_back({name, metrics::of(*reached)});
    }
    outcome.totals = metrics::of(counts);
    outcome.published = {published("Conv-AE (17 files)", 4429, 648, 1707, 4553),
                         published("MSET (17 files)", 5256, 2111, 880, 3090),
                         published("T2+Q PCA (17 files)", 4617, 1278, 1519, 3923),
                         published("LSTM-AE (17 files)", 4475, 1536, 1661, 3665),
                         published("Vanilla LSTM (17 files)", 2587, 609, 3549, 4592),
                         published("Isolation Forest (17 files)", 1090, 155, 5046, 5046),
                         published_rates("Conv-AE (all 34)", 0.78, 13.55, 28.02),
                         published_rates("LSTM-AE (all 34)", 0.74, 29.96, 25.92)};
    return outcome;
}

} // namespace

const suite skab_suite{"skab", "recordings of a water circuit (.csv with a column 'anomaly')", run};

} // namespace evaluate
