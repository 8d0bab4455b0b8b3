// The effect of bfloat16 weights on detection: a detector is trained, saved, and loaded as one
// whose layers store their weights in 16 bits. Prints a table for docs/performance.md.
//     precision_effect
#include "tocsin/io/detector_file.hpp"
#include "tocsin/tocsin.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <vector>

namespace {

using namespace tocsin;

constexpr int features = 8;
constexpr int length = 40;

template <class Precision>
using network =
    encoder_decoder<float, basic_lstm_stack<float, Precision>, basic_lstm_stack<float, Precision>>;
template <class Precision>
using detector_of =
    detector<network<Precision>, standard_scaler<float>, mahalanobis<>, f_beta_threshold>;

/// Sequences of sinusoids; if wanted, one sensor is slightly off in every third of them.
sequence_set<float> sequences(int count, bool with_anomalies, std::uint64_t seed) {
    random_generator random{seed};
    sequence_set<float> set;
    set.length = length;
    set.values.resize(features, index_t{length} * count);
    set.labels.assign(static_cast<std::size_t>(count), 0);
    for (int k = 0; k < count; ++k) {
        const double phase = random.uniform(0, 6.28);
        const bool anomalous = with_anomalies && k % 3 == 0;
        set.labels[static_cast<std::size_t>(k)] = anomalous ? 1 : 0;
        for (int t = 0; t < length; ++t) {
            for (int f = 0; f < features; ++f) {
                const double fault = anomalous && f == 2 && t > 20 ? 0.25 : 0;
                set.values(f, index_t{k} * length + t) = static_cast<float>(
                    std::sin((0.2 + 0.03 * f) * t + phase) + fault + 0.1 * random.normal());
            }
        }
    }
    return set;
}

struct outcome {
    std::vector<double> scores;
    double auc = 0;
    double f1 = 0;
};

template <class Detector>
outcome judge(const Detector& monitor, const sequence_set<float>& test) {
    outcome result;
    const auto found = monitor.scores(test.windows());
    if (!found) {
        return result;
    }
    result.scores = found->per_step;
    confusion_counts counts;
    for (std::size_t k = 0; k < result.scores.size(); ++k) {
        counts.add(result.scores[k] > monitor.threshold(), test.labels[k] != 0);
    }
    result.auc = auc_roc(result.scores, test.labels).value();
    result.f1 = counts.f_beta(1);
    return result;
}

bool compare(int hidden, const std::filesystem::path& file) {
    const auto training = sequences(300, false, 1);
    const auto normal = sequences(150, false, 2);
    const auto tuning = sequences(300, true, 3);
    const auto test = sequences(900, true, 4);
    const lstm_stack<float> layer{{features, hidden}};
    detector_of<standard_precision> monitor{{layer, layer, dense_head<float>{{hidden, features}}},
                                            {.window = length}};
    const trainer<> trainer{.epochs = 25, .optimiser = {.learning_rate = 3e-3}};
    for (const status& done :
         {monitor.train(training.windows(), normal.windows(), trainer),
          monitor.fit_errors(normal.windows()), monitor.tune(tuning.windows(), tuning.labels),
          save_detector(monitor, file)}) {
        if (!done.ok()) {
            std::fprintf(stderr, "%s\n", done.message());
            return false;
        }
    }
    auto small = load_detector<detector_of<bfloat16_precision>>(file);
    if (!small) {
        std::fprintf(stderr, "%s\n", small.error().message());
        return false;
    }
    const outcome full = judge(monitor, test);
    const outcome half = judge(*small, test);
    double largest = 0;
    for (std::size_t k = 0; k < full.scores.size(); ++k) {
        largest = std::max(largest, std::abs(half.scores[k] / full.scores[k] - 1));
    }
    std::printf("| %d | %.4f | %.4f | %.4f | %.4f | %.2g %% |\n", hidden, full.auc, half.auc,
                full.f1, half.f1, 100 * largest);
    return true;
}

} // namespace

int main() {
    const auto file =
        std::filesystem::temp_directory_path() / "tocsin_precision_effect.safetensors";
    std::puts("| hidden size | AUC, float | AUC, bfloat16 | F1, float | F1, bfloat16 "
              "| largest change of a score |");
    std::puts("|--:|--:|--:|--:|--:|--:|");
    bool good = true;
    for (const int hidden : {32, 64, 128}) {
        good = compare(hidden, file) && good;
    }
    std::error_code ignored;
    std::filesystem::remove(file, ignored);
    return good ? 0 : 1;
}
