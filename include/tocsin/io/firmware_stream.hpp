/// @file firmware_stream.hpp
/// @brief A stream over the numbers of a firmware model, as firmware::watcher has it.
#pragma once

#include "tocsin/io/firmware_model.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <span>
#include <vector>

namespace tocsin::detail {

/// The samples and states that a stream keeps, and the order in which the network reads them; the
/// same for all number formats. `Numbers` derives from it and says how a format computes:
///
///     Output scaled(sample, f)                 a value in scaled units
///     Input to_input(Output)                   a scaled value as the network reads it
///     float input_value(Input), output_value(Output)  in scaled units
///     Output mean_of_error(k)                  what a fit found
///     void read_encoder(inputs), read_lstm(inputs)   one time step of hidden_ and cell_
///     void forecast(outputs)                   from the step that was read last
///     void run_network(window, newest, outputs)  by dense and convolutional layers, where it has some
///     float distance(deviations)               the score
///
/// @tparam Input  of values and hidden states
/// @tparam Output of forecasts and cell states
template <class Numbers, class Input, class Output>
class firmware_stream {
  public:
    const firmware_model& model() const noexcept { return model_; }
    float threshold() const noexcept { return threshold_; }
    bool exceeds(float score) const noexcept { return score > threshold_; }

    /// Forgets the stream.
    void restart() {
        forget();
        window_.clear();
        seen_ = 0;
    }
    /// What the next sample is expected to be, `[targets]`, scaled; before the first one the mean.
    /// A reconstruction expects nothing: the newest sample.
    std::vector<float> expected() const {
        auto result = model_.mean;
        if (reconstructs()) {
            for (std::size_t f = 0; f < result.size() && !window_.empty(); ++f) {
                result[f] = self().input_value(window_.back()[f]);
            }
            return result;
        }
        for (std::size_t k = 0; peekable() && k < targets(); ++k) {
            const Output mean = model_.window > 0 ? Output(0) : self().mean_of_error(k);
            result[k] = self().output_value(forecasts_[slot(seen_ - 1)][k] - mean);
        }
        return result;
    }
    /// The score that push() would give, -1 where there is none: before enough samples.
    float peek(std::span<const float> sample) {
        if (!peekable()) {
            return -1;
        }
        if (reconstructs()) {
            reconstruct(inputs_of(sample));
        }
        std::vector<Output> deviations;
        for (std::size_t before = 1; before <= static_cast<std::size_t>(model_.look_ahead);
             ++before) {
            const auto& made = forecasts_[slot(seen_ - before)];
            for (std::size_t f = 0; f < targets(); ++f) {
                const Output error = self().scaled(sample, f) - made[(before - 1) * targets() + f];
                deviations.push_back(model_.window > 0 ? std::abs(error) - self().mean_of_error(f)
                                                       : error);
            }
        }
        return self().distance(deviations);
    }
    /// Reads a sample, `[features]`, all finite, in original units.
    float push(std::span<const float> sample) {
        const float score = peek(sample);
        const std::vector<Input> inputs = inputs_of(sample);
        if (model_.window == 0) {
            self().read_lstm(inputs);
            self().forecast(forecasts_[slot(seen_)]);
        } else {
            window_.push_back(inputs);
            if (window_.size() >= static_cast<std::size_t>(model_.window)) {
                window_.erase(window_.begin());
            }
            if (!reconstructs()) {
                forget();
                for (const auto& kept : window_) {
                    self().read_lstm(kept);
                }
                self().forecast(forecasts_[slot(seen_)]);
            }
        }
        ++seen_;
        return score;
    }

  private:
    friend Numbers;

    explicit firmware_stream(const firmware_model& model)
        : model_{model}, threshold_{static_cast<float>(model.threshold)},
          forecasts_(static_cast<std::size_t>(model.look_ahead),
                     std::vector<Output>(static_cast<std::size_t>(model.outputs()))) {
        std::size_t units =
            static_cast<std::size_t>(model_.order) * static_cast<std::size_t>(model_.features);
        for (const auto* layers : {&model_.encoder, &model_.lstm}) {
            std::size_t sum = 0;
            for (const firmware_layer& layer : *layers) {
                sum += static_cast<std::size_t>(layer.rows / 4);
            }
            units = std::max(units, sum);
        }
        hidden_.resize(units);
        cell_.resize(units);
    }

    bool reconstructs() const noexcept { return model_.reconstructs(); }

    Numbers& self() noexcept { return static_cast<Numbers&>(*this); }
    const Numbers& self() const noexcept { return static_cast<const Numbers&>(*this); }
    std::size_t targets() const noexcept { return static_cast<std::size_t>(model_.targets); }
    bool peekable() const noexcept { return seen_ >= static_cast<std::size_t>(model_.unscored()); }
    std::size_t slot(std::size_t sample) const noexcept {
        return sample % static_cast<std::size_t>(model_.look_ahead);
    }
    void forget() {
        std::fill(hidden_.begin(), hidden_.end(), Input(0));
        std::fill(cell_.begin(), cell_.end(), Output(0));
    }
    std::vector<Input> inputs_of(std::span<const float> sample) const {
        std::vector<Input> inputs(sample.size());
        for (std::size_t f = 0; f < sample.size(); ++f) {
            inputs[f] = self().to_input(self().scaled(sample, f));
        }
        return inputs;
    }
    /// What the network makes of the window that ends with a sample: its newest step, where the next
    /// sample's forecast would be.
    void reconstruct(const std::vector<Input>& newest) {
        if constexpr (requires { self().run_network(window_, newest, forecasts_[0]); }) {
            if (!model_.network.empty()) {
                self().run_network(window_, newest, forecasts_[0]);
                return;
            }
        }
        forget();
        for (const auto& kept : window_) {
            self().read_encoder(kept);
        }
        self().read_encoder(newest);
        const auto start_from = [this](auto& state) {
            const auto units = static_cast<std::ptrdiff_t>(model_.hidden(0));
            std::copy_n(state.begin() + static_cast<std::ptrdiff_t>(top_), units, state.begin());
            std::fill(state.begin() + units, state.end(), 0);
        };
        start_from(hidden_);
        start_from(cell_);
        std::vector<Input> input(newest.size());
        for (int step = 0; step < model_.steps(); ++step) {
            self().read_lstm(input);
            self().forecast(forecasts_[0]);
            std::transform(forecasts_[0].begin(), forecasts_[0].end(), input.begin(),
                           [this](Output value) { return self().to_input(value); });
        }
    }

    /// What run_layers() needs of memory for the newest step of a window.
    template <class Value, class Tap>
    struct network_memory {
        std::vector<firmware::feed_forward_layer> layers;
        std::vector<Value> even;
        std::vector<Value> odd;
        std::vector<Tap> taps;

        template <class Sums>
        const Value* run(const Sums& sums, int steps) {
            return firmware::detail::run_layers(layers.data(), static_cast<int>(layers.size()),
                                                sums, steps, true, even.data(), odd.data(),
                                                taps.data());
        }
    };
    template <class Value, class Tap>
    network_memory<Value, Tap> network_scratch(const std::vector<std::vector<Input>>& window,
                                               const std::vector<Input>& newest) const {
        network_memory<Value, Tap> memory{model_.shapes(), {}, {}, {}};
        const auto& layers = memory.layers;
        for (auto t = static_cast<std::size_t>(firmware::detail::first_step_read(
                 layers.data(), static_cast<int>(layers.size()), 0, model_.window));
             t < window.size(); ++t) {
            memory.even.insert(memory.even.end(), window[t].begin(), window[t].end());
        }
        memory.even.insert(memory.even.end(), newest.begin(), newest.end());
        std::size_t longest = memory.even.size();
        std::size_t taps = 0;
        for (const auto& layer : layers) {
            longest = std::max(longest, static_cast<std::size_t>(layer.outputs) *
                                            static_cast<std::size_t>(model_.window));
            taps = std::max(taps, static_cast<std::size_t>(layer.inputs) *
                                      static_cast<std::size_t>(layer.kernel));
        }
        memory.even.resize(longest);
        memory.odd.resize(longest);
        memory.taps.resize(taps + 3); // whole quads
        return memory;
    }

    firmware_model model_;
    float threshold_;
    std::vector<Input> hidden_;
    std::vector<Output> cell_;
    std::size_t top_ = 0;                        // where h and c of the layer read last begin
    std::vector<std::vector<Output>> forecasts_; // by sample; element 0 is of the next one
    std::vector<std::vector<Input>> window_;     // the last samples, as the network reads them
    std::size_t seen_ = 0;
};

} // namespace tocsin::detail
