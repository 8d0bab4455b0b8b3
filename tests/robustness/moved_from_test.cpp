#include "tocsin/alarm/anomaly_likelihood.hpp"
#include "tocsin/charts/mewma.hpp"
#include "tocsin/core/random.hpp"
#include "tocsin/dynamic/dynamic_threshold_stream.hpp"
#include "tocsin/errors/mahalanobis.hpp"
#include "tocsin/io/byte_archive.hpp"
#include "tocsin/series/moving_window.hpp"
#include "tocsin/sketch/quantile_sketch.hpp"
#include "tocsin/tail/drift_spot_threshold.hpp"
#include "tocsin/tail/spot_threshold.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <cstddef>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace {

std::vector<double> scores() {
    tocsin::random_generator random(1);
    std::vector<double> values(5000);
    for (double& value : values) {
        value = std::abs(random.normal());
    }
    return values;
}
tocsin::mahalanobis<> statistic() {
    tocsin::random_generator random(2);
    tocsin::matrix<double> errors(2, 500);
    for (double& error : errors.reshaped()) {
        error = random.normal();
    }
    tocsin::mahalanobis<> fitted(2);
    fitted.accumulate(errors);
    REQUIRE(fitted.fit().ok());
    return fitted;
}
const std::array<double, 2> sample = {1, 2};

/// Whether a failure says that an object was moved from.
bool is_told(const tocsin::status& outcome) {
    return !outcome.ok() &&
           std::string_view(outcome.message()).find("moved from") != std::string_view::npos;
}
/// Whether saving fails and says so.
template <class Object>
bool is_not_saved(Object& object) {
    tocsin::byte_writer writer;
    object.exchange(writer);
    return is_told(writer.outcome());
}

} // namespace

// What is left of an object that was moved from has no memory: it must take nothing and know nothing.
// NOLINTBEGIN(bugprone-use-after-move,hicpp-invalid-access-moved): that is tested
TEST_SUITE("robustness") {

    TEST_CASE_TEMPLATE("moved from: rules of peaks over threshold are not fitted", Rule,
                       tocsin::spot_threshold, tocsin::spot_threshold_by_moments,
                       tocsin::drift_spot_threshold) {
        Rule rule;
        REQUIRE(rule.fit(scores(), {}).ok());
        const double threshold = rule.threshold();
        Rule taken = std::move(rule);
        CHECK(taken.threshold() == threshold);
        for (int t = 0; t < 500; ++t) {
            CHECK(rule.push(2 + 0.01 * t) == tocsin::push_outcome::rejected);
        }
        CHECK_FALSE(rule.fitted());
        CHECK(std::isinf(rule.threshold()));
        CHECK(taken.push(2) != tocsin::push_outcome::rejected);
        REQUIRE(rule.fit(scores(), {}).ok());
        CHECK(rule.threshold() == threshold);
    }

    TEST_CASE("moved from: a quantile_sketch takes no scores") {
        tocsin::quantile_sketch sketch;
        for (const double score : scores()) {
            sketch.push(score);
        }
        const double median = sketch.quantile(0.5);
        tocsin::quantile_sketch taken = std::move(sketch);
        CHECK(taken.quantile(0.5) == median);
        CHECK(sketch.count() == 0);
        CHECK(sketch.size() == 0);
        CHECK(sketch.k() == 0);
        CHECK_FALSE(sketch.push(3));
        CHECK(std::isnan(sketch.quantile(0.5)));
        CHECK(std::isnan(sketch.rank(1)));
        CHECK(sketch.rank_error() == 0);
        CHECK(is_told(sketch.merge(taken)));
        CHECK(is_told(taken.merge(sketch)));
        tocsin::quantile_sketch second;
        const tocsin::quantile_sketch other = std::move(second);
        CHECK(is_told(sketch.merge(second)));
        CHECK(is_told(sketch.valid()));
        CHECK(is_not_saved(sketch));
        CHECK(other.valid().ok());
        sketch.reset();
        CHECK_FALSE(sketch.push(3));
    }

    TEST_CASE("moved from: a moving_window is none that can be saved") {
        tocsin::moving_window window(3);
        window.push(1);
        tocsin::moving_window taken = std::move(window);
        CHECK(is_told(window.valid()));
        CHECK(is_not_saved(window));
        CHECK_FALSE(window.full());
        CHECK(taken.valid().ok());
        CHECK_FALSE(is_not_saved(taken));
    }

    TEST_CASE("moved from: statistics are not saved, and take what is loaded") {
        auto fitted = statistic();
        auto taken = std::move(fitted);
        CHECK(is_not_saved(fitted));
        tocsin::byte_writer writer;
        taken.exchange(writer);
        REQUIRE(writer.outcome().ok());
        tocsin::byte_reader reader(writer.bytes());
        fitted.exchange(reader);
        CHECK(reader.outcome().ok());
        CHECK(fitted.score(sample) == taken.score(sample));
        auto sums = taken.accumulated();
        const auto others = std::move(sums);
        CHECK(is_not_saved(sums));
        CHECK(others.count() == 500);
    }

    TEST_CASE("moved from: dynamic_threshold_stream rejects every row") {
        auto stream = tocsin::dynamic_threshold_stream::make().value();
        for (const double score : scores()) {
            stream.push(score, score);
        }
        const auto judged = stream.judged();
        auto taken = std::move(stream);
        CHECK(taken.flags().size() == static_cast<std::size_t>(judged.size()));
        CHECK(stream.flags().empty());
        CHECK(stream.pieces().empty());
        const auto before = stream.rejected();
        for (int t = 0; t < 5000; ++t) {
            CHECK_FALSE(stream.push(t, t));
        }
        CHECK(stream.rejected() == before + 5000);
    }

    TEST_CASE("moved from: statistics and what they are part of have no score") {
        auto fitted = statistic();
        const double score = fitted.score(sample);
        const auto taken = std::move(fitted);
        CHECK(taken.score(sample) == score);
        CHECK_FALSE(fitted.fitted());
        CHECK(std::isnan(fitted.score(sample)));
        std::array<double, 2> shares{};
        fitted.shares(sample, shares);
        CHECK(std::isnan(shares[0]));

        tocsin::mewma chart(statistic());
        const double first = chart.push(sample);
        CHECK(first > 0);
        const tocsin::mewma other = std::move(chart);
        CHECK(other.score() == first);
        CHECK(std::isnan(chart.push(sample)));
        CHECK(std::isnan(chart.score()));
        chart.shares(shares);
        CHECK(std::isnan(shares[1]));
        chart.reset();
        CHECK(std::isnan(chart.push(sample)));
    }

    TEST_CASE("moved from: an anomaly_likelihood stays warming up") {
        auto likelihood = tocsin::anomaly_likelihood::make().value();
        for (const double score : scores()) {
            likelihood.push(score);
        }
        const double z = likelihood.z();
        const auto taken = std::move(likelihood);
        CHECK(taken.z() == z);
        for (int t = 0; t < 5000; ++t) {
            CHECK(std::isnan(likelihood.push(t)));
        }
    }
}
// NOLINTEND(bugprone-use-after-move,hicpp-invalid-access-moved)
