#include "tocsin/io/firmware_export.hpp"

#include <doctest/doctest.h>

#include "firmware/firmware_detectors.hpp"
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

namespace {

/// Checks that a self-test has as many scores as were asked for, a third of them at the threshold.
template <class Detector>
void check_self_test(const Detector& detector, std::size_t unscored) {
    const auto model = tocsin::make_firmware_model(detector);
    REQUIRE(model.has_value());
    const auto test = tocsin::make_self_test(tocsin::firmware_float(*model), 24);
    REQUIRE(test.scores.size() == unscored + 24);
    CHECK(test.samples.size() == test.scores.size() * static_cast<std::size_t>(model->features));
    const auto first = test.scores.begin() + static_cast<std::ptrdiff_t>(unscored);
    CHECK(std::all_of(test.scores.begin(), first, [](float score) { return score == -1; }));
    CHECK(std::all_of(first, test.scores.end(), [](float score) { return score >= 0; }));
    CHECK(test.near_threshold >= 6);
}

} // namespace

TEST_SUITE("firmware") {
    TEST_CASE("self-test: has scores for any length of the window") {
        // The window of the command line, longer than the self-test.
        tocsin::detector_settings settings;
        settings.scored = tocsin::scored_steps::newest;
        REQUIRE(settings.window == 30);
        check_self_test(tocsin_test::learned_windows(tocsin_test::reconstructing_detector_type(
                            tocsin::encoder_decoder<float>::with_layers(3, {4}), settings, {},
                            tocsin::quantile_threshold{0.99})),
                        29);
        check_self_test(tocsin_test::windowed_detector(), 9);
        check_self_test(tocsin_test::row_detector(), 0);
        check_self_test(tocsin_test::two_layer_detector(), 2); // forecasts two samples ahead
    }

    TEST_CASE("export: a distance that is no number is the largest score, as on a target") {
        auto model = *tocsin::make_firmware_model(tocsin_test::plain_detector(3));
        model.inverse_variance[0] = 0;
        model.head[0].weights.assign(model.head[0].weights.size(), 3e38);
        tocsin::firmware_float numbers(model);
        const float sample[] = {1, 2, 3, 4};
        float score = numbers.push(sample);
        for (int k = 0; k < 3; ++k) {
            score = numbers.push(sample);
        }
        CHECK(score == std::numeric_limits<float>::max());
    }

    TEST_CASE("self-test: its samples are finite, whatever the scaler") {
        auto model = *tocsin::make_firmware_model(tocsin_test::plain_detector(3));
        model.factor[0] = 1e-38F;
        model.offset[0] = 3e38F;
        const auto test = tocsin::make_self_test(tocsin::firmware_float(model), 24);
        CHECK(std::all_of(test.samples.begin(), test.samples.end(),
                          [](float value) { return std::isfinite(value); }));
        model.mean[0] = std::numeric_limits<float>::infinity();
        CHECK_FALSE(tocsin::detail::check_numbers(model).ok());
    }
}
