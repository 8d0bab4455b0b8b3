#include "tocsin/io/firmware_export.hpp"
#include "tocsin/io/read_file.hpp"
#include "tocsin/models/encoder_decoder.hpp"

#include <doctest/doctest.h>

#include "firmware/firmware_detectors.hpp"
#include "io/temporary_directory.hpp"
#include "plain_8.hpp"
#include "rich.hpp"
#include "support/small_detectors.hpp"
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace {

using tocsin_test::says;

} // namespace

TEST_SUITE("firmware") {
    TEST_CASE("export: names with any bytes are compiled as they were given") {
        // Exported and compiled again: rich.hpp has such names.
        CHECK(std::string_view(rich::model_type::feature_names[0]) == "a \"b\" \\c\n?\?/");
        CHECK(std::string_view(rich::model_type::feature_names[1]) == "Dr\xC3\xBC"
                                                                      "ck1");
        CHECK(std::string_view(rich::model_type::feature_units[0]) == "\xC2\xB0"
                                                                      "C");
    }

    TEST_CASE("export: refuses what it cannot express, by name") {
        const auto detector = tocsin_test::plain_detector(3);
        CHECK(says(tocsin::firmware_header(detector, {.name = "a b"}).error(), "'a b'"));
        CHECK(says(tocsin::firmware_header(detector, {.feature_names = {"one"}}).error(),
                   "1 names for 4 features"));
        CHECK(says(tocsin::firmware_header(detector, {.feature_units = {"one", "two"}}).error(),
                   "2 units for 4 features"));
        CHECK(says(tocsin::firmware_header(detector, {.self_test_samples = -1}).error(), "-1"));
        CHECK(says(tocsin::firmware_header(detector,
                                           {.format = tocsin::firmware_format::int8, .fused = true})
                       .error(),
                   "fused products and sums are supported in float only"));
        // Offsets that a float keeps, and one that swallows the values.
        CHECK(tocsin::firmware_header(detector, {.value_offsets = {1e3, 0, 0, 0}}).has_value());
        CHECK(says(tocsin::firmware_header(detector, {.value_offsets = {0, 1.7e9, 0, 0}}).error(),
                   "feature 1 has values near 1.7e+09, where floats are 202"));
        auto without = detector;
        without.override_thresholds(std::numeric_limits<double>::infinity());
        CHECK(says(tocsin::firmware_header(without).error(), "threshold"));

        tocsin_test::plain_detector_type fresh(tocsin::forecaster<float>::with_layers(4, 4, {3}));
        CHECK(tocsin::firmware_header(fresh).error().code() == tocsin::error_code::not_ready);

        tocsin::detector<tocsin::encoder_decoder<float>> windows{
            tocsin::encoder_decoder<float>::with_layers(2, {3}), {.window = 5}};
        const auto values = tocsin_test::machine_samples(2, 200, 1);
        tocsin_test::run_all_phases(windows, tocsin::make_windows(values, 5, 1).value(),
                                    tocsin_test::quick_trainer(1));
        CHECK(says(tocsin::firmware_header(windows).error(), "the newest step can be judged"));

        const std::vector<int> encoder{2, 3};
        const std::vector<int> decoder{2, 4};
        const std::vector<int> head{4, 2};
        using model = tocsin::encoder_decoder<float>;
        tocsin::detector<model> bridged{
            model{tocsin::lstm_stack<float>{tocsin::lstm_stack<float>::sizes_type(encoder)},
                  tocsin::lstm_stack<float>{tocsin::lstm_stack<float>::sizes_type(decoder)},
                  tocsin::dense_head<float>{tocsin::dense_head<float>::sizes_type(head)}},
            {.window = 5, .scored = tocsin::scored_steps::newest}};
        tocsin_test::run_all_phases(bridged, tocsin::make_windows(values, 5, 1).value(),
                                    tocsin_test::quick_trainer(1));
        CHECK(says(tocsin::firmware_header(bridged).error(), "4 units after an encoder of 3"));
    }

    TEST_CASE(
        "export: values that float is too coarse for, of a detector that saw them in double") {
        tocsin::detector<tocsin::forecaster<double>, tocsin::standard_scaler<double>,
                         tocsin::diagonal_gaussian<>, tocsin::quantile_threshold>
            precise(tocsin::forecaster<double>::with_layers(1, 1, {2}));
        const auto header_near = [&](double level) {
            tocsin::matrix<double> values = tocsin_test::machine_samples(1, 300, 1).cast<double>();
            values.array() += level;
            tocsin_test::run_all_phases(precise, tocsin::make_windows(values, 30, 30).value(),
                                        tocsin_test::quick_trainer(1));
            return tocsin::firmware_header(precise);
        };
        CHECK(header_near(1e3).has_value());
        CHECK(says(header_near(1e7).error(), "where floats are 1.19"));
    }

    TEST_CASE("export: writes the file, or says why not") {
        const tocsin_test::temporary_directory folder;
        const auto detector = tocsin_test::plain_detector(3);
        CHECK(tocsin::write_firmware(detector, folder / "m.hpp", {.name = "m"}).ok());
        const auto text = tocsin::read_file(folder / "m.hpp");
        REQUIRE(text.has_value());
        CHECK(text->find("namespace m {") != std::string::npos);
        CHECK(*text == *tocsin::firmware_header(detector, {.name = "m"}));
        CHECK_FALSE(tocsin::write_firmware(detector, folder / "none" / "m.hpp").ok());
        CHECK(folder.count() == 1);
    }

    TEST_CASE("export: the self-test has scores on both sides of the threshold, close to it") {
        int below = 0;
        int above = 0;
        const float threshold = plain_8::model_type::threshold;
        for (const float score : plain_8::model_type::self_test_scores) {
            below += score <= threshold && score > 0.9999F * threshold ? 1 : 0;
            above += score > threshold && score < 1.0001F * threshold ? 1 : 0;
        }
        CHECK(below >= 2);
        CHECK(above >= 2);
        CHECK(plain_8::model_type::self_test_scores[0] == -1); // nothing was forecast yet
    }
}
