/// @file window_stream.hpp
/// @brief What a stream keeps for a forecaster that reads a window afresh for each sample: the
/// window.
#pragma once

#include "tocsin/firmware/window_samples.hpp"

namespace tocsin::firmware::detail {

/// The forecaster of a detector that judges windows by their newest step, as the command line's
/// does: each sample is forecast from the `window - 1` before it, beginning with zero states.
/// A push() takes as many steps as a window has, after a missing value twice as many.
/// @tparam Model   a generated model
/// @tparam Numbers the model's, such as float_numbers
/// @tparam Layers  what forecasts, such as float_layers
template <class Model, class Numbers, class Layers>
class window_stream : public window_samples<Model, Numbers, Model::window - 1> {
    static constexpr int length = Model::window - 1;
    using samples = window_samples<Model, Numbers, length>;
    using value = typename Numbers::value_type;
    using input = typename Numbers::input_type;
    static_assert(Model::targets == Model::features && Model::look_ahead == 1);

  public:
    static constexpr int shortest_warm_up = length;    ///< samples before the first score
    static constexpr bool judges_what_it_read = false; ///< but the sample that comes next

    /// Forgets the stream.
    void restart() noexcept { *this = {}; }

    /// The forecast after the last samples, `[features]`. A hole is read as the value before it; with
    /// missing_policy::forecast then once more, as what the first reading expected there.
    void forecast(value* result) const noexcept {
        Layers layers;
        Layers again; // from the first hole on
        bool holes = false;
        input inputs[Model::features];
        for (int t = 0; t < length; ++t) {
            const input* const sample = this->sample(t);
            const bool hole = samples::fill(sample, t == 0, inputs);
            if constexpr (Model::missing == missing_policy::forecast) {
                if (hole && t > 0 && !holes) {
                    again = layers;
                    holes = true;
                }
                if (holes) {
                    value expected[Model::features];
                    layers.head(expected);
                    input filled[Model::features];
                    samples::copy(inputs, filled);
                    samples::refill(sample, expected, filled);
                    again.read(filled);
                }
            }
            layers.read(inputs);
        }
        (holes ? again : layers).head(result);
    }
};

} // namespace tocsin::firmware::detail
