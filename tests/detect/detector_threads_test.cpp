#include "tocsin/detect/detector.hpp"
#include "tocsin/training/data_parallel.hpp"

#include <doctest/doctest.h>

#include "support/small_detectors.hpp"
#include <algorithm>
#include <cstdint>
#include <span>
#include <thread>
#include <vector>

// One const detector, many threads. Run it with ThreadSanitizer too: the preset `tsan`.

using tocsin::index_t;
using tocsin::matrix;
using tocsin::verdict;
using tocsin_test::same_verdicts;
using tocsin_test::slow_waves;

namespace {

constexpr int threads = 8;
constexpr std::size_t streams_per_thread = 100;
constexpr index_t samples = 40;

/// What one thread does: streams of its own, some of which learn, by push() and by push_all().
template <class Detector>
std::vector<verdict> work_of(const Detector& detector, const matrix<float>& values, int thread,
                             const tocsin::learning_settings& how) {
    std::vector<verdict> all;
    std::vector<typename Detector::stream_type> streams(streams_per_thread);
    for (std::size_t k = 0; k < streams.size(); ++k) {
        streams[k] = detector.make_stream();
        if (k % 10 == 0) {
            if (!detector.enable_learning(streams[k], how).ok()) {
                return {}; // fails the test: it has no verdicts
            }
        }
    }
    auto workspace = detector.make_fleet_workspace(16);
    std::vector<verdict> verdicts(streams.size());
    std::vector<double> shares(3);
    matrix<float> group(3, static_cast<index_t>(streams.size()));
    for (index_t t = 0; t < samples; ++t) {
        for (std::size_t k = 0; k < streams.size(); ++k) {
            group.col(static_cast<index_t>(k)) =
                values.col((t + 31 * thread + static_cast<index_t>(k)) % values.cols());
        }
        if (t % 2 == 0) {
            for (std::size_t k = 0; k < streams.size(); ++k) {
                verdicts[k] = detector.push(streams[k], group.col(static_cast<index_t>(k)));
            }
        } else {
            detector.push_all(streams, {group.data(), 3, group.cols()}, verdicts, workspace);
        }
        for (auto& stream : streams) {
            detector.learn(stream);
            detector.shares(stream, shares);
        }
        all.insert(all.end(), verdicts.begin(), verdicts.end());
    }
    return all;
}

template <class Detector>
void check_threads(const Detector& detector, const tocsin::learning_settings& how) {
    const auto values = tocsin_test::with_holes(slow_waves(300, 5), 0.02, 1);
    const std::uint64_t identity = detector.identity();
    std::vector<std::vector<verdict>> together(threads);
    {
        std::vector<std::thread> running;
        for (int k = 0; k < threads; ++k) {
            running.emplace_back([&, k] {
                together[static_cast<std::size_t>(k)] = work_of(detector, values, k, how);
            });
        }
        for (std::thread& thread : running) {
            thread.join();
        }
    }
    for (int k = 0; k < threads; ++k) {
        const auto& of_thread = together[static_cast<std::size_t>(k)];
        CHECK(same_verdicts(of_thread, work_of(detector, values, k, how)));
        CHECK(2 * std::count_if(of_thread.begin(), of_thread.end(),
                                [](const verdict& each) { return each.scored(); }) >
              samples * static_cast<index_t>(streams_per_thread));
    }
    CHECK(detector.identity() == identity);
}

/// Scores of windows by several threads, also more threads than batches.
template <class Detector>
void check_scores(const Detector& detector, int length, int stride) {
    const auto values = tocsin_test::with_holes(slow_waves(700, 5), 0.02, 1);
    const auto windows = tocsin::make_windows(values, length, stride).value();
    const auto expected = detector.scores(windows).value();
    CHECK(expected.per_step.size() >= 20);
    for (const int count : {1, 2, 3, 7, 40}) {
        const auto found = detector.scores(windows, tocsin::data_parallel{count}).value();
        CHECK(tocsin_test::same_bits(found.per_step, expected.per_step));
        CHECK(tocsin_test::same_bits(found.per_feature, expected.per_feature));
    }
    const auto refused = detector.scores(windows, tocsin::data_parallel{0});
    CHECK(tocsin_test::says(refused.error(), "0 threads"));
}

} // namespace

TEST_SUITE("detect") {
    TEST_CASE("threads: a forecaster gives the bits of one thread") {
        tocsin::detector<tocsin::forecaster<float>> detector(tocsin_test::small_forecaster(1),
                                                             {.warm_up = 3});
        tocsin_test::learn_slow_waves(detector, 3);
        check_scores(detector, 60, 20);
        check_threads(
            detector,
            {.half_life = 100, .model = tocsin::online_training_settings{.every = 5, .steps = 10}});
    }

    TEST_CASE("threads: a model of windows gives the bits of one thread") {
        tocsin::detector<tocsin::encoder_decoder<float>> detector(
            tocsin_test::small_lstm<float>(3),
            {.window = 5, .scored = tocsin::scored_steps::newest});
        tocsin_test::run_all_phases(detector, tocsin_test::windows_over(slow_waves(200), 5));
        check_scores(detector, 5, 1);
        check_threads(
            detector,
            {.half_life = 100, .model = tocsin::online_training_settings{.every = 5, .steps = 5}});
    }
}
