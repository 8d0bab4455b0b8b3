/// @file fixed_stream.hpp
/// @brief The network of a generated model in integers, with the state that a stream keeps.
#pragma once

#include "tocsin/firmware/fixed_network.hpp"
#include "tocsin/firmware/model_sizes.hpp"
#include "tocsin/firmware/verdict.hpp"

#include <stddef.h>

namespace tocsin::firmware {

/// @tparam Model a generated model whose numbers are integers
template <class Model>
class fixed_stream {
    using sizes = detail::model_sizes<Model>;
    static_assert(sizes::head_layers == 1);

  public:
    using value_type = int32_t;                    ///< a scaled value, 16 bits behind the point
    static constexpr int outputs = sizes::outputs; ///< values that the network writes
    /// Samples after a start without a forecast.
    static constexpr int shortest_warm_up = Model::look_ahead;
    /// Whether read() expects replacements for missing values.
    static constexpr bool reads_replacements = true;
    /// Whether the newest sample read is judged, not the one that comes next.
    static constexpr bool judges_what_it_read = false;

    /// What replaces a missing value.
    static constexpr int32_t missing() noexcept { return INT32_MIN; }
    /// Whether a value is missing.
    static constexpr bool is_missing(int32_t value) noexcept { return value == INT32_MIN; }
    /// A value in the units of the network.
    static TOCSIN_FIRMWARE_INLINE int32_t scale(int feature, float value) noexcept {
        return detail::to_sample(separate_arithmetic::multiply(value - Model::input_offset[feature],
                                                               Model::input_factor[feature]));
    }
    /// What represents the mean of a feature.
    static constexpr int32_t mean(int feature) noexcept { return Model::input_mean[feature]; }

    /// Forgets the stream.
    void restart() noexcept { *this = {}; }

    /// Reads a sample, `[features]`, scaled.
    void read(const int32_t* inputs) noexcept {
        alignas(4) int16_t vector[longest_vector];
        for (int f = 0; f < detail::whole_quads(Model::features); ++f) {
            vector[f] = f < Model::features ? detail::to_input(inputs[f]) : int16_t{0};
        }
        read_layer<0>(Model::weights, Model::gate_rows, vector, hidden_, cell_);
    }
    /// Forecasts after the samples so far, `[targets * look_ahead]`, plus the mean error.
    void forecast(int32_t* result) const noexcept {
        constexpr int inputs = Model::hidden[sizes::layers - 1];
        alignas(4) int16_t vector[detail::whole_quads(inputs)];
        for (int k = 0; k < detail::whole_quads(inputs); ++k) {
            vector[k] = k < inputs ? hidden_[sizes::top_begins_at + k] : int16_t{0};
        }
        detail::fixed_dense(Model::weights + head_begins_at, Model::dense_rows, Model::dense_shift,
                            vector, inputs, outputs,
                            [&](int row, int32_t value) { result[row] = value; });
    }
    /// The forecast itself.
    static int32_t without_mean_error(int element, int32_t forecast) noexcept {
        return forecast - Model::error_mean[element];
    }
    /// The error of a forecast.
    static int32_t deviation(int /*element*/, int32_t observed, int32_t forecast) noexcept {
        return observed - forecast;
    }

    /// The score of deviations, `[targets * look_ahead]`, in units of score_unit.
    static uint32_t score(const int32_t* deviations, bool /*some*/) noexcept {
        if constexpr (Model::statistic == statistic_kind::diagonal) {
            return detail::fixed_diagonal_distance(deviations, Model::deviation_factors, outputs,
                                                   Model::score_shift, Model::largest_element);
        } else {
            static_assert(Model::missing == missing_policy::none);
            return detail::fixed_full_distance(deviations, Model::whitening, outputs,
                                               Model::score_shift, Model::largest_element);
        }
    }
    /// The score as a number.
    static TOCSIN_FIRMWARE_INLINE float score_as_float(uint32_t score) noexcept {
        return static_cast<float>(score) * Model::score_unit; // a power of two: exact
    }
    static TOCSIN_FIRMWARE_INLINE bool exceeds(uint32_t score) noexcept {
        return score_as_float(score) > Model::threshold;
    }

    /// The checksum of everything that decides scores.
    static uint32_t checksum() noexcept {
        uint32_t crc = 0;
        for (const auto weight : Model::weights) {
            crc = detail::add_to_crc(crc, static_cast<uint32_t>(int32_t{weight}));
        }
        for (const auto& row : Model::gate_rows) {
            crc = detail::add_to_crc(crc, static_cast<uint32_t>(row.bias));
            crc = detail::add_to_crc(crc, static_cast<uint32_t>(int32_t{row.input_factor}));
            crc = detail::add_to_crc(crc, static_cast<uint32_t>(int32_t{row.hidden_factor}));
        }
        for (const auto& row : Model::dense_rows) {
            crc = detail::add_to_crc(crc, static_cast<uint32_t>(row.bias));
            crc = detail::add_to_crc(crc, static_cast<uint32_t>(row.factor));
        }
        for (int f = 0; f < Model::features; ++f) {
            crc = detail::add_to_crc(crc, detail::bits_of(Model::input_offset[f]));
            crc = detail::add_to_crc(crc, detail::bits_of(Model::input_factor[f]));
        }
        if constexpr (Model::statistic == statistic_kind::diagonal) {
            crc = add(crc, Model::deviation_factors);
        } else {
            crc = add(crc, Model::whitening);
        }
        return detail::add_to_crc(crc, detail::bits_of(Model::threshold));
    }

  private:
    template <int Count>
    static uint32_t add(uint32_t crc, const int32_t (&values)[Count]) noexcept {
        for (const int32_t value : values) {
            crc = detail::add_to_crc(crc, static_cast<uint32_t>(value));
        }
        return crc;
    }
    static constexpr int quads_of(int layer) noexcept {
        return detail::whole_quads(sizes::lstm_inputs(layer)) +
               detail::whole_quads(Model::hidden[layer]);
    }
    static constexpr int longest_vector = [] {
        int longest = 0;
        for (int k = 0; k < sizes::layers; ++k) {
            longest = quads_of(k) > longest ? quads_of(k) : longest;
        }
        return longest;
    }();
    static constexpr int head_begins_at = [] {
        int sum = 0;
        for (int k = 0; k < sizes::layers; ++k) {
            sum += 4 * Model::hidden[k] * quads_of(k);
        }
        return sum;
    }();
    static_assert(detail::count_of(Model::weights) ==
                      head_begins_at +
                          outputs * detail::whole_quads(Model::hidden[sizes::layers - 1]) &&
                  detail::count_of(Model::gate_rows) == 4 * sizes::units &&
                  detail::count_of(Model::dense_rows) == outputs);

    template <int Layer, class Weight>
    static void read_layer(const Weight* weights, const detail::fixed_gate_row* rows,
                           int16_t* vector, int16_t* hidden, int32_t* cell) noexcept {
        constexpr int size = Model::hidden[Layer];
        weights = detail::fixed_lstm_step(weights, rows, Model::gate_shifts[Layer], vector,
                                          sizes::lstm_inputs(Layer), size, hidden, cell);
        if constexpr (Layer + 1 < sizes::layers) {
            constexpr int quads = detail::whole_quads(size);
            for (int k = 0; k < quads; ++k) {
                vector[k] = k < size ? hidden[k] : int16_t{0};
            }
            read_layer<Layer + 1>(weights, rows + ptrdiff_t{4} * size, vector, hidden + size,
                                  cell + size);
        }
    }

    int32_t cell_[sizes::units]{};
    int16_t hidden_[sizes::units]{};
};

} // namespace tocsin::firmware
