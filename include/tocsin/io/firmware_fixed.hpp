/// @file firmware_fixed.hpp
/// @brief A firmware model in integers, and the scores that it gives.
#pragma once

#include "tocsin/firmware/fixed_network.hpp"
#include "tocsin/io/firmware_model.hpp"
#include "tocsin/io/firmware_quantise.hpp"

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

/// The numbers with a stream over them: the same functions as
/// firmware::watcher, so the same bits.
template <class Weight>
class firmware_fixed {
  public:
    /// In the names of headers and types.
    const char* name() const noexcept {
        return model_.window == 0 ? "fixed"
               : reconstructs()   ? "fixed_reconstruction"
                                  : "fixed_window";
    }
    /// The numbers of the firmware.
    using numbers_type = fixed_numbers<Weight>;

    firmware_fixed(const firmware_model& model, numbers_type numbers)
        : model_{model}, numbers_{std::move(numbers)},
          threshold_{static_cast<float>(model.threshold)} {
        int units = 0;
        int longest = 0;
        for (const auto* layers : {&model_.encoder, &model_.lstm}) {
            int sum = 0;
            for (const firmware_layer& layer : *layers) {
                const int hidden = layer.rows / 4;
                sum += hidden;
                longest =
                    std::max(longest, firmware::detail::whole_quads(hidden) +
                                          firmware::detail::whole_quads(layer.columns - hidden));
            }
            units = std::max(units, sum);
        }
        vector_.resize(static_cast<std::size_t>(longest));
        hidden_.resize(static_cast<std::size_t>(units));
        cell_.resize(static_cast<std::size_t>(units));
        forecasts_.resize(static_cast<std::size_t>(model_.look_ahead),
                          std::vector<std::int32_t>(static_cast<std::size_t>(model_.outputs())));
    }

    const firmware_model& model() const noexcept { return model_; }
    /// The numbers of the firmware.
    const numbers_type& numbers() const noexcept { return numbers_; }
    float threshold() const noexcept { return threshold_; }
    /// Bytes of flash for weights, scaler, statistic and the table of tanh.
    std::size_t flash() const noexcept {
        const auto of = [](const auto& layers) {
            return sizeof(Weight) * layers.weights.size() + 8 * layers.gate_rows.size();
        };
        return of(numbers_.encoder) + of(numbers_.lstm) + 8 * numbers_.dense_rows.size() +
               8 * numbers_.input_factor.size() + 4 * numbers_.statistic.size() +
               sizeof firmware::detail::tanh_table;
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
        }
        for (const auto& row : numbers_.dense_rows) {
            add(row.bias);
            add(row.factor);
        }
        for (std::size_t f = 0; f < model_.offset.size(); ++f) {
            add(std::bit_cast<std::int32_t>(model_.offset[f]));
            add(std::bit_cast<std::int32_t>(numbers_.input_factor[f]));
        }
        for (const std::int32_t value : numbers_.statistic) {
            add(value);
        }
        add(std::bit_cast<std::int32_t>(threshold_));
        return crc;
    }

    // ---- a stream
    // ---------------------------------------------------------------------------

    /// Forgets the stream.
    void restart() {
        forget();
        window_.clear();
        seen_ = 0;
    }
    /// What the next sample is expected to be, `[targets]`, scaled; before the
    /// first one the mean. A reconstruction expects nothing: the newest sample.
    std::vector<float> expected() const {
        auto result = model_.mean;
        if (reconstructs() && !window_.empty()) {
            for (std::size_t f = 0; f < result.size(); ++f) {
                result[f] = std::ldexp(static_cast<float>(window_.back()[f]),
                                       -firmware::detail::input_fraction);
            }
            return result;
        }
        for (std::size_t k = 0; peekable() && k < targets(); ++k) {
            const std::int32_t mean = model_.window > 0 ? 0 : numbers_.error_mean[k];
            result[k] = std::ldexp(static_cast<float>(forecasts_[slot(seen_ - 1)][k] - mean),
                                   -firmware::detail::sample_fraction);
        }
        return result;
    }
    /// The score that push() would give, -1 where there is none: before enough
    /// samples.
    float peek(std::span<const float> sample) {
        if (!peekable()) {
            return -1;
        }
        if (reconstructs()) {
            reconstruct(inputs_of(sample));
        }
        std::vector<std::int32_t> deviations;
        for (std::size_t before = 1; before <= static_cast<std::size_t>(model_.look_ahead);
             ++before) {
            const auto& made = forecasts_[slot(seen_ - before)];
            for (std::size_t f = 0; f < targets(); ++f) {
                const std::int32_t error = scaled(sample, f) - made[(before - 1) * targets() + f];
                deviations.push_back(model_.window > 0 ? std::abs(error) - numbers_.error_mean[f]
                                                       : error);
            }
        }
        const auto distance = model_.statistic == firmware::statistic_kind::diagonal
                                  ? &firmware::detail::fixed_diagonal_distance
                                  : &firmware::detail::fixed_full_distance;
        const std::uint32_t score =
            distance(deviations.data(), numbers_.statistic.data(), model_.outputs(),
                     numbers_.score_shift, numbers_.largest_element);
        return static_cast<float>(score) * numbers_.score_unit;
    }
    /// Reads a sample, `[features]`, all finite, in original units.
    float push(std::span<const float> sample) {
        const float score = peek(sample);
        const std::vector<std::int16_t> inputs = inputs_of(sample);
        if (model_.window == 0) {
            read(model_.lstm, numbers_.lstm, inputs);
            forecast();
        } else {
            window_.push_back(inputs);
            if (window_.size() >= static_cast<std::size_t>(model_.window)) {
                window_.erase(window_.begin());
            }
            if (!reconstructs()) {
                forget();
                for (const auto& kept : window_) {
                    read(model_.lstm, numbers_.lstm, kept);
                }
                forecast();
            }
        }
        ++seen_;
        return score;
    }
    bool exceeds(float score) const noexcept { return score > threshold_; }

  private:
    bool reconstructs() const noexcept { return !model_.encoder.empty(); }
    std::size_t targets() const noexcept { return static_cast<std::size_t>(model_.targets); }
    bool peekable() const noexcept {
        return seen_ >=
               static_cast<std::size_t>(model_.window > 0 ? model_.window - 1 : model_.look_ahead);
    }
    void forget() {
        std::fill(hidden_.begin(), hidden_.end(), std::int16_t{0});
        std::fill(cell_.begin(), cell_.end(), 0);
    }
    std::vector<std::int16_t> inputs_of(std::span<const float> sample) const {
        std::vector<std::int16_t> inputs(sample.size());
        for (std::size_t f = 0; f < sample.size(); ++f) {
            inputs[f] = firmware::detail::to_input(scaled(sample, f));
        }
        return inputs;
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
        head_weights_ = weights;
    }
    /// What the encoder and the decoder make of the window that ends with a
    /// sample: its newest step, where the next sample's forecast would be.
    void reconstruct(const std::vector<std::int16_t>& newest) {
        forget();
        for (const auto& kept : window_) {
            read(model_.encoder, numbers_.encoder, kept);
        }
        read(model_.encoder, numbers_.encoder, newest);
        const auto start_from = [this](auto& state) {
            const auto units = static_cast<std::ptrdiff_t>(model_.hidden(0));
            std::copy_n(state.begin() + static_cast<std::ptrdiff_t>(top_), units, state.begin());
            std::fill(state.begin() + units, state.end(), 0);
        };
        start_from(hidden_);
        start_from(cell_);
        std::vector<std::int16_t> input(newest.size());
        for (int step = 0; step < model_.steps(); ++step) {
            read(model_.lstm, numbers_.lstm, input);
            forecast();
            std::transform(forecasts_[0].begin(), forecasts_[0].end(), input.begin(),
                           firmware::detail::to_input);
        }
    }
    /// From h, which read() leaves in vector_.
    void forecast() {
        auto& result = forecasts_[slot(seen_)];
        firmware::detail::fixed_dense(
            head_weights_, numbers_.dense_rows.data(), numbers_.dense_shift, vector_.data(),
            model_.head[0].columns, model_.outputs(),
            [&](int row, std::int32_t value) { result[static_cast<std::size_t>(row)] = value; });
    }
    std::size_t slot(std::size_t sample) const noexcept {
        return sample % static_cast<std::size_t>(model_.look_ahead);
    }
    std::int32_t scaled(std::span<const float> sample, std::size_t f) const noexcept {
        return firmware::detail::to_sample(firmware::separate_arithmetic::multiply(
            sample[f] - model_.offset[f], numbers_.input_factor[f]));
    }

    firmware_model model_;
    numbers_type numbers_;
    float threshold_;
    std::vector<std::int16_t> vector_;
    std::vector<std::int16_t> hidden_;
    std::vector<std::int32_t> cell_;
    std::size_t top_ = 0;                              // where h and c of the last layer begin
    const Weight* head_weights_ = nullptr;             // after those of the layers read last
    std::vector<std::vector<std::int32_t>> forecasts_; // by sample; element 0 is of the next one
    std::vector<std::vector<std::int16_t>> window_; // the last samples, as the network reads them
    std::size_t seen_ = 0;
};

} // namespace tocsin
