// Trains the detectors of the firmware tests and writes them as headers into a folder.
//     write_models FOLDER
#include "tocsin/detect/detector.hpp"
#include "tocsin/errors/diagonal_gaussian.hpp"
#include "tocsin/io/firmware_export.hpp"
#include "tocsin/models/forecaster.hpp"

#include "firmware/firmware_detectors.hpp"
#include <cstdio>
#include <filesystem>
#include <string>
#include <utility>

namespace {

using namespace tocsin;

bool failed(const status& outcome) {
    if (!outcome.ok()) {
        std::fprintf(stderr, "write_models: %s\n", outcome.message());
    }
    return !outcome.ok();
}

/// plain_detector(8) with one thing more each, for the table of what these take, and what the command
/// line exports: windows, the whole covariance, missing values.
/// @return whether all are written
bool write_additions(const std::filesystem::path& folder) {
    const auto write = [&folder](const auto& detector, firmware_options options) {
        options.name = "adds_" + options.name;
        return !failed(write_firmware(detector, folder / (options.name + ".hpp"), options));
    };
    const auto plain = tocsin_test::plain_detector(8);
    const auto changed = [](const forecaster<float>& model) {
        return tocsin_test::learned(
            tocsin_test::plain_detector_type(model, {.warm_up = 20}, {}, quantile_threshold{0.99}),
            4);
    };
    const auto whole = tocsin_test::learned(
        tocsin_test::rich_detector_type(forecaster<float>::with_layers(4, 4, {8}), {.warm_up = 20},
                                        {}, quantile_threshold{0.99}),
        4);
    auto alarm = firmware_alarm_of(tocsin_test::three_pieces());
    if (failed(alarm ? status{} : alarm.error())) {
        return false;
    }
    alarm->end_of_alarm = 0.6;
    alarm->counts_unscored = true;
    detector_settings window = tocsin_test::newest_of_ten(missing_value::forecast);
    window.window = 16;
    return write(plain, {.name = "missing"}) &&
           write(plain, {.name = "alarm", .missing_values = false, .alarm = *alarm}) &&
           write(plain, {.name = "shares", .missing_values = false, .shares = true}) &&
           write(plain, {.name = "learning", .missing_values = false, .half_life = 300}) &&
           write(tocsin_test::peaks_detector(),
                 {.name = "peaks", .missing_values = false, .rule = true}) &&
           write(changed(forecaster<float>::with_layers(4, 4, {8, 8})),
                 {.name = "layer", .missing_values = false}) &&
           write(changed(forecaster<float>::with_layers(4, 4, {8}, 2)),
                 {.name = "ahead", .missing_values = false}) &&
           write(whole, {.name = "whole", .missing_values = false}) &&
           write(whole, {.name = "whole_missing"}) &&
           write(tocsin_test::learned_windows(tocsin_test::windowed_detector_type(
                                                  tocsin_test::windowed_forecaster(
                                                      forecaster<float>::with_layers(4, 4, {8})),
                                                  window, {}, quantile_threshold{0.99}),
                                              4),
                 {.name = "window"}) &&
           write(tocsin_test::learned_windows(tocsin_test::reconstructing_detector_type(
                                                  encoder_decoder<float>::with_layers(4, {8}),
                                                  window, {}, quantile_threshold{0.99}),
                                              4),
                 {.name = "decoder"});
}

} // namespace

int main(int argc, char** argv) {
    const std::filesystem::path folder = argc > 1 ? argv[1] : ".";
    for (const int hidden : {8, 16, 32}) {
        const auto detector = tocsin_test::plain_detector(hidden);
        for (const auto& [format, ending] :
             {std::pair{firmware_format::float32, ""}, std::pair{firmware_format::int16, "_int16"},
              std::pair{firmware_format::int8, "_int8"}}) {
            firmware_options options{.name = "plain_" + std::to_string(hidden) + ending,
                                     .format = format,
                                     .missing_values = false};
            if (failed(write_firmware(detector, folder / (options.name + ".hpp"), options))) {
                return 1;
            }
        }
    }
    if (failed(write_firmware(tocsin_test::plain_detector(8), folder / "fused.hpp",
                              {.name = "fused", .fused = true, .missing_values = false}))) {
        return 1;
    }
    for (const auto& [format, name] : {std::pair{firmware_format::int16, "two_layers_int16"},
                                       std::pair{firmware_format::int8, "two_layers_int8"}}) {
        if (failed(write_firmware(tocsin_test::two_layer_detector(),
                                  folder / (name + std::string(".hpp")),
                                  {.name = name, .format = format}))) {
            return 1;
        }
    }
    if (!write_additions(folder)) {
        return 1;
    }
    const auto alarmed = tocsin_test::alarmed_detector();
    for (const auto& [format, name] : {std::pair{firmware_format::float32, "alarmed"},
                                       std::pair{firmware_format::int16, "alarmed_int16"},
                                       std::pair{firmware_format::int8, "alarmed_int8"}}) {
        if (failed(write_firmware(alarmed, folder / (name + std::string(".hpp")),
                                  {.name = name, .format = format}))) {
            return 1;
        }
    }
    auto pieces = firmware_alarm_of(tocsin_test::three_pieces());
    if (failed(pieces ? status{} : pieces.error())) {
        return 1;
    }
    pieces->counts_unscored = true;
    if (failed(write_firmware(alarmed, folder / "alarmed_complete.hpp",
                              {.name = "alarmed_complete", .missing_values = false})) ||
        failed(write_firmware(
            tocsin_test::two_layer_detector(), folder / "counting_complete.hpp",
            {.name = "counting_complete", .missing_values = false, .alarm = *pieces}))) {
        return 1;
    }
    auto alarm =
        firmware_alarm_of(alarm_chain{m_of_n{3, 40}, refractory_period{3}, minimum_duration{1}});
    if (failed(alarm ? status{} : alarm.error())) {
        return 1;
    }
    alarm->end_of_alarm = 0.3;
    alarm->counts_unscored = true;
    if (failed(write_firmware(tocsin_test::two_layer_detector(), folder / "counting.hpp",
                              {.name = "counting", .alarm = *alarm})) ||
        failed(write_firmware(tocsin_test::two_layer_detector(), folder / "learning.hpp",
                              {.name = "learning", .half_life = 300})) ||
        failed(write_firmware(tocsin_test::two_layer_detector(), folder / "sharing.hpp",
                              {.name = "sharing", .half_life = 300, .shares = true})) ||
        failed(write_firmware(
            tocsin_test::two_layer_detector(), folder / "sharing_int16.hpp",
            {.name = "sharing_int16", .format = firmware_format::int16, .shares = true})) ||
        failed(write_firmware(tocsin_test::two_layer_detector(), folder / "ahead.hpp",
                              {.name = "ahead", .missing_values = false}))) {
        return 1;
    }
    if (failed(write_firmware(tocsin_test::peaks_detector(), folder / "peaks.hpp",
                              {.name = "peaks", .rule = true}))) {
        return 1;
    }
    for (const auto& [format, ending] :
         {std::pair{firmware_format::int16, "_int16"}, std::pair{firmware_format::int8, "_int8"}}) {
        const auto write = [&folder, how = format, ending = std::string(ending)](
                               const auto& detector, const std::string& name) {
            return failed(write_firmware(detector, folder / (name + ending + ".hpp"),
                                         {.name = name + ending, .format = how}));
        };
        if (write(tocsin_test::windowed_detector(), "windowed") ||
            write(tocsin_test::reconstructing_detector(), "reconstructing") ||
            write(tocsin_test::reversing_detector(), "reversing")) {
            return 1;
        }
    }
    if (failed(write_firmware(tocsin_test::windowed_detector(), folder / "windowed.hpp",
                              {.name = "windowed"})) ||
        failed(write_firmware(tocsin_test::reconstructing_detector(), folder / "reconstructing.hpp",
                              {.name = "reconstructing"})) ||
        failed(write_firmware(tocsin_test::reversing_detector(), folder / "reversing.hpp",
                              {.name = "reversing"})) ||
        failed(write_firmware(tocsin_test::reversing_detector(), folder / "complete.hpp",
                              {.name = "complete", .missing_values = false}))) {
        return 1;
    }
    if (failed(
            write_firmware(tocsin_test::row_detector(), folder / "rows.hpp", {.name = "rows"})) ||
        failed(write_firmware(tocsin_test::convolving_detector(), folder / "convolving.hpp",
                              {.name = "convolving"})) ||
        failed(write_firmware(tocsin_test::convolving_detector(),
                              folder / "convolving_complete.hpp",
                              {.name = "convolving_complete", .missing_values = false})) ||
        failed(write_firmware(tocsin_test::feed_forward_detector(), folder / "feeding.hpp",
                              {.name = "feeding"})) ||
        failed(write_firmware(tocsin_test::linear_detector(), folder / "linear.hpp",
                              {.name = "linear"})) ||
        failed(write_firmware(tocsin_test::windowed_linear_detector(),
                              folder / "windowed_linear.hpp", {.name = "windowed_linear"}))) {
        return 1;
    }
    for (const auto& [format, ending] :
         {std::pair{firmware_format::int16, "_int16"}, std::pair{firmware_format::int8, "_int8"}}) {
        const auto write = [&folder, how = format, ending = std::string(ending)](
                               const auto& detector, const std::string& name) {
            const auto features = detector.model().features();
            return failed(
                write_firmware(detector, folder / (name + ending + ".hpp"),
                               {.name = name + ending,
                                .format = how,
                                .calibration = tocsin_test::calibration_samples(features)}));
        };
        if (write(tocsin_test::row_detector(), "rows") ||
            write(tocsin_test::convolving_detector(), "convolving") ||
            write(tocsin_test::feed_forward_detector(), "feeding") ||
            write(tocsin_test::windowed_linear_detector(), "windowed_linear")) {
            return 1;
        }
    }
    const auto detector = tocsin_test::rich_detector();
    const firmware_options options{.name = "rich",
                                   .feature_names = {"a \"b\" \\c\n?\?/",
                                                     "Dr\xC3\xBC"
                                                     "ck1",
                                                     "", "*/", "//"},
                                   .feature_units = {"\xC2\xB0"
                                                     "C",
                                                     "bar", "1/s", "%", ""}};
    return failed(write_firmware(detector, folder / "rich.hpp", options)) ? 1 : 0;
}
