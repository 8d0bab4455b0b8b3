// Labelled rows: a small fully convolutional network learns which windows of three sensors contain
// an event, chooses its threshold, then monitors a stream and attributes its alarm to a sensor.
//     06_classify
#include "tocsin/detect/classifier_detector.hpp"
#include "tocsin/models/classifiers.hpp"
#include "tocsin/threshold/f_beta_threshold.hpp"
#include "tocsin/training/fit_classifier.hpp"

#include "support/require.hpp"
#include <cstdint>
#include <cstdio>
#include <span>
#include <vector>

using namespace tocsin;

namespace {

/// Three sensors of noise; during an event the second one oscillates.
struct recording {
    recording(int rows, std::uint64_t seed)
        : values(3, rows), labels(static_cast<std::size_t>(rows)) {
        random_generator random(seed);
        for (int t = 0; t < rows; ++t) {
            const bool event = t % 100 >= 90;
            labels[static_cast<std::size_t>(t)] = event ? 1 : 0;
            for (int k = 0; k < 3; ++k) {
                values(k, t) = static_cast<float>(20 * k + random.normal());
            }
            values(1, t) += event ? (t % 2 == 0 ? 4.0F : -4.0F) : 0.0F;
        }
    }
    matrix_view<const float> view() const { return {values.data(), values.rows(), values.cols()}; }

    matrix<float> values;
    std::vector<std::uint8_t> labels;
};

} // namespace

int main() {
    const recording training(3000, 1);
    const recording validation(1000, 2);
    const recording today(300, 3);

    const auto network =
        fully_convolutional_classifier<float>(3, 1,
                                              {.filters = {8, 8, 8},
                                               .kernels = {5, 3, 3},
                                               .normalisation = batch_norm_settings::pytorch()});
    classifier_detector detector(network, {.window = 20, .stride = 4});

    classifier_trainer<> trainer;
    trainer.epochs = 20;
    trainer.optimiser.learning_rate = 5e-3;
    trainer.class_weights = {1, 2}; // events are rare: missing one costs more
    support::require(detector.train(training.view(), training.labels, validation.view(),
                                    validation.labels, trainer));
    support::require(detector.tune(validation.view(), validation.labels, f_beta_threshold(1)));
    const auto& last = detector.history().back();
    std::printf("validation after %d epochs: accuracy %.3f, F1 %.3f, AUC %.3f\n", last.epoch + 1,
                last.validation.accuracy, last.validation.f1, last.validation.auc);

    auto stream = detector.make_stream();
    bool before = false;
    int alarms = 0;
    for (index_t t = 0; t < today.values.cols(); ++t) {
        const auto verdict = detector.push(stream, today.values.col(t));
        if (verdict.is_anomaly() && !before) {
            double shares[3] = {};
            detector.explain(stream, shares);
            std::printf("row %d: probability %.2f (threshold %.2f), sensors %.2f %.2f %.2f\n",
                        static_cast<int>(t), verdict.score, verdict.threshold, shares[0], shares[1],
                        shares[2]);
            ++alarms;
        }
        before = verdict.is_anomaly();
    }
    return alarms > 0 ? 0 : 1;
}
