/// @file firmware_float.hpp
/// @brief A firmware model in float: weights in the order of use, and the scores they give.
#pragma once

#include "tocsin/firmware/feed_forward_layers.hpp"
#include "tocsin/firmware/float_network.hpp"
#include "tocsin/io/firmware_model.hpp"
#include "tocsin/io/firmware_rounding.hpp"
#include "tocsin/io/firmware_stream.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

namespace tocsin {

/// The numbers that a generated header holds, and a stream over them: the same functions in the
/// same order as firmware::watcher, so the same bits.
/// @tparam Arithmetic how products and sums are rounded
template <class Arithmetic>
class basic_firmware_float
    : public detail::firmware_stream<basic_firmware_float<Arithmetic>, float, float> {
    using base = detail::firmware_stream<basic_firmware_float, float, float>;
    friend base;
    using base::cell_;
    using base::hidden_;
    using base::model_;
    using base::reconstructs;
    using base::threshold_;
    using base::top_;

  public:
    using arithmetic = Arithmetic; ///< how products and sums are rounded
    /// In the names of headers and types.
    const char* name() const noexcept {
        return model_.order > 0          ? "float_linear"
               : model_.window == 0      ? "float"
               : !model_.network.empty() ? "float_feed_forward"
               : reconstructs()          ? "float_reconstruction"
                                         : "float_window";
    }

    explicit basic_firmware_float(const firmware_model& model) : base(model) {
        for (const firmware_layer& layer : model_.encoder) {
            pack_lstm(layer);
        }
        std::swap(weights_, encoder_weights_);
        for (const firmware_layer& layer : model_.lstm) {
            pack_lstm(layer);
        }
        head_ = weights_.size();
        for (std::size_t k = 0; k < model_.head.size(); ++k) {
            pack_dense(model_.head[k], k + 1 == model_.head.size());
        }
        for (const firmware_feed_forward& layer : model_.network) {
            pack_dense(layer.matrix, false);
        }
        for (double value : model_.error_mean) {
            error_mean_.push_back(static_cast<float>(value));
        }
        for (double value : model_.statistic == firmware::statistic_kind::diagonal
                                ? model_.inverse_variance
                                : model_.whitening) {
            statistic_.push_back(static_cast<float>(value));
        }
        std::size_t longest = 0;
        for (const auto* layers : {&model_.encoder, &model_.lstm, &model_.head}) {
            for (const firmware_layer& layer : *layers) {
                longest = std::max({longest, static_cast<std::size_t>(layer.columns),
                                    static_cast<std::size_t>(layer.rows)});
            }
        }
        vector_.resize(longest);
        above_.resize(longest);
    }

    /// From now on, adds up the moments of what each layer reads; see firmware_layer.
    void observe() {
        const auto begin = [](firmware_layer& layer) {
            const auto size = static_cast<std::size_t>(layer.columns) + 1;
            layer.moments.assign(size * size, 0);
        };
        for (auto* layers : {&model_.encoder, &model_.lstm, &model_.head}) {
            std::for_each(layers->begin(), layers->end(), begin);
        }
        for (firmware_feed_forward& layer : model_.network) {
            begin(layer.matrix);
            layer.largest = 0;
        }
    }
    /// All weights in the order of the firmware, without an encoder's.
    std::span<const float> weights() const noexcept { return weights_; }
    /// Those of the encoder; none for forecasters.
    std::span<const float> encoder_weights() const noexcept { return encoder_weights_; }
    /// Bytes of flash for weights, scaler, means and statistic.
    std::size_t flash() const noexcept {
        return sizeof(float) * (encoder_weights_.size() + weights_.size() + model_.offset.size() +
                                model_.factor.size() + model_.mean.size() + error_mean_.size() +
                                statistic_.size()) +
               sizeof(firmware::feed_forward_layer) * model_.network.size();
    }
    /// Mean of each error.
    std::span<const float> error_mean() const noexcept { return error_mean_; }
    /// What distances are computed with.
    std::span<const float> statistic() const noexcept { return statistic_; }
    /// See float_stream::checksum().
    std::uint32_t checksum() const noexcept {
        std::uint32_t crc = 0;
        const auto add = [&crc](float value) {
            crc = firmware::detail::add_to_crc(crc, std::bit_cast<std::uint32_t>(value));
        };
        for (const std::vector<float>* part : {&encoder_weights_, &weights_, &model_.offset,
                                               &model_.factor, &model_.mean, &error_mean_}) {
            std::for_each(part->begin(), part->end(), add);
        }
        for (const firmware_feed_forward& layer : model_.network) {
            crc = firmware::detail::add_to_crc(crc, layer.shape);
        }
        if (model_.learning_weight > 0) {
            add(static_cast<float>(model_.learning_weight));
            add(static_cast<float>(model_.relative_ridge));
        }
        std::for_each(statistic_.begin(), statistic_.end(), add);
        add(threshold_);
        return crc;
    }

  private:
    static float to_input(float value) noexcept { return value; }
    static float input_value(float input) noexcept { return input; }
    static float output_value(float output) noexcept { return output; }
    float mean_of_error(std::size_t k) const noexcept { return error_mean_[k]; }
    float scaled(std::span<const float> sample, std::size_t f) const noexcept {
        return firmware::detail::scaled(sample[f], model_.offset[f], model_.factor[f]);
    }
    float distance(const std::vector<float>& deviations) const noexcept {
        namespace fw = firmware::detail;
        const float distance = model_.statistic == firmware::statistic_kind::diagonal
                                   ? fw::diagonal_distance<arithmetic, false>(
                                         deviations.data(), statistic_.data(), model_.outputs())
                                   : fw::full_distance<arithmetic>(
                                         deviations.data(), statistic_.data(), model_.outputs());
        // As the watcher does, also with NaN.
        constexpr float largest = std::numeric_limits<float>::max();
        return distance <= largest ? distance : largest;
    }
    void read_encoder(const std::vector<float>& inputs) {
        read(model_.encoder, encoder_weights_, inputs);
    }
    void read_lstm(const std::vector<float>& inputs) {
        if (model_.order == 0) {
            read(model_.lstm, weights_, inputs);
            return;
        }
        const auto count = static_cast<std::ptrdiff_t>(inputs.size());
        std::copy(hidden_.begin() + count, hidden_.end(), hidden_.begin());
        std::copy(inputs.begin(), inputs.end(), hidden_.end() - count);
        std::copy(hidden_.begin(), hidden_.end(), vector_.begin());
    }
    static void note(firmware_layer& layer, const float* first, std::size_t inputs,
                     const float* hidden) {
        if (layer.moments.empty()) {
            return;
        }
        std::vector<float> all(first, first + inputs);
        all.insert(all.end(), hidden, hidden + static_cast<std::size_t>(layer.columns) - inputs);
        detail::add_to_moments(all, layer.moments);
    }
    void read(std::vector<firmware_layer>& layers, const std::vector<float>& packed,
              const std::vector<float>& inputs) {
        std::copy(inputs.begin(), inputs.end(), vector_.begin());
        const float* weights = packed.data();
        std::size_t at = 0;
        for (firmware_layer& layer : layers) {
            const int hidden = layer.rows / 4;
            note(layer, vector_.data(), static_cast<std::size_t>(layer.columns - hidden),
                 hidden_.data() + at);
            weights = firmware::detail::lstm_step<arithmetic>(
                weights, vector_.data(), layer.columns - hidden, hidden, hidden_.data() + at,
                cell_.data() + at);
            std::copy_n(hidden_.data() + at, hidden, vector_.data());
            top_ = at;
            at += static_cast<std::size_t>(hidden);
        }
    }
    void run_network(const std::vector<std::vector<float>>& window,
                     const std::vector<float>& newest, std::vector<float>& result) {
        auto scratch = base::template network_scratch<float, float>(window, newest);
        const observed_sums sums{{weights_.data()}, model_.network.data()};
        const float* const outputs = scratch.run(sums, model_.window);
        std::copy_n(outputs, result.size(), result.begin());
    }
    /// Notes what layers read and write, where that is wanted.
    struct observed_sums : firmware::detail::float_layer_sums<arithmetic> {
        firmware_feed_forward* to; // what is noted of this layer and those after it

        const float* operator()(const firmware::feed_forward_layer& layer, const float* taps,
                                float* outputs) const {
            const float* const after =
                firmware::detail::float_layer_sums<arithmetic>::operator()(layer, taps, outputs);
            if (!to->matrix.moments.empty()) {
                detail::add_to_moments({taps, static_cast<std::size_t>(to->matrix.columns)},
                                       to->matrix.moments);
                to->note_outputs({outputs, static_cast<std::size_t>(layer.outputs)});
            }
            return after;
        }
        void next(const firmware::feed_forward_layer& layer, const float* after) noexcept {
            firmware::detail::float_layer_sums<arithmetic>::next(layer, after);
            ++to;
        }
    };
    /// From h, which read() leaves in vector_.
    void forecast(std::vector<float>& result) {
        const float* weights = weights_.data() + head_;
        for (std::size_t k = 0; k < model_.head.size(); ++k) {
            firmware_layer& layer = model_.head[k];
            note(layer, vector_.data(), static_cast<std::size_t>(layer.columns), nullptr);
            if (k + 1 == model_.head.size()) {
                firmware::detail::dense_linear<arithmetic>(weights, vector_.data(), layer.columns,
                                                           layer.rows, result.data());
            } else {
                weights = firmware::detail::dense_relu<arithmetic>(
                    weights, vector_.data(), layer.columns, layer.rows, above_.data());
                std::swap(vector_, above_);
            }
        }
    }
    /// A block of rows: their biases, then column by column.
    template <class Row>
    void pack_block(const firmware_layer& layer, int rows, const std::vector<double>& added,
                    Row&& row) {
        for (int k = 0; k < rows; ++k) {
            const double extra = added.empty() ? 0 : added[static_cast<std::size_t>(row(k))];
            weights_.push_back(static_cast<float>(layer.bias(row(k)) + extra));
        }
        for (int column = 0; column < layer.columns; ++column) {
            for (int k = 0; k < rows; ++k) {
                weights_.push_back(static_cast<float>(layer.weight(row(k), column)));
            }
        }
    }
    void pack_lstm(const firmware_layer& layer) {
        const int hidden = layer.rows / 4;
        for (int unit = 0; unit < hidden; unit += 2) {
            pack_block(layer, unit + 1 < hidden ? 8 : 4, {},
                       [&](int k) { return k % 4 * hidden + unit + k / 4; });
        }
    }
    void pack_dense(const firmware_layer& layer, bool last) {
        for (int first = 0; first < layer.rows;) {
            const int left = layer.rows - first;
            const int rows = left >= 8 ? 8 : left >= 4 ? 4 : left >= 2 ? 2 : 1;
            pack_block(layer, rows,
                       last && model_.window == 0 ? model_.error_mean : std::vector<double>{},
                       [&](int k) { return first + k; });
            first += rows;
        }
    }

    std::vector<float> encoder_weights_;
    std::vector<float> weights_;
    std::size_t head_ = 0; // where the weights of the head begin
    std::vector<float> error_mean_;
    std::vector<float> statistic_;

    std::vector<float> vector_;
    std::vector<float> above_;
};

/// Products and sums rounded apart: the same bits on all targets.
using firmware_float = basic_firmware_float<firmware::separate_arithmetic>;

} // namespace tocsin
