#include "tocsin/comparators/isolation_forest.hpp"
#include "tocsin/comparators/k_means.hpp"
#include "tocsin/comparators/nearest_value_novelty.hpp"
#include "tocsin/comparators/pca_reconstruction.hpp"
#include "tocsin/comparators/scored_comparator.hpp"
#include "tocsin/core/random.hpp"

#include <doctest/doctest.h>

#include "support/allocation_counter.hpp"
#include "support/small_detectors.hpp"
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
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
static_assert(!tocsin::stateless_scorer<distance_from_mean>);
static_assert(!tocsin::stateless_scorer<tocsin::nearest_value_novelty>);

/// The sample itself, which may be negative; nothing saves it.
struct plain_value {
    static tocsin::status fit(const tocsin::samples_view& /*training*/) { return {}; }
    static double push(std::span<const double> sample) noexcept { return sample[0]; }
    static void reset() noexcept {}
    static int features() noexcept { return 1; }
};

} // namespace

TEST_SUITE("comparators") {

    TEST_CASE("scored_comparator: rows without a score are time that passes") {
        // Two events of two rows, 20 rows without a score apart.
        tocsin::matrix<double> normal = tocsin::matrix<double>::Zero(1, 1000);
        for (const int t : {500, 501, 522, 523}) {
            normal(0, t) = 1 + t;
        }
        normal.middleCols(502, 20).setConstant(std::nan(""));
        tocsin::scored_comparator<plain_value> comparator(plain_value{},
                                                          tocsin::alarm_rate({.gap = 10}));
        REQUIRE(comparator.fit(normal, normal).ok());
        CHECK(comparator.rule().clusters() == 2);
    }

    TEST_CASE("scored_comparator: without a score, none exceeds a threshold below 0") {
        tocsin::scored_comparator<plain_value> comparator;
        const tocsin::matrix<double> normal =
            tenths(1000, 1) - tocsin::matrix<double>::Constant(1, 1000, 1000);
        REQUIRE(comparator.fit(normal, normal).ok());
        auto stream = comparator.make_stream();
        for (const float value : {-990.0F, std::nanf(""), 5.0F}) {
            const auto said = comparator.push(stream, {value});
            CHECK(said.threshold < -900);
            CHECK(said.scored() == !std::isnan(value));
            CHECK((said.score > said.threshold) == said.is_anomaly());
            CHECK(said.is_anomaly() == (value > 0));
        }
        CHECK_FALSE(comparator.push(stream, {1.0F, 2.0F}).score > comparator.rule().threshold());
    }

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

    TEST_CASE_TEMPLATE("scored_comparator: streams of a stateless scorer share what it learned",
                       Scorer, tocsin::isolation_forest, tocsin::k_means,
                       tocsin::pca_reconstruction) {
        static_assert(tocsin::stateless_scorer<Scorer>);
        tocsin::scored_comparator<Scorer> comparator;
        REQUIRE(comparator.fit(tenths(500, 1), tenths(500, 2)).ok());
        std::array<typename tocsin::scored_comparator<Scorer>::stream_type, 2> streams;
        const auto make_both = [&] {
            for (auto& stream : streams) {
                stream = comparator.make_stream();
            }
        };
        CHECK(tocsin_test::allocations_during(make_both) == 0);
        tocsin::scored_comparator<tocsin::nearest_value_novelty> with_memory; // the counter counts
        CHECK(tocsin_test::allocations_during([&] { with_memory.make_stream(); }) > 0);
        for (const float value : {1.0F, 20.0F}) {
            Scorer alone = comparator.scorer();
            const double sample = value;
            for (auto& stream : streams) {
                const auto verdict = comparator.push(stream, {value});
                CHECK(verdict.scored());
                CHECK(verdict.score == alone.push(std::span(&sample, 1)));
            }
        }
        auto moved = std::move(streams[0]);
        CHECK(comparator.push(moved, {1.0F}).scored());
        CHECK(moved.position() == 3);
        // NOLINTNEXTLINE(bugprone-use-after-move,hicpp-invalid-access-moved): what is left of it
        CHECK(comparator.push(streams[0], {1.0F}).kind == tocsin::verdict_kind::not_ready);
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
