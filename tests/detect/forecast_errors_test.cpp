#include "tocsin/core/storage.hpp"
#include "tocsin/detect/forecast_errors.hpp"

#include <doctest/doctest.h>

#include "support/random_values.hpp"
#include "support/small_detectors.hpp"
#include <cmath>
#include <limits>
#include <vector>

using tocsin::index_t;
using tocsin_test::block_error;
using tocsin_test::random_values;
using tocsin_test::slow_waves;
using tocsin_test::small_forecaster;
using model_type = tocsin::forecaster<float>;
using source = tocsin::detail::error_source<model_type>;

namespace {

/// One stream, pushed by hand.
struct pushed_stream {
    explicit pushed_stream(const source& errors_of)
        : state(static_cast<std::size_t>(errors_of.state_size())),
          work(static_cast<std::size_t>(errors_of.work_size())),
          errors(static_cast<std::size_t>(errors_of.vector_size())) {}
    tocsin::detail::source_sample<float> sample(const float* values) {
        return {state, seen, values, values, nullptr, errors.data()};
    }

    tocsin::aligned_vector<float> state;
    tocsin::aligned_vector<float> work;
    std::vector<double> errors;
    std::int64_t seen = 0;
};

tocsin::model_weights<model_type> random_weights(const model_type& shape, std::uint64_t seed) {
    tocsin::model_weights<model_type> weights;
    weights.own(shape, random_values<float>(shape.parameter_count(), seed, 0.5));
    return weights;
}

/// What a model reads of samples.
std::vector<tocsin::detail::model_sample<float>>
parts_of(const std::vector<tocsin::detail::source_sample<float>>& samples) {
    return {samples.begin(), samples.end()};
}

} // namespace

TEST_SUITE("detect") {
    TEST_CASE("forecast errors: a sample's come from the forecasts made for it") {
        for (const int ahead : {1, 2, 3}) {
            CAPTURE(ahead);
            const model_type shape = small_forecaster(ahead);
            const auto weights = random_weights(shape, 5);
            const source errors_of(shape, {});
            CHECK(errors_of.vectors() == 1);
            CHECK(errors_of.vector_size() == 2 * ahead);
            CHECK(errors_of.shortest_warm_up() == ahead);
            pushed_stream stream(errors_of);
            const auto values = slow_waves(20);
            std::vector<std::vector<float>> forecasts;
            for (index_t t = 0; t < 20; ++t) {
                const auto sample = stream.sample(values.data() + t * 3);
                const bool complete = errors_of.prepare(sample);
                CHECK(complete == (t >= ahead));
                CHECK(errors_of.advances(complete));
                for (int before = 1; complete && before <= ahead; ++before) {
                    const auto& forecast = forecasts[static_cast<std::size_t>(t - before)];
                    for (int f = 0; f < 2; ++f) {
                        const auto at = static_cast<std::size_t>((before - 1) * 2 + f);
                        CHECK(stream.errors[at] == static_cast<double>(values(f, t)) -
                                                       static_cast<double>(forecast[at]));
                    }
                }
                CHECK(std::isnan(errors_of.expected(stream.state, stream.seen, 2)));
                CHECK(std::isnan(errors_of.expected(stream.state, stream.seen, 0)) == (t == 0));
                errors_of.advance(shape, weights, sample, stream.work);
                ++stream.seen;
                const auto newest = errors_of.forecast(stream.state, stream.seen);
                CHECK(errors_of.expected(stream.state, stream.seen, 1) == newest[1]);
                forecasts.emplace_back(newest.begin(), newest.end());
            }
        }
    }

    TEST_CASE("forecast errors: a group advances as each of its streams alone") {
        for (const auto& hidden : {std::initializer_list<int>{8}, {7, 5}}) {
            for (const int count : {0, 1, 2, 5, 17}) {
                CAPTURE(count);
                const model_type shape = small_forecaster(2, hidden);
                const auto weights = random_weights(shape, 7);
                const source errors_of(shape, {});
                std::vector<pushed_stream> alone(static_cast<std::size_t>(count),
                                                 pushed_stream(errors_of));
                auto together = alone;
                std::vector<tocsin::matrix<float>> values;
                for (int k = 0; k < count; ++k) {
                    values.push_back(slow_waves(12, static_cast<std::uint64_t>(k)));
                }
                tocsin::aligned_vector<float> work(
                    static_cast<std::size_t>(errors_of.group_work_size(shape, count)));
                for (index_t t = 0; t < 12; ++t) {
                    std::vector<tocsin::detail::source_sample<float>> samples;
                    for (std::size_t k = 0; k < alone.size(); ++k) {
                        const float* const sample = values[k].data() + t * 3;
                        errors_of.advance(shape, weights, alone[k].sample(sample), alone[k].work);
                        samples.push_back(together[k].sample(sample));
                    }
                    errors_of.advance_group(shape, weights, parts_of(samples), work);
                    for (std::size_t k = 0; k < alone.size(); ++k) {
                        ++alone[k].seen;
                        ++together[k].seen;
                    }
                }
                for (std::size_t k = 0; k < alone.size(); ++k) {
                    CHECK(block_error(together[k].state, alone[k].state) < 1e-5);
                }
            }
        }
    }

    TEST_CASE("forecast errors: the deepest stack can be batched") {
        const model_type shape = small_forecaster(1, {2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2});
        REQUIRE(shape.check().ok());
        REQUIRE_FALSE(
            small_forecaster(1, {2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2}).check().ok());
        const source errors_of(shape, {});
        pushed_stream alone(errors_of);
        pushed_stream together(errors_of);
        const auto weights = random_weights(shape, 3);
        tocsin::aligned_vector<float> work(
            static_cast<std::size_t>(errors_of.group_work_size(shape, 1)));
        const auto values = slow_waves(1);
        errors_of.advance(shape, weights, alone.sample(values.data()), alone.work);
        const std::vector samples{together.sample(values.data())};
        errors_of.advance_group(shape, weights, parts_of(samples), work);
        CHECK(block_error(together.state, alone.state) < 1e-5);
    }
}
