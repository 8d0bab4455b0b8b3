#include "tocsin/detect/classifier_detector.hpp"
#include "tocsin/detect/detector.hpp"
#include "tocsin/io/detector_file.hpp"
#include "tocsin/models/classifiers.hpp"
#include "tocsin/models/encoder_decoder.hpp"
#include "tocsin/threshold/quantile_threshold.hpp"

#include <doctest/doctest.h>

#include "program.hpp"
#include <string>

// Models of the command line in a program that loads only the detector: it scores as the command line
// does, or refuses the file.

namespace {

using embedded = tocsin::detector<tocsin::encoder_decoder<float>>;

/// A fitted model `m` of two sensors, of which the first has a level.
void prepare(const program& cli, double level) {
    std::string rows = "a,b\n";
    for (int t = 0; t < 400; ++t) {
        rows += std::to_string(level + t * 7 % 11) + ',' + std::to_string(t % 5) + '\n';
    }
    cli.write("rows.csv", rows);
    REQUIRE(cli("train m rows.csv --window 8 --encoder 4 --epochs 1 --quiet").code == 0);
    REQUIRE(cli("fit-errors m rows.csv").code == 0);
    REQUIRE(cli("tune m rows.csv --quantile 1").code == 0);
}

template <class Detector>
std::string refusal(const program& cli) {
    const auto loaded = tocsin::load_detector<Detector>(cli.path("m"));
    return loaded ? "" : loaded.error().message();
}

} // namespace

TEST_SUITE("tocsin_cli") {
    TEST_CASE("embedding: a program loads a model, unless its threshold is for smoothed scores") {
        const program cli;
        prepare(cli, 0);
        CHECK(refusal<embedded>(cli) == "");
        const auto loaded = tocsin::load_detector<embedded>(cli.path("m"));
        REQUIRE(loaded.has_value());
        CHECK(loaded->threshold() == run_json(cli, "inspect m")["step_threshold"]);

        REQUIRE(cli("tune m rows.csv --quantile 1 --smooth 6").code == 0);
        CHECK(refusal<embedded>(cli).find("m: 'detector.thresholds.per_feature.rule.smoothing' is "
                                          "unknown") != std::string::npos);
        CHECK(run_json(cli, "inspect m")["smoothing"] == 6);
    }

    TEST_CASE("embedding: a model whose values have an offset is refused") {
        const program cli;
        prepare(cli, 1.7e9);
        CHECK(run_json(cli, "inspect m")["value_offsets"].size() == 2);
        CHECK(refusal<embedded>(cli).find("'detector.value_offsets' is unknown") !=
              std::string::npos);
        CHECK(run_json(cli, "detect m rows.csv")["verdicts"].size() == 400);
    }

    TEST_CASE("embedding: a classifier that reads the calendar is refused") {
        using network = decltype(tocsin::lstm_classifier<float>(1, 1, 1));
        using embedded_classifier =
            tocsin::classifier_detector<network, tocsin::standard_scaler<float>>;
        const program cli;
        std::string rows = "when,flow,label\n";
        for (int t = 0; t < 60; ++t) {
            const std::string hour = (t % 24 < 10 ? "0" : "") + std::to_string(t % 24);
            rows += "2024-03-0" + std::to_string(1 + t / 24) + ' ' + hour + ":00:00," +
                    std::to_string(t * 7 % 11) + (t % 24 < 4 ? ",1\n" : ",0\n");
        }
        cli.write("rows.csv", rows);
        const std::string training =
            "train m rows.csv --model classifier --network lstm --window 2 "
            "--units 2 --epochs 1 --seed 1";
        REQUIRE(cli(training).code == 0);
        CHECK(refusal<embedded_classifier>(cli) == "");
        REQUIRE(cli(training + " --calendar hour").code == 0);
        CHECK(refusal<embedded_classifier>(cli).find("'detector.calendar.0' is unknown") !=
              std::string::npos);
        CHECK(run_json(cli, "detect m rows.csv")["verdicts"].size() == 60);
    }
}
