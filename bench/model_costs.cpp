// What one sample costs with each model of docs/choosing.md: microseconds of push(), as rows of
// Markdown. Five sensors, windows of 30 samples, one thread; networks with their default sizes, LSTMs
// with 32 units. The smallest of many rounds, so that other programs do not count.
//     model_costs
#include "tocsin/comparators/isolation_forest.hpp"
#include "tocsin/comparators/k_means.hpp"
#include "tocsin/comparators/lagged_value.hpp"
#include "tocsin/comparators/linear_autoregression.hpp"
#include "tocsin/comparators/pca_reconstruction.hpp"
#include "tocsin/comparators/simple_changes.hpp"
#include "tocsin/comparators/smoothed_z_score.hpp"
#include "tocsin/detect/classifier_detector.hpp"
#include "tocsin/detect/detector.hpp"
#include "tocsin/models/autoencoder.hpp"
#include "tocsin/models/bigan.hpp"
#include "tocsin/models/classifiers.hpp"
#include "tocsin/models/encoder_decoder.hpp"
#include "tocsin/models/feed_forward.hpp"
#include "tocsin/models/forecaster.hpp"
#include "tocsin/models/linear_forecaster.hpp"
#include "tocsin/models/row_autoencoder.hpp"
#include "tocsin/models/sequence_to_sequence.hpp"
#include "tocsin/models/variational_autoencoder.hpp"
#include "tocsin/series/scalers/min_max_scaler.hpp"
#include "tocsin/training/least_squares.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <span>
#include <vector>

using namespace tocsin;

namespace {

constexpr int features = 5;
constexpr int window = 30;
constexpr int hidden = 32;
constexpr index_t rows = 600;

void require(const status& done) {
    if (!done.ok()) {
        std::fprintf(stderr, "model_costs: %s\n", done.message());
        std::exit(1);
    }
}

const matrix<float>& recording() {
    static const matrix<float> values = [] {
        random_generator random{1};
        matrix<float> made(features, rows);
        for (index_t t = 0; t < rows; ++t) {
            for (int f = 0; f < features; ++f) {
                const double phase = 0.05 * static_cast<double>(t) * (1 + 0.3 * f) + f;
                made(f, t) = static_cast<float>(std::sin(phase) + 0.1 * random.normal());
            }
        }
        return made;
    }();
    return values;
}

/// @param judge `judge(t)` takes in row t
template <class Judge>
void report(const char* model, const char* sizes, Judge&& judge) {
    using clock = std::chrono::steady_clock;
    constexpr int rounds = 60;
    for (index_t t = 0; t < rows; ++t) {
        judge(t); // past the warm-up
    }
    const auto start = clock::now();
    for (index_t t = 0; t < 100; ++t) {
        judge(t);
    }
    const double once = std::chrono::duration<double>(clock::now() - start).count() / 100;
    // A round of about a millisecond: shorter than the turn that a program gets.
    const auto calls = static_cast<index_t>(std::clamp(1e-3 / once, 1.0, 1e5));
    double least = std::numeric_limits<double>::infinity();
    for (int round = 0; round < rounds; ++round) {
        const auto from = clock::now();
        for (index_t k = 0; k < calls; ++k) {
            judge(k % rows);
        }
        const std::chrono::duration<double> taken = clock::now() - from;
        least = std::min(least, taken.count() / static_cast<double>(calls));
    }
    std::printf("| `%s` | %s | %.3g |\n", model, sizes, 1e6 * least);
    std::fflush(stdout);
}

trainer<> one_epoch() {
    trainer<> trainer;
    trainer.epochs = 1;
    return trainer;
}

/// @param length of the windows of training
template <class Detector, class Trainer = trainer<>>
void report_detector(const char* name, const char* sizes, Detector detector, int length,
                     const Trainer& trainer = one_epoch()) {
    const auto windows = make_windows(recording(), length, std::max(length / 2, 1)).value();
    require(detector.train(windows, {}, trainer));
    require(detector.fit_errors(windows));
    require(detector.tune(windows));
    auto stream = detector.make_stream();
    report(name, sizes, [&](index_t t) { (void)detector.push(stream, recording().col(t)); });
}

template <class Network>
void report_classifier(const char* name, const char* sizes, const Network& network) {
    classifier_detector<Network> detector(network, {.window = window});
    aligned_vector<float> weights(static_cast<std::size_t>(network.parameter_count()));
    random_generator random{1};
    network.initialise(weights, random);
    robust_scaler<float> scaler;
    require(scaler.fit(make_windows(recording(), 1).value()));
    require(detector.set_weights(weights, scaler));
    auto stream = detector.make_stream();
    report(name, sizes, [&](index_t t) { (void)detector.push(stream, recording().col(t)); });
}

template <class Scorer>
void report_comparator(const char* name, const char* sizes, Scorer scorer) {
    const matrix<double> values = recording().cast<double>();
    require(scorer.fit(values));
    double sum = 0;
    report(name, sizes, [&](index_t t) {
        sum += scorer.push({values.col(t).data(), static_cast<std::size_t>(features)});
    });
    if (sum == std::numeric_limits<double>::infinity()) {
        std::puts(""); // the scores are used
    }
}

void report_bigan() {
    const auto model = make_bigan<float>(features);
    aligned_vector<float> weights(static_cast<std::size_t>(model.parameter_count()));
    random_generator random{1};
    model.initialise(weights, random);
    aligned_vector<float> work(static_cast<std::size_t>(model.score_work_size(1, 1)));
    double score = 0;
    report("bigan", "15-7-2, its `score`", [&](index_t t) {
        model.score(std::span<const float>(weights), {recording().col(t).data(), features, 1, 1},
                    {&score, 1}, 0.1, work);
    });
}

} // namespace

int main() {
    const detector_settings newest{.window = window, .scored = scored_steps::newest};
    const detector_settings row{.window = 1};
    std::puts("| model | sizes | microseconds |\n|---|---|---|");
    report_detector("forecaster", "LSTM 32",
                    detector(forecaster<float>::with_layers(features, features, {hidden})), window);
    report_detector("encoder_decoder", "LSTM 32",
                    detector(encoder_decoder<float>::with_layers(features, {hidden}), newest),
                    window);
    report_detector("autoencoder", "LSTM 32-16-32",
                    detector(autoencoder<float>{lstm_stack<float>{{features, hidden, 16}},
                                                lstm_stack<float>{{16, 16, hidden}},
                                                dense_head<float>{{hidden, features}}},
                             newest),
                    window);
    report_detector(
        "feed_forward", "10 samples, 64-32",
        detector(feed_forward<float>::with_layers(features, features, 10, {2 * hidden, hidden}),
                 newest),
        window);
    report_detector("linear_forecaster", "10 samples",
                    detector(linear_forecaster<float>{features, features, 10}), window,
                    least_squares{});
    report_detector("sequence_to_sequence", "10 each way, 20",
                    detector(make_sequence_to_sequence<float>(features), newest), window);
    report_detector("row_autoencoder", "15-7-2-7-15",
                    detector(make_row_autoencoder<float>(features), row, min_max_scaler<float>{}),
                    1);
    report_detector(
        "variational_autoencoder", "15-7-2-7-15",
        detector(make_variational_autoencoder<float>(features), row, min_max_scaler<float>{}), 1);
    report_bigan();
    report_classifier("bidirectional_lstm_classifier", "100 each way, dense 100",
                      bidirectional_lstm_classifier<float>(features));
    report_classifier("stacked_lstm_classifier", "8-8", stacked_lstm_classifier<float>(features));
    report_classifier("lstm_classifier", "256", lstm_classifier<float>(features));
    report_classifier("fully_convolutional_classifier", "128-256-128",
                      fully_convolutional_classifier<float>(features));
    report_classifier(
        "fully_convolutional_classifier", "16-32-16, as in the command line",
        fully_convolutional_classifier<float>(features, 1, {.filters = {16, 32, 16}}));
    report_comparator("lagged_value", "1 sample back", lagged_value{});
    report_comparator("squared_difference", "", squared_difference{});
    report_comparator("linear_autoregression", "8 samples", linear_autoregression{});
    report_comparator("smoothed_z_score", "1 row", smoothed_z_score{});
    report_comparator("moving_variance", "32 rows", moving_variance{});
    report_comparator("pca_reconstruction", "one row", pca_reconstruction{});
    report_comparator("isolation_forest", "100 trees", isolation_forest{});
    report_comparator("k_means", "20 clusters", k_means{});
    return 0;
}
