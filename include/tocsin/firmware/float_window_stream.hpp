/// @file float_window_stream.hpp
/// @brief What a stream keeps for a forecaster that reads a window afresh for each sample: the
/// window.
#pragma once

#include "tocsin/firmware/float_layers.hpp"

namespace tocsin::firmware {

/// The forecaster of a detector that judges windows by their newest step, as that of the command
/// line does: each sample is forecast from the `window - 1` before it, beginning with zero states.
/// The absolute error is judged. A push() takes as many steps as a window has.
/// @tparam Model a generated model whose numbers are floats
template <class Model>
class float_window_stream : public detail::float_numbers<Model> {
    static constexpr int length = Model::window - 1;
    static_assert(Model::targets == Model::features && Model::look_ahead == 1);

  public:
    static constexpr int shortest_warm_up = length;   ///< samples before the first score
    static constexpr bool reads_replacements = false; ///< they depend on the window

    /// Forgets the stream.
    void restart() noexcept { *this = {}; }

    /// Keeps a sample, `[features]`, scaled, NaN where missing.
    void read(const float* inputs) noexcept {
        for (int f = 0; f < Model::features; ++f) {
            samples_[next_][f] = inputs[f];
        }
        next_ = static_cast<uint16_t>(next_ + 1 < length ? next_ + 1 : 0);
    }
    /// The forecast after the last `length` samples, `[features]`.
    void forecast(float* result) const noexcept {
        detail::float_layers<Model> layers;
        float inputs[Model::features];
        int at = next_;
        for (int t = 0; t < length; ++t) {
            float vector[detail::model_sizes<Model>::longest_vector];
            for (int f = 0; f < Model::features; ++f) {
                const float value = samples_[at][f];
                if (!detail::is_nan(value)) {
                    inputs[f] = value;
                } else if (t == 0 || Model::missing == missing_policy::mean) {
                    inputs[f] = Model::input_mean[f];
                } // else the value before it stays
                vector[f] = inputs[f];
            }
            layers.read(vector);
            at = at + 1 < length ? at + 1 : 0;
        }
        layers.head(result);
    }
    /// The error of a reconstruction.
    static TOCSIN_FIRMWARE_INLINE float deviation(int element, float observed,
                                                  float forecast) noexcept {
        return __builtin_fabsf(observed - forecast) - Model::error_mean[element];
    }

  private:
    float samples_[length][Model::features]{};
    uint16_t next_ = 0;
};

} // namespace tocsin::firmware
