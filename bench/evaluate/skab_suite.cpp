/// @file skab_suite.cpp
/// @brief SKAB: recordings of a water circuit, each with a start to train on, labels to test with.

#include "tocsin/comparators/pca_reconstruction.hpp"
#include "tocsin/detect/detector.hpp"
#include "tocsin/metrics/confusion.hpp"
#include "tocsin/threshold/quantile_threshold.hpp"

#include <Eigen/Eigenvalues>

#include "contenders.hpp"
#include "network.hpp"
#include "skab_data.hpp"
#include "skab_promise.hpp"
#include "suite.hpp"
#include <algorithm>
#include <array>
#include <cstddef>
#include <filesystem>
#include <iterator>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace evaluate {
namespace {

namespace fs = std::filesystem;
using detector_type = tocsin::detector<network, tocsin::standard_scaler<float>,
                                       tocsin::mahalanobis<>, tocsin::quantile_threshold>;

/// Rows 400 to the end by the suite's own method.
/// @param by_peaks the same scores with the threshold of peaks of the training windows
tocsin::result<tocsin::confusion_counts> evaluate_file(const fs::path& path,
                                                       const run_options& options,
                                                       tocsin::confusion_counts& by_peaks) {
    const auto read = read_skab_recording(path);
    if (!read) {
        return read.error();
    }
    const auto* const all = &read->all;
    const auto* const kept = &read->kept;
    const auto& values = read->values;
    const auto features = static_cast<int>(values.rows());
    const auto windows = tocsin::make_windows(values, chosen_skab.window);
    if (!windows) {
        return windows.error();
    }
    // Row t is judged by the window that ends with it: the first window of the test rows is the
    // one after those that hold training rows alone.
    const tocsin::index_t training_windows = skab_training_rows - chosen_skab.window + 1;
    const auto training = windows->slice(0, training_windows);
    const auto test = windows->slice(training_windows, windows->count() - training_windows);

    detector_type detector(make_network(features, chosen_skab.hidden, options),
                           {.window = chosen_skab.window}, {},
                           tocsin::quantile_threshold(chosen_skab.quantile, chosen_skab.factor));
    const auto trainer = make_trainer(chosen_skab, options);

    tocsin::status done = detector.train(training, {}, trainer, options.shown);
    if (done) {
        done = detector.fit_errors(training);
    }
    if (done) {
        done = detector.tune(training);
    }
    if (!done) {
        return done;
    }
    const auto of_training = detector.scores(training);
    const auto of_test = detector.scores(test);
    if (!of_training || !of_test) {
        return of_training ? of_test.error() : of_training.error();
    }
    const std::vector<double>& normal = of_training->per_feature;
    const std::vector<double>& scores = of_test->per_feature;
    const double threshold = detector.threshold(tocsin::error_view::per_feature);
    const auto peaks = threshold_of_peaks(normal);
    if (!peaks) {
        progress::note(path.string() +
                       ": the quantile is the threshold: " + peaks.error().message());
    }
    const double threshold_by_peaks = peaks ? *peaks : threshold;
    tocsin::confusion_counts counts;
    by_peaks = {};
    std::vector<std::uint8_t> flags;
    for (std::size_t k = 0; k < scores.size(); ++k) {
        // A score of NaN (a value missing in the window) raises no alarm.
        const bool anomalous = all->labels[skab_training_rows + k] != 0;
        flags.push_back(scores[k] > threshold);
        counts.add(flags[k] != 0, anomalous);
        by_peaks.add(scores[k] > threshold_by_peaks, anomalous);
    }
    if (options.drawn != nullptr && !scores.empty()) {
        // The feature with the highest score.
        const auto highest = std::max_element(scores.begin(), scores.end()) - scores.begin();
        auto workspace = detector.make_workspace();
        static_cast<void>(detector.score(test.window(highest), workspace));
        const auto distances = workspace.feature_scores();
        const auto feature =
            std::max_element(distances.begin(), distances.end()) - distances.begin();
        const auto& labels = all->labels;
        done = options.draw(
            {.file = name_below(options.directory, path),
             .values = first_feature(values.row(feature), skab_training_rows, all->time()),
             .scores = scores,
             .labels = {labels.begin() + skab_training_rows, labels.end()},
             .flags = flags,
             .threshold = threshold,
             .first = skab_training_rows,
             .feature =
                 all->names[static_cast<std::size_t>((*kept)[static_cast<std::size_t>(feature)])],
             .row = "row (about 1 s)"});
        if (!done) {
            return done;
        }
    }
    return counts;
}

// ---- Hotelling's T-squared, as published --------------------------------------------------------

/// Median of each value and the four before; NaN, hence no alarm, if there are fewer.
std::vector<double> median_of_five(const std::vector<double>& values) {
    constexpr std::size_t width = 5;
    std::vector<double> medians(values.size(), std::numeric_limits<double>::quiet_NaN());
    for (std::size_t t = width - 1; t < values.size(); ++t) {
        std::array<double, width> window{};
        std::copy_n(values.begin() + static_cast<std::ptrdiff_t>(t + 1 - width), width,
                    window.begin());
        std::nth_element(window.begin(), window.begin() + width / 2, window.end());
        medians[t] = window[width / 2];
    }
    return medians;
}

/// The authors' limit of Q. It differs from Jackson and Mudholkar's in taking powers of the sum of
/// variances for the sum of their powers, and in which variances it sums: those at the end of the
/// list as a solver for matrices without symmetry returns it, which is not sorted.
double published_q_limit(const tocsin::matrix<double>& training, int components,
                         double probability) {
    const tocsin::column<double> mean = training.rowwise().mean();
    tocsin::matrix<double> scaled = training.colwise() - mean;
    const auto samples = static_cast<double>(training.cols());
    const tocsin::column<double> deviation = (scaled.rowwise().squaredNorm() / samples).cwiseSqrt();
    std::vector<int> varying;
    for (int k = 0; k < deviation.size(); ++k) {
        if (deviation[k] > 0) {
            varying.push_back(k);
        }
    }
    tocsin::matrix<double> kept(static_cast<tocsin::index_t>(varying.size()), training.cols());
    for (std::size_t k = 0; k < varying.size(); ++k) {
        kept.row(static_cast<tocsin::index_t>(k)) = scaled.row(varying[k]) / deviation[varying[k]];
    }
    const tocsin::matrix<double> covariance = kept * kept.transpose() / (samples - 1);
    const Eigen::EigenSolver<tocsin::matrix<double>> solver(covariance, false);
    const double rest = solver.eigenvalues().real().tail(covariance.rows() - components).sum();
    return tocsin::residual_limit(rest, rest * rest, rest * rest * rest, probability);
}

/// Rows 400 to the end by T-squared of all features, or by T-squared and Q of principal components.
tocsin::result<tocsin::confusion_counts> evaluate_hotelling(const fs::path& path, bool with_q) {
    const auto read = read_skab_recording(path);
    if (!read) {
        return read.error();
    }
    const auto* const all = &read->all;
    constexpr double probability = 0.999;
    const tocsin::matrix<double> values = all->values.cast<double>();
    const tocsin::matrix<double> training = values.leftCols(skab_training_rows);
    tocsin::pca_reconstruction pca(
        {.explained_variance = with_q ? 0.85 : 1.0, .probability = probability});
    if (const auto fitted = pca.fit(training); !fitted) {
        return fitted;
    }
    std::vector<double> t_squared;
    std::vector<double> q;
    for (auto t = tocsin::index_t{skab_training_rows}; t < values.cols(); ++t) {
        const auto found =
            pca.statistics({values.col(t).data(), static_cast<std::size_t>(values.rows())});
        t_squared.push_back(found.t_squared);
        q.push_back(found.q);
    }
    t_squared = median_of_five(t_squared);
    q = median_of_five(q);
    const double t_limit = (with_q ? 1 : 2) * pca.t_squared_limit();
    const double q_limit = with_q ? published_q_limit(training, pca.components(), probability)
                                  : std::numeric_limits<double>::infinity();
    tocsin::confusion_counts counts;
    for (std::size_t k = 0; k < q.size(); ++k) {
        counts.add(t_squared[k] > t_limit || q[k] > q_limit,
                   all->labels[skab_training_rows + k] != 0);
    }
    return counts;
}

// ---- all recordings -----------------------------------------------------------------------------

published_line published(const char* name, std::int64_t tp, std::int64_t fp, std::int64_t fn,
                         std::int64_t tn) {
    return {"", {name, metrics::of({tp, fp, fn, tn})}};
}

published_line published_rates(const char* name, double f1, double far_percent,
                               double mar_percent) {
    named_metrics line{name, {}};
    line.values.f1 = f1;
    line.values.far = far_percent / 100;
    line.values.mar = mar_percent / 100;
    return {"", line};
}

/// Counts of all recordings by one method.
template <class Evaluate>
tocsin::result<method_result> evaluate_all(method_result outcome, const run_options& options,
                                           const std::vector<fs::path>& recordings,
                                           Evaluate&& evaluate_one) {
    tocsin::confusion_counts counts;
    for (std::size_t k = 0; k < recordings.size(); ++k) {
        const auto name = name_below(options.directory, recordings[k]);
        options.shown.begin_file(name, k + 1, recordings.size());
        const auto reached = evaluate_one(recordings[k]);
        if (!reached) {
            return in_file(name, reached.error());
        }
        options.shown.end_file();
        counts += *reached;
        outcome.files.push_back({name, metrics::of(*reached)});
    }
    outcome.totals = metrics::of(counts);
    return outcome;
}

tocsin::result<suite_result> run(const run_options& options) {
    const auto recordings = find_skab_recordings(options.directory);
    suite_result outcome;
    nlohmann::ordered_json settings = {
        {"training_rows", skab_training_rows},
        {"model", network::kind},
        {"window", chosen_skab.window},
        {"stride", 1},
        {"hidden", chosen_skab.hidden},
        {"reversed", options.reversed},
        {"decoder_training", options.training_name()},
        {"scaler", "standard"},
        {"largest_autocorrelation", chosen_skab.largest_autocorrelation},
        {"loss", tocsin::mean_squared_error::kind},
        {"optimiser", "adam"},
        {"learning_rate", chosen_skab.learning_rate},
        {"schedule", "cosine_decay"},
        {"epochs", options.epochs.value_or(chosen_skab.epochs)},
        {"batch_size", chosen_skab.batch_size},
        {"statistic", "mahalanobis"},
        {"view", "per feature"},
        {"threshold", "quantile"},
        {"quantile", chosen_skab.quantile},
        {"factor", chosen_skab.factor}};
    std::vector<tocsin::confusion_counts> of_peaks;
    auto own = evaluate_all({"LSTM encoder-decoder", settings, {}, {}}, options, recordings,
                            [&](const fs::path& path) {
                                return evaluate_file(path, options, of_peaks.emplace_back());
                            });
    if (!own) {
        return own.error();
    }
    settings.erase("quantile");
    settings.erase("factor");
    settings["threshold"] = peaks_settings();
    method_result by_peaks{own->name + ", peaks over threshold", settings, own->files, {}};
    tocsin::confusion_counts sum;
    for (std::size_t k = 0; k < of_peaks.size(); ++k) {
        by_peaks.files[k].values = metrics::of(of_peaks[k]);
        sum += of_peaks[k];
    }
    by_peaks.totals = metrics::of(sum);
    outcome.methods.push_back(std::move(*own));
    outcome.methods.push_back(std::move(by_peaks));
    auto promises = run_skab_promises(options, recordings);
    if (!promises) {
        return promises.error();
    }
    for (method_result& each : *promises) {
        outcome.methods.push_back(std::move(each));
    }
    for (const bool with_q : {false, true}) {
        if (options.seeded_only || recordings.empty()) {
            continue;
        }
        method_result frame{with_q ? "T2+Q (PCA)" : "T2", {{"probability", 0.999}}, {}, {}};
        frame.settings["explained_variance"] = with_q ? 0.85 : 1.0;
        frame.settings["smoothing"] = "median of 5 rows";
        frame.settings["factor"] = with_q ? 1 : 2;
        frame.seeded = false;
        auto other = evaluate_all(std::move(frame), options, recordings, [&](const fs::path& path) {
            return evaluate_hotelling(path, with_q);
        });
        if (!other) {
            return other.error();
        }
        outcome.methods.push_back(std::move(*other));
    }
    outcome.published = {published("Conv-AE (17 files)", 4429, 648, 1707, 4553),
                         published("MSET (17 files)", 5256, 2111, 880, 3090),
                         published("T2+Q PCA (17 files)", 4617, 1278, 1519, 3923),
                         published("LSTM-AE (17 files)", 4475, 1536, 1661, 3665),
                         published("T2 (17 files)", 3550, 950, 2586, 4251),
                         published("Vanilla LSTM (17 files)", 2587, 609, 3549, 4592),
                         published("Isolation Forest (17 files)", 1090, 155, 5046, 5046),
                         published_rates("Conv-AE (all 34)", 0.78, 13.55, 28.02),
                         published_rates("LSTM-AE (all 34)", 0.74, 29.96, 25.92)};
    return outcome;
}

} // namespace

const suite skab_suite{"skab", "recordings of a water circuit (.csv with a column 'anomaly')", run};

} // namespace evaluate
