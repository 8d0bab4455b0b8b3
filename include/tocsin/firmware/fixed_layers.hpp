/// @file fixed_layers.hpp
/// @brief The layers of a generated model in integers with their state, and its numbers.
#pragma once

#include "tocsin/firmware/fixed_network.hpp"
#include "tocsin/firmware/model_sizes.hpp"
#include "tocsin/firmware/partial_distance.hpp"
#include "tocsin/firmware/verdict.hpp"

#include <stddef.h>

namespace tocsin::firmware::detail {

/// h and c of a stack of LSTM layers.
/// @tparam Hidden  array of the hidden units of each layer
/// @tparam Weights array with the weights of the layers at its begin
/// @tparam Rows    of the gates of all layers
/// @tparam Shifts  of each layer
template <int Inputs, const auto& Hidden, const auto& Weights, const auto& Rows, const auto& Shifts>
class fixed_lstm {
    using sizes = lstm_sizes<Inputs, Hidden>;
    static constexpr int quads_of(int layer) noexcept {
        return whole_quads(sizes::lstm_inputs(layer)) + whole_quads(Hidden[layer]);
    }
    static constexpr int longest_vector = [] {
        int longest = 0;
        for (int k = 0; k < sizes::layers; ++k) {
            longest = quads_of(k) > longest ? quads_of(k) : longest;
        }
        return longest;
    }();
    static_assert(count_of(Rows) == 4 * sizes::units && count_of(Shifts) == sizes::layers,
                  "tocsin: the model has another number of rows than its sizes need");

  public:
    /// Weights of the first layers.
    static constexpr int weights_of(int layers) noexcept {
        int sum = 0;
        for (int k = 0; k < layers; ++k) {
            sum += 4 * Hidden[k] * quads_of(k);
        }
        return sum;
    }
    static constexpr int weights = weights_of(sizes::layers);

    /// Apart, so that what it needs of the stack is free again when a score is computed.
    /// @param inputs `[Inputs]`, or scaled values that are not missing
    template <class Input>
    [[gnu::noinline]] void read(const Input* inputs) noexcept {
        alignas(4) int16_t vector[unsigned{longest_vector}];
        for (int k = 0; k < whole_quads(Inputs); ++k) {
            vector[k] = k < Inputs ? as_input(inputs[k]) : int16_t{0};
        }
        read_layer<0>(vector);
    }
    /// h and c of the last layer.
    const int16_t* top_hidden() const noexcept { return hidden_ + sizes::top_begins_at; }
    const int32_t* top_cell() const noexcept { return cell_ + sizes::top_begins_at; }
    /// Starts the first layer from another's h and c, the others from zero.
    void start(const int16_t* hidden, const int32_t* cell) noexcept {
        *this = {};
        for (int k = 0; k < Hidden[0]; ++k) {
            hidden_[k] = hidden[k];
            cell_[k] = cell[k];
        }
    }

  private:
    static constexpr int16_t as_input(int16_t input) noexcept { return input; }
    static constexpr int16_t as_input(int32_t value) noexcept { return to_input(value); }
    /// In line, so that `vector` has a fixed place on the stack and no pointer is kept there.
    template <int Layer>
    TOCSIN_FIRMWARE_INLINE void read_layer(int16_t* vector) noexcept {
        constexpr int size = Hidden[Layer];
        constexpr int first = sizes::sum_of_units(Layer);
        fixed_lstm_step(Weights + weights_of(Layer), Rows + 4 * first, Shifts[Layer], vector,
                        sizes::lstm_inputs(Layer), size, hidden_ + first, cell_ + first);
        if constexpr (Layer + 1 < sizes::layers) {
            for (int k = 0; k < whole_quads(size); ++k) {
                vector[k] = k < size ? hidden_[first + k] : int16_t{0};
            }
            read_layer<Layer + 1>(vector);
        }
    }

    int32_t cell_[sizes::units]{};
    int16_t hidden_[sizes::units]{};
};

/// The layers that forecast, or decode, with their state.
template <class Model>
class fixed_layers {
    using lstm = fixed_lstm<Model::features, Model::hidden, Model::weights, Model::gate_rows,
                            Model::gate_shifts>;
    using sizes = model_sizes<Model>;
    static_assert(sizes::head_layers == 1 && count_of(Model::dense_rows) == sizes::outputs &&
                      count_of(Model::weights) == lstm::weights &&
                      count_of(Model::head_weights) == sizes::outputs * whole_quads(sizes::top),
                  "tocsin: the model has another number of weights than its sizes need");

  public:
    /// @param inputs `[features]`, or scaled values that are not missing
    template <class Input>
    void read(const Input* inputs) noexcept {
        lstm_.read(inputs);
    }
    /// Starts the first LSTM layer from h and c of another stack.
    template <class Stack>
    void start_from(const Stack& other) noexcept {
        lstm_.start(other.top_hidden(), other.top_cell());
    }
    /// What the head makes of the last layer.
    void head(int32_t* result) const noexcept {
        constexpr int inputs = sizes::top;
        if constexpr (inputs % 4 == 0 && sizes::top_begins_at % 2 == 0) { // read where it lies
            head_of(lstm_.top_hidden(), result);
        } else {
            alignas(4) int16_t vector[unsigned{whole_quads(inputs)}];
            for (int k = 0; k < whole_quads(inputs); ++k) {
                vector[k] = k < inputs ? lstm_.top_hidden()[k] : int16_t{0};
            }
            head_of(vector, result);
        }
    }

  private:
    static void head_of(const int16_t* vector, int32_t* result) noexcept {
        fixed_row_sums(Model::head_weights, vector, sizes::top, sizes::outputs, result);
        scale_fixed_rows(Model::dense_rows, Model::dense_shift, sizes::outputs, result);
    }

    lstm lstm_{};
};

/// Scaling, scores and checksum of a model whose numbers are integers.
template <class Model>
struct fixed_numbers {
    using value_type = int32_t; ///< a scaled value, 16 bits behind the point
    using input_type = int16_t; ///< what a network reads of it
    static constexpr int outputs = Model::targets * Model::look_ahead;

    /// What replaces a missing value.
    static constexpr int32_t missing() noexcept { return INT32_MIN; }
    static constexpr bool is_missing(int32_t value) noexcept { return value == INT32_MIN; }
    /// What a network reads of a scaled value; also of one that is missing.
    static constexpr int16_t to_network(int32_t value) noexcept {
        return value == INT32_MIN ? INT16_MIN : to_input(value);
    }
    static constexpr bool is_hole(int16_t input) noexcept { return input == INT16_MIN; }
    static TOCSIN_FIRMWARE_INLINE int32_t scale(int feature, float value) noexcept {
        return to_sample(separate_arithmetic::multiply(value - Model::input_offset[feature],
                                                       Model::input_factor[feature]));
    }
    /// The mean of the training data, scaled.
    static constexpr int32_t mean(int feature) noexcept { return Model::input_mean[feature]; }
    /// The forecast itself, without the mean error that forecast() has added.
    static int32_t without_mean_error(int element, int32_t forecast) noexcept {
        return forecast - Model::error_mean[element];
    }
    /// Whether a forecast can be read in place of a missing value.
    static constexpr bool is_usable(int32_t /*forecast*/) noexcept { return true; }
    /// The absolute error of a forecast, less its mean.
    static TOCSIN_FIRMWARE_INLINE int32_t absolute_deviation(int element, int32_t observed,
                                                             int32_t expected) noexcept {
        const int32_t error = observed - expected;
        return (error < 0 ? -error : error) - Model::error_mean[element];
    }

    /// The score of deviations, `[targets * look_ahead]`, in units of score_unit.
    /// @param some whether some of them are missing; not all
    static uint32_t score(const int32_t* deviations, bool some) noexcept {
        static_cast<void>(some);
        if constexpr (Model::statistic == statistic_kind::diagonal) {
            return fixed_diagonal_distance(deviations, Model::deviation_factors, outputs,
                                           Model::score_shift, Model::largest_element);
        } else {
            if constexpr (Model::missing != missing_policy::none && outputs > 1) {
                if (some) {
                    return score_of_observed(deviations);
                }
            }
            return fixed_full_distance(deviations, Model::whitening, outputs, Model::score_shift,
                                       Model::largest_element);
        }
    }
    /// What the square of a deviation counts in the shares, up to a factor for all.
    static float share_weight(int element) noexcept {
        const auto factor = static_cast<float>(Model::deviation_factors[element]);
        return separate_arithmetic::multiply(factor, factor);
    }
    static TOCSIN_FIRMWARE_INLINE float score_as_float(uint32_t score) noexcept {
        return static_cast<float>(score) * Model::score_unit; // a power of two: exact
    }
    static TOCSIN_FIRMWARE_INLINE bool exceeds(uint32_t score) noexcept {
        return score_as_float(score) > Model::threshold;
    }

    /// The checksum of everything that decides scores; see tocsin::crc32.
    static constexpr uint32_t checksum() noexcept {
        uint32_t crc = 0;
        if constexpr (requires { Model::encoder_weights; }) {
            crc = add(crc, Model::encoder_weights);
            crc = add_rows(crc, Model::encoder_gate_rows, Model::encoder_gate_shifts);
        }
        crc = add(crc, Model::weights);
        if constexpr (requires { Model::layers; }) {
            for (int k = 0; k < count_of(Model::layers); ++k) {
                crc = add_to_crc(add_to_crc(crc, Model::layers[k]), Model::layer_numbers[k]);
            }
        } else {
            crc = add_rows(crc, Model::gate_rows, Model::gate_shifts);
            crc = add_to_crc(crc, static_cast<uint32_t>(int32_t{Model::dense_shift}));
        }
        crc = add(crc, Model::head_weights);
        for (const auto& row : Model::dense_rows) {
            crc = add_to_crc(crc, static_cast<uint32_t>(row.bias));
            crc = add_to_crc(crc, static_cast<uint32_t>(row.factor));
        }
        const int32_t others[] = {Model::score_shift, Model::largest_element};
        crc = add(crc, others);
        crc = add(crc, Model::input_mean);
        crc = add(crc, Model::error_mean);
        for (int f = 0; f < Model::features; ++f) {
            crc = add_to_crc(crc, bits_of(Model::input_offset[f]));
            crc = add_to_crc(crc, bits_of(Model::input_factor[f]));
        }
        if constexpr (Model::statistic == statistic_kind::diagonal) {
            crc = add(crc, Model::deviation_factors);
        } else {
            crc = add(crc, Model::whitening);
        }
        return add_to_crc(add_to_crc(crc, bits_of(Model::score_unit)), bits_of(Model::threshold));
    }

  private:
    /// In float: it is rare, and orthogonal columns take more digits than integers have.
    static uint32_t score_of_observed(const int32_t* deviations) noexcept {
        constexpr int elements = count_of(Model::whitening);
        static_assert(Model::score_shift >= 0 && Model::score_shift <= 40);
        constexpr auto unit = __builtin_bit_cast( // 2^-score_shift
            float, static_cast<uint32_t>(127 - Model::score_shift) << 23U);
        float errors[unsigned{outputs}];
        // Converted first, marked then: g++ writes a conditional conversion as an instruction that
        // its assembler takes for another one of a Cortex-M55.
        for (int k = 0; k < outputs; ++k) {
            errors[k] = static_cast<float>(deviations[k]);
        }
        for (int k = 0; k < outputs; ++k) {
            if (deviations[k] == INT32_MIN) {
                errors[k] = __builtin_nanf("");
            }
        }
        float whitening[unsigned{elements}];
        for (int k = 0; k < elements; ++k) {
            whitening[k] =
                separate_arithmetic::multiply(static_cast<float>(Model::whitening[k]), unit);
        }
        const float score =
            full_distance_of_observed<separate_arithmetic, outputs>(errors, whitening);
        return static_cast<uint32_t>(score < 4e9F ? score : 4e9F);
    }
    template <class Value, unsigned Count>
    static constexpr uint32_t add(uint32_t crc, const Value (&values)[Count]) noexcept {
        for (const Value value : values) {
            crc = add_to_crc(crc, static_cast<uint32_t>(int32_t{value}));
        }
        return crc;
    }
    template <unsigned Rows, unsigned Layers>
    static constexpr uint32_t add_rows(uint32_t crc, const fixed_gate_row (&rows)[Rows],
                                       const fixed_shifts (&shifts)[Layers]) noexcept {
        for (const fixed_gate_row& row : rows) {
            crc = add_to_crc(crc, static_cast<uint32_t>(row.bias));
            crc = add_to_crc(crc, static_cast<uint32_t>(int32_t{row.input_factor}));
            crc = add_to_crc(crc, static_cast<uint32_t>(int32_t{row.hidden_factor}));
        }
        for (const fixed_shifts& layer : shifts) {
            const int32_t all[] = {layer.input_sum, layer.hidden_sum, layer.result};
            crc = add(crc, all);
        }
        return crc;
    }
};

} // namespace tocsin::firmware::detail
