#include "tocsin/firmware/watcher.hpp"
#include "tocsin/io/firmware_report.hpp"

#include <doctest/doctest.h>

#include "convolving_int16.hpp"
#include "convolving_int8.hpp"
#include "feeding_int16.hpp"
#include "feeding_int8.hpp"
#include "firmware/firmware_detectors.hpp"
#include "firmware/fixed_checks.hpp"
#include "rows_int16.hpp"
#include "rows_int8.hpp"
#include "support/small_detectors.hpp"
#include "windowed_linear_int16.hpp"
#include "windowed_linear_int8.hpp"
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace {

namespace fw = tocsin::firmware;
using tocsin::firmware_format;
using tocsin_test::calibration_samples;
using tocsin_test::machine_samples;
using tocsin_test::says;

template <class Detector, class Wide, class Narrow>
void check_formats(const Detector& detector, Wide& wide, Narrow& narrow, const std::string& name) {
    const int features = Wide::features;
    const auto model = tocsin::detail::checked_model(
        detector, {.format = firmware_format::int8, .calibration = calibration_samples(features)});
    REQUIRE_MESSAGE(model.has_value(), model.error().message());
    tocsin_test::compare_bits<std::int16_t>(*model, wide);
    tocsin_test::compare_bits<std::int8_t>(*model, narrow);
    tocsin_test::compare_with_holes(detector, wide, 0.02);

    const auto samples = machine_samples(features, 3000, 3, 0.03);
    const auto report = [&](firmware_format format) {
        const auto found = tocsin::report_firmware(
            detector, {.format = format, .calibration = calibration_samples(features)},
            tocsin::matrix_view<const float>(samples.data(), samples.rows(), samples.cols()));
        REQUIRE_MESSAGE(found.has_value(), found.error().message());
        MESSAGE(name, ": ", found->different, " of ", found->alarms, " alarms of ", found->samples,
                ", largest change ", found->largest_change, ", flash ", found->flash);
        return *found;
    };
    const auto in_16_bits = report(firmware_format::int16);
    const auto in_8_bits = report(firmware_format::int8);
    CHECK(in_16_bits.alarms > 50);
    CHECK(in_16_bits.different == 0);
    CHECK(in_16_bits.largest_change < 0.02);
    CHECK(in_16_bits.ram == sizeof wide);
    CHECK(in_8_bits.different * 100 <= in_8_bits.alarms);
    CHECK(in_8_bits.largest_change < 0.08);
    CHECK(in_8_bits.flash < in_16_bits.flash);
}

} // namespace

TEST_SUITE("firmware") {
    TEST_CASE("fixed networks: autoencoders of rows, dense and convolutional ones of windows") {
        static fw::watcher<rows_int16::model> rows_16;
        static fw::watcher<rows_int8::model> rows_8;
        check_formats(tocsin_test::row_detector(), rows_16, rows_8, "rows");
        static fw::watcher<convolving_int16::model> convolving_16;
        static fw::watcher<convolving_int8::model> convolving_8;
        check_formats(tocsin_test::convolving_detector(), convolving_16, convolving_8,
                      "convolving");
    }

    TEST_CASE("fixed networks: forecasts from a fixed number of samples, also linear ones") {
        static fw::watcher<feeding_int16::model> feeding_16;
        static fw::watcher<feeding_int8::model> feeding_8;
        check_formats(tocsin_test::feed_forward_detector(), feeding_16, feeding_8, "feeding");
        static fw::watcher<windowed_linear_int16::model> linear_16;
        static fw::watcher<windowed_linear_int8::model> linear_8;
        check_formats(tocsin_test::windowed_linear_detector(), linear_16, linear_8, "linear");
    }

    TEST_CASE("fixed networks: what a layer writes is rounded, and cut off where 16 bits end") {
        using fw::activation_kind;
        const fw::detail::fixed_layer hidden{0, 32'767, 1 << 13,
                                             0}; // leaky_relu below 0: a quarter
        const auto written = [](activation_kind kind, const fw::detail::fixed_layer& layer, int x) {
            return fw::detail::fixed_activated(kind, layer, x);
        };
        CHECK(written(activation_kind::identity, hidden, -40'000) == -32'767);
        CHECK(written(activation_kind::relu, hidden, -5) == 0);
        CHECK(written(activation_kind::leaky_relu, hidden, -6) == -1); // -1.5: halves up
        CHECK(written(activation_kind::leaky_relu, hidden, 1'000'000) == 32'767);
        CHECK(written(activation_kind::tanh, hidden, 4096) ==
              doctest::Approx(32768 * std::tanh(1.0)).epsilon(2e-4));
        CHECK(written(activation_kind::sigmoid, hidden, -4096) ==
              doctest::Approx(32768 / (1 + std::exp(1.0))).epsilon(3e-4));
        const fw::detail::fixed_layer last{0, fw::detail::largest_sample, 0, 1};
        CHECK(written(activation_kind::tanh, last, -4096) ==
              doctest::Approx(-65536 * std::tanh(1.0)).epsilon(2e-4));
        CHECK(written(activation_kind::identity, last, 40'000) == 40'000);
    }

    TEST_CASE("fixed networks: no calibration, or weights that do not fit, are refused by name") {
        const auto detector = tocsin_test::row_detector();
        const auto error_with = [&](const std::vector<float>& calibration) {
            return tocsin::firmware_header(
                       detector, {.format = firmware_format::int16, .calibration = calibration})
                .error();
        };
        CHECK(says(error_with({}), "need samples of the calibration"));
        CHECK(says(error_with(std::vector<float>(5, std::numeric_limits<float>::quiet_NaN())),
                   "need samples of the calibration"));
        auto model = *tocsin::detail::checked_model(
            detector, {.format = firmware_format::int16, .calibration = calibration_samples(5)});
        auto changed = model;
        changed.network[2].matrix.weights[0] = 1e9;
        CHECK(says(tocsin::fixed_numbers<std::int16_t>::from(changed).error(),
                   "the weights of layer 2 do not fit"));
        changed = model;
        changed.network[1].largest = 1e6;
        CHECK(says(tocsin::fixed_numbers<std::int16_t>::from(changed).error(),
                   "layer 1 writes values of 1e+06"));
        changed = model;
        changed.network[0].shape.below = 2;
        CHECK(says(tocsin::fixed_numbers<std::int16_t>::from(changed).error(),
                   "leaky_relu with 2 below 0"));
    }
}
