/// @file small_detectors.hpp
/// @brief Small models with data that they learn within a second.
#pragma once

#include "tocsin/core/random.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/detect/detector_settings.hpp"
#include "tocsin/detect/verdict.hpp"
#include "tocsin/models/encoder_decoder.hpp"
#include "tocsin/models/forecaster.hpp"
#include "tocsin/series/windows.hpp"
#include "tocsin/training/fit.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

namespace tocsin_test {

/// `[features x samples]`: sinusoids of different frequencies plus a little noise.
template <class Scalar>
tocsin::matrix<Scalar> waves(int features, tocsin::index_t samples, std::uint64_t seed) {
    tocsin::random_generator random(seed);
    tocsin::matrix<Scalar> values(features, samples);
    for (tocsin::index_t t = 0; t < samples; ++t) {
        for (int f = 0; f < features; ++f) {
            const double wave = std::sin(0.3 * (f + 1) * static_cast<double>(t) + f);
            values(f, t) = static_cast<Scalar>(10 * f + 2 * wave + random.uniform(-0.2, 0.2));
        }
    }
    return values;
}

/// Windows over `values`; the test ends when they cannot be made.
template <class Scalar>
tocsin::windows<Scalar> windows_over(const tocsin::matrix<Scalar>& values, int length,
                                     int stride = 1) {
    auto made = tocsin::make_windows(values, length, stride);
    REQUIRE_MESSAGE(made.has_value(), made.error().message());
    return *std::move(made);
}

/// Encoder-decoder of one layer of `Hidden` each side, with sizes at run time.
template <class Scalar>
tocsin::encoder_decoder<Scalar> small_lstm(int features, int hidden = 4) {
    return {tocsin::lstm_stack<Scalar>{{features, hidden}},
            tocsin::lstm_stack<Scalar>{{features, hidden}},
            tocsin::dense_head<Scalar>{{hidden, features}}};
}
/// The same with sizes at compile time.
template <class Scalar, int Features, int Hidden>
using static_lstm = tocsin::encoder_decoder<Scalar, tocsin::lstm_stack<Scalar, Features, Hidden>,
                                            tocsin::lstm_stack<Scalar, Features, Hidden>,
                                            tocsin::dense_head<Scalar, Hidden, Features>>;

/// A trainer for these sizes.
inline tocsin::trainer<> quick_trainer(int epochs = 3, std::uint64_t seed = 1) {
    tocsin::trainer<> how;
    how.epochs = epochs;
    how.batch_size = 16;
    how.seed = seed;
    how.optimiser.learning_rate = 0.02;
    return how;
}

/// `[3 x samples]`: two sinusoids with a little noise, and a third feature that helps to forecast
/// them.
template <class Scalar = float>
tocsin::matrix<Scalar> slow_waves(tocsin::index_t samples, std::uint64_t seed = 1) {
    tocsin::random_generator random(seed);
    tocsin::matrix<Scalar> values(3, samples);
    for (tocsin::index_t t = 0; t < samples; ++t) {
        const double time = static_cast<double>(t);
        values(0, t) = static_cast<Scalar>(5 * std::sin(0.2 * time) + 0.05 * random.normal());
        values(1, t) = static_cast<Scalar>(std::cos(0.1 * time) + 0.01 * random.normal());
        values(2, t) = static_cast<Scalar>(std::sin(0.1 * time));
    }
    return values;
}

/// Forecasts two of the three features of slow_waves().
template <class Scalar = float>
tocsin::forecaster<Scalar> small_forecaster(int look_ahead = 2,
                                            std::initializer_list<int> hidden = {8}) {
    return tocsin::forecaster<Scalar>::with_layers(3, 2, hidden, look_ahead);
}

/// All phases of a forecasting detector on slow_waves().
template <class Detector>
void learn_slow_waves(Detector& detector, int epochs = 25) {
    using scalar = typename Detector::scalar_type;
    const auto values = slow_waves<scalar>(600);
    const auto other = slow_waves<scalar>(600, 2);
    const auto normal = windows_over(other, 300, 300);
    for (const tocsin::status& outcome :
         {detector.train(windows_over(values, 30, 10), {}, quick_trainer(epochs)),
          detector.fit_errors(normal), detector.tune(normal)}) {
        REQUIRE_MESSAGE(outcome.ok(), outcome.message());
    }
}

/// A copy in which about a share of the values is missing.
template <class Scalar>
tocsin::matrix<Scalar> with_holes(tocsin::matrix<Scalar> values, double share, std::uint64_t seed) {
    tocsin::random_generator random(seed);
    for (Scalar& value : values.reshaped()) {
        if (random.uniform() < share) {
            value = std::numeric_limits<Scalar>::quiet_NaN();
        }
    }
    return values;
}

/// The verdicts on samples, pushed one after the other.
template <class Detector, class Values>
std::vector<tocsin::verdict>
push_each(const Detector& detector, typename Detector::stream_type& stream, const Values& values) {
    std::vector<tocsin::verdict> verdicts;
    for (tocsin::index_t t = 0; t < values.cols(); ++t) {
        verdicts.push_back(detector.push(stream, values.col(t)));
    }
    return verdicts;
}

/// Whether two verdicts are equal to the last bit.
inline bool same_verdict(const tocsin::verdict& a, const tocsin::verdict& b) {
    const auto bits = [](double value) { return std::bit_cast<std::uint64_t>(value); };
    return a.kind == b.kind && a.reason == b.reason && a.alarm == b.alarm &&
           a.clock_reset == b.clock_reset && a.missing == b.missing && a.lost == b.lost &&
           bits(a.score) == bits(b.score) && bits(a.threshold) == bits(b.threshold) &&
           bits(a.expected_false_alarms) == bits(b.expected_false_alarms) &&
           a.rate_exceeded == b.rate_exceeded;
}
/// Whether two streams had the same verdicts; says how many differ.
inline bool same_verdicts(std::span<const tocsin::verdict> a, std::span<const tocsin::verdict> b) {
    REQUIRE(a.size() == b.size());
    std::size_t different = 0;
    for (std::size_t k = 0; k < a.size(); ++k) {
        different += same_verdict(a[k], b[k]) ? 0 : 1;
    }
    if (different > 0) {
        MESSAGE(different, " of ", a.size(), " verdicts differ");
    }
    return different == 0;
}

/// Runs train(), fit_errors() and tune() on the same windows; the test ends when one fails.
template <class Detector>
void run_all_phases(Detector& detector,
                    const tocsin::windows<typename Detector::scalar_type>& normal,
                    const tocsin::trainer<>& how = quick_trainer()) {
    for (const tocsin::status& outcome :
         {detector.train(normal, {}, how), detector.fit_errors(normal), detector.tune(normal)}) {
        REQUIRE_MESSAGE(outcome.ok(), outcome.message());
    }
}

template <class Scalar>
std::span<const Scalar> sample_of(const tocsin::matrix<Scalar>& values, tocsin::index_t t) {
    return {values.data() + t * values.rows(), static_cast<std::size_t>(values.rows())};
}

/// Whether two ranges hold the same bits; NaN equals itself here, 0 and -0 differ.
template <class Range>
bool same_bits(const Range& a, const Range& b) {
    using value = std::remove_cvref_t<decltype(*std::begin(a))>;
    using bits = std::conditional_t<sizeof(value) == 4, std::uint32_t, std::uint64_t>;
    return std::equal(std::begin(a), std::end(a), std::begin(b), std::end(b), [](value x, value y) {
        return std::bit_cast<bits>(x) == std::bit_cast<bits>(y);
    });
}

/// Whether a message has a text in it.
inline bool says(const tocsin::status& outcome, std::string_view text) {
    return std::string_view(outcome.message()).find(text) != std::string_view::npos;
}

/// All that a detector answers about windows: both scores of each, in order.
template <class Detector>
std::vector<double> all_scores(const Detector& detector,
                               const tocsin::windows<typename Detector::scalar_type>& windows) {
    const auto scores = detector.scores(windows);
    REQUIRE_MESSAGE(scores.has_value(), scores.error().message());
    std::vector<double> all = scores->per_step;
    all.insert(all.end(), scores->per_feature.begin(), scores->per_feature.end());
    return all;
}

/// The verdict on one window, with memory of its own.
template <class Detector, class Window>
tocsin::window_verdict judge(const Detector& detector, const Window& window) {
    auto workspace = detector.make_workspace();
    return detector.score(window, workspace);
}

} // namespace tocsin_test
