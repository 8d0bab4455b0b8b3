/// @file small_detectors.hpp
/// @brief Small models with data that they learn within a second.
#pragma once

#include "tocsin/core/random.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/models/encoder_decoder.hpp"
#include "tocsin/series/windows.hpp"
#include "tocsin/training/fit.hpp"

#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <cstdint>
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
std::vector<double> all_scores(Detector& detector,
                               const tocsin::windows<typename Detector::scalar_type>& windows) {
    std::vector<double> per_step;
    std::vector<double> per_feature;
    const tocsin::status outcome = detector.scores(windows, per_step, per_feature);
    REQUIRE_MESSAGE(outcome.ok(), outcome.message());
    per_step.insert(per_step.end(), per_feature.begin(), per_feature.end());
    return per_step;
}

} // namespace tocsin_test
