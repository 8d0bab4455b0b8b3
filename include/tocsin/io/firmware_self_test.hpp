/// @file firmware_self_test.hpp
/// @brief Samples with the scores that a target must compute, some of them close to the threshold.
#pragma once

#include "tocsin/core/random.hpp"
#include "tocsin/io/firmware_model.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <vector>

namespace tocsin {

/// A stream with the scores that the firmware must give.
struct firmware_self_test {
    std::vector<float> samples; ///< one after the other, original units
    std::vector<float> scores;  ///< one each; -1: has none
    int near_threshold = 0;     ///< scores within 1 per cent of the threshold
};

namespace detail {

/// A value in original units, a finite one.
inline float raw_value(const firmware_model& model, std::size_t feature, float scaled) noexcept {
    constexpr float largest = std::numeric_limits<float>::max();
    const float value = model.offset[feature] + scaled / model.factor[feature];
    return std::max(-largest, std::min(largest, value)); // NaN: the largest
}

/// A sample whose score is just below or just above the threshold: from what is expected along a
/// direction, by bisection.
/// @return false where no length of the direction reaches the threshold
template <class Numbers>
bool find_near_threshold(Numbers& numbers, std::span<const float> expected,
                         std::span<const float> direction, bool above, std::vector<float>& sample) {
    const firmware_model& model = numbers.model();
    const auto at = [&](float length) {
        for (std::size_t f = 0; f < sample.size(); ++f) {
            sample[f] = raw_value(model, f, expected[f] + length * direction[f]);
        }
        return numbers.peek(sample);
    };
    float low = 0;
    float high = 1e-3F;
    if (!(at(low) >= 0) || numbers.exceeds(at(low))) {
        return false;
    }
    while (!numbers.exceeds(at(high))) {
        high *= 2;
        if (high > 1e6F) {
            return false;
        }
    }
    for (int step = 0; step < 40; ++step) {
        const float middle = 0.5F * (low + high);
        (numbers.exceeds(at(middle)) ? high : low) = middle;
    }
    return numbers.exceeds(at(above ? high : low)) == above;
}

} // namespace detail

/// Makes a self-test: random samples about what is expected, and at every third sample with a score
/// one that is as close to the threshold as float allows, in turn below and above.
/// @param count samples with a score, after firmware_model::unscored() without. Allocates.
template <class Numbers>
firmware_self_test make_self_test(Numbers numbers, int count) {
    const firmware_model& model = numbers.model();
    const auto features = static_cast<std::size_t>(model.features);
    random_generator random{2024};
    firmware_self_test test;
    std::vector<float> sample(features);
    std::vector<float> direction(features);
    numbers.restart();
    bool above = false;
    for (int k = -model.unscored(); k < count; ++k) {
        const std::vector<float> expected = numbers.expected();
        for (float& element : direction) {
            element = static_cast<float>(random.normal());
        }
        bool found = false;
        if (k >= 0 && k % 3 == 2) {
            found = detail::find_near_threshold(numbers, expected, direction, above, sample);
            above = found ? !above : above;
        }
        if (!found) {
            for (std::size_t f = 0; f < features; ++f) {
                sample[f] = detail::raw_value(model, f, 0.7F * expected[f] + 0.5F * direction[f]);
            }
        }
        const float score = numbers.push(sample);
        test.samples.insert(test.samples.end(), sample.begin(), sample.end());
        test.scores.push_back(score);
        const float threshold = numbers.threshold();
        test.near_threshold += std::abs(score - threshold) <= 0.01F * threshold ? 1 : 0;
    }
    return test;
}

} // namespace tocsin
