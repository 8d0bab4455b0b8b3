#include "tocsin/alarm/alarm_control.hpp"
#include "tocsin/alarm/anomaly_likelihood.hpp"
#include "tocsin/core/random.hpp"
#include "tocsin/dynamic/dynamic_threshold_stream.hpp"
#include "tocsin/dynamic/epsilon_threshold.hpp"
#include "tocsin/io/archive.hpp"
#include "tocsin/sketch/quantile_sketch.hpp"
#include "tocsin/tail/drift_spot_threshold.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace {

std::vector<double> some_scores() {
    tocsin::random_generator random(8);
    std::vector<double> scores(3000);
    for (double& score : scores) {
        score = random.normal();
    }
    return scores;
}

/// Saves to bytes, loads into `other`, and saves again: the bytes must be equal.
template <class Object>
void check_round_trip(Object& object, Object other) {
    tocsin::archive_writer writer;
    object.exchange(writer);
    const auto bytes = writer.encode();
    REQUIRE_MESSAGE(bytes.has_value(), bytes.error().message());
    auto reader = tocsin::archive_reader::from_bytes(std::as_bytes(std::span{*bytes}));
    REQUIRE_MESSAGE(reader.has_value(), reader.error().message());
    other.exchange(*reader);
    REQUIRE_MESSAGE(reader->outcome().ok(), reader->outcome().message());
    tocsin::archive_writer again;
    other.exchange(again);
    CHECK(*again.encode() == *bytes);
}

} // namespace

TEST_SUITE("io") {

    TEST_CASE_TEMPLATE("threshold rules of streams: files hold all of them, fitted or not", Rule,
                       tocsin::spot_threshold, tocsin::drift_spot_threshold,
                       tocsin::epsilon_threshold) {
        Rule rule;
        check_round_trip(rule, Rule{});
        REQUIRE(rule.fit(some_scores(), {}).ok());
        if constexpr (requires { rule.push(1.0); }) {
            for (const double score : some_scores()) {
                rule.push(score);
            }
        }
        check_round_trip(rule, Rule{});
    }

    TEST_CASE("dynamic threshold stream, sketch, likelihood: files hold all of them") {
        auto stream = *tocsin::dynamic_threshold_stream::make();
        tocsin::quantile_sketch sketch;
        auto likelihood = *tocsin::anomaly_likelihood::make();
        for (int part = 0; part < 2; ++part) {
            check_round_trip(stream, *tocsin::dynamic_threshold_stream::make());
            check_round_trip(sketch, tocsin::quantile_sketch{50});
            check_round_trip(likelihood, *tocsin::anomaly_likelihood::make());
            for (const double score : some_scores()) {
                stream.push(std::abs(score), score);
                sketch.push(score);
                likelihood.push(score);
            }
        }
        check_round_trip(stream, *tocsin::dynamic_threshold_stream::make());
    }

    TEST_CASE("alarm control and smoothing: files hold each piece") {
        tocsin::alarm_chain chain{tocsin::m_of_n(2, 60), tocsin::minimum_duration(2),
                                  tocsin::suppression(4)};
        for (int i = 0; i < 59; ++i) {
            chain.push(i % 3 != 1);
        }
        check_round_trip(chain,
                         tocsin::alarm_chain{tocsin::m_of_n(1, 1), tocsin::minimum_duration(1),
                                             tocsin::suppression(0)});
        tocsin::hysteresis hysteresis(3, 2);
        hysteresis.push(4);
        check_round_trip(hysteresis, tocsin::hysteresis(1, 1));
        tocsin::minimum_deviation deviation(1, tocsin::direction::below);
        check_round_trip(deviation, tocsin::minimum_deviation(0));
        tocsin::ewma smoother(0.2);
        smoother.push(1);
        check_round_trip(smoother, tocsin::ewma{});
    }
}
