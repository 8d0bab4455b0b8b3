// One epoch as a user sees it: a million rows of ten sensors, an LSTM encoder-decoder of 64 units, one
// thread. Prints seconds and memory as JSON; epoch.py runs it beside PyTorch.
//     epoch RECORDING.f32 PARAMETERS.f32
#include "tocsin/models/encoder_decoder.hpp"
#include "tocsin/series/split.hpp"
#include "tocsin/series/windows.hpp"
#include "tocsin/training/fit.hpp"

#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <span>
#include <string>
using namespace tocsin;

namespace {

constexpr int features = 10;
constexpr int hidden = 64;
constexpr index_t rows = 1'000'000;
constexpr int length = 30;
constexpr index_t stride = 10;

matrix<float> recording() {
    random_generator random{1};
    matrix<float> values(features, rows);
    for (index_t t = 0; t < rows; ++t) {
        for (int f = 0; f < features; ++f) {
            const double phase = 0.01 * static_cast<double>(t) * (1 + 0.1 * f) + f;
            values(f, t) = static_cast<float>(std::sin(phase) + 0.1 * random.normal());
        }
    }
    return values;
}

bool write(const char* path, std::span<const float> values) {
    std::ofstream file(path, std::ios::binary);
    file.write(reinterpret_cast<const char*>(values.data()),
               static_cast<std::streamsize>(values.size_bytes()));
    return static_cast<bool>(file.flush());
}

/// Largest resident memory so far; getrusage() would count the Python that started this program.
double megabytes() {
    std::ifstream file("/proc/self/status");
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with("VmHWM:")) {
            return std::strtod(line.c_str() + 6, nullptr) / 1024;
        }
    }
    return std::nan("");
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 3) {
        std::fprintf(stderr, "usage: epoch RECORDING.f32 PARAMETERS.f32 (both are written)\n");
        return 2;
    }
    const matrix<float> values = recording();
    const auto windows = make_windows(values, length, stride).value();
    const auto parts = split_chronologically(windows, {0.99, 0.01}).value();
    const auto model = encoder_decoder<float>::with_layers(features, {hidden}, 0, false,
                                                           decoder_training::teacher_forced);
    trainer<> trainer;
    trainer.epochs = 1;
    trainer.batch_size = 64;
    auto state = training_state<float>::fresh(model, trainer.optimiser, 1);
    if (!write(argv[1], {values.data(), static_cast<std::size_t>(values.size())}) ||
        !write(argv[2], state.parameters)) {
        std::fprintf(stderr, "epoch: cannot write %s and %s\n", argv[1], argv[2]);
        return 1;
    }
    const auto begin = std::chrono::steady_clock::now();
    const status trained = trainer.fit(model, parts[0], parts[1], state);
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
    if (!trained.ok()) {
        std::fprintf(stderr, "epoch: %s\n", trained.message());
        return 1;
    }
    std::printf("{\"windows\": %td, \"validation_windows\": %td, \"seconds\": %.3f, "
                "\"training_loss\": %.6f, \"validation_rmse\": %.6f, \"megabytes\": %.0f}\n",
                parts[0].count(), parts[1].count(), seconds.count(),
                state.history.back().training_loss, state.history.back().validation_rmse,
                megabytes());
}
