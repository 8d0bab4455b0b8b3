/// @file firmware_model.hpp
/// @brief A forecasting detector in the form that firmware is generated from.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/firmware/feed_forward_layers.hpp"
#include "tocsin/firmware/verdict.hpp"
#include "tocsin/io/firmware_alarm.hpp"
#include "tocsin/io/firmware_peaks.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <optional>
#include <span>
#include <tuple>
#include <vector>

namespace tocsin {

/// One layer of a network for firmware: a column-major matrix `[rows x (columns + 1)]`, the last
/// column the bias.
struct firmware_layer {
    int rows = 0;                ///< rows of the matrix
    int columns = 0;             ///< columns without the bias
    std::vector<double> weights; ///< row by row, the bias last
    /// Sums of the products of each two values that it reads, 1 for the bias last, over the
    /// calibration: `[columns + 1 x columns + 1]`; empty: there was none.
    std::vector<double> moments{};

    /// One weight.
    double weight(int row, int column) const {
        return weights[static_cast<std::size_t>(column) * static_cast<std::size_t>(rows) +
                       static_cast<std::size_t>(row)];
    }
    /// The bias of a row.
    double bias(int row) const { return weight(row, columns); }
};

/// A dense or convolutional layer for firmware; the columns of its matrix by tap, then by input.
struct firmware_feed_forward {
    firmware::feed_forward_layer shape; ///< what it reads, and what follows its sums
    firmware_layer matrix;              ///< its weights
    /// Largest magnitude of what it writes over the calibration; 0: not known.
    double largest = 0;

    /// Takes outputs of a step into account.
    void note_outputs(std::span<const float> outputs) noexcept {
        for (const float value : outputs) {
            largest = std::max(largest, std::abs(double{value}));
        }
    }
};

/// A forecasting detector with its scaler, statistic and threshold, in the order of computation.
struct firmware_model {
    /// Samples of a window that is read afresh for each sample, whose absolute error is judged, as in
    /// the detectors of the command line; 0 where the network's state carries the past.
    int window = 0;
    /// Layers that read the window before `lstm` decodes it; empty for forecasters. As `lstm`.
    std::vector<firmware_layer> encoder;
    /// Dense and convolutional layers over the window, in the place of all LSTMs.
    std::vector<firmware_feed_forward> network;
    int first_step = 0;               ///< of the window that they give
    int order = 0;                    ///< last samples that `head` reads, in the place of LSTMs
    bool reversed = false;            ///< whether the newest sample of a window is decoded first
    int features = 0;                 ///< values of a sample
    int targets = 0;                  ///< features that are forecast
    int look_ahead = 1;               ///< samples that are forecast
    int warm_up = 1;                  ///< samples after a start without a score
    std::vector<firmware_layer> lstm; ///< rows by gate as lstm_gate; columns: inputs, then h
    std::vector<firmware_layer> head; ///< the last one linear, the others with max(x, 0)
    std::vector<float> offset;        ///< scaled = (x - offset) * factor
    std::vector<float> factor;        ///< what differences are multiplied by, one per feature
    std::vector<float> mean;          ///< of the training data, scaled
    /// How errors become a score.
    firmware::statistic_kind statistic = firmware::statistic_kind::diagonal;
    std::vector<double> error_mean;       ///< mean of each error
    std::vector<double> inverse_variance; ///< of a diagonal statistic
    std::vector<double> whitening;        ///< of a full one: the lower triangle W, row by row
    double threshold = 0;                 ///< what scores are compared with
    /// What the network reads where a value is missing.
    firmware::missing_policy missing = firmware::missing_policy::forecast;
    int longest_gap = 10; ///< samples without any value after which the stream starts afresh
    int lost_after = 50;  ///< missing samples after which a sensor is lost
    /// Time after which a stream with times restarts; NaN: learned. See detector_settings.
    double longest_pause = std::numeric_limits<double>::quiet_NaN();
    int clock_agreement = 3;             ///< samples whose time is taken over
    std::optional<firmware_alarm> alarm; ///< what stands between verdicts and an alarm
    /// Weight of a sample in a diagonal statistic that follows the stream; 0: it stays as it is.
    double learning_weight = 0;
    double relative_ridge = 0; ///< of a diagonal statistic, as a share of the mean variance
    bool fused = false;        ///< whether products and sums of floats are rounded once
    bool shares = false;       ///< whether what features account for can be asked
    std::optional<firmware_peaks> peaks; ///< of a threshold that follows the scores

    /// Bytes of flash of the peaks.
    std::size_t flash_of_peaks() const noexcept {
        return peaks ? sizeof(firmware::peak) * peaks->kept.size() : 0;
    }
    /// Whether the newest sample of a window is judged, not one that a forecast waits for.
    bool reconstructs() const noexcept { return !encoder.empty() || !network.empty(); }
    /// The layers of `network`, as a target has them.
    std::vector<firmware::feed_forward_layer> shapes() const {
        std::vector<firmware::feed_forward_layer> result;
        result.reserve(network.size());
        for (const firmware_feed_forward& layer : network) {
            result.push_back(layer.shape);
        }
        return result;
    }
    /// Samples after a start that cannot have a score; `warm_up` may be more.
    int unscored() const noexcept { return window > 0 ? window - 1 : look_ahead; }
    /// Values that the network writes.
    int outputs() const noexcept { return targets * look_ahead; }
    /// Hidden units of a layer.
    int hidden(std::size_t layer) const noexcept { return lstm[layer].rows / 4; }
    /// Steps of the encoder for one sample.
    int encoder_steps() const noexcept { return encoder.empty() ? 0 : window; }
    /// Steps of the other layers for one sample.
    int steps() const noexcept {
        return window == 0 ? 1 : encoder.empty() ? window - 1 : reversed ? 1 : window;
    }
    /// Multiplications of weights for one sample without missing values.
    std::size_t multiply_adds() const {
        const auto of_a_step = [](const std::vector<firmware_layer>& layers) {
            std::size_t count = 0;
            for (const firmware_layer& layer : layers) {
                count +=
                    static_cast<std::size_t>(layer.rows) * static_cast<std::size_t>(layer.columns);
            }
            return count;
        };
        if (const auto layers = shapes(); !layers.empty()) {
            std::size_t count = 0;
            const auto size = static_cast<int>(layers.size());
            for (int k = 0; k < size; ++k) {
                const auto& matrix = network[static_cast<std::size_t>(k)].matrix;
                const int first =
                    firmware::detail::first_step_read(layers.data(), size, k + 1, window);
                count += static_cast<std::size_t>(matrix.rows) *
                         static_cast<std::size_t>(matrix.columns) *
                         static_cast<std::size_t>(window - first);
            }
            return count;
        }
        const std::size_t heads = encoder.empty() ? 1 : static_cast<std::size_t>(steps());
        return static_cast<std::size_t>(encoder_steps()) * of_a_step(encoder) +
               static_cast<std::size_t>(steps()) * of_a_step(lstm) + heads * of_a_step(head);
    }
};

namespace detail {

inline status refuse(const auto&... parts) {
    return status::error(error_code::invalid_argument, "firmware: ", parts...);
}

/// Whether every number is one of float's, neither too large nor NaN.
inline bool all_fit_float(const auto& values) noexcept {
    return std::all_of(values.begin(), values.end(), [](double value) {
        return std::abs(value) <= static_cast<double>(std::numeric_limits<float>::max());
    });
}
inline status check_numbers(const firmware_model& model) {
    for (const auto* layers : {&model.encoder, &model.lstm, &model.head}) {
        for (const firmware_layer& layer : *layers) {
            if (!all_fit_float(layer.weights)) {
                return refuse("a weight is not a finite float");
            }
        }
    }
    for (const firmware_feed_forward& layer : model.network) {
        if (!all_fit_float(layer.matrix.weights) ||
            !all_fit_float(std::span(&layer.shape.below, 1))) {
            return refuse("a weight is not a finite float");
        }
    }
    if (!all_fit_float(model.offset) || !all_fit_float(model.factor) ||
        !all_fit_float(model.mean) || !all_fit_float(model.error_mean) ||
        !all_fit_float(model.inverse_variance) || !all_fit_float(model.whitening)) {
        return refuse("a number of the scaler or the statistic is not a finite float");
    }
    if (!all_fit_float(std::span(&model.threshold, 1))) {
        return refuse("the threshold ", model.threshold, " is not a finite float");
    }
    constexpr int most_elements = 32; // squared, in floats, is what their distance takes of stack
    if (model.statistic == firmware::statistic_kind::full &&
        model.missing != firmware::missing_policy::none && model.outputs() > most_elements) {
        return refuse("missing values with the whole covariance of ", model.outputs(),
                      " errors; at most ", most_elements, " are supported");
    }
    constexpr int most_samples = 65'000; // counted in 16 bits
    const bool counts_missing = model.missing != firmware::missing_policy::none;
    for (const auto& [name, samples, counted] :
         {std::tuple{"warm_up", model.warm_up, true},
          std::tuple{"look_ahead", model.look_ahead, true},
          std::tuple{"clock_agreement", model.clock_agreement, true},
          std::tuple{"longest_gap", model.longest_gap, counts_missing},
          std::tuple{"lost_after", model.lost_after, counts_missing}}) {
        if (counted && samples > most_samples) {
            return refuse(name, ' ', samples, " must be at most ", most_samples);
        }
    }
    return {};
}

} // namespace detail
} // namespace tocsin
