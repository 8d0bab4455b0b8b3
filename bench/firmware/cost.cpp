// What the same bits on every target cost on this machine: the time of watcher::push() as a
// multiple of that of detector::push(), as rows of Markdown for docs/firmware.md. Both judge the
// same samples in turn, in short blocks; the median of many.
//     firmware_cost
#include "tocsin/firmware/watcher.hpp"

#include "forecasting_detector.hpp"
#include "hidden_128.hpp"
#include "hidden_16.hpp"
#include "hidden_32.hpp"
#include "hidden_64.hpp"
#include "hidden_8.hpp"
#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <vector>

namespace {

using namespace tocsin_bench;
using tocsin::index_t;

constexpr index_t block = 200; ///< samples, well below the turn that a program gets
constexpr int blocks = 601;

/// Seconds that `judge(t)` takes for one block.
template <class Judge>
double time_of_block(Judge&& judge) {
    using clock = std::chrono::steady_clock;
    const auto start = clock::now();
    for (index_t t = 0; t < block; ++t) {
        judge(t);
    }
    return std::chrono::duration<double>(clock::now() - start).count();
}

double median(std::vector<double>& values) {
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
}

template <const auto& Model>
void report(int hidden) {
    static constinit tocsin::firmware::watcher<Model> watch;
    const auto detector = trained_detector(hidden);
    auto stream = detector.make_stream();
    const auto samples = recording(block, 2);
    std::array<double, block> host_scores{};
    std::array<float, block> scores{};
    const auto on_host = [&](index_t t) {
        host_scores[static_cast<std::size_t>(t)] = detector.push(stream, samples.col(t)).score;
    };
    const auto on_target = [&](index_t t) {
        scores[static_cast<std::size_t>(t)] = watch.push(samples.data() + t * features).score;
    };
    std::vector<double> ratios;
    std::vector<double> host;
    for (int k = 0; k < blocks; ++k) {
        host.push_back(time_of_block(on_host));
        ratios.push_back(time_of_block(on_target) / host.back());
        for (std::size_t t = 0; k > 0 && t < scores.size(); ++t) { // past the warm-up
            const double difference = std::abs(host_scores[t] - double{scores[t]});
            if (!(difference <= 1e-4 * std::max(host_scores[t], detector.threshold()))) {
                std::fprintf(stderr, "hidden %d: the scores %g and %g are not of one model\n",
                             hidden, host_scores[t], double{scores[t]});
                std::exit(1);
            }
        }
    }
    std::printf("| %d | %.2f |\n", hidden, median(ratios));
    std::fflush(stdout);
    std::fprintf(stderr, "hidden %d: detector::push() takes %.0f ns\n", hidden,
                 1e9 * median(host) / double{block});
}

} // namespace

int main() {
    std::puts("| hidden units | watcher / detector |\n|--:|--:|");
    report<hidden_8::model>(8);
    report<hidden_16::model>(16);
    report<hidden_32::model>(32);
    report<hidden_64::model>(64);
    report<hidden_128::model>(128);
}
