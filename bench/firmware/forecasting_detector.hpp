/// @file forecasting_detector.hpp
/// @brief The detectors whose cost is compared with that of their firmware.
#pragma once

#include "tocsin/core/random.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/detect/detector.hpp"
#include "tocsin/errors/diagonal_gaussian.hpp"
#include "tocsin/models/forecaster.hpp"
#include "tocsin/threshold/quantile_threshold.hpp"

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace tocsin_bench {

constexpr int features = 4;

using detector_type = tocsin::detector<tocsin::forecaster<float>, tocsin::standard_scaler<float>,
                                       tocsin::diagonal_gaussian<>, tocsin::quantile_threshold>;

/// Waves with noise, `[features x samples]`.
inline tocsin::matrix<float> recording(tocsin::index_t samples, std::uint64_t seed) {
    tocsin::random_generator random{seed};
    tocsin::matrix<float> values(features, samples);
    for (tocsin::index_t t = 0; t < samples; ++t) {
        for (int f = 0; f < features; ++f) {
            const double phase = static_cast<double>(t) * (0.05 + 0.04 * f) + f;
            values(f, t) = static_cast<float>(std::sin(phase) + 0.1 * random.normal());
        }
    }
    return values;
}

inline void require(const tocsin::status& done) {
    if (!done.ok()) {
        std::fprintf(stderr, "%s\n", done.message());
        std::exit(1);
    }
}

/// One LSTM layer that forecasts four features, the same in every program. A short training: what
/// is measured is arithmetic.
inline detector_type trained_detector(int hidden) {
    detector_type detector{tocsin::forecaster<float>::with_layers(features, features, {hidden}),
                           {.warm_up = 20}};
    const auto values = recording(1200, 1);
    require(detector.train(tocsin::make_windows(values, 40, 20).value(), {},
                           tocsin::trainer<>{.epochs = 2}));
    const auto whole = tocsin::make_windows(values, 1200, 1200).value();
    require(detector.fit_errors(whole));
    require(detector.tune(whole));
    return detector;
}

} // namespace tocsin_bench
