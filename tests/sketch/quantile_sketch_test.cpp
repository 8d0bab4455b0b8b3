#include "tocsin/core/random.hpp"
#include "tocsin/sketch/quantile_sketch.hpp"

#include <doctest/doctest.h>

#include "support/allocation_counter.hpp"
#include "support/memory_archive.hpp"
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace {

const double not_a_number = std::numeric_limits<double>::quiet_NaN();
const double infinity = std::numeric_limits<double>::infinity();

/// The numbers 0 to count - 1 in some order: the rank of x is (x + 1) / count.
std::vector<double> in_order(std::size_t count, int order) {
    std::vector<double> scores(count);
    for (std::size_t i = 0; i < count; ++i) {
        scores[i] = static_cast<double>(i);
    }
    if (order == 1) {
        std::reverse(scores.begin(), scores.end());
    } else if (order == 2) {
        tocsin::random_generator random(5);
        tocsin::shuffle(std::span<double>{scores}, random);
    }
    return scores;
}

} // namespace

TEST_SUITE("threshold") {

    TEST_CASE("quantile sketch: exact as long as it keeps every score") {
        tocsin::quantile_sketch sketch;
        CHECK(std::isnan(sketch.quantile(0.5)));
        CHECK(std::isnan(sketch.rank(1)));
        CHECK(sketch.rank_error() == 0);
        for (const double score : {4.0, 1.0, 3.0, 2.0}) {
            CHECK(sketch.push(score));
        }
        CHECK(sketch.rank_error() == 0);
        CHECK(sketch.rank(0.5) == 0);
        CHECK(sketch.rank(1) == 0.25);
        CHECK(sketch.rank(3.5) == 0.75);
        CHECK(sketch.quantile(0) == 1);
        CHECK(sketch.quantile(0.25) == 1);
        CHECK(sketch.quantile(0.26) == 2);
        CHECK(sketch.quantile(0.75) == 3);
        CHECK(sketch.quantile(1) == 4);
    }

    TEST_CASE("quantile sketch: ranks lie within the stated error, as often as stated") {
        constexpr double delta = 0.05;
        for (const int order : {0, 1, 2}) {
            const auto scores = in_order(20'000, order);
            int beyond = 0;
            int looks = 0;
            double largest = 0;
            for (std::uint64_t seed = 1; seed <= 60; ++seed) {
                tocsin::quantile_sketch sketch(50, seed);
                for (const double score : scores) {
                    sketch.push(score);
                }
                const double bound = sketch.rank_error(delta);
                for (const double x : {200.0, 5000.0, 10'000.0, 15'000.0, 19'900.0}) {
                    const double error = std::abs(sketch.rank(x) - (x + 1) / 20'000);
                    beyond += error > bound ? 1 : 0;
                    largest = std::max(largest, error);
                    ++looks;
                }
                CHECK(sketch.size() < 1000);
                CHECK(bound < 0.1);
            }
            CHECK(beyond <= looks * delta);
            CHECK(largest > 0); // it does discard scores
        }
    }

    TEST_CASE("quantile sketch: the error at 99 per cent is at most 2.2 / k") {
        const auto scores = in_order(300'000, 2);
        for (const int k : {100, 200, 400}) {
            tocsin::quantile_sketch sketch(k);
            for (const double score : scores) {
                sketch.push(score);
            }
            CHECK(sketch.rank_error(0.01) * k < 2.2);
            CHECK(sketch.rank_error(0.01) * k > 0.5);
            for (const double q : {0.01, 0.5, 0.9, 0.99}) {
                CHECK(std::abs(sketch.quantile(q) / 300'000 - q) < sketch.rank_error(0.01));
            }
            CHECK(sketch.quantile(0) == 0);
            CHECK(sketch.quantile(1) == 299'999);
            CHECK(sketch.size() < 4.5 * k + 700);
        }
    }

    TEST_CASE("quantile sketch: merged parts are a sketch of all") {
        const auto scores = in_order(60'000, 2);
        tocsin::quantile_sketch all(200, 100);
        for (std::size_t part = 0; part < 6; ++part) {
            tocsin::quantile_sketch sketch(200, part + 1);
            for (std::size_t i = 0; i < 10'000; ++i) {
                sketch.push(scores[10'000 * part + i]);
            }
            sketch.push(not_a_number);
            REQUIRE(all.merge(sketch).ok());
        }
        CHECK(all.count() == 60'000);
        CHECK(all.rejected() == 6);
        CHECK(all.rank_error() < 0.02);
        for (const double x : {600.0, 30'000.0, 59'000.0}) {
            CHECK(std::abs(all.rank(x) - (x + 1) / 60'000) < all.rank_error(0.001));
        }
        CHECK(all.quantile(0) == 0);
        CHECK(all.quantile(1) == 59'999);
        CHECK_FALSE(all.merge(tocsin::quantile_sketch(100)).ok());
        CHECK_FALSE(all.merge(all).ok());
        CHECK(all.rank(60'000) == 1);
        tocsin::quantile_sketch none;
        REQUIRE(none.merge(tocsin::quantile_sketch()).ok());
        CHECK(none.count() == 0);
    }

    TEST_CASE("quantile sketch: constant, tied, infinite and NaN scores") {
        tocsin::quantile_sketch sketch(8);
        for (int i = 0; i < 10'000; ++i) {
            sketch.push(i % 10 == 0 ? 2 : 1);
            CHECK_FALSE(sketch.push(not_a_number));
        }
        CHECK(sketch.count() == 10'000);
        CHECK(sketch.rejected() == 10'000);
        CHECK(sketch.quantile(0.2) == 1);
        CHECK(sketch.rank(2) == 1);
        CHECK(std::abs(sketch.rank(1) - 0.9) < sketch.rank_error(0.001));
        CHECK(std::isnan(sketch.rank(not_a_number)));
        CHECK(std::isnan(sketch.quantile(not_a_number)));
        for (int i = 0; i < 30'000; ++i) {
            sketch.push(infinity);
        }
        CHECK(sketch.quantile(0.9) == std::numeric_limits<double>::max()); // can be saved
        CHECK(sketch.rank(infinity) == 1);
        sketch.reset();
        CHECK(sketch.count() == 0);
        CHECK(sketch.size() == 0);
    }

    TEST_CASE("quantile sketch: after loading the stream continues with the same bits") {
        tocsin::random_generator random(6);
        tocsin::quantile_sketch original(50, 9);
        for (const int more : {0, 30, 5000}) {
            for (int i = 0; i < more; ++i) {
                original.push(random.normal());
            }
            tocsin::quantile_sketch loaded;
            REQUIRE(tocsin_test::load(loaded, tocsin_test::save(original)).ok());
            auto going_on = original;
            for (int i = 0; i < 3000; ++i) {
                const double score = random.normal();
                loaded.push(score);
                going_on.push(score);
            }
            for (const double q : {0.0, 0.1, 0.5, 0.99, 1.0}) {
                CHECK(loaded.quantile(q) == going_on.quantile(q));
            }
            CHECK(loaded.rank_error() == going_on.rank_error());
        }
        const auto content = tocsin_test::save(original);
        for (const char* name : {"k", "levels", "count"}) {
            auto broken = content;
            broken[name] = {3};
            tocsin::quantile_sketch loaded;
            CHECK_FALSE(tocsin_test::load(loaded, broken).ok());
            CHECK(loaded.count() == 0);
        }
        auto broken = content;
        broken["begin"][1] = 1e7;
        tocsin::quantile_sketch loaded;
        CHECK_FALSE(tocsin_test::load(loaded, broken).ok());
    }

    TEST_CASE("quantile sketch: only making one needs the heap") {
        tocsin::quantile_sketch sketch;
        tocsin::quantile_sketch other(200, 2);
        tocsin::random_generator random(7);
        double sum = 0;
        const long during = tocsin_test::allocations_during([&] {
            for (int i = 0; i < 20'000; ++i) {
                sketch.push(random.normal());
                other.push(random.normal());
            }
            sum += sketch.merge(other).ok() ? 1 : 0;
            sum += sketch.quantile(0.9) + sketch.rank(0);
        });
        const long control = tocsin_test::allocations_during(
            [&] { sum += static_cast<double>(tocsin::quantile_sketch(10).count()); });
        CHECK(during == 0);
        CHECK(control > 0);
        CHECK(sum > 1);
    }
}
