// The corpus of the fuzzers, and simple mutants of it, run by every build.
#include <doctest/doctest.h>

#include "alarm_input.hpp"
#include "chart_input.hpp"
#include "file_mutator.hpp"
#include "replay.hpp"
#include "row_input.hpp"
#include "stream_input.hpp"
#include "text_input.hpp"
#include "time_input.hpp"
#include <string>

using tocsin_fuzz::random_inputs;
using tocsin_fuzz::replay;

TEST_SUITE("fuzz") {
    TEST_CASE("fuzz: CSV, any bytes") {
        replay("csv", 3000, tocsin_fuzz::csv);
    }
    TEST_CASE("fuzz: delimited sequences, any bytes") {
        replay("sequences", 3000, tocsin_fuzz::sequences);
    }
    TEST_CASE("fuzz: rows of CSV with any options are those of the whole text") {
        replay("rows", 1500, tocsin_fuzz::rows);
    }
    TEST_CASE("fuzz: dates and timestamps, any bytes") {
        replay("times", 3000, tocsin_fuzz::times);
    }
    TEST_CASE("fuzz: threshold rules, any order of operations") {
        auto others = random_inputs(20, 400);
        for (std::size_t k = 0; k < others.size(); ++k) {
            others[k][0] = static_cast<char>(128 + k); // of each rule that the corpus lacks
            others[k][1] = static_cast<char>(k % 4);   // a fit
        }
        replay("thresholds", 300, tocsin_fuzz::thresholds, others);
    }
    TEST_CASE("fuzz: windows, sketch, likelihood, alarm control, any numbers") {
        replay("streams", 300, tocsin_fuzz::streams);
    }
    TEST_CASE("fuzz: alarm control says what its definition says") {
        replay("alarms", 50, tocsin_fuzz::alarms, random_inputs(20, 600));
    }
    TEST_CASE("fuzz: charts and memories of values, any numbers") {
        replay("charts", 50, tocsin_fuzz::charts, random_inputs(20, 600));
    }
    TEST_CASE("fuzz: model files, any bytes and right checksums") {
        const std::string seed = tocsin_fuzz::model_seed();
        const auto fixed = tocsin_fuzz::repaired(seed);
        CHECK(tocsin::archive_reader::from_bytes(std::as_bytes(std::span{fixed})).has_value());
        replay("model", 1000, tocsin_fuzz::model, {seed});
        tocsin::random_generator random{3};
        std::string mutant = seed;
        for (int k = 0; k < 1000; ++k) {
            mutant = tocsin_fuzz::restructured(k % 4 == 0 ? seed : mutant, random);
            tocsin_fuzz::load_all(mutant);
        }
    }
}
