#include "tocsin/firmware/watcher.hpp"
#include "tocsin/io/firmware_report.hpp"

#include <doctest/doctest.h>

#include "firmware/firmware_detectors.hpp"
#include "firmware/fixed_checks.hpp"
#include "plain_16_int16.hpp"
#include "plain_16_int8.hpp"
#include "plain_8.hpp"
#include "plain_8_int16.hpp"
#include "plain_8_int8.hpp"
#include "reconstructing.hpp"
#include "rich.hpp"
#include "support/small_detectors.hpp"
#include "two_layers_int16.hpp"
#include "two_layers_int8.hpp"
#include "windowed.hpp"
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

namespace {

namespace fw = tocsin::firmware;
using tocsin::firmware_format;
using tocsin_test::machine_samples;
using tocsin_test::says;

template <class Detector>
tocsin::firmware_report report_of(const Detector& detector, firmware_format format, int features,
                                  const std::vector<float>& calibration = {}) {
    const auto samples = machine_samples(features, 6000, 3, 0.03);
    const auto report = tocsin::report_firmware(
        detector, {.format = format, .missing_values = false, .calibration = calibration},
        tocsin::matrix_view<const float>(samples.data(), samples.rows(), samples.cols()));
    REQUIRE_MESSAGE(report.has_value(), report.error().message());
    return *report;
}

} // namespace

TEST_SUITE("firmware") {
    TEST_CASE("fixed: watcher and generator compute the same bits") {
        const auto plain = tocsin::make_firmware_model(tocsin_test::plain_detector(8), false);
        REQUIRE(plain.has_value());
        static fw::watcher<plain_8_int16::model> int16;
        static fw::watcher<plain_8_int8::model> int8;
        tocsin_test::compare_bits<std::int16_t>(*plain, int16);
        tocsin_test::compare_bits<std::int8_t>(*plain, int8);
        const auto layers = tocsin::make_firmware_model(tocsin_test::two_layer_detector());
        REQUIRE(layers.has_value());
        static fw::watcher<two_layers_int16::model> layers16;
        static fw::watcher<two_layers_int8::model> layers8;
        tocsin_test::compare_bits<std::int16_t>(*layers, layers16);
        tocsin_test::compare_bits<std::int8_t>(*layers, layers8);
    }

    TEST_CASE("fixed: the checksum of the numbers is computed while compiling") {
        using small = plain_8_int8::model_type;
        static_assert(fw::detail::fixed_numbers<small>::checksum() == small::checksum);
    }

    TEST_CASE("fixed: no verdict differs with 16 bits, at most one in a hundred alarms with 8") {
        for (const int hidden : {8, 16}) {
            const auto detector = tocsin_test::plain_detector(hidden);
            const auto exact = report_of(detector, firmware_format::float32, 4);
            CHECK(exact.different == 0);
            CHECK(exact.largest_change == 0);
            CHECK(exact.alarms > 100);
            const auto wide = report_of(detector, firmware_format::int16, 4);
            MESSAGE("int16, ", hidden, " units: ", wide.different, " of ", wide.alarms,
                    " alarms of ", wide.samples, ", largest change ", wide.largest_change);
            CHECK(wide.different == 0);
            CHECK(wide.largest_change < 0.003);
            const auto narrow = report_of(detector, firmware_format::int8, 4);
            MESSAGE("int8, ", hidden, " units: ", narrow.different, " of ", narrow.alarms,
                    " alarms of ", narrow.samples, ", largest change ", narrow.largest_change);
            CHECK(narrow.different * 100 <= narrow.alarms);
            CHECK(narrow.largest_change < 0.02);
            CHECK(narrow.flash < wide.flash);
            CHECK(wide.flash < exact.flash);
        }
    }

    TEST_CASE("fixed: 8-bit weights are rounded by what the layers read") {
        const auto detector = tocsin_test::plain_detector(16);
        const auto nearest = report_of(detector, firmware_format::int8, 4);
        const auto normal = machine_samples(4, 1200, 2);
        const std::vector<float> calibration(normal.data(), normal.data() + normal.size());
        const auto rounded = report_of(detector, firmware_format::int8, 4, calibration);
        MESSAGE("largest change ", nearest.largest_change, ", by calibration ",
                rounded.largest_change);
        CHECK(rounded.largest_change < 0.85 * nearest.largest_change);
        CHECK(rounded.different * 100 <= rounded.alarms);
        CHECK(rounded.flash == nearest.flash);
        CHECK(rounded.ram == nearest.ram);
        CHECK(says(tocsin::firmware_header(
                       detector, {.format = firmware_format::int8, .calibration = {1, 2, 3}})
                       .error(),
                   "3 values of calibration for 4 features"));
        const std::vector<float> none(4, std::numeric_limits<float>::quiet_NaN());
        const auto without = report_of(detector, firmware_format::int8, 4, none);
        CHECK(without.largest_change == nearest.largest_change);
    }

    TEST_CASE("fixed: two equal inputs share the rounding error of their weights") {
        tocsin::firmware_layer layer{.rows = 1, .columns = 2, .weights = {0.4, 0.4, 0}};
        std::vector<double> row = layer.weights;
        tocsin::detail::rounding_feedback(layer).spread(row, 0, 0);
        CHECK(row[1] == 0.4); // without moments
        layer.moments.assign(9, 0);
        for (const float x : {1.0F, -2.0F, 1.5F, -0.5F}) {
            const float read[] = {x, x};
            tocsin::detail::add_to_moments(read, layer.moments);
        }
        tocsin::detail::rounding_feedback(layer).spread(row, 0, 0);
        CHECK(row[1] == doctest::Approx(0.8).epsilon(0.01));
        CHECK(std::abs(row[2]) < 1e-6); // their mean is 0
        row = {0.4, 0.4, 0};
        layer.moments.assign(9, 0);
        for (const float x : {3.0F, 3.0F, 3.5F}) {
            const float read[] = {x, 1 - x};
            tocsin::detail::add_to_moments(read, layer.moments);
        }
        tocsin::detail::rounding_feedback(layer).spread(row, 1, 0);
        CHECK(row[0] == 0.4); // rounded before
        CHECK(row[2] < -0.8); // the bias takes the mean, 0.4 (1 - x)
    }

    TEST_CASE("fixed: missing sensors and gaps are treated as in float") {
        const auto detector = tocsin_test::two_layer_detector();
        static fw::watcher<two_layers_int16::model> watch;
        auto stream = detector.make_stream();
        auto samples = machine_samples(5, 2000, 4, 0.05);
        samples = tocsin_test::with_holes(samples, 0.03, 5);
        samples.row(1).segment(200, 40).setConstant(std::numeric_limits<float>::quiet_NaN());
        samples.middleCols(500, 12).setConstant(std::numeric_limits<float>::quiet_NaN());
        samples.topRows(3).col(600).setConstant(std::numeric_limits<float>::quiet_NaN());
        int different = 0;
        double largest = 0;
        watch.restart();
        for (tocsin::index_t t = 0; t < samples.cols(); ++t) {
            const auto expected = detector.push(stream, samples.col(t));
            const auto found = watch.push(samples.data() + 5 * t);
            REQUIRE(static_cast<int>(found.reason) == static_cast<int>(expected.reason));
            REQUIRE(found.missing == expected.missing);
            REQUIRE(found.lost == expected.lost);
            different += static_cast<int>(found.kind) == static_cast<int>(expected.kind) ? 0 : 1;
            largest = std::max(largest, std::abs(found.score - expected.score) /
                                            std::max(expected.score, expected.threshold));
        }
        CHECK(different <= 2);
        CHECK(largest < 0.02);
    }

    TEST_CASE("report: a score that integers cut off is no change of the format") {
        const auto plain = tocsin_test::plain_detector(8);
        auto samples = machine_samples(4, 3000, 3, 0.03);
        const auto report_on = [&](const tocsin::matrix<float>& rows) {
            const auto report = tocsin::report_firmware(
                plain, {.format = firmware_format::int16, .missing_values = false},
                tocsin::matrix_view<const float>(rows.data(), rows.rows(), rows.cols()));
            REQUIRE_MESSAGE(report.has_value(), report.error().message());
            return *report;
        };
        samples(0, 1500) = 1e6F;
        auto report = report_on(samples);
        CHECK(report.largest_change <
              0.5); // the network reads less of that row, so the next differ
        CHECK(report.rows == 3000);
        CHECK(report.samples > 2900);
        samples(0, 1500) = std::numeric_limits<float>::quiet_NaN(); // starts anew
        report = report_on(samples);
        CHECK(report.rows == 3000);
        CHECK(report.samples <= 3000 - 1);
    }

    TEST_CASE("report: flash and RAM are those of the watcher") {
        const auto flash_and_ram = [](const auto& detector, firmware_format format, bool missing) {
            const auto report =
                tocsin::report_firmware(detector, {.format = format, .missing_values = missing},
                                        tocsin::matrix_view<const float>(nullptr, 0, 0));
            REQUIRE_MESSAGE(report.has_value(), report.error().message());
            return *report;
        };
        const auto plain = tocsin_test::plain_detector(8);
        const auto report = flash_and_ram(plain, firmware_format::float32, false);
        CHECK(report.ram == sizeof(fw::watcher<plain_8::model>));
        using plain_8_type = plain_8::model_type;
        CHECK(report.flash ==
              sizeof plain_8_type::weights + sizeof plain_8_type::input_offset +
                  sizeof plain_8_type::input_factor + sizeof plain_8_type::input_mean +
                  sizeof plain_8_type::error_mean + sizeof plain_8_type::inverse_variance);
        CHECK(report.flash_of_self_test ==
              sizeof plain_8_type::self_test_samples + sizeof plain_8_type::self_test_scores);
        CHECK(report.multiply_adds == 32 * 12 + 4 * 8);
        const auto small = flash_and_ram(plain, firmware_format::int8, false);
        CHECK(small.ram == sizeof(fw::watcher<plain_8_int8::model>));
        using int8_type = plain_8_int8::model_type;
        CHECK(small.flash == sizeof int8_type::weights + sizeof int8_type::gate_rows +
                                 sizeof int8_type::gate_shifts + sizeof int8_type::dense_rows +
                                 sizeof int8_type::head_weights + sizeof int8_type::input_offset +
                                 sizeof int8_type::input_factor + sizeof int8_type::input_mean +
                                 sizeof int8_type::error_mean +
                                 sizeof int8_type::deviation_factors +
                                 sizeof fw::detail::tanh_table);
        CHECK(small.stack_of_missing == 0);
        const auto whole =
            flash_and_ram(tocsin_test::rich_detector(), firmware_format::float32, true);
        CHECK(whole.ram == sizeof(fw::watcher<rich::model>));
        CHECK(whole.stack_of_missing == sizeof(float[8][8]) + sizeof(float[8]));
        CHECK(flash_and_ram(tocsin_test::windowed_detector(), firmware_format::int8, true)
                  .stack_of_missing ==
              sizeof(float[3][3]) + 2 * sizeof(float[3]) + sizeof(float[6]));
        CHECK(flash_and_ram(tocsin_test::windowed_detector(), firmware_format::float32, true).ram ==
              sizeof(fw::watcher<windowed::model>));
        CHECK(flash_and_ram(tocsin_test::reconstructing_detector(), firmware_format::float32, true)
                  .ram == sizeof(fw::watcher<reconstructing::model>));
        CHECK(flash_and_ram(tocsin_test::two_layer_detector(), firmware_format::int16, true).ram ==
              sizeof(fw::watcher<two_layers_int16::model>));
    }

    TEST_CASE("fixed: refuses by name what integers cannot express") {
        const auto rich = tocsin_test::rich_detector();
        CHECK(says(tocsin::firmware_header(rich, {.format = firmware_format::int8}).error(),
                   "hidden layers"));
        auto model = *tocsin::make_firmware_model(tocsin_test::plain_detector(3), true);
        model.threshold = 1e12;
        CHECK(says(tocsin::fixed_numbers<std::int8_t>::from(model).error(), "threshold"));
        model = *tocsin::make_firmware_model(tocsin_test::plain_detector(3), true);
        model.lstm[0].weights.back() = 1e9;
        CHECK(says(tocsin::fixed_numbers<std::int16_t>::from(model).error(), "LSTM layer 0"));
    }
}
