// A forecaster whose sizes are all known at compile time: its streams lie in their own memory.
#include "tocsin/detect/detector.hpp"
#include "tocsin/errors/diagonal_gaussian.hpp"
#include "tocsin/models/forecaster.hpp"

#include <doctest/doctest.h>

#include "support/allocation_counter.hpp"
#include "support/random_values.hpp"
#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>
#include <vector>

namespace {

using tocsin::index_t;

using fixed_model = tocsin::forecaster<float, tocsin::lstm_stack<float, 2, 6>,
                                       tocsin::dense_head<float, 6, 2>, 1>; // 2 steps ahead
using fixed_detector = tocsin::detector<fixed_model, tocsin::standard_scaler<float, 2>,
                                        tocsin::diagonal_gaussian<2>, tocsin::quantile_threshold>;
using dynamic_detector = tocsin::detector<tocsin::forecaster<float>, tocsin::standard_scaler<float>,
                                          tocsin::diagonal_gaussian<>, tocsin::quantile_threshold>;

template <class Detector>
Detector fitted(Detector fresh, const tocsin::matrix<float>& recording) {
    const auto windows = tocsin::make_windows(recording, 40, 20).value();
    REQUIRE(fresh.train(windows, {}, tocsin::trainer<>{.epochs = 1}).ok());
    REQUIRE(fresh.fit_errors(windows).ok());
    REQUIRE(fresh.tune(windows).ok());
    return fresh;
}

tocsin::matrix<float> noisy_recording() {
    tocsin::matrix<float> recording(2, 400);
    const auto noise = tocsin_test::random_values<float>(800, 1);
    std::copy(noise.begin(), noise.end(), recording.data());
    return recording;
}

} // namespace

TEST_SUITE("detect") {

    TEST_CASE("static forecaster: a stream is one object, made and run without a heap") {
        const auto recording = noisy_recording();
        const auto fixed = fitted(fixed_detector{fixed_model{}}, recording);
        const auto other = fitted(
            dynamic_detector{tocsin::forecaster<float>::with_layers(2, 1, {6}, 2)}, recording);
        static_assert(sizeof(fixed_detector::stream_type) > (2 * 6 + 2 * 2) * sizeof(float));
        CHECK(fixed.stream_size() == sizeof(fixed_detector::stream_type));
        CHECK(other.stream_size() > sizeof(dynamic_detector::stream_type));

        std::vector<tocsin::verdict> verdicts(100);
        const auto allocations = tocsin_test::allocations_during([&] {
            auto stream = fixed.make_stream();
            const std::array<fixed_detector::stream_type, 2> copies{stream, stream};
            CHECK(copies[1].position() == 0);
            for (index_t t = 0; t < 100; ++t) {
                verdicts[static_cast<std::size_t>(t)] = fixed.push(stream, recording.col(t));
            }
        });
        CHECK(allocations == 0);
        CHECK(tocsin_test::allocations_during([&] { other.make_stream(); }) >
              0); // positive control

        auto stream = other.make_stream();
        for (index_t t = 0; t < 100; ++t) {
            const auto expected = other.push(stream, recording.col(t));
            const auto& got = verdicts[static_cast<std::size_t>(t)];
            CHECK(got.kind == expected.kind);
            CHECK(got.score == doctest::Approx(expected.score).epsilon(1e-4));
        }
    }

    TEST_CASE("static forecaster: a whole detector is made, copied and run without a heap") {
        const auto recording = noisy_recording();
        const auto fixed = fitted(fixed_detector{fixed_model{}}, recording);
        const auto other = fitted(
            dynamic_detector{tocsin::forecaster<float>::with_layers(2, 1, {6}, 2)}, recording);
        const std::array<float, 2> mean{};
        auto expected_stream = fixed.make_stream();

        int different = 0;
        int scored = 0;
        const auto allocations = tocsin_test::allocations_during([&] {
            fixed_detector borrowing{fixed_model{}};
            const auto borrowed =
                borrowing.borrow({.parameters = fixed.parameters()}, fixed.data_scaler(), mean);
            CHECK(borrowed.ok());
            CHECK(borrowing.phase() == tocsin::detector_phase::trained);

            fixed_detector copy = fixed;
            copy.override_thresholds(fixed.threshold());
            fixed_detector moved = std::move(copy);
            borrowing = moved;
            auto stream = borrowing.make_stream();
            for (index_t t = 0; t < 100; ++t) {
                const auto expected = fixed.push(expected_stream, recording.col(t));
                const auto got = borrowing.push(stream, recording.col(t));
                scored += got.scored() ? 1 : 0;
                different += got.kind == expected.kind && got.score == expected.score ? 0 : 1;
            }
        });
        CHECK(allocations == 0);
        CHECK(different == 0);
        CHECK(scored > 50);
        CHECK(tocsin_test::allocations_during([&] {
                  dynamic_detector copy = other; // positive control
                  copy.override_thresholds(1);
              }) > 0);
    }
}
