/// @file float_linear_stream.hpp
/// @brief What a stream keeps for a linear forecaster in float: its last samples.
#pragma once

#include "tocsin/firmware/float_layers.hpp"

namespace tocsin::firmware {

/// The forecast of the next sample is an affine function of the last `order` samples, zero before
/// the first one; see tocsin::linear_forecaster.
/// @tparam Model a generated model whose numbers are floats
template <class Model>
class float_linear_stream : public detail::float_numbers<Model> {
    static constexpr int inputs = Model::features * Model::order;
    static_assert(Model::look_ahead == 1);
    static_assert(detail::count_of(Model::weights) == detail::dense_weights(inputs, Model::targets),
                  "tocsin: the model has another number of weights than its sizes need");

  public:
    /// Samples after a start without a forecast.
    static constexpr int shortest_warm_up = 1;
    /// Whether read() expects replacements for missing values.
    static constexpr bool reads_replacements = true;
    /// Whether the newest sample read is judged, not the one that comes next.
    static constexpr bool judges_what_it_read = false;

    /// Forgets the stream.
    void restart() noexcept { *this = {}; }

    /// Reads a sample, `[features]`, scaled.
    void read(const float* sample) noexcept {
        constexpr int kept = inputs - Model::features;
        for (int k = 0; k < kept; ++k) {
            past_[k] = past_[k + Model::features];
        }
        for (int f = 0; f < Model::features; ++f) {
            // Forecasts in the place of missing values may grow without end.
            past_[kept + f] = detail::within(detail::largest_input, sample[f]);
        }
    }
    /// Forecasts after the samples so far, `[targets]`, plus the mean error.
    void forecast(float* result) const noexcept {
        detail::dense_linear<typename Model::arithmetic>(Model::weights, past_, inputs,
                                                         Model::targets, result);
    }
    /// The error of a forecast.
    static TOCSIN_FIRMWARE_INLINE float deviation(int /*element*/, float observed,
                                                  float forecast) noexcept {
        return observed - forecast;
    }

  private:
    float past_[unsigned{inputs}]{}; // the oldest sample first
};

} // namespace tocsin::firmware
