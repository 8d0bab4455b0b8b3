// A custom model and threshold rule in one file: types that satisfy the concepts, without base
// classes. The detector treats them like tocsin's own.
//     04_custom_policy
#include "tocsin/tocsin.hpp"

#include "support/recording.hpp"
#include "support/require.hpp"
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <span>

using namespace tocsin;

// Predicts each sample as the one before plus a learned step (concept sequence_model).
class last_value_model {
  public:
    using scalar_type = float;
    static constexpr const char* kind = "last_value";

    explicit last_value_model(int features = 0) noexcept : features_{features} {}
    status check() const noexcept {
        return features_ > 0
                   ? status{}
                   : status::error(error_code::invalid_argument, "last_value: ", features_,
                                   " features; must be at least 1");
    }
    int features() const noexcept { return features_; }
    index_t parameter_count() const noexcept { return features_; }
    template <class Visit>
    void for_each_parameter_block(Visit&& visit) const {
        visit("step", index_t{0}, index_t{features_}, index_t{1});
    }
    static void initialise(std::span<float> parameters, random_generator&) noexcept {
        std::fill(parameters.begin(), parameters.end(), 0.0F);
    }

    static index_t predict_work_size(int, int) noexcept { return 0; }
    void predict(std::span<const float> parameters, sequence_view<const float> windows,
                 sequence_view<float> predictions, std::span<float>) const noexcept {
        const vector_view<const float> step(parameters.data(), features_);
        predictions.step(0) = windows.step(0);
        for (int t = 1; t < windows.time(); ++t) {
            predictions.step(t) = windows.step(t - 1).colwise() + step;
        }
    }
    index_t training_work_size(int batch, int time) const noexcept {
        return index_t{2} * features_ * batch * time;
    }
    template <class Loss>
    double loss_and_gradient(std::span<const float> parameters, sequence_view<const float> windows,
                             const Loss& loss, std::span<float> gradients, random_generator&,
                             std::span<float> work) const noexcept {
        const sequence_view<float> predictions(work.data(), features_, windows.batch(),
                                               windows.time());
        const sequence_view<float> slopes(work.data() + windows.size(), features_, windows.batch(),
                                          windows.time());
        predict(parameters, windows, predictions, {});
        const double value =
            loss(std::span<const float>(predictions.span()), windows.span(), slopes.span());
        vector_view<float>(gradients.data(), features_) +=
            slopes.steps(1, windows.time() - 1).flat().rowwise().sum();
        return value;
    }

  private:
    int features_;
};

// Raises an alarm above a multiple of the largest normal score (concept threshold_rule). To be saved it
// would also need exchange(), see docs/policies.md.
class margin_threshold {
  public:
    static constexpr const char* kind = "margin";

    explicit margin_threshold(double factor = 1.5) noexcept : factor_{factor} {}
    status fit(std::span<const double> scores, std::span<const std::uint8_t> /*labels*/) noexcept {
        threshold_ = std::numeric_limits<double>::infinity();
        if (scores.empty()) {
            return status::error(error_code::invalid_data, "margin_threshold: no scores");
        }
        threshold_ = factor_ * *std::max_element(scores.begin(), scores.end());
        return {};
    }
    double threshold() const noexcept { return threshold_; }

  private:
    double factor_;
    double threshold_ = std::numeric_limits<double>::infinity();
};

int main() {
    random_generator random{11};
    const auto generator =
        sinusoid_generator<float>::make(
            {.features = 2, .length = 1500, .frequency = {0.05, 0.1}, .noise = 0.1}, random)
            .value();
    const auto normal = support::record(generator, 0, random);
    const auto live = support::record(generator, 5, random);
    detector<last_value_model, standard_scaler<float>, mahalanobis<>, margin_threshold> monitor{
        last_value_model{2}, {.window = 2, .scored = scored_steps::newest}};
    const auto windows = make_windows(normal.values, 2).value();
    support::require(monitor.train(windows, {}, trainer<>{.epochs = 2}));
    support::require(monitor.fit_errors(windows));
    support::require(monitor.tune(windows));
    auto stream = monitor.make_stream();
    confusion_counts counts;
    for (index_t t = 0; t < live.values.cols(); ++t) {
        const auto verdict = monitor.push(stream, live.values.col(t));
        counts.add(verdict.is_anomaly(), live.labels[static_cast<std::size_t>(t)] != 0);
    }
    std::printf("threshold %.1f: %.2f %% of the samples flagged, precision %.2f\n",
                monitor.threshold(), 100 * counts.flagged_fraction(), counts.precision());
}
