// Writes the headers that firmware_cost includes.
//     firmware_cost_models FOLDER
#include "tocsin/io/firmware_export.hpp"

#include "forecasting_detector.hpp"
#include <filesystem>
#include <string>

int main(int argc, char** argv) {
    const std::filesystem::path folder = argc > 1 ? argv[1] : ".";
    for (const int hidden : {8, 16, 32, 64, 128}) {
        const std::string name = "hidden_" + std::to_string(hidden);
        tocsin_bench::require(tocsin::write_firmware(tocsin_bench::trained_detector(hidden),
                                                     folder / (name + ".hpp"), {.name = name}));
    }
}
