/// @file window_samples.hpp
/// @brief The last samples of a stream whose network reads a window afresh for each sample.
#pragma once

#include "tocsin/firmware/float_layers.hpp"

namespace tocsin::firmware::detail {

/// A ring of scaled samples, NaN where a value is missing. Absolute errors are judged.
template <class Model, int Length>
class window_samples : public float_numbers<Model> {
  public:
    static constexpr bool reads_replacements = false; ///< they depend on the window

    /// Keeps a sample, `[features]`, scaled.
    void read(const float* inputs) noexcept {
        copy(inputs, samples_[next_]);
        next_ = static_cast<uint16_t>(next_ + 1 < Length ? next_ + 1 : 0);
    }
    /// The error of a forecast or a reconstruction.
    static TOCSIN_FIRMWARE_INLINE float deviation(int element, float observed,
                                                  float expected) noexcept {
        return __builtin_fabsf(observed - expected) - Model::error_mean[element];
    }

  protected:
    /// `[features]`; 0 is the oldest of the last Length samples.
    const float* sample(int t) const noexcept {
        const int at = next_ + t;
        return samples_[at < Length ? at : at - Length];
    }
    static void copy(const float* from, float* to) noexcept {
        for (int f = 0; f < Model::features; ++f) {
            to[f] = from[f];
        }
    }
    /// What a network reads of a sample: the value before each hole, or the mean of the training.
    /// @param first  whether there is no sample before
    /// @param inputs in: what was read of the sample before; out: of this one
    /// @return whether there was a hole
    static bool fill(const float* sample, bool first, float* inputs) noexcept {
        bool holes = false;
        for (int f = 0; f < Model::features; ++f) {
            if (!is_nan(sample[f])) {
                inputs[f] = sample[f];
                continue;
            }
            holes = true;
            if (first || Model::missing == missing_policy::mean) {
                inputs[f] = Model::input_mean[f];
            }
        }
        return holes;
    }
    /// Puts what a network expected into the holes of what it has read.
    static void refill(const float* sample, const float* expected, float* inputs) noexcept {
        for (int f = 0; f < Model::features; ++f) {
            if (is_nan(sample[f]) && is_finite(expected[f])) {
                inputs[f] = expected[f];
            }
        }
    }

  private:
    float samples_[Length][Model::features]{};
    uint16_t next_ = 0;
};

} // namespace tocsin::firmware::detail
