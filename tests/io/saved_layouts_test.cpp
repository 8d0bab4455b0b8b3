// What files hold of each saved class, against the text in tests/fixtures/files/layouts.txt: where it has
// changed, the class needs a new version. With TOCSIN_WRITE_FILES=<folder> in the environment, the first
// test writes today's text there. Comparators: saved_comparator_layouts_test.cpp.
#include "tocsin/alarm/alarm_control.hpp"
#include "tocsin/alarm/anomaly_likelihood.hpp"
#include "tocsin/alarm/rate_monitor.hpp"
#include "tocsin/alarm/refractory_period.hpp"
#include "tocsin/alarm/run_declustering.hpp"
#include "tocsin/charts/cusum.hpp"
#include "tocsin/charts/mewma.hpp"
#include "tocsin/charts/residual_charts.hpp"
#include "tocsin/comparators/lagged_value.hpp"
#include "tocsin/comparators/scored_comparator.hpp"
#include "tocsin/detect/charted_detector.hpp"
#include "tocsin/detect/classifier_detector.hpp"
#include "tocsin/detect/detector.hpp"
#include "tocsin/detect/ensemble.hpp"
#include "tocsin/dynamic/dynamic_threshold_stream.hpp"
#include "tocsin/dynamic/epsilon_threshold.hpp"
#include "tocsin/errors/diagonal_gaussian.hpp"
#include "tocsin/layers/activation_layer.hpp"
#include "tocsin/layers/batch_norm.hpp"
#include "tocsin/layers/bidirectional_lstm.hpp"
#include "tocsin/layers/conv1d.hpp"
#include "tocsin/layers/dropout_layer.hpp"
#include "tocsin/layers/penalised.hpp"
#include "tocsin/layers/pooling.hpp"
#include "tocsin/layers/repeat.hpp"
#include "tocsin/models/autoencoder.hpp"
#include "tocsin/models/bigan.hpp"
#include "tocsin/models/encoder_decoder.hpp"
#include "tocsin/models/feed_forward.hpp"
#include "tocsin/models/forecaster.hpp"
#include "tocsin/models/linear_forecaster.hpp"
#include "tocsin/models/mean_of_models.hpp"
#include "tocsin/models/row_autoencoder.hpp"
#include "tocsin/models/sequence_to_sequence.hpp"
#include "tocsin/models/sequential.hpp"
#include "tocsin/models/variational_autoencoder.hpp"
#include "tocsin/novelty/nearest_value.hpp"
#include "tocsin/series/scalers/identity_scaler.hpp"
#include "tocsin/series/scalers/min_max_scaler.hpp"
#include "tocsin/series/scalers/robust_scaler.hpp"
#include "tocsin/series/scalers/standard_scaler.hpp"
#include "tocsin/sketch/quantile_sketch.hpp"
#include "tocsin/tail/alarm_rate.hpp"
#include "tocsin/tail/drift_spot_threshold.hpp"
#include "tocsin/tail/spot_threshold.hpp"
#include "tocsin/threshold/f_beta_threshold.hpp"
#include "tocsin/threshold/manual_threshold.hpp"
#include "tocsin/threshold/sigma_threshold.hpp"
#include "tocsin/training/adversarial_state.hpp"
#include "tocsin/training/classifier_state.hpp"
#include "tocsin/training/run_fingerprint.hpp"
#include "tocsin/training/training_state.hpp"

#include <doctest/doctest.h>

#include "saved_layouts.hpp"
#include "support/small_detectors.hpp"
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

using tocsin_test::add;
using tocsin_test::fitted;
using tocsin_test::layout;
using tocsin_test::layouts;
using tocsin_test::require_ok;
using tocsin_test::slow_waves;
using tocsin_test::waves;
using tocsin_test::windows_over;

namespace {

/// Scores of normal samples: gamma distributed, as distances are.
std::vector<double> scores() {
    tocsin::random_generator random(1);
    std::vector<double> drawn(3000);
    for (double& score : drawn) {
        const double a = random.normal();
        const double b = random.normal();
        score = a * a + b * b;
    }
    return drawn;
}

void add_alarms(layouts& all) {
    add(all, "alarm/alarm_control.hpp hysteresis", tocsin::hysteresis(2, 1));
    add(all, "alarm/alarm_control.hpp minimum_deviation", tocsin::minimum_deviation(1));
    add(all, "alarm/alarm_control.hpp m_of_n", tocsin::m_of_n(2, 3));
    add(all, "alarm/alarm_control.hpp minimum_duration", tocsin::minimum_duration(2));
    add(all, "alarm/alarm_control.hpp suppression", tocsin::suppression(5));
    add(all, "alarm/alarm_control.hpp alarm_chain",
        tocsin::alarm_chain(tocsin::m_of_n(2, 3), tocsin::suppression(5)));
    add(all, "alarm/anomaly_likelihood.hpp anomaly_likelihood",
        tocsin::anomaly_likelihood::make({.long_rows = 20, .warm_up = 10}).value());
    add(all, "alarm/rate_monitor.hpp rate_monitor", tocsin::rate_monitor(10));
    add(all, "alarm/refractory_period.hpp refractory_period", tocsin::refractory_period(5));
    add(all, "alarm/run_declustering.hpp run_declustering", tocsin::run_declustering(5));
}

void add_errors_and_charts(layouts& all) {
    const tocsin::matrix<double> errors = waves<double>(2, 200, 1);
    const auto accumulated = [](auto statistic, const tocsin::matrix<double>& samples) {
        for (tocsin::index_t t = 0; t < samples.cols(); ++t) {
            statistic.accumulate(samples.col(t));
        }
        return fitted(std::move(statistic));
    };
    const auto statistic = accumulated(tocsin::mahalanobis<>(2), errors);
    add(all, "errors/mahalanobis.hpp mahalanobis", statistic);
    auto adapted = accumulated(tocsin::mahalanobis<>(4), waves<double>(4, 4, 1)); // shrunk
    adapted.adapt(std::array{1.0, 11.0, 21.0, 31.0}, 0.1);
    add(all, "errors/mahalanobis.hpp mahalanobis, of few samples, adapted", adapted);
    add(all, "errors/diagonal_gaussian.hpp diagonal_gaussian",
        accumulated(tocsin::diagonal_gaussian<>(2), errors));
    add(all, "charts/cusum.hpp cusum", tocsin::cusum(0.5));
    add(all, "charts/mewma.hpp mewma", tocsin::mewma(statistic));
    add(all, "charts/residual_chart.hpp residual_chart", tocsin::residual_chart());
    add(all, "charts/residual_charts.hpp residual_charts",
        fitted(tocsin::residual_charts(), errors));
}

void add_layers(layouts& all) {
    add(all, "layers/activation_layer.hpp activation_layer",
        tocsin::activation_layer<float, tocsin::relu_activation>(3));
    add(all, "layers/activation_layer.hpp activation_layer, with a slope",
        tocsin::activation_layer<float, tocsin::leaky_relu_activation>(3));
    add(all, "layers/activation_layer.hpp softmax_layer", tocsin::softmax_layer<float>(3));
    add(all, "layers/batch_norm.hpp batch_norm", tocsin::batch_norm<float>(3));
    add(all, "layers/bidirectional_lstm.hpp bidirectional_lstm",
        tocsin::bidirectional_lstm<float>(3, 2));
    add(all, "layers/conv1d.hpp conv1d", tocsin::conv1d<float>(3, 2, {.kernel = 3}));
    add(all, "layers/dense.hpp dense", tocsin::dense<float>(3, 2));
    add(all, "layers/dropout_layer.hpp dropout_layer", tocsin::dropout_layer<float>(3, 0.5));
    add(all, "layers/lstm.hpp lstm", tocsin::lstm<float>(3, 2));
    add(all, "layers/penalised.hpp penalised",
        tocsin::penalised(tocsin::dense<float>(3, 2), {.l2 = 0.1}));
    add(all, "layers/pooling.hpp pooling", tocsin::global_average_pooling<float>(3));
    add(all, "layers/repeat.hpp repeat", tocsin::repeat<float>(3, 4));
}

void add_models(layouts& all) {
    add(all, "models/autoencoder.hpp autoencoder",
        tocsin::autoencoder<float>::with_embedding(3, 2));
    add(all, "models/bigan.hpp bigan", tocsin::make_bigan<float>(3));
    add(all, "models/encoder_decoder.hpp encoder_decoder", tocsin_test::small_lstm<float>(3));
    add(all, "models/encoder_decoder.hpp encoder_decoder, with a bidirectional encoder",
        tocsin::make_sequence_to_sequence<float>(3));
    add(all, "models/feed_forward.hpp feed_forward",
        tocsin::feed_forward<float>::with_layers(3, 2, 4, {5}));
    add(all, "models/forecaster.hpp forecaster", tocsin_test::small_forecaster());
    add(all, "models/linear_forecaster.hpp linear_forecaster",
        tocsin::linear_forecaster<float>(3, 2, 4));
    add(all, "models/mean_of_models.hpp mean_of_models",
        tocsin::mean_of_models(tocsin::linear_forecaster<float>(3, 2, 4), 2));
    add(all, "models/row_autoencoder.hpp row_autoencoder", tocsin::make_row_autoencoder<float>(3));
    add(all, "models/sequential.hpp sequential",
        tocsin::sequential(tocsin::dense<float>(3, 2), tocsin::dropout_layer<float>(2, 0.5)));
    add(all, "models/variational_autoencoder.hpp variational_autoencoder",
        tocsin::make_variational_autoencoder<float>(3));
}

void add_series(layouts& all) {
    const tocsin::matrix<float> values = slow_waves(50);
    add(all, "series/scalers/affine_scaler.hpp affine_scaler, standard",
        fitted(tocsin::standard_scaler<float>(), values));
    add(all, "series/scalers/affine_scaler.hpp affine_scaler, robust",
        fitted(tocsin::robust_scaler<float>(), values));
    add(all, "series/scalers/affine_scaler.hpp affine_scaler, to a range",
        fitted(tocsin::min_max_scaler<float>(), values));
    add(all, "series/scalers/identity_scaler.hpp identity_scaler",
        fitted(tocsin::identity_scaler<float>(), values));
    tocsin::moving_window window(5);
    tocsin::ewma average(0.5);
    tocsin::quantile_sketch sketch;
    tocsin::nearest_value novelty(20);
    for (const double score : scores()) {
        window.push(score);
        average.push(score);
        sketch.push(score);
        novelty.push(score);
    }
    add(all, "series/moving_window.hpp moving_window", window);
    add(all, "series/smoothing.hpp ewma", average);
    add(all, "sketch/quantile_sketch.hpp quantile_sketch", sketch);
    add(all, "novelty/nearest_value.hpp nearest_value", novelty);
}

void add_thresholds(layouts& all) {
    const std::vector<double> normal = scores();
    std::vector<std::uint8_t> labels(normal.size(), 0);
    std::ranges::transform(normal, labels.begin(), [](double score) { return score > 10 ? 1 : 0; });
    add(all, "dynamic/epsilon_threshold.hpp epsilon_threshold",
        fitted(tocsin::epsilon_threshold(), std::span(normal), std::span(labels)));
    add(all, "tail/alarm_rate.hpp alarm_rate",
        fitted(tocsin::alarm_rate(), std::span(normal), std::span(labels)));
    add(all, "tail/drift_spot_threshold.hpp drift_spot_threshold",
        fitted(tocsin::drift_spot_threshold(), std::span(normal), std::span(labels)));
    add(all, "tail/spot_threshold.hpp basic_spot_threshold",
        fitted(tocsin::spot_threshold(), std::span(normal), std::span(labels)));
    add(all, "threshold/f_beta_threshold.hpp f_beta_threshold",
        fitted(tocsin::f_beta_threshold(), std::span(normal), std::span(labels)));
    add(all, "threshold/manual_threshold.hpp manual_threshold",
        fitted(tocsin::manual_threshold(3), std::span(normal), std::span(labels)));
    add(all, "threshold/quantile_threshold.hpp quantile_threshold",
        fitted(tocsin::quantile_threshold(), std::span(normal), std::span(labels)));
    add(all, "threshold/sigma_threshold.hpp sigma_threshold",
        fitted(tocsin::sigma_threshold(), std::span(normal), std::span(labels)));
    tocsin::threshold_pair<tocsin::quantile_threshold> pair{tocsin::quantile_threshold()};
    pair.override_with(tocsin::error_view::per_step, 3);
    pair.override_with(tocsin::error_view::per_feature, 3);
    add(all, "detect/threshold_pair.hpp threshold_pair", pair);
    add(all, "dynamic/dynamic_threshold_stream.hpp dynamic_threshold_stream",
        tocsin::dynamic_threshold_stream::make().value());
}

/// Their tables of epochs have a row for each number of a record, so the sizes belong to the layout.
template <class State>
void add_state(layouts& all, const char* name, State state) {
    state.parameters = state.best_parameters = {1, 2};
    state.best_epoch = 0;
    state.history.resize(1);
    add(all, name, state, tocsin_test::sizes::listed);
}

void add_training(layouts& all) {
    tocsin::training_state<float> training;
    training.best_rmse = 1;
    add_state(all, "training/training_state.hpp training_state", training);
    tocsin::classifier_state<float> classifier;
    classifier.best_cost = 1;
    add_state(all, "training/classifier_state.hpp classifier_state", classifier);
    tocsin::adversarial_state<float> adversarial;
    adversarial.best_mae = 1;
    add_state(all, "training/adversarial_state.hpp adversarial_state", adversarial);
    tocsin::run_fingerprint fingerprint;
    fingerprint.add("scaler", "standard");
    add(all, "training/run_fingerprint.hpp run_fingerprint", fingerprint);
}

/// With fitted errors and thresholds, for weights that nobody trained and that must outlive it.
template <class Model>
auto fitted_detector(const Model& model, std::span<const float> weights) {
    const tocsin::matrix<float> values = slow_waves(200);
    const auto scaler = fitted(tocsin::standard_scaler<float>(), values);
    const tocsin::column<float> mean = values.rowwise().mean();
    tocsin::detector<Model> detector(model, {.window = 20, .warm_up = 5});
    const auto normal = windows_over(values, 20, 10);
    require_ok(detector.borrow({weights}, scaler, std::span<const float>(mean.data(), 3)));
    require_ok(detector.fit_errors(normal));
    require_ok(detector.tune(normal));
    return detector;
}

void add_detectors(layouts& all) {
    const auto weights_of = [](const auto& model) {
        std::vector<float> weights(static_cast<std::size_t>(model.parameter_count()));
        tocsin::random_generator random(1);
        model.initialise(std::span(weights), random);
        return weights;
    };
    const auto forecaster = tocsin_test::small_forecaster();
    const auto of_forecaster = weights_of(forecaster);
    const auto forecasting = fitted_detector(forecaster, of_forecaster);
    add(all, "detect/detector.hpp detector, of a forecaster", forecasting);
    const auto model = tocsin_test::small_lstm<float>(3);
    const auto of_model = weights_of(model);
    add(all, "detect/detector.hpp detector, of an encoder_decoder",
        fitted_detector(model, of_model));
    add(all, "detect/detector_settings.hpp detector_settings", tocsin::detector_settings{});

    add(all, "detect/charted_detector.hpp charted_detector", tocsin::charted_detector(forecasting));
    add(all, "detect/charted_detector.hpp charted_settings", tocsin::charted_settings{});

    using comparator = tocsin::scored_comparator<tocsin::lagged_value>;
    const tocsin::matrix<double> values = slow_waves<double>(300);
    const comparator scored = fitted(comparator(), values, values);
    add(all, "comparators/scored_comparator.hpp scored_comparator", scored);
    add(all, "detect/ensemble.hpp basic_ensemble",
        tocsin::ensemble<comparator, comparator>({}, scored, scored));
    add(all, "detect/ensemble.hpp ensemble_settings", tocsin::ensemble_settings{});

    tocsin::sequential network(tocsin::global_average_pooling<float>(3),
                               tocsin::dense<float>(3, 1));
    const tocsin::matrix<float> samples = slow_waves(300);
    tocsin::classifier_detector<decltype(network)> classifier(network, {.window = 5});
    const std::vector<std::uint8_t> labels(300, 0);
    require_ok(classifier.set_weights(weights_of(network),
                                      fitted(tocsin::robust_scaler<float>(), samples)));
    require_ok(classifier.fit_false_alarms({samples.data(), 3, 300}, labels));
    add(all, "detect/classifier_detector.hpp classifier_detector", classifier);
    add(all, "detect/classifier_settings.hpp classifier_detector_settings",
        tocsin::classifier_detector_settings{});
}

const layouts& layouts_of_today() {
    static const layouts today = [] {
        layouts all;
        add_alarms(all);
        add_errors_and_charts(all);
        add_layers(all);
        add_models(all);
        add_series(all);
        add_thresholds(all);
        add_training(all);
        add_detectors(all);
        return all;
    }();
    return today;
}

} // namespace

TEST_SUITE("io") {

    TEST_CASE("saved layouts: today's text can be written for keeping") {
        tocsin_test::write_for_keeping("layouts.txt", layouts_of_today());
    }

    TEST_CASE("saved layouts: what files hold of a class changes with its version only") {
        CHECK(layouts_of_today().size() > 60);
        tocsin_test::compare_with_kept("layouts.txt", layouts_of_today());
    }

    TEST_CASE("saved layouts: a complaint names what is new, what is gone and the version") {
        const layout kept = {"metadata count", "tensor mean F64 1-dimensional", "version 1"};
        const layout renamed = {"metadata count", "tensor average F64 1-dimensional", "version 1"};
        const layout with_version = {"metadata count", "tensor mean F64 1-dimensional",
                                     "version 2"};
        CHECK(tocsin_test::complaint("a", kept, kept).empty());
        CHECK(tocsin_test::complaint("a", kept, renamed) ==
              "a: new is 'tensor average F64 1-dimensional'; gone is 'tensor mean F64 "
              "1-dimensional'; files have changed, so it needs a version above 1. Keep a file of "
              "version 1 in tests/fixtures/files with a test that reads it, and write the text "
              "anew");
        CHECK(tocsin_test::complaint("a", kept, with_version) ==
              "a: new is 'version 2'; gone is 'version 1'. Keep a file of version 1 in "
              "tests/fixtures/files with a test that reads it, and write the text anew");
    }
}
