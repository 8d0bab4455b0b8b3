/// @file labelled_recording.hpp
/// @brief Samples with events for a small classifier to learn from.
#pragma once

#include "tocsin/core/random.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/models/classifiers.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace tocsin_test {

/// Three sensors of noise; in an event the second one swings.
struct recording {
    recording(int rows, std::uint64_t seed)
        : values(3, rows), labels(static_cast<std::size_t>(rows)) {
        tocsin::random_generator random(seed);
        for (int t = 0; t < rows; ++t) {
            const bool event = t % 50 >= 40;
            for (int k = 0; k < 3; ++k) {
                values(k, t) = static_cast<float>(10 * k + random.normal());
            }
            values(1, t) += event ? (t % 2 == 0 ? 6.0F : -6.0F) : 0.0F;
            labels[static_cast<std::size_t>(t)] = event ? 1 : 0;
            times.push_back(t);
        }
    }
    tocsin::matrix_view<const float> view() const {
        return {values.data(), values.rows(), values.cols()};
    }
    std::span<const float> sample(tocsin::index_t t) const { return {values.data() + 3 * t, 3}; }

    tocsin::matrix<float> values;
    std::vector<std::uint8_t> labels;
    std::vector<double> times;
};

inline auto small_network() {
    return tocsin::fully_convolutional_classifier<float>(
        3, 1, {.filters = {6, 6, 6}, .kernels = {4, 3, 3}, .normalisation = {1e-3, 0.9, false}});
}

} // namespace tocsin_test
