/// @file firmware_quantise.hpp
/// @brief The numbers of a firmware model as integers.
#pragma once

#include "tocsin/firmware/fixed_network.hpp"
#include "tocsin/io/firmware_model.hpp"
#include "tocsin/io/firmware_quantise_network.hpp"
#include "tocsin/io/firmware_rows.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace tocsin {

/// What a generated header holds in a format of integers. Weights are rounded to the nearest multiple of
/// their row's scale, see detail::quantise_row().
/// @tparam Weight int8_t or int16_t
template <class Weight>
class fixed_numbers {
  public:
    /// LSTM layers.
    struct layers {
        std::vector<Weight> weights;                             ///< in the order of the firmware
        std::vector<firmware::detail::fixed_gate_row> gate_rows; ///< scales of the rows
        std::vector<firmware::detail::fixed_shifts> gate_shifts; ///< of each layer
    };
    layers encoder; ///< those that read the window before `lstm` decodes it, or none
    layers lstm; ///< those that forecast, or decode; or weights of dense and convolutional layers
    /// The head's, whatever `Weight` is: they are few, and their rounding would be half of what
    /// changes a score.
    std::vector<std::int16_t> head_weights;
    /// Scales of the rows of the head, or of dense and convolutional layers.
    std::vector<firmware::detail::fixed_dense_row> dense_rows;
    int dense_shift = 0;                                      ///< of the sums of the head
    std::vector<firmware::detail::fixed_layer> layer_numbers; ///< of dense and convolutional layers
    std::vector<std::int32_t> input_mean;                     ///< mean of each feature
    std::vector<float> input_factor;                          ///< 2^16 times as large
    std::vector<std::int32_t> error_mean;                     ///< mean of each error
    std::vector<std::int32_t> statistic;                      ///< factors of deviations, or W
    int score_shift = 0;                                      ///< shift of the terms of the score
    std::int32_t largest_element = 0; ///< elements of an error vector are kept within this
    float score_unit = 1;             ///< what one unit of the score is worth

    /// @return `invalid_argument` where a number of the model does not fit into its integer
    static result<fixed_numbers> from(const firmware_model& model) {
        fixed_numbers numbers;
        if (model.network.empty() && model.head.size() != 1) {
            return detail::refuse("a head with hidden layers is supported in float only");
        }
        if (model.learning_weight > 0) {
            return detail::refuse("a statistic that learns is supported in float only");
        }
        if (model.statistic == firmware::statistic_kind::full && model.outputs() > most_errors) {
            return detail::refuse("the whole covariance of ", model.outputs(),
                                  " errors; integers support at most ", most_errors);
        }
        for (const auto& [layers, to] :
             {std::pair{&model.encoder, &numbers.encoder}, std::pair{&model.lstm, &numbers.lstm}}) {
            for (std::size_t k = 0; k < layers->size(); ++k) {
                if (!quantise_lstm((*layers)[k], k == 0, *to)) {
                    return detail::refuse("the weights of LSTM layer ", k,
                                          " do not fit into integers");
                }
            }
        }
        if (const status usable =
                detail::quantise_network(model.network, numbers.lstm.weights, numbers.head_weights,
                                         numbers.dense_rows, numbers.layer_numbers);
            !usable.ok()) {
            return usable;
        }
        if (!numbers.quantise_head(model) || !numbers.quantise_statistic(model)) {
            return detail::refuse("the head, the statistic or the threshold ", model.threshold,
                                  " do not fit into integers");
        }
        for (std::size_t f = 0; f < model.factor.size(); ++f) {
            const float factor = std::ldexp(model.factor[f], firmware::detail::sample_fraction);
            if (!std::isfinite(factor)) {
                return detail::refuse("feature ", f, " has a spread of ",
                                      1 / double{model.factor[f]}, ", too small for integers");
            }
            numbers.input_factor.push_back(factor);
            numbers.input_mean.push_back(
                firmware::detail::to_sample(std::ldexp(model.mean[f], 16)));
        }
        return numbers;
    }

  private:
    static constexpr bool bytes = sizeof(Weight) == 1;
    // 64 bits hold a sum of so many products of a whitening factor and a deviation.
    static constexpr int most_errors = 32;

    using quantised_row = detail::quantised_row;
    /// The shift that takes any sum of these rows to 16 bits.
    static int shift_of(std::span<const quantised_row> rows) {
        double largest = 0;
        for (const quantised_row& row : rows) {
            largest = std::max(largest, row.sum * 32'768);
        }
        int shift = 0;
        while (largest / std::ldexp(1.0, shift) > 32'766) {
            ++shift;
        }
        return shift;
    }
    static bool quantise_lstm(const firmware_layer& layer, bool first, layers& to) {
        const int hidden = layer.rows / 4;
        const int inputs = layer.columns - hidden;
        std::vector<quantised_row> from_input;
        std::vector<quantised_row> from_hidden;
        std::vector<double> bias; // in units of a pre-activation
        const detail::rounding_feedback feedback(layer);
        for (int unit = 0; unit < hidden; ++unit) {
            for (int gate = 0; gate < 4; ++gate) {
                std::vector<double> row = detail::row_of(layer, gate * hidden + unit);
                from_input.push_back(detail::quantise_row<Weight>(row, 0, inputs, feedback));
                from_hidden.push_back(detail::quantise_row<Weight>(row, inputs, hidden, feedback));
                if (!from_input.back().fits() || !from_hidden.back().fits()) {
                    return false;
                }
                bias.push_back(std::ldexp(row.back(), firmware::detail::input_fraction));
            }
        }
        firmware::detail::fixed_shifts shifts{shift_of(from_input), shift_of(from_hidden), 0};
        // What a unit of the shifted sums is worth, in units of a pre-activation.
        constexpr int point = firmware::detail::input_fraction;
        const double input_worth = std::ldexp(1.0, shifts.input_sum + (first ? 0 : point - 15));
        const double hidden_worth = std::ldexp(1.0, shifts.hidden_sum + point - 15);
        // With any inputs, bias and both products of a row must stay below 2^31.
        const auto row_fits = [&](std::size_t at, int shift) {
            const double unit = std::ldexp(1.0, shift);
            const double input = from_input[at].scale * input_worth * unit;
            const double recurrent = from_hidden[at].scale * hidden_worth * unit;
            return input < 32'767 && recurrent < 32'767 &&
                   32'768 * (input + recurrent + 2) + (std::abs(bias[at]) + 1) * unit <
                       2'147'483'647.0;
        };
        const auto layer_fits = [&](int shift) {
            for (std::size_t at = 0; at < from_input.size(); ++at) {
                if (!row_fits(at, shift)) {
                    return false;
                }
            }
            return true;
        };
        while (shifts.result < 30 && layer_fits(shifts.result + 1)) {
            ++shifts.result;
        }
        if (!layer_fits(shifts.result)) {
            return false;
        }
        const double unit = std::ldexp(1.0, shifts.result);
        for (std::size_t at = 0; at < from_input.size(); ++at) {
            to.gate_rows.push_back(
                {detail::rounded(bias[at] * unit + unit / 2 - (shifts.result == 0 ? 0.5 : 0)),
                 static_cast<std::int16_t>(
                     detail::rounded(from_input[at].scale * input_worth * unit)),
                 static_cast<std::int16_t>(
                     detail::rounded(from_hidden[at].scale * hidden_worth * unit))});
        }
        to.gate_shifts.push_back(shifts);
        for (int k = 0; k < hidden; ++k) {
            const auto at = std::size_t{4} * static_cast<std::size_t>(k);
            detail::append_rows(std::span<const quantised_row>(from_input).subspan(at, 4), inputs,
                                to.weights);
            detail::append_rows(std::span<const quantised_row>(from_hidden).subspan(at, 4), hidden,
                                to.weights);
        }
        return true;
    }

    /// Layers and what follows them; the mean error of streams is part of the forecasts.
    bool quantise_head(const firmware_model& model) {
        constexpr int fraction = firmware::detail::sample_fraction;
        const detail::dense_form form{15, fraction, firmware::detail::largest_sample};
        if (model.network.empty() &&
            !detail::quantise_dense(model.head[0],
                                    model.window == 0 ? std::span(model.error_mean)
                                                      : std::span<const double>(),
                                    form, head_weights, dense_rows, dense_shift)) {
            return false;
        }
        for (const double mean : model.error_mean) {
            if (std::abs(std::ldexp(mean, fraction)) > firmware::detail::largest_sample) {
                return false;
            }
            error_mean.push_back(detail::rounded(std::ldexp(mean, fraction)));
        }
        return true;
    }

    bool quantise_statistic(const firmware_model& model) {
        // Elements reach four times the threshold before they are cut off; the
        // squares of all of them stay below 2^32.
        largest_element = static_cast<std::int32_t>(
            std::floor(std::sqrt(4294967295.0 / static_cast<double>(model.outputs()))));
        int fraction = 14;
        while (fraction >= 0 &&
               4 * std::sqrt(std::max(model.threshold, 1e-6)) * std::ldexp(1.0, fraction) >
                   largest_element) {
            --fraction;
        }
        std::vector<double> factors;
        if (model.statistic == firmware::statistic_kind::diagonal) {
            for (double inverse : model.inverse_variance) {
                factors.push_back(std::sqrt(inverse));
            }
        } else {
            factors = model.whitening;
        }
        double largest = 0;
        for (double factor : factors) {
            largest = std::max(largest, std::abs(factor));
        }
        const double unit = std::ldexp(1.0, fraction - firmware::detail::sample_fraction);
        // 2^28: a sum of 32 products with deviations of 2^29 stays below 2^63.
        while (score_shift < 40 && largest * unit * std::ldexp(2.0, score_shift) < 268'435'456.0) {
            ++score_shift;
        }
        if (fraction < 0 || largest * unit * std::ldexp(1.0, score_shift) >= 268'435'456.0) {
            return false;
        }
        for (double factor : factors) {
            statistic.push_back(detail::rounded(factor * unit * std::ldexp(1.0, score_shift)));
        }
        score_unit = std::ldexp(1.0F, -2 * fraction);
        return true;
    }
};

} // namespace tocsin
