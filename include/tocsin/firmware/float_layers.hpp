/// @file float_layers.hpp
/// @brief The layers of a generated model in float with their state, and its numbers.
#pragma once

#include "tocsin/firmware/float_network.hpp"
#include "tocsin/firmware/model_sizes.hpp"
#include "tocsin/firmware/partial_distance.hpp"
#include "tocsin/firmware/verdict.hpp"

namespace tocsin::firmware::detail {

/// h and c of a stack of LSTM layers.
/// @tparam Hidden  array of the hidden units of each layer
/// @tparam Weights array with the weights of the layers at its begin
template <int Inputs, const auto& Hidden, const auto& Weights, class Arithmetic>
class float_lstm {
    using sizes = lstm_sizes<Inputs, Hidden>;

  public:
    /// Apart, so that what it needs of the stack is free again when a score is computed.
    /// @param inputs `[Inputs]`
    [[gnu::noinline]] void read(const float* inputs) noexcept {
        float vector[sizes::longest_vector];
        for (int k = 0; k < Inputs; ++k) {
            vector[k] = inputs[k];
        }
        read_layer<0>(vector);
    }
    /// h and c of the last layer.
    const float* top_hidden() const noexcept { return hidden_ + sizes::top_begins_at; }
    const float* top_cell() const noexcept { return cell_ + sizes::top_begins_at; }
    /// Starts the first layer from another's h and c, the others from zero.
    void start(const float* hidden, const float* cell) noexcept {
        *this = {};
        for (int k = 0; k < Hidden[0]; ++k) {
            hidden_[k] = hidden[k];
            cell_[k] = cell[k];
        }
    }

  private:
    template <int Layer>
    void read_layer(float* vector) noexcept {
        constexpr int size = Hidden[Layer];
        constexpr int first = sizes::sum_of_units(Layer);
        lstm_step<Arithmetic>(Weights + sizes::weights_of(Layer), vector, sizes::lstm_inputs(Layer),
                              size, hidden_ + first, cell_ + first);
        if constexpr (Layer + 1 < sizes::layers) {
            for (int k = 0; k < size; ++k) {
                vector[k] = hidden_[first + k];
            }
            read_layer<Layer + 1>(vector);
        }
    }

    float hidden_[sizes::units]{};
    float cell_[sizes::units]{};
};

/// The layers that forecast, or decode, with their state.
template <class Model>
class float_layers {
    using arithmetic = typename Model::arithmetic;
    using sizes = model_sizes<Model>;
    static_assert(count_of(Model::weights) == sizes::all_weights,
                  "tocsin: the model has another number of weights than its sizes need");

  public:
    /// @param inputs `[features]`, scaled
    void read(const float* inputs) noexcept { lstm_.read(inputs); }
    /// Starts the first LSTM layer from h and c of another stack.
    template <class Stack>
    void start_from(const Stack& other) noexcept {
        lstm_.start(other.top_hidden(), other.top_cell());
    }
    /// What the head makes of the last layer.
    void head(float* result) const noexcept {
        head_layer<0>(Model::weights + sizes::head_begins_at, lstm_.top_hidden(), result);
    }

  private:
    template <int Layer>
    static void head_layer(const float* weights, const float* input, float* result) noexcept {
        constexpr int inputs = sizes::head_inputs(Layer);
        constexpr int size = Model::head[Layer];
        if constexpr (Layer + 1 < sizes::head_layers) {
            float above[unsigned{size}];
            weights = dense_relu<arithmetic>(weights, input, inputs, size, above);
            head_layer<Layer + 1>(weights, above, result);
        } else {
            dense_linear<arithmetic>(weights, input, inputs, size, result);
        }
    }

    float_lstm<Model::features, Model::hidden, Model::weights, arithmetic> lstm_{};
};

/// Scaling, scores and checksum of a model whose numbers are floats.
template <class Model>
struct float_numbers {
    using value_type = float; ///< a scaled value
    using input_type = float; ///< what a network reads of it
    static constexpr int outputs = Model::targets * Model::look_ahead;

    /// What replaces a missing value.
    static constexpr float missing() noexcept { return __builtin_nanf(""); }
    static constexpr bool is_missing(float value) noexcept { return is_nan(value); }
    /// What a network reads of a scaled value; also of one that is missing.
    static constexpr float to_network(float value) noexcept { return value; }
    static constexpr bool is_hole(float input) noexcept { return is_nan(input); }
    static TOCSIN_FIRMWARE_INLINE float scale(int feature, float value) noexcept {
        return scaled(value, Model::input_offset[feature], Model::input_factor[feature]);
    }
    /// The mean of the training data, scaled.
    static constexpr float mean(int feature) noexcept { return Model::input_mean[feature]; }
    /// The forecast itself, without the mean error that forecast() has added.
    static float without_mean_error(int element, float forecast) noexcept {
        return forecast - Model::error_mean[element];
    }
    /// Whether a forecast can be read in place of a missing value.
    static constexpr bool is_usable(float forecast) noexcept { return is_finite(forecast); }
    /// The absolute error of a forecast, less its mean.
    static TOCSIN_FIRMWARE_INLINE float absolute_deviation(int element, float observed,
                                                           float expected) noexcept {
        return __builtin_fabsf(observed - expected) - Model::error_mean[element];
    }

    /// The score of deviations, `[targets * look_ahead]`.
    /// @param some whether some of them are missing; not all
    static float score(const float* deviations, bool some) noexcept {
        using arithmetic = typename Model::arithmetic;
        float distance = 0;
        if constexpr (Model::statistic == statistic_kind::diagonal) {
            constexpr bool partial = Model::missing != missing_policy::none;
            distance = diagonal_distance<arithmetic, partial>(deviations, Model::inverse_variance,
                                                              outputs);
        } else if (Model::missing == missing_policy::none || outputs == 1 || !some) {
            distance = full_distance<arithmetic>(deviations, Model::whitening, outputs);
        } else if constexpr (Model::missing != missing_policy::none && outputs > 1) {
            distance = full_distance_of_observed<arithmetic, outputs>(deviations, Model::whitening);
        }
        static_cast<void>(some);
        return distance <= __FLT_MAX__ ? distance : __FLT_MAX__;
    }
    /// What the square of a deviation counts in the shares, up to a factor for all.
    static float share_weight(int element) noexcept { return Model::inverse_variance[element]; }
    static constexpr float score_as_float(float score) noexcept { return score; }
    static constexpr bool exceeds(float score) noexcept { return score > Model::threshold; }

    /// The checksum of everything that decides scores; see tocsin::crc32.
    static constexpr uint32_t checksum() noexcept {
        uint32_t crc = 0;
        if constexpr (requires { Model::encoder_weights; }) {
            crc = add(crc, Model::encoder_weights);
        }
        crc = add(crc, Model::weights);
        crc = add(crc, Model::input_offset);
        crc = add(crc, Model::input_factor);
        crc = add(crc, Model::input_mean);
        crc = add(crc, Model::error_mean);
        if constexpr (requires { Model::layers; }) {
            for (const auto& layer : Model::layers) {
                crc = add_to_crc(crc, layer);
            }
        }
        if constexpr (requires { Model::learning_weight; }) {
            crc = add_to_crc(add_to_crc(crc, bits_of(Model::learning_weight)),
                             bits_of(Model::relative_ridge));
        }
        if constexpr (Model::statistic == statistic_kind::diagonal) {
            crc = add(crc, Model::inverse_variance);
        } else {
            crc = add(crc, Model::whitening);
        }
        return add_to_crc(crc, bits_of(Model::threshold));
    }

  private:
    template <unsigned Count>
    static constexpr uint32_t add(uint32_t crc, const float (&values)[Count]) noexcept {
        for (const float value : values) {
            crc = add_to_crc(crc, bits_of(value));
        }
        return crc;
    }
};

} // namespace tocsin::firmware::detail
