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
#include <span>
#include <utility>
#include <vector>

namespace tocsin {

/// The numbers with a stream over them: the same functions as firmware::watcher, so the same bits.
template <class Weight>
class firmware_fixed {
  public:
    /// In the names of headers and types.
    static constexpr const char* name() noexcept { return "fixed"; }
    /// The numbers of the firmware.
    using numbers_type = fixed_numbers<Weight>;

    firmware_fixed(const firmware_model& model, numbers_type numbers)
        : model_{model}, numbers_{std::move(numbers)},
          threshold_{static_cast<float>(model.threshold)} {
        int units = 0;
        int longest = 0;
        for (std::size_t k = 0; k < model_.lstm.size(); ++k) {
            const int hidden = model_.hidden(k);
            units += hidden;
            longest = std::max(longest,
                               firmware::detail::whole_quads(hidden) +
                                   firmware::detail::whole_quads(model_.lstm[k].columns - hidden));
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
        return sizeof(Weight) * numbers_.weights.size() + 8 * numbers_.gate_rows.size() +
               8 * numbers_.dense_rows.size() + 8 * numbers_.input_factor.size() +
               4 * numbers_.statistic.size() + sizeof firmware::detail::tanh_table;
    }
    /// See fixed_stream::checksum().
    std::uint32_t checksum() const noexcept {
        std::uint32_t crc = 0;
        const auto add = [&crc](std::int32_t value) {
            crc = firmware::detail::add_to_crc(crc, static_cast<std::uint32_t>(value));
        };
        for (const Weight weight : numbers_.weights) {
            add(weight);
        }
        for (const auto& row : numbers_.gate_rows) {
            add(row.bias);
            add(row.input_factor);
            add(row.hidden_factor);
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

    // ---- a stream ---------------------------------------------------------------------------

    /// Forgets the stream.
    void restart() {
        std::fill(hidden_.begin(), hidden_.end(), std::int16_t{0});
        std::fill(cell_.begin(), cell_.end(), 0);
        seen_ = 0;
    }
    /// What the next sample is expected to be, `[targets]`, scaled; before the first one the mean.
    std::vector<float> expected() const {
        auto result = model_.mean;
        for (std::size_t k = 0; seen_ > 0 && k < static_cast<std::size_t>(model_.targets); ++k) {
            result[k] = std::ldexp(
                static_cast<float>(forecasts_[slot(seen_ - 1)][k] - numbers_.error_mean[k]),
                -firmware::detail::sample_fraction);
        }
        return result;
    }
    /// The score that push() would give, -1 where there is none: before look_ahead samples.
    float peek(std::span<const float> sample) const {
        if (seen_ < static_cast<std::size_t>(model_.look_ahead)) {
            return -1;
        }
        const auto targets = static_cast<std::size_t>(model_.targets);
        std::vector<std::int32_t> deviations;
        for (std::size_t before = 1; before <= static_cast<std::size_t>(model_.look_ahead);
             ++before) {
            const auto& made = forecasts_[slot(seen_ - before)];
            for (std::size_t f = 0; f < targets; ++f) {
                deviations.push_back(scaled(sample, f) - made[(before - 1) * targets + f]);
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
        namespace fw = firmware::detail;
        const float score = peek(sample);
        std::fill(vector_.begin(), vector_.end(), std::int16_t{0});
        for (std::size_t f = 0; f < sample.size(); ++f) {
            vector_[f] = fw::to_input(scaled(sample, f));
        }
        const Weight* weights = numbers_.weights.data();
        const fw::fixed_gate_row* rows = numbers_.gate_rows.data();
        std::size_t at = 0;
        for (std::size_t k = 0; k < model_.lstm.size(); ++k) {
            const int hidden = model_.hidden(k);
            weights = fw::fixed_lstm_step(weights, rows, numbers_.gate_shifts[k], vector_.data(),
                                          model_.lstm[k].columns - hidden, hidden,
                                          hidden_.data() + at, cell_.data() + at);
            rows += std::ptrdiff_t{4} * hidden;
            std::fill(vector_.begin(), vector_.end(), std::int16_t{0});
            std::copy_n(hidden_.data() + at, hidden, vector_.data());
            at += static_cast<std::size_t>(hidden);
        }
        auto& forecast = forecasts_[slot(seen_)];
        fw::fixed_dense(weights, numbers_.dense_rows.data(), numbers_.dense_shift, vector_.data(),
                        model_.head[0].columns, model_.outputs(), [&](int row, std::int32_t value) {
                            forecast[static_cast<std::size_t>(row)] = value;
                        });
        ++seen_;
        return score;
    }
    bool exceeds(float score) const noexcept { return score > threshold_; }

  private:
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
    std::vector<std::vector<std::int32_t>> forecasts_; // by sample; element 0 is of the next one
    std::size_t seen_ = 0;
};

} // namespace tocsin
