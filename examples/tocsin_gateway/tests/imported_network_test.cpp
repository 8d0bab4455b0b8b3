#include "tocsin/io/converted_detector_model.hpp"
#include "tocsin/io/detector_file.hpp"
#include "tocsin/tocsin.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "fleet.hpp"
#include "io/temporary_directory.hpp"
#include "memory_ports.hpp"
#include "support/fixture_directory.hpp"
#include "tocsin_gateway/worker.hpp"
#include <chrono>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <variant>

using namespace gateway_tests;
using nlohmann::json;

TEST_CASE("gateway: a network of Keras judges what it judges in the library, bit for bit") {
    const tocsin_test::temporary_directory folder;
    const auto keras =
        tocsin_test::fixture_directory() / "converted" / "keras_last_step.safetensors";
    const auto network = tocsin::load_converted_detector_model<float>(keras);
    REQUIRE(network.has_value());
    tocsin::matrix<float> recording(2, 600);
    for (int t = 0; t < 600; ++t) { // as payload_of() without faults
        const float phase = 0.3F * static_cast<float>(t);
        recording.col(t) << 4 + std::sin(phase), 20 - 5 * std::cos(phase);
    }
    const auto windows = tocsin::make_windows(recording, 300, 300).value();
    tocsin::standard_scaler<float> scaler;
    REQUIRE(scaler.fit(windows).ok());
    const tocsin::column<float> mean = recording.rowwise().mean();
    tocsin::detector<tocsin::forecaster<float>> detector{
        std::get<tocsin::forecaster<float>>(network->model),
        {},
        {},
        tocsin::quantile_threshold{1, 2}};
    REQUIRE(detector.borrow({.parameters = network->parameters}, scaler, mean).ok());
    REQUIRE(detector.fit_errors(windows).ok());
    REQUIRE(detector.tune(windows).ok());
    REQUIRE(tocsin::save_detector(detector, folder / "keras.safetensors").ok());
    std::ofstream{folder / "rules.json"}
        << R"({"models":[{"prefix":"pump-","file":"keras.safetensors"}]})";
    const auto rules = tocsin_gateway::model_rules::load(folder / "rules.json");
    REQUIRE(rules.ok());

    constexpr int samples = 200;
    memory_source from;
    for (int t = 0; t < samples; ++t) {
        from.add(payload_of(0, t), static_cast<std::int64_t>(from.messages.size()));
    }
    memory_sink to;
    memory_store states;
    tocsin_gateway::metrics counts;
    tocsin_gateway::worker judge{
        *rules, from,   to,
        states, counts, {.checkpoint_samples = 50, .checkpoint = std::chrono::hours{1}}};
    while (!from.ended()) {
        REQUIRE(judge.step(std::chrono::milliseconds{0}).ok());
    }
    REQUIRE(judge.checkpoint().ok());

    REQUIRE(to.verdicts().size() == samples);
    auto stream = detector.make_stream();
    for (int t = 0; t < samples; ++t) {
        tocsin_gateway::sample sample;
        REQUIRE(tocsin_gateway::read_sample(payload_of(0, t), sample).ok());
        const auto verdict = detector.push(
            stream, {static_cast<float>(sample.values[0]), static_cast<float>(sample.values[1])},
            sample.time);
        const json line = json::parse(to.verdicts()[static_cast<std::size_t>(t)]);
        REQUIRE(line["verdict"] == to_string(verdict.kind));
        if (verdict.scored()) {
            REQUIRE(line["score"].get<double>() == verdict.score);
        }
    }
    CHECK(counts.anomalies > 0);
}
