/// @file firmware_fixed.hpp
/// @brief A firmware model in integers, and the scores that it gives.
#pragma once

#include "tocsin/firmware/fixed_network.hpp"
#include "tocsin/io/firmware_model.hpp"
#include "tocsin/io/firmware_quantise.hpp"
#include "tocsin/io/firmware_stream.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <utility>
#include <vector>

namespace tocsin {

/// The numbers with a stream over them: the same functions as firmware::watcher, so the same bits.
template <class Weight>
class firmware_fixed
    : public detail::firmware_stream<firmware_fixed<Weight>, std::int16_t, std::int32_t> {
    using base = detail::firmware_stream<firmware_fixed, std::int16_t, std::int32_t>;
    friend base;
    using base::cell_;
    using base::hidden_;
    using base::model_;
    using base::reconstructs;
    using base::threshold_;
    using base::top_;

  public:
    /// In the names of headers and types.
    const char* name() const noexcept {
        return model_.window == 0        ? "fixed"
               : !model_.network.empty() ? "fixed_feed_forward"
               : reconstructs()          ? "fixed_reconstruction"
                                         : "fixed_window";
    }
    /// The numbers of the firmware.
    using numbers_type = fixed_numbers<Weight>;

    firmware_fixed(const firmware_model& model, numbers_type numbers)
        : base(model), numbers_{std::move(numbers)} {
        int longest = 0;
        for (const auto* layers : {&model_.encoder, &model_.lstm}) {
            for (const firmware_layer& layer : *layers) {
                const int hidden = layer.rows / 4;
                longest =
                    std::max(longest, firmware::detail::whole_quads(hidden) +
                                          firmware::detail::whole_quads(layer.columns - hidden));
            }
        }
        vector_.resize(static_cast<std::size_t>(longest));
    }

    /// The numbers of the firmware.
    const numbers_type& numbers() const noexcept { return numbers_; }
    /// Bytes of flash for weights, scaler, means, statistic and the table of tanh.
    std::size_t flash() const noexcept {
        const auto of = [](const auto& layers) {
            return sizeof(Weight) * layers.weights.size() + 8 * layers.gate_rows.size() +
                   12 * layers.gate_shifts.size();
        };
        return of(numbers_.encoder) + of(numbers_.lstm) +
               sizeof(std::int16_t) * numbers_.head_weights.size() +
               8 * numbers_.dense_rows.size() +
               (sizeof(firmware::detail::fixed_layer) + sizeof(firmware::feed_forward_layer)) *
                   numbers_.layer_numbers.size() +
               12 * numbers_.input_factor.size() + 4 * numbers_.error_mean.size() +
               4 * numbers_.statistic.size() + sizeof firmware::detail::tanh_table;
    }
    /// See firmware::detail::fixed_numbers::checksum().
    std::uint32_t checksum() const noexcept {
        std::uint32_t crc = 0;
        const auto add = [&crc](std::int32_t value) {
            crc = firmware::detail::add_to_crc(crc, static_cast<std::uint32_t>(value));
        };
        for (const auto* layers : {&numbers_.encoder, &numbers_.lstm}) {
            for (const Weight weight : layers->weights) {
                add(weight);
            }
            for (const auto& row : layers->gate_rows) {
                add(row.bias);
                add(row.input_factor);
                add(row.hidden_factor);
            }
            for (const auto& shifts : layers->gate_shifts) {
                add(shifts.input_sum);
                add(shifts.hidden_sum);
                add(shifts.result);
            }
        }
        for (std::size_t k = 0; k < model_.network.size(); ++k) {
            crc = firmware::detail::add_to_crc(crc, model_.network[k].shape);
            crc = firmware::detail::add_to_crc(crc, numbers_.layer_numbers[k]);
        }
        if (model_.network.empty()) {
            add(numbers_.dense_shift);
        }
        std::for_each(numbers_.head_weights.begin(), numbers_.head_weights.end(), add);
        for (const auto& row : numbers_.dense_rows) {
            add(row.bias);
            add(row.factor);
        }
        add(numbers_.score_shift);
        add(numbers_.largest_element);
        for (const auto* means : {&numbers_.input_mean, &numbers_.error_mean}) {
            std::for_each(means->begin(), means->end(), add);
        }
        for (std::size_t f = 0; f < model_.offset.size(); ++f) {
            add(std::bit_cast<std::int32_t>(model_.offset[f]));
            add(std::bit_cast<std::int32_t>(numbers_.input_factor[f]));
        }
        for (const std::int32_t value : numbers_.statistic) {
            add(value);
        }
        add(std::bit_cast<std::int32_t>(numbers_.score_unit));
        add(std::bit_cast<std::int32_t>(threshold_));
        return crc;
    }

  private:
    static std::int16_t to_input(std::int32_t value) noexcept {
        return firmware::detail::to_input(value);
    }
    static float input_value(std::int16_t input) noexcept {
        return std::ldexp(static_cast<float>(input), -firmware::detail::input_fraction);
    }
    static float output_value(std::int32_t output) noexcept {
        return std::ldexp(static_cast<float>(output), -firmware::detail::sample_fraction);
    }
    std::int32_t mean_of_error(std::size_t k) const noexcept { return numbers_.error_mean[k]; }
    std::int32_t scaled(std::span<const float> sample, std::size_t f) const noexcept {
        return firmware::detail::to_sample(firmware::separate_arithmetic::multiply(
            sample[f] - model_.offset[f], numbers_.input_factor[f]));
    }
    float distance(const std::vector<std::int32_t>& deviations) const noexcept {
        const auto by = model_.statistic == firmware::statistic_kind::diagonal
                            ? &firmware::detail::fixed_diagonal_distance
                            : &firmware::detail::fixed_full_distance;
        const std::uint32_t score =
            by(deviations.data(), numbers_.statistic.data(), model_.outputs(), numbers_.score_shift,
               numbers_.largest_element);
        return static_cast<float>(score) * numbers_.score_unit;
    }
    void read_encoder(const std::vector<std::int16_t>& inputs) {
        read(model_.encoder, numbers_.encoder, inputs);
    }
    void read_lstm(const std::vector<std::int16_t>& inputs) {
        read(model_.lstm, numbers_.lstm, inputs);
    }
    void read(const std::vector<firmware_layer>& layers,
              const typename numbers_type::layers& packed,
              const std::vector<std::int16_t>& inputs) {
        std::fill(vector_.begin(), vector_.end(), std::int16_t{0});
        std::copy(inputs.begin(), inputs.end(), vector_.begin());
        const Weight* weights = packed.weights.data();
        const firmware::detail::fixed_gate_row* rows = packed.gate_rows.data();
        std::size_t at = 0;
        for (std::size_t k = 0; k < layers.size(); ++k) {
            const int hidden = layers[k].rows / 4;
            weights = firmware::detail::fixed_lstm_step(
                weights, rows, packed.gate_shifts[k], vector_.data(), layers[k].columns - hidden,
                hidden, hidden_.data() + at, cell_.data() + at);
            rows += std::ptrdiff_t{4} * hidden;
            std::fill(vector_.begin(), vector_.end(), std::int16_t{0});
            std::copy_n(hidden_.data() + at, hidden, vector_.data());
            top_ = at;
            at += static_cast<std::size_t>(hidden);
        }
    }
    void run_network(const std::vector<std::vector<std::int16_t>>& window,
                     const std::vector<std::int16_t>& newest, std::vector<std::int32_t>& result) {
        auto scratch = base::template network_scratch<std::int32_t, std::int16_t>(window, newest);
        const firmware::detail::fixed_layer_sums<Weight> sums{
            numbers_.lstm.weights.data(), numbers_.dense_rows.data(), numbers_.layer_numbers.data(),
            numbers_.head_weights.data(), static_cast<int>(numbers_.layer_numbers.size()) - 1};
        const std::int32_t* const outputs = scratch.run(sums, model_.window);
        std::copy_n(outputs, result.size(), result.begin());
    }
    /// From h, which read() leaves in vector_.
    void forecast(std::vector<std::int32_t>& result) {
        firmware::detail::fixed_row_sums(numbers_.head_weights.data(), vector_.data(),
                                         model_.head[0].columns, model_.outputs(), result.data());
        firmware::detail::scale_fixed_rows(numbers_.dense_rows.data(), numbers_.dense_shift,
                                           model_.outputs(), result.data());
    }

    numbers_type numbers_;
    std::vector<std::int16_t> vector_;
};

} // namespace tocsin
