#include "tocsin/series/column_facts.hpp"
#include "tocsin/series/value_offsets.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

using tocsin::index_t;
using tocsin::matrix;

namespace {

constexpr double none = std::numeric_limits<double>::quiet_NaN();

template <class Value>
tocsin::column_facts facts_of(Value&& value, index_t count = 100) {
    matrix<double> values(1, count);
    for (index_t t = 0; t < count; ++t) {
        values(0, t) = value(static_cast<double>(t));
    }
    return tocsin::study_columns(values).front();
}

} // namespace

TEST_SUITE("series") {
    TEST_CASE("column_facts: nothing to say about a wave") {
        const auto wave = facts_of([](double t) { return 20 + 5 * std::sin(0.3 * t); });
        CHECK(wave.values == 100);
        CHECK(wave.low >= 15);
        CHECK(wave.high <= 25);
        CHECK_FALSE(wave.constant());
        CHECK_FALSE(wave.only_rises);
        CHECK_FALSE(wave.counts);
        CHECK_FALSE(wave.two_values);
        CHECK(wave.codes.empty());
        CHECK_FALSE(wave.far_outliers());
        CHECK(wave.distinct_as_float == wave.distinct);
    }

    TEST_CASE("column_facts: constants, counters, indices, labels") {
        CHECK(facts_of([](double) { return 3.5; }).constant());
        const auto index = facts_of([](double t) { return t; });
        CHECK(index.only_rises);
        CHECK(index.counts);
        const auto meter = facts_of([](double t) { return std::floor(t / 3) + 0.1 * t * t; });
        CHECK(meter.only_rises);
        CHECK_FALSE(meter.counts);
        CHECK(facts_of([](double t) { return t < 90 ? 0 : 1; }).two_values);
        CHECK(facts_of([](double t) { return t > 50 && t < 60 ? -1 : 1; }).two_values);
        CHECK_FALSE(facts_of([](double t) { return t < 50 ? 5 : 7; }).two_values);
        CHECK_FALSE(facts_of([](double t) { return t; }, 3).only_rises); // too few to tell
    }

    TEST_CASE("column_facts: values that stand for 'missing'") {
        const auto with = [](double code, int every) {
            return facts_of(
                [=](double t) { return std::fmod(t, every) == 7 ? code : 12 + std::sin(0.7 * t); });
        };
        const auto is = [](const tocsin::column_facts& facts, double value, index_t count) {
            return facts.codes.size() == 1 && facts.codes[0].value == value &&
                   facts.codes[0].count == count;
        };
        CHECK(is(with(-200, 20), -200, 5));
        CHECK(is(with(-9999, 100), -9999, 1)); // once: a usual code
        CHECK(is(with(999.5, 20), 999.5, 5));
        CHECK(with(999.5, 100).codes.empty()); // once: an outlier
        CHECK(with(14, 20).codes.empty());     // hardly outside
        CHECK(is(with(0, 20), 0, 5));
        CHECK(facts_of([](double t) { return t < 50 ? 0 : 100; }).codes.empty());
        // Most rows, or beside values that are spread as far.
        CHECK(is(facts_of([](double t) {
                     return std::fmod(t, 10) == 7 ? 12 + std::sin(0.7 * t) : -200.0;
                 }),
                 -200, 90));
        CHECK(is(facts_of([](double t) { return std::fmod(t, 20) == 7 ? -999.0 : 10.0 * t; }), -999,
                 5));
        CHECK(facts_of([](double t) { return t == 7 ? -999.0 : 10.0 * t; }).codes.empty());
        CHECK(facts_of([](double t) {
                  return std::fmod(t, 20) == 7 ? -999.0 : 10 * t - 500;
              }).codes.empty());
        CHECK(facts_of([](double t) {
                  return std::fmod(t, 10) == 7 ? std::sin(t) : -150.0;
              }).codes.empty());
    }

    TEST_CASE("column_facts: several values that stand for 'missing' do not hide each other") {
        const auto codes_of = [](double one, double other) {
            const auto facts = facts_of([=](double t) {
                const double phase = std::fmod(t, 20);
                return phase == 7 ? one : phase == 9 ? other : 12 + std::sin(0.7 * t);
            });
            std::vector<double> found;
            for (const tocsin::missing_code& code : facts.codes) {
                CHECK(code.count == 5);
                found.push_back(code.value);
            }
            std::sort(found.begin(), found.end());
            return found;
        };
        CHECK(codes_of(-9999, -8888) == std::vector<double>{-9999, -8888});
        CHECK(codes_of(9999, 8888) == std::vector<double>{8888, 9999});
        CHECK(codes_of(-9999, 9999) == std::vector<double>{-9999, 9999});
        CHECK(codes_of(-999, 65535) == std::vector<double>{-999, 65535});
        CHECK(codes_of(-9999, 12.5) == std::vector<double>{-9999});
        // Values over many scales are no codes without end.
        const auto scales =
            facts_of([](double t) { return std::pow(10.0, std::floor(t / 10)); }).codes;
        CHECK(scales.size() <= 4);
    }

    TEST_CASE("column_facts: missing, infinite, scale, precision, duplicates") {
        matrix<double> values(5, 60);
        for (index_t t = 0; t < 60; ++t) {
            const auto x = static_cast<double>(t);
            values(0, t) = t >= 10 && t < 22 ? none : std::sin(x);
            values(1, t) = t == 5 ? 1e300 : std::cos(x);
            values(2, t) = 1.7e9 + std::sin(x);
            values(3, t) = 1.7e9 + std::sin(x);
            values(4, t) = t == 30 ? 1e7 : std::sin(x);
        }
        const auto facts = tocsin::study_columns(values);
        CHECK(facts[0].missing == 12);
        CHECK(facts[0].longest_hole == 12);
        CHECK(facts[1].infinite == 1);
        CHECK(facts[1].values == 59);
        CHECK(facts[2].distinct > 50);
        CHECK(facts[2].distinct_as_float < 5);
        CHECK(facts[2].duplicate_of == -1);
        CHECK(facts[3].duplicate_of == 2);
        CHECK(facts[4].far_outliers());
        const auto offsets = tocsin::find_value_offsets(values);
        CHECK(tocsin::study_columns(values, offsets)[2].distinct_as_float == facts[2].distinct);
        matrix<double> missing = matrix<double>::Constant(2, 4, none);
        CHECK(tocsin::study_columns(missing)[1].values == 0);
        CHECK(tocsin::study_columns(matrix<double>(2, 0))[0].values == 0);
    }

    TEST_CASE("value_offsets: 1.7e9 +- 1 keeps its detail, other columns keep their bits") {
        matrix<double> values(4, 500);
        for (index_t t = 0; t < 500; ++t) {
            const auto x = static_cast<double>(t);
            values(0, t) = 1.7e9 + std::sin(0.3 * x);
            values(1, t) = 20 + 0.01 * std::sin(0.3 * x);
            values(2, t) = t == 100 ? none : -5e6 + 1e-3 * std::sin(0.7 * x);
            values(3, t) = 1e9; // a constant has no detail
        }
        const auto offsets = tocsin::find_value_offsets(values);
        CHECK(offsets[0] == doctest::Approx(1.7e9));
        CHECK(offsets[1] == 0);
        CHECK(offsets[2] == doctest::Approx(-5e6));
        CHECK(offsets[3] == 0);
        const auto floats = tocsin::without_offsets(values, offsets);
        CHECK(floats.row(1) == values.cast<float>().row(1));
        CHECK(std::isnan(floats(2, 100)));
        for (index_t t = 0; t < 500; ++t) {
            const double wave = std::sin(0.3 * static_cast<double>(t));
            CHECK(static_cast<double>(floats(0, t)) + (offsets[0] - 1.7e9) ==
                  doctest::Approx(wave).epsilon(1e-5));
        }
        const matrix<double> two = values.topRows(2);
        CHECK(tocsin::without_offsets(two, {}) == two.cast<float>());
        CHECK(tocsin::find_value_offsets(matrix<double>::Constant(1, 3, none))[0] == 0);
    }
}
