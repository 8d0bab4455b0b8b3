/// @file firmware_detectors.hpp
/// @brief The detectors that the firmware tests export.
#pragma once

#include "tocsin/alarm/alarm_control.hpp"
#include "tocsin/alarm/refractory_period.hpp"
#include "tocsin/core/random.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/detect/detector.hpp"
#include "tocsin/errors/diagonal_gaussian.hpp"
#include "tocsin/layers/activation_layer.hpp"
#include "tocsin/layers/conv1d.hpp"
#include "tocsin/layers/dropout_layer.hpp"
#include "tocsin/models/encoder_decoder.hpp"
#include "tocsin/models/feed_forward.hpp"
#include "tocsin/models/forecaster.hpp"
#include "tocsin/models/linear_forecaster.hpp"
#include "tocsin/models/row_autoencoder.hpp"
#include "tocsin/series/scalers/min_max_scaler.hpp"
#include "tocsin/tail/spot_threshold.hpp"
#include "tocsin/threshold/quantile_threshold.hpp"
#include "tocsin/training/least_squares.hpp"

#include <cmath>
#include <cstdint>
#include <initializer_list>
#include <type_traits>
#include <vector>

namespace tocsin_test {

/// `[features x samples]`: waves of different periods, offsets and ranges with noise.
inline tocsin::matrix<float> machine_samples(int features, tocsin::index_t samples,
                                             std::uint64_t seed, double wrong_share = 0) {
    tocsin::random_generator random(seed);
    tocsin::matrix<float> values(features, samples);
    for (tocsin::index_t t = 0; t < samples; ++t) {
        const bool wrong = random.uniform() < wrong_share;
        for (int f = 0; f < features; ++f) {
            const double phase = static_cast<double>(t) * (0.05 + 0.04 * f) + f;
            const double wave = std::sin(phase) + 0.1 * random.normal() + (wrong ? 1.0 : 0.0);
            values(f, t) = static_cast<float>(20.0 * f + (1 + f) * wave);
        }
    }
    return values;
}

/// Normal ones as firmware_options::calibration has them.
inline std::vector<float> calibration_samples(int features) {
    const auto values = machine_samples(features, 1200, 2);
    return {values.data(), values.data() + values.size()};
}

/// Runs all phases, the later ones on windows of their own; a failure ends the program.
template <class Detector, class Trainer>
void learn_from(Detector& detector, const tocsin::windows<float>& training,
                const tocsin::windows<float>& normal, const Trainer& how) {
    for (const tocsin::status& outcome :
         {detector.train(training, {}, how), detector.fit_errors(normal), detector.tune(normal)}) {
        if (!outcome.ok()) {
            TOCSIN_FAIL(outcome.message());
        }
    }
}

/// Trains and tunes on machine_samples(). A short training: what is compared is arithmetic.
template <class Detector>
Detector learned(Detector detector, int features) {
    const auto values = machine_samples(features, 1200, 1);
    const auto other = machine_samples(features, 1200, 2);
    tocsin::trainer<> how;
    how.epochs = 6;
    how.batch_size = 16;
    how.optimiser.learning_rate = 0.01;
    learn_from(detector, tocsin::make_windows(values, 40, 20).value(),
               tocsin::make_windows(other, 1200, 1200).value(), how);
    return detector;
}

using plain_detector_type =
    tocsin::detector<tocsin::forecaster<float>, tocsin::standard_scaler<float>,
                     tocsin::diagonal_gaussian<>, tocsin::quantile_threshold>;
/// Four features, one layer, all forecast, a diagonal statistic: the detector of the size limits.
inline plain_detector_type plain_detector(int hidden) {
    return learned(plain_detector_type(tocsin::forecaster<float>::with_layers(4, 4, {hidden}),
                                       {.warm_up = 20}, {}, tocsin::quantile_threshold{0.99}),
                   4);
}

using rich_detector_type =
    tocsin::detector<tocsin::forecaster<float>, tocsin::standard_scaler<float>,
                     tocsin::mahalanobis<>, tocsin::quantile_threshold>;
/// All that firmware can: two layers with odd sizes, a hidden layer in the head, a feature that is
/// not forecast, two samples ahead, the whole covariance, missing sensors.
inline rich_detector_type rich_detector() {
    using model = tocsin::forecaster<float>;
    const model network{tocsin::lstm_stack<float>{{5, 9, 7}}, tocsin::dense_head<float>{{7, 6, 8}},
                        4};
    return learned(rich_detector_type(network, {.warm_up = 12, .longest_gap = 5, .lost_after = 8},
                                      {}, tocsin::quantile_threshold{0.99}),
                   5);
}

/// All that integers can: two layers with odd sizes, a feature that is not forecast, two samples
/// ahead, missing sensors.
inline plain_detector_type two_layer_detector() {
    using model = tocsin::forecaster<float>;
    const model network{tocsin::lstm_stack<float>{{5, 9, 7}}, tocsin::dense_head<float>{{7, 6}}, 3};
    return learned(plain_detector_type(network, {.warm_up = 12, .longest_gap = 5, .lost_after = 8},
                                       {}, tocsin::quantile_threshold{0.99}),
                   5);
}

using alarm_chain_type =
    tocsin::alarm_chain<tocsin::m_of_n, tocsin::minimum_duration, tocsin::suppression>;
using alarmed_detector_type =
    tocsin::detector<tocsin::forecaster<float>, tocsin::standard_scaler<float>,
                     tocsin::diagonal_gaussian<>, tocsin::quantile_threshold, alarm_chain_type>;
inline alarm_chain_type three_pieces() {
    return alarm_chain_type{tocsin::m_of_n{2, 5}, tocsin::minimum_duration{2},
                            tocsin::suppression{9}};
}
/// Missing sensors, and an alarm control that changes many verdicts.
inline alarmed_detector_type alarmed_detector() {
    return learned(alarmed_detector_type(tocsin::forecaster<float>::with_layers(4, 4, {8}),
                                         {.warm_up = 12, .longest_gap = 5, .lost_after = 8}, {},
                                         tocsin::quantile_threshold{0.99}, three_pieces()),
                   4);
}

using peaks_detector_type =
    tocsin::detector<tocsin::forecaster<float>, tocsin::standard_scaler<float>,
                     tocsin::diagonal_gaussian<>, tocsin::spot_threshold_by_moments>;
/// A threshold that follows the scores.
inline peaks_detector_type peaks_detector(int memory = 64) {
    return learned(peaks_detector_type(tocsin::forecaster<float>::with_layers(4, 4, {8}),
                                       {.warm_up = 12, .longest_gap = 5, .lost_after = 8}, {},
                                       tocsin::spot_threshold_by_moments{
                                           {.q = 2e-3, .level = 0.9, .memory = memory}}),
                   4);
}

/// A forecaster that a detector takes for a model of windows, as that of the command line.
class windowed_forecaster : public tocsin::forecaster<float> {
  public:
    windowed_forecaster() = default;
    explicit windowed_forecaster(const tocsin::forecaster<float>& model)
        : tocsin::forecaster<float>(model) {}

  private:
    using tocsin::forecaster<float>::step;
};
/// Trains and tunes a detector of windows on machine_samples().
template <class Detector>
Detector learned_windows(Detector detector, int features = 3) {
    const auto values = machine_samples(features, 1200, 1);
    tocsin::trainer<> how;
    how.epochs = 4;
    how.optimiser.learning_rate = 0.01;
    const auto windows = tocsin::make_windows(values, detector.settings().window, 1).value();
    learn_from(detector, windows, windows, how);
    return detector;
}
inline tocsin::detector_settings newest_of_ten(tocsin::missing_value missing) {
    tocsin::detector_settings settings;
    settings.window = 10;
    settings.scored = tocsin::scored_steps::newest;
    settings.missing = missing;
    settings.longest_gap = 5;
    settings.lost_after = 8;
    return settings;
}

using windowed_detector_type = tocsin::detector<windowed_forecaster>;
/// Judges the newest step of windows of ten, by the whole covariance of the absolute errors.
inline windowed_detector_type windowed_detector() {
    return learned_windows(windowed_detector_type(
        windowed_forecaster(tocsin::forecaster<float>::with_layers(3, 3, {6}, 2)),
        newest_of_ten(tocsin::missing_value::forecast), {}, tocsin::quantile_threshold{0.99}));
}

using reconstructing_detector_type = tocsin::detector<tocsin::encoder_decoder<float>>;
/// The same for encoder-decoders, with one layer or with two that begin with the newest sample.
inline reconstructing_detector_type reconstructing_detector() {
    return learned_windows(reconstructing_detector_type(
        tocsin::encoder_decoder<float>::with_layers(3, {7}),
        newest_of_ten(tocsin::missing_value::forecast), {}, tocsin::quantile_threshold{0.99}));
}
inline reconstructing_detector_type reversing_detector() {
    return learned_windows(reconstructing_detector_type(
        tocsin::encoder_decoder<float>::with_layers(3, {6, 5}, 0, true),
        newest_of_ten(tocsin::missing_value::hold), {}, tocsin::quantile_threshold{0.99}));
}

/// Judges rows by themselves: windows of one sample.
inline auto row_detector() {
    const auto network = tocsin::make_row_autoencoder<float, tocsin::leaky_relu_activation>(
        5, {.outer = 9, .inner = 6, .latent = 3});
    tocsin::detector<std::decay_t<decltype(network)>, tocsin::min_max_scaler<float>,
                     tocsin::diagonal_gaussian<>, tocsin::quantile_threshold>
        detector(network, {.window = 1, .lost_after = 8}, {}, tocsin::quantile_threshold{0.99});
    const auto values = machine_samples(5, 1200, 1);
    tocsin::trainer<> how;
    how.epochs = 20;
    how.optimiser.learning_rate = 0.01;
    const auto windows = tocsin::make_windows(values, 1, 1).value();
    learn_from(detector, windows, windows, how);
    return detector;
}
/// A convolutional autoencoder of windows of ten, with every kind of padding that keeps the length.
inline auto convolving_detector() {
    using tocsin::activation_layer;
    using tocsin::conv1d;
    using tocsin::padding;
    const tocsin::row_autoencoder network(tocsin::sequential(
        conv1d<float>(3, 7, {.kernel = 4}), activation_layer<float, tocsin::tanh_activation>(7),
        conv1d<float>(7, 2, {.kernel = 2, .padding = padding::causal, .dilation = 2}),
        activation_layer<float, tocsin::relu_activation>(2), tocsin::dropout_layer<float>(2, 0.1),
        conv1d<float>(2, 6, {.kernel = 3, .dilation = 2}), tocsin::dense<float>(6, 3)));
    tocsin::detector<std::decay_t<decltype(network)>> detector(
        network, newest_of_ten(tocsin::missing_value::forecast), {},
        tocsin::quantile_threshold{0.99});
    return learned_windows(detector);
}
/// Forecasts a sample from the six before it.
inline auto feed_forward_detector() {
    tocsin::detector<tocsin::feed_forward<float>> detector(
        tocsin::feed_forward<float>::with_layers(3, 3, 6, {8, 5}),
        newest_of_ten(tocsin::missing_value::forecast), {}, tocsin::quantile_threshold{0.99});
    return learned_windows(detector);
}

using linear_detector_type = tocsin::detector<tocsin::linear_forecaster<float>>;
/// Forecasts four of five features from the last six samples, with the whole covariance.
inline linear_detector_type linear_detector() {
    linear_detector_type detector({5, 4, 6}, {.warm_up = 1, .longest_gap = 5, .lost_after = 8}, {},
                                  tocsin::quantile_threshold{0.99});
    const auto values = machine_samples(5, 1200, 1);
    const auto other = machine_samples(5, 1200, 2);
    learn_from(detector, tocsin::make_windows(values, 40, 20).value(),
               tocsin::make_windows(other, 1200, 1200).value(), tocsin::least_squares{});
    return detector;
}
/// A linear forecaster that a detector takes for a model of windows, as that of the command line.
class windowed_linear_forecaster : public tocsin::linear_forecaster<float> {
  public:
    using tocsin::linear_forecaster<float>::linear_forecaster;

  private:
    using tocsin::linear_forecaster<float>::step;
};
/// The same in windows of ten.
inline auto windowed_linear_detector() {
    tocsin::detector<windowed_linear_forecaster> detector(
        windowed_linear_forecaster{3, 3, 6}, newest_of_ten(tocsin::missing_value::forecast), {},
        tocsin::quantile_threshold{0.99});
    const auto values = machine_samples(3, 1200, 1);
    const auto windows = tocsin::make_windows(values, 10, 1).value();
    learn_from(detector, windows, windows, tocsin::least_squares{});
    return detector;
}

} // namespace tocsin_test
