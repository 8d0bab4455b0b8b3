// Some epochs of the fully convolutional classifier, by the recipe of `evaluate --suite ucr`, on one
// thread. Prints seconds and losses as JSON; classifier_epochs.py runs it beside PyTorch.
//     classifier_epochs SERIES LENGTH EPOCHS DATA.f32 (written: the labels, then the series)
#include "tocsin/models/classifiers.hpp"
#include "tocsin/series/windows.hpp"
#include "tocsin/training/fit_classifier.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>
using namespace tocsin;

namespace {

/// Noisy sinusoids; those of class 1 have another frequency for a fifth of their length.
matrix<float> generated_series(int count, int length, std::vector<int>& classes) {
    random_generator random{1};
    matrix<float> values(1, index_t{count} * length);
    for (int k = 0; k < count; ++k) {
        classes.push_back(k % 2);
        const int from = static_cast<int>(random.uniform(0, 0.8) * length);
        for (int t = 0; t < length; ++t) {
            const bool other = classes.back() == 1 && t >= from && t < from + length / 5;
            values(0, index_t{k} * length + t) =
                static_cast<float>(std::sin((other ? 0.5 : 0.3) * t + k) + 0.3 * random.normal());
        }
    }
    return values;
}

bool write(const char* path, const std::vector<int>& classes, const matrix<float>& values) {
    std::ofstream file(path, std::ios::binary);
    const std::vector<float> labels(classes.begin(), classes.end());
    const auto put = [&](const float* data, std::size_t count) {
        file.write(reinterpret_cast<const char*>(data),
                   static_cast<std::streamsize>(count * sizeof(float)));
    };
    put(labels.data(), labels.size());
    put(values.data(), static_cast<std::size_t>(values.size()));
    return static_cast<bool>(file.flush());
}

} // namespace

int main(int argc, char** argv) {
    const auto positive = [&](int k) { return argc == 5 ? std::atoi(argv[k]) : 0; };
    const int count = positive(1);
    const int length = positive(2);
    const int epochs = positive(3);
    if (count < 10 || length < 8 || epochs < 1) {
        std::fprintf(stderr, "usage: classifier_epochs SERIES LENGTH EPOCHS DATA.f32: at least 10 "
                             "series of 8 values; the file is written\n");
        return 2;
    }
    std::vector<int> classes;
    const matrix<float> values = generated_series(count, length, classes);
    if (!write(argv[4], classes, values)) {
        std::fprintf(stderr, "classifier_epochs: cannot write %s\n", argv[4]);
        return 1;
    }
    const labelled_windows<float> training{
        make_windows(values, length, length).value(), classes, {}};
    const auto network = fully_convolutional_classifier<float>(1, 2);
    classifier_trainer<adam, plateau_decay, train_all_epochs> trainer;
    trainer.epochs = epochs;
    trainer.batch_size = std::clamp(count / 10, 1, 16);
    trainer.best_by = classification_metric::training_loss;
    trainer.schedule = {.factor = 0.5, .patience = 50, .lowest = 0.1};
    auto state = classifier_state<float>::fresh(network, trainer.optimiser, 1);
    const auto begin = std::chrono::steady_clock::now();
    const status trained = trainer.fit(network, training, {}, state);
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
    if (!trained.ok()) {
        std::fprintf(stderr, "classifier_epochs: %s\n", trained.message());
        return 1;
    }
    std::printf("{\"seconds\": %.3f, \"first_loss\": %.4f, \"last_loss\": %.4f}\n", seconds.count(),
                state.history.front().training_loss, state.history.back().training_loss);
}
