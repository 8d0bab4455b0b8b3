// Trains a detector of a pump on the host and exports it for a microcontroller: pump.hpp has the
// detector, recording.hpp a recording to run it on, verdicts.txt the verdicts of the host.
//     train FOLDER
#include "tocsin/errors/diagonal_gaussian.hpp"
#include "tocsin/io/firmware_report.hpp"
#include "tocsin/tocsin.hpp"

#include "support/require.hpp"
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <utility>

using namespace tocsin;

static constexpr int features = 3; // speed, current, temperature

// The current follows the speed, the temperature follows the current, slowly.
static matrix<float> record(index_t count, random_generator& random) {
    matrix<float> values(features, count);
    double temperature = 40;
    for (index_t t = 0; t < count; ++t) {
        const double speed = 1500 + 300 * std::sin(0.05 * static_cast<double>(t));
        const double current = 4 + 0.002 * (speed - 1500) + 0.05 * random.normal();
        temperature += 0.02 * (20 + 5 * current - temperature);
        values.col(t) << static_cast<float>(speed + 5 * random.normal()),
            static_cast<float>(current), static_cast<float>(temperature + 0.1 * random.normal());
    }
    return values;
}

int main(int argc, char** argv) {
    const std::filesystem::path folder = argc > 1 ? argv[1] : ".";
    random_generator random{7};
    const auto training = record(4000, random);
    const auto normal = record(3000, random);

    detector<forecaster<float>, standard_scaler<float>, diagonal_gaussian<>> pump{
        forecaster<float>::with_layers(features, features, {12}),
        {},
        {},
        quantile_threshold{1, 1.5}}; // half above the largest normal score
    const trainer<> trainer{
        .epochs = 15, .batch_size = 12, .truncation = 25, .optimiser = {.learning_rate = 1e-2}};
    support::require(pump.train(make_windows(training, 500, 500).value(), {}, trainer));
    support::require(pump.fit_errors(make_windows(normal, 1000, 1000).value()));
    support::require(pump.tune(make_windows(normal, 1000, 1000).value()));

    const firmware_options options{.name = "pump",
                                   .feature_names = {"speed", "current", "temperature"},
                                   .feature_units = {"1/min", "A",
                                                     "\xC2\xB0"
                                                     "C"}};
    support::require(write_firmware(pump, folder / "pump.hpp", options));
    for (const auto& [format, name] :
         {std::pair{firmware_format::float32, "float"}, std::pair{firmware_format::int16, "int16"},
          std::pair{firmware_format::int8, "int8"}}) {
        auto of_format = options;
        of_format.format = format;
        const auto report = report_firmware(
            pump, of_format, matrix_view<const float>(normal.data(), normal.rows(), normal.cols()));
        support::require(report.error());
        std::printf("%-5s  %5zu bytes of flash for numbers, %zu bytes of RAM, %zu multiply-adds; "
                    "scores change by at most %.2f %%\n",
                    name, report->flash, report->ram, report->multiply_adds,
                    100 * report->largest_change);
    }

    auto live = record(600, random);
    live.row(1).segment(300, 40).array() += 0.6F; // a bearing that sticks
    std::ofstream recording(folder / "recording.hpp");
    recording << "inline constexpr float recording[][" << features << "] = {\n";
    std::ofstream verdicts(folder / "verdicts.txt");
    auto stream = pump.make_stream();
    auto before = verdict_kind::not_ready;
    for (index_t t = 0; t < live.cols(); ++t) {
        recording << '{';
        for (int f = 0; f < features; ++f) {
            recording << detail::literal(live(f, t)) << ", ";
        }
        recording << "},\n";
        const auto verdict = pump.push(stream, live.col(t));
        if (verdict.kind != before) {
            verdicts << "sample " << t << ": " << to_string(verdict.kind) << '\n';
        }
        before = verdict.kind;
    }
    recording << "};\n";
}
