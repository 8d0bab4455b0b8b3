/// @file stream_detectors.hpp
/// @brief Detectors of two features with alarm control, and each once more, from its file.
#pragma once

#include "tocsin/alarm/alarm_control.hpp"
#include "tocsin/detect/detector.hpp"
#include "tocsin/errors/diagonal_gaussian.hpp"
#include "tocsin/io/detector_file.hpp"

#include <doctest/doctest.h>

#include "support/small_detectors.hpp"
#include "temporary_directory.hpp"
#include <cstdint>
#include <utility>

namespace tocsin_test {

using two_alarms = tocsin::alarm_chain<tocsin::m_of_n, tocsin::suppression>;
template <class Model, class Statistic = tocsin::diagonal_gaussian<>>
using watching = tocsin::detector<Model, tocsin::standard_scaler<float>, Statistic,
                                  tocsin::quantile_threshold, two_alarms>;

inline two_alarms two_of_three() {
    return two_alarms{tocsin::m_of_n(2, 3), tocsin::suppression(5)};
}

/// A detector of windows of `window` samples.
template <class Model>
watching<Model>
new_window_detector(const Model& model, tocsin::error_view view = tocsin::error_view::per_step,
                    tocsin::scored_steps scored = tocsin::scored_steps::newest, int window = 8) {
    return watching<Model>(
        model,
        {.window = window, .scored = scored, .view = view, .lost_after = 20, .clock_agreement = 2},
        {}, tocsin::quantile_threshold(0.95), two_of_three());
}

/// All phases on waves.
template <class Detector, class Trainer>
Detector learned(Detector detector, int length, const Trainer& trainer) {
    const auto values = waves<float>(2, 600, 1);
    const auto windows = windows_over(values, length, length / 2 + length % 2);
    const auto trained = detector.train(windows, {}, trainer);
    REQUIRE_MESSAGE(trained.ok(), trained.message());
    REQUIRE(detector.fit_errors(windows).ok());
    REQUIRE(detector.tune(windows).ok());
    return detector;
}

/// All phases on waves, and the same detector once more, from its file.
template <class Detector, class Trainer = tocsin::trainer<>>
std::pair<Detector, Detector> with_twin(const Detector& fresh, int length,
                                        const Trainer& trainer = quick_trainer()) {
    auto detector = learned(fresh, length, trainer);
    const temporary_directory directory;
    const auto path = directory / "detector.tocsin";
    const auto saved = tocsin::save_detector(detector, path);
    REQUIRE_MESSAGE(saved.ok(), saved.message());
    auto twin = tocsin::load_detector<Detector>(path);
    REQUIRE_MESSAGE(twin.has_value(), twin.error().message());
    REQUIRE(twin->identity() == detector.identity());
    return {std::move(detector), *std::move(twin)};
}

} // namespace tocsin_test
