#include "tocsin/firmware/watcher.hpp"
#include "tocsin/io/firmware_report.hpp"

#include <doctest/doctest.h>

#include "firmware/firmware_detectors.hpp"
#include "firmware/fixed_checks.hpp"
#include "reconstructing_int16.hpp"
#include "reconstructing_int8.hpp"
#include "reversing_int16.hpp"
#include "reversing_int8.hpp"
#include "support/small_detectors.hpp"
#include "windowed_int16.hpp"
#include "windowed_int8.hpp"
#include <cstdint>
#include <string>

namespace {

namespace fw = tocsin::firmware;
using tocsin::firmware_format;
using tocsin_test::compare_with_holes;
using tocsin_test::machine_samples;

template <class Detector, class Wide, class Narrow>
void compare_formats(const Detector& detector, Wide& wide, Narrow& narrow) {
    const auto model = tocsin::make_firmware_model(detector);
    REQUIRE(model.has_value());
    tocsin_test::compare_bits<std::int16_t>(*model, wide);
    tocsin_test::compare_bits<std::int8_t>(*model, narrow);
}

template <class Detector>
void check_report(const Detector& detector, const std::string& name) {
    const auto samples = machine_samples(3, 3000, 3, 0.03);
    const auto report = [&](firmware_format format) {
        const auto found = tocsin::report_firmware(
            detector, {.format = format, .calibration = tocsin_test::calibration_samples(3)},
            tocsin::matrix_view<const float>(samples.data(), samples.rows(), samples.cols()));
        REQUIRE_MESSAGE(found.has_value(), found.error().message());
        MESSAGE(name, ": ", found->different, " of ", found->alarms, " alarms of ", found->samples,
                ", largest change ", found->largest_change, ", RAM ", found->ram);
        return *found;
    };
    const auto exact = report(firmware_format::float32);
    const auto wide = report(firmware_format::int16);
    const auto narrow = report(firmware_format::int8);
    CHECK(exact.alarms > 50);
    CHECK(wide.different == 0);
    CHECK(wide.largest_change < 0.01);
    CHECK(narrow.different * 100 <= narrow.alarms);
    CHECK(narrow.largest_change < 0.04);
    CHECK(narrow.flash < wide.flash);
    CHECK(wide.ram < exact.ram);
}

} // namespace

TEST_SUITE("firmware") {
    TEST_CASE("fixed windows: forecasters, with holes filled as on the host") {
        const auto detector = tocsin_test::windowed_detector();
        static fw::watcher<windowed_int16::model> wide;
        static fw::watcher<windowed_int8::model> narrow;
        compare_formats(detector, wide, narrow);
        compare_with_holes(detector, wide, 0.01);
        check_report(detector, "forecaster");
        const auto report =
            tocsin::report_firmware(detector, {.format = firmware_format::int16},
                                    tocsin::matrix_view<const float>(nullptr, 0, 0));
        REQUIRE(report.has_value());
        CHECK(report->ram == sizeof wide);
    }

    TEST_CASE("fixed windows: encoder-decoders, also those that begin with the newest sample") {
        const auto detector = tocsin_test::reconstructing_detector();
        static fw::watcher<reconstructing_int16::model> wide;
        static fw::watcher<reconstructing_int8::model> narrow;
        compare_formats(detector, wide, narrow);
        compare_with_holes(detector, wide, 0.01);
        check_report(detector, "encoder-decoder");
        const auto reversing = tocsin_test::reversing_detector();
        static fw::watcher<reversing_int16::model> wide_reversed;
        static fw::watcher<reversing_int8::model> narrow_reversed;
        compare_formats(reversing, wide_reversed, narrow_reversed);
        compare_with_holes(reversing, wide_reversed, 0.01);
    }
}
