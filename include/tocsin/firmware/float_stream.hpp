/// @file float_stream.hpp
/// @brief The network of a generated model in float, with the state that a stream keeps.
#pragma once

#include "tocsin/firmware/float_network.hpp"
#include "tocsin/firmware/model_sizes.hpp"
#include "tocsin/firmware/partial_distance.hpp"
#include "tocsin/firmware/verdict.hpp"

namespace tocsin::firmware {

/// @tparam Model a generated model whose numbers are floats
template <class Model>
class float_stream {
    using arithmetic = typename Model::arithmetic;
    using sizes = detail::model_sizes<Model>;

  public:
    using value_type = float; ///< a scaled value
    static constexpr int outputs = sizes::outputs;

    /// What stands for a missing value.
    static constexpr float missing() noexcept { return __builtin_nanf(""); }
    static constexpr bool is_missing(float value) noexcept { return detail::is_nan(value); }
    static TOCSIN_FIRMWARE_INLINE float scale(int feature, float value) noexcept {
        return detail::scaled(value, Model::input_offset[feature], Model::input_factor[feature]);
    }
    /// The mean of the training data, scaled.
    static constexpr float mean(int feature) noexcept { return Model::input_mean[feature]; }

    void restart() noexcept { *this = {}; }

    /// Reads a sample, `[features]`, scaled.
    void read(const float* inputs) noexcept {
        float vector[sizes::longest_vector];
        for (int f = 0; f < Model::features; ++f) {
            vector[f] = inputs[f];
        }
        read_layer<0>(Model::weights, vector, hidden_, cell_);
    }
    /// Forecasts after the samples so far, `[targets * look_ahead]`, plus the mean error.
    void forecast(float* result) const noexcept {
        head_layer<0>(Model::weights + sizes::head_begins_at, hidden_ + sizes::top_begins_at,
                      result);
    }
    /// A forecast as such.
    static float without_mean_error(int element, float forecast) noexcept {
        return forecast - Model::error_mean[element];
    }
    static float deviation(float observed, float forecast) noexcept { return observed - forecast; }

    /// The score of deviations, `[targets * look_ahead]`.
    /// @param some whether some of them are missing; not all
    static float score(const float* deviations, bool some) noexcept {
        float distance;
        if constexpr (Model::statistic == statistic_kind::diagonal) {
            distance = Model::missing == missing_policy::none
                           ? detail::diagonal_distance<arithmetic, false>(
                                 deviations, Model::inverse_variance, outputs)
                           : detail::diagonal_distance<arithmetic, true>(
                                 deviations, Model::inverse_variance, outputs);
        } else {
            if constexpr (Model::missing != missing_policy::none) {
                if (some) {
                    return in_range(detail::full_distance_of_observed<arithmetic, outputs>(
                        deviations, Model::whitening));
                }
            }
            distance =
                detail::full_distance<arithmetic>(deviations, Model::whitening, outputs);
        }
        static_cast<void>(some);
        return in_range(distance);
    }
    static constexpr float score_as_float(float score) noexcept { return score; }
    static constexpr bool exceeds(float score) noexcept { return score > Model::threshold; }

    /// The checksum of everything that decides scores; see tocsin::crc32.
    static uint32_t checksum() noexcept {
        uint32_t crc = add(0, Model::weights);
        crc = add(crc, Model::input_offset);
        crc = add(crc, Model::input_factor);
        if constexpr (Model::statistic == statistic_kind::diagonal) {
            crc = add(crc, Model::inverse_variance);
        } else {
            crc = add(crc, Model::whitening);
        }
        return detail::add_to_crc(crc, detail::bits_of(Model::threshold));
    }

  private:
    static constexpr float in_range(float distance) noexcept {
        return distance <= __FLT_MAX__ ? distance : __FLT_MAX__;
    }
    template <int Count>
    static uint32_t add(uint32_t crc, const float (&values)[Count]) noexcept {
        for (float value : values) {
            crc = detail::add_to_crc(crc, detail::bits_of(value));
        }
        return crc;
    }

    template <int Layer>
    static void read_layer(const float* weights, float* vector, float* hidden,
                           float* cell) noexcept {
        constexpr int size = Model::hidden[Layer];
        weights = detail::lstm_step<arithmetic>(weights, vector, sizes::lstm_inputs(Layer), size,
                                                hidden, cell);
        if constexpr (Layer + 1 < sizes::layers) {
            for (int k = 0; k < size; ++k) {
                vector[k] = hidden[k];
            }
            read_layer<Layer + 1>(weights, vector, hidden + size, cell + size);
        }
    }
    template <int Layer>
    static void head_layer(const float* weights, const float* input, float* result) noexcept {
        constexpr int inputs = sizes::head_inputs(Layer);
        constexpr int size = Model::head[Layer];
        if constexpr (Layer + 1 < sizes::head_layers) {
            float above[size];
            weights = detail::dense_relu<arithmetic>(weights, input, inputs, size, above);
            head_layer<Layer + 1>(weights, above, result);
        } else {
            detail::dense_linear<arithmetic>(weights, input, inputs, size, result);
        }
    }

    float hidden_[sizes::units]{};
    float cell_[sizes::units]{};
};

} // namespace tocsin::firmware
