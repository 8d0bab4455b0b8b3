#include "tocsin/comparators/nearest_value_novelty.hpp"
#include "tocsin/comparators/scored_comparator.hpp"
#include "tocsin/core/random.hpp"

#include <doctest/doctest.h>

#include "support/small_detectors.hpp"
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace {

/// Values of one sensor with a hundred different ones that no float can hold: k / 10.
tocsin::matrix<double> tenths(int rows, std::uint64_t seed) {
    tocsin::random_generator random(seed);
    tocsin::matrix<double> values(1, rows);
    for (int t = 0; t < rows; ++t) {
        values(0, t) = std::floor(100 * random.uniform()) / 10;
    }
    return values;
}

/// How far a sample is from the mean of those before it; nothing saves it.
class distance_from_mean {
  public:
    tocsin::status fit(const tocsin::samples_view& training) {
        learned_ = training.mean();
        reset();
        return {};
    }
    double push(std::span<const double> sample) noexcept {
        const double distance = std::abs(sample[0] - mean_);
        mean_ += (sample[0] - mean_) / 10;
        return distance;
    }
    void reset() noexcept { mean_ = learned_; }
    static int features() noexcept { return 1; }

  private:
    double learned_ = 0;
    double mean_ = 0;
};
static_assert(!tocsin::savable_scorer<distance_from_mean>);

} // namespace

TEST_SUITE("comparators") {

    TEST_CASE("scored_comparator: a value is the same in the rows of the fit and in a stream") {
        tocsin::scored_comparator<tocsin::nearest_value_novelty> comparator(
            tocsin::nearest_value_novelty{}, tocsin::alarm_rate({.per_rows = 1000}));
        REQUIRE(comparator.fit(tenths(2000, 1), tenths(2000, 2)).ok());
        auto stream = comparator.make_stream();
        const tocsin::matrix<float> values = tenths(1000, 3).cast<float>();
        double highest = 0;
        for (tocsin::index_t t = 0; t < values.cols(); ++t) {
            highest = std::max(highest, comparator.push(stream, values.col(t)).score);
        }
        CHECK(highest == 0);
        CHECK(comparator.rule().p_value(0) == 1);
        const tocsin::matrix<double> huge = tocsin::matrix<double>::Constant(1, 100, 1e300);
        CHECK(tocsin_test::says(comparator.fit(huge, tenths(100, 1)), "value of 1e+300 is beyond"));
    }

    TEST_CASE_TEMPLATE("scored_comparator: streams of another fit are not judged", Scorer,
                       tocsin::nearest_value_novelty, distance_from_mean) {
        tocsin::scored_comparator<Scorer> comparator;
        auto early = comparator.make_stream();
        REQUIRE(comparator.fit(tenths(500, 1), tenths(500, 2)).ok());
        auto stream = comparator.make_stream();
        CHECK(comparator.push(early, {1.0F}).kind == tocsin::verdict_kind::not_ready);
        CHECK(comparator.push(stream, {1.0F}).scored());
        CHECK(stream.position() == 1);
        REQUIRE(comparator.fit(10 * tenths(500, 3), 10 * tenths(500, 4)).ok());
        const auto after = comparator.push(stream, {1.0F});
        CHECK(after.kind == tocsin::verdict_kind::not_ready);
        CHECK(after.reason == tocsin::sample_reason::not_ready);
        CHECK(stream.position() == 1);
        auto fresh = comparator.make_stream();
        CHECK(comparator.push(fresh, {1.0F}).scored());
    }

    TEST_CASE("scored_comparator: a stream that restarts forgets its past") {
        tocsin::scored_comparator<distance_from_mean> comparator;
        REQUIRE(comparator.fit(tenths(500, 1), tenths(500, 2)).ok());
        auto stream = comparator.make_stream();
        const double first = comparator.push(stream, {9.0F}).score;
        CHECK(comparator.push(stream, {9.0F}).score < first);
        stream.restart();
        CHECK(stream.position() == 2);
        CHECK(comparator.push(stream, {9.0F}).score == first);
        decltype(stream) none;
        none.restart();
        CHECK(comparator.push(none, {9.0F}).kind == tocsin::verdict_kind::not_ready);
    }
}
