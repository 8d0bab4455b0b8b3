/// @file rated_forecaster.hpp
/// @brief A small forecaster with a promised alarm rate, for ensembles.
#pragma once

#include "tocsin/detect/detector.hpp"
#include "tocsin/tail/alarm_rate.hpp"

#include "support/small_detectors.hpp"
#include <utility>

namespace tocsin_test {

using rated_forecaster = tocsin::detector<tocsin::forecaster<float>, tocsin::standard_scaler<float>,
                                          tocsin::mahalanobis<>, tocsin::alarm_rate>;

/// Trained and fitted to slow_waves(), with 10 false alarms promised in 10 000 rows.
inline rated_forecaster learned_forecaster(tocsin::forecaster<float> model, int warm_up) {
    rated_forecaster detector(std::move(model), {.warm_up = warm_up}, {},
                              tocsin::alarm_rate({.alarms = 10}));
    learn_slow_waves(detector, 4);
    return detector;
}

} // namespace tocsin_test
