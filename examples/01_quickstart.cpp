// From a recording to an alarm, on generated data: three sensors that oscillate with noise.
//     01_quickstart [folder for the pictures]
#include "tocsin/tocsin.hpp"

#include "support/plots.hpp"
#include "support/recording.hpp"
#include "support/require.hpp"
#include <algorithm>
#include <array>
#include <cstdio>

using namespace tocsin;

int main(int argc, char** argv) {
    constexpr int sensors = 3;
    constexpr int window = 20; // samples that the network sees at once
    random_generator random{7};
    const auto generator = sinusoid_generator<float>::make({.features = sensors,
                                                            .length = 4000,
                                                            .frequency = {0.15, 0.45},
                                                            .noise = 0.4,
                                                            .random_phase = true},
                                                           random)
                               .value();
    const auto normal = support::record(generator, 0, random);
    const auto tuning = support::record(generator, 15, random);
    const auto test = support::record(generator, 15, random);
    const auto live = support::record(generator, 1, random);

    // 1. Train on normal operation: the network learns to reconstruct windows from a short code.
    using network = encoder_decoder<float>;
    detector<network, standard_scaler<float>, mahalanobis<>, f_beta_threshold> monitor{
        network::with_layers(sensors, {32}), {.window = window}};
    const auto all = make_windows(normal.values, window, 2).value();
    const auto parts = split_chronologically(all, {0.7, 0.3}).value();
    const trainer<> trainer{.epochs = 30, .optimiser = {.learning_rate = 5e-3}};
    auto training = training_state<float>::fresh(monitor.model(), trainer.optimiser, trainer.seed);
    progress_bar progress;
    const status trained = monitor.train_from(training, parts[0], parts[1], trainer, progress);
    progress.finish();
    support::require(trained);

    // 2. Fit the error statistics to normal data. 3. Choose the threshold of the alarm.
    support::require(monitor.fit_errors(parts[1]));
    const auto tuning_windows = make_windows(tuning.values, window).value();
    const auto all_steps = scored_steps::all; // a window is anomalous when any of its samples is
    support::require(monitor.tune(tuning_windows,
                                  window_labels(tuning_windows, tuning.labels, all_steps).value()));

    // Evaluate on a recording that it has not seen.
    const auto test_windows = make_windows(test.values, window).value();
    const auto labels = window_labels(test_windows, test.labels, all_steps).value();
    const auto scores = monitor.scores(test_windows).value().per_step; // one per window
    confusion_counts counts;
    for (std::size_t k = 0; k < scores.size(); ++k) {
        counts.add(scores[k] > monitor.threshold(), labels[k] != 0);
    }
    std::printf("test: %zu windows, F1 %.3f, precision %.3f, recall %.3f, AUC %.4f\n",
                scores.size(), counts.f_beta(1), counts.precision(), counts.recall(),
                auc_roc(scores, labels).value());

    // 4. A live stream, sample by sample. Sensor readings freeze from sample 150 to 189.
    auto stream = monitor.make_stream();
    support::stream_record record{.samples = live.values.leftCols(320), .window = window};
    for (index_t t = 0; t < record.samples.cols(); ++t) {
        const auto verdict = monitor.push(stream, record.samples.col(t));
        if (verdict.is_anomaly() && !record.in_alarm()) {
            std::array<double, sensors> shares{};
            monitor.shares(stream, shares);
            const auto largest = std::max_element(shares.begin(), shares.end());
            std::printf("live: alarm at sample %td, score %.0f above %.0f; sensor %td has %.0f %% "
                        "of it\n",
                        t, verdict.score, verdict.threshold, largest - shares.begin() + 1,
                        100 * *largest);
        }
        record.add(verdict, live.labels[static_cast<std::size_t>(t)]);
    }

    const auto folder = support::plot_folder::create(argc > 1 ? argv[1] : "tocsin_pictures");
    support::require(folder.error());
    support::require(support::plot_losses(*folder, training.history));
    support::require(support::plot_scores(*folder, scores, labels, monitor.threshold()));
    support::require(support::plot_detection(*folder, record));
    const auto faulty = test_windows.window(140); // the second half of it is frozen
    auto workspace = monitor.make_workspace();
    static_cast<void>(monitor.score(faulty, workspace));
    support::require(support::plot_reconstruction(*folder, faulty, workspace.reconstruction(),
                                                  std::span(test.labels).subspan(140, window)));
    folder->report();
}
