/// @file noise.hpp
/// @brief Gaussian samples, independent or slow.
#pragma once

#include "tocsin/core/random.hpp"
#include "tocsin/core/views.hpp"

#include <cstdint>

namespace tocsin_test {

/// Independent values, `[features x rows]`.
inline tocsin::matrix<float> noise(int features, int rows, std::uint64_t seed) {
    tocsin::random_generator random(seed);
    tocsin::matrix<float> values(features, rows);
    for (float& value : values.reshaped()) {
        value = static_cast<float>(random.normal());
    }
    return values;
}

/// Each row is mostly the one before.
inline tocsin::matrix<float> slow_noise(int features, int rows, std::uint64_t seed) {
    tocsin::matrix<float> values = noise(features, rows, seed);
    for (int t = 1; t < rows; ++t) {
        values.col(t) = 0.8F * values.col(t - 1) + 0.6F * values.col(t);
    }
    return values;
}

} // namespace tocsin_test
