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

namespace {

using namespace tocsin;

bool failed(const status& outcome) {
    if (!outcome.ok()) {
        std::fprintf(stderr, "write_models: %s\n", outcome.message());
    }
    return !outcome.ok();
}

} // namespace

int main(int argc, char** argv) {
    const std::filesystem::path folder = argc > 1 ? argv[1] : ".";
    for (const int hidden : {8, 16, 32}) {
        const auto detector = tocsin_test::plain_detector(hidden);
        firmware_options options{.name = "plain_" + std::to_string(hidden),
                                 .missing_values = false};
        if (failed(write_firmware(detector, folder / (options.name + ".hpp"), options))) {
            return 1;
        }
    }
    const auto detector = tocsin_test::rich_detector();
    return failed(write_firmware(detector, folder / "rich.hpp", {.name = "rich"})) ? 1 : 0;
}
