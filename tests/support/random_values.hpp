/// @file random_values.hpp
/// @brief Buffers of reproducible numbers for tests.
#pragma once

#include "tocsin/core/random.hpp"
#include "tocsin/core/storage.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>

namespace tocsin_test {

/// `count` numbers, uniform in [-limit, limit).
template <class Scalar>
tocsin::aligned_vector<Scalar> random_values(tocsin::index_t count, std::uint64_t seed,
                                             double limit = 1) {
    tocsin::random_generator random(seed);
    tocsin::aligned_vector<Scalar> values(static_cast<std::size_t>(count));
    for (Scalar& value : values) {
        value = static_cast<Scalar>(random.uniform(-limit, limit));
    }
    return values;
}

/// `count` zeros: work areas, tapes, gradients.
template <class Scalar>
tocsin::aligned_vector<Scalar> zeros(tocsin::index_t count) {
    return tocsin::aligned_vector<Scalar>(static_cast<std::size_t>(count));
}

/// `count` NaNs, for areas whose previous content must not matter.
template <class Scalar>
tocsin::aligned_vector<Scalar> garbage(tocsin::index_t count) {
    return tocsin::aligned_vector<Scalar>(static_cast<std::size_t>(count),
                                          std::numeric_limits<Scalar>::quiet_NaN());
}

/// Largest difference of two blocks relative to the largest magnitude of the second:
/// max |a_k - b_k| / max |b_k|. Infinite when lengths differ or a difference is NaN.
template <class A, class B>
double block_error(const A& ours, const B& expected) {
    if (std::size(ours) != std::size(expected)) {
        return std::numeric_limits<double>::infinity();
    }
    double difference = 0;
    double scale = 1e-300;
    for (std::size_t k = 0; k < std::size(ours); ++k) {
        const double error =
            std::abs(static_cast<double>(ours[k]) - static_cast<double>(expected[k]));
        difference = error <= difference ? difference
                     : std::isnan(error) ? std::numeric_limits<double>::infinity()
                                         : error;
        scale = std::max(scale, std::abs(static_cast<double>(expected[k])));
    }
    return difference / scale;
}

/// All scalars of a map or a matrix as a span.
template <class Matrix>
auto span_of(const Matrix& values) {
    return std::span(values.data(), static_cast<std::size_t>(values.size()));
}

} // namespace tocsin_test
