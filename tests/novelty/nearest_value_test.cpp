#include "tocsin/core/random.hpp"
#include "tocsin/novelty/nearest_value.hpp"
#include "tocsin/novelty/sorted_ring.hpp"
#include "tocsin/novelty/value_cells.hpp"

#include <doctest/doctest.h>

#include "support/memory_archive.hpp"
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <deque>
#include <limits>
#include <utility>

TEST_SUITE("novelty") {

    TEST_CASE("sorted_ring: the nearest value equals a search through all") {
        for (const int capacity : {1, 2, 7, 100}) {
            tocsin::random_generator random(static_cast<std::uint64_t>(capacity));
            tocsin::detail::sorted_ring ring(capacity);
            std::deque<double> last;
            for (int t = 0; t < 3000; ++t) {
                // Few different values, so that many are equal.
                const double value =
                    t % 500 < 250 ? std::floor(random.uniform(0, 20)) : random.normal() * 10;
                double nearest = std::numeric_limits<double>::infinity();
                for (const double each : last) {
                    nearest = std::min(nearest, std::abs(each - value));
                }
                REQUIRE(ring.nearest_distance(value) == nearest);
                ring.push(value);
                last.push_back(value);
                if (static_cast<int>(last.size()) > capacity) {
                    last.pop_front();
                }
                REQUIRE(ring.count() == static_cast<int>(last.size()));
                REQUIRE(ring.smallest() == *std::min_element(last.begin(), last.end()));
                REQUIRE(ring.largest() == *std::max_element(last.begin(), last.end()));
                REQUIRE(ring.value(0) == last.front());
                REQUIRE(ring.value(ring.count() - 1) == last.back());
            }
        }
    }

    TEST_CASE("nearest_value: a gap and the outside of the range are new, once") {
        tocsin::random_generator random(1);
        tocsin::nearest_value novelty(1000);
        for (int t = 0; t < 2000; ++t) { // two levels
            novelty.push((t % 50 < 25 ? 0 : 10) + 0.1 * random.normal());
        }
        CHECK(novelty.score(0) < 0.1);
        CHECK(novelty.score(10.05) < 0.1);
        CHECK(novelty.push(5) > 0.8); // in the gap: 4.7 of a deviation of 5
        CHECK(novelty.score(5.01) < 0.01);
        CHECK(novelty.push(20) > 1.5);
        CHECK(novelty.push(20) == 0);
        for (int t = 0; t < 1000; ++t) {
            novelty.push((t % 50 < 25 ? 0 : 10) + 0.1 * random.normal());
        }
        CHECK(novelty.score(5) > 0.8); // forgotten
    }

    TEST_CASE("nearest_value: what is equal, missing or the first has its own answers") {
        tocsin::nearest_value novelty(10);
        CHECK(std::isnan(novelty.push(3)));
        CHECK(std::isnan(novelty.push(std::nan(""))));
        CHECK(std::isnan(novelty.push(std::numeric_limits<double>::infinity())));
        CHECK(novelty.count() == 1);
        CHECK(std::isnan(novelty.push(3)));
        CHECK(novelty.push(3) == 0);
        CHECK(novelty.push(3.001) == tocsin::nearest_value::largest_score);
        CHECK(std::isfinite(novelty.push(1e300)));
        novelty.reset();
        CHECK(novelty.count() == 0);
        CHECK(tocsin::nearest_value(0).memory() == 2);
    }

    TEST_CASE("nearest_value: wrong readings among the first values hide nothing") {
        for (const int memory : {100, 1000, 4000}) {
            for (const int wrong_at : {0, 1, 50, 96, 99}) {
                const int wrong = wrong_at < 99 ? 4 : 1;
                CAPTURE(memory);
                CAPTURE(wrong_at);
                tocsin::random_generator random(3);
                tocsin::nearest_value novelty(memory);
                for (int t = 0; t < 550; ++t) {
                    const bool is_wrong = t >= wrong_at && t < wrong_at + wrong;
                    novelty.push(is_wrong ? -9999 : 20 + random.normal());
                    if (t == 99) {
                        CHECK(novelty.score(30) > 2);
                    }
                }
                CHECK(novelty.score(30) > 4);
            }
        }
    }

    TEST_CASE("nearest_value: a few wrong readings later hide nothing, either") {
        for (const int memory : {200, 1000, 4000}) {
            for (const int wrong_at : {110, 500, 4500}) {
                for (const int wrong : {1, 5, 50}) {
                    CAPTURE(memory);
                    CAPTURE(wrong_at);
                    CAPTURE(wrong);
                    tocsin::random_generator random(3);
                    tocsin::nearest_value novelty(memory);
                    for (int t = 0; t < wrong_at + wrong; ++t) {
                        novelty.push(t >= wrong_at ? -9999 : 20 + random.normal());
                    }
                    CHECK(novelty.score(30) > 0.7); // as long as they are remembered
                }
            }
        }
    }

    TEST_CASE("nearest_value: a new level that stays is known after some hundred values") {
        for (const int memory : {4000, 43'200}) {
            for (const double level : {1000.0, 10'000.0}) {
                CAPTURE(memory);
                CAPTURE(level);
                tocsin::random_generator random(4);
                tocsin::nearest_value novelty(memory);
                for (int t = 0; t < memory; ++t) {
                    novelty.push(random.normal());
                }
                constexpr int later = 300;
                for (int t = 0; t < later; ++t) {
                    novelty.push(level + random.normal());
                }
                const double share = static_cast<double>(later) / memory;
                const double deviation = level * std::sqrt(share * (1 - share));
                CHECK(novelty.score(2 * level) * deviation > level / 1.5);
                CHECK(novelty.score(2 * level) * deviation < level * 1.5);
            }
        }
    }

    TEST_CASE("nearest_value: values that are seldom others keep their spread") {
        tocsin::nearest_value novelty(1000);
        for (int t = 0; t < 100; ++t) {
            novelty.push(t == 30 ? 1 : 0); // the middle nine tenths are equal
        }
        CHECK(novelty.score(2) == doctest::Approx(10));
    }

    TEST_CASE("nearest_value: moved from, it knows and takes nothing") {
        tocsin::nearest_value novelty(100);
        tocsin::nearest_value expected(100);
        for (int t = 0; t < 120; ++t) {
            novelty.push(t);
            expected.push(t);
        }
        tocsin::nearest_value taken = std::move(novelty);
        // NOLINTBEGIN(bugprone-use-after-move,hicpp-invalid-access-moved): what is left is tested
        CHECK(novelty.memory() == 0);
        CHECK(novelty.count() == 0);
        CHECK(std::isnan(novelty.score(3)));
        CHECK(std::isnan(novelty.push(3)));
        novelty.reset();
        CHECK(std::isnan(novelty.push(3)));
        CHECK(novelty.count() == 0);
        const tocsin::nearest_value copy = novelty;
        CHECK(copy.memory() == 0);
        // NOLINTEND(bugprone-use-after-move,hicpp-invalid-access-moved)
        for (int t = 0; t < 120; ++t) {
            CHECK(taken.push(1.3 * t) == expected.push(1.3 * t));
        }
        novelty = std::move(taken);
        CHECK(novelty.memory() == 100);
        CHECK(novelty.push(-7) == expected.push(-7));
        CHECK(std::isnan(
            taken.push(1))); // NOLINT(bugprone-use-after-move,hicpp-invalid-access-moved)
    }

    TEST_CASE("nearest_value: after loading every score has the same bits") {
        tocsin::random_generator random(2);
        tocsin::nearest_value novelty(50);
        for (const int before : {10, 200}) {
            for (int t = 0; t < before; ++t) {
                novelty.push(random.normal());
            }
            tocsin::nearest_value loaded(7);
            REQUIRE(tocsin_test::load(loaded, tocsin_test::save(novelty)).ok());
            CHECK(loaded.memory() == 50);
            auto copy = novelty;
            for (int t = 0; t < 200; ++t) {
                const double value = random.normal();
                REQUIRE(copy.push(value) == loaded.push(value));
            }
        }
        auto content = tocsin_test::save(novelty);
        content["memory"] = {49};
        tocsin::nearest_value refused;
        CHECK_FALSE(tocsin_test::load(refused, content).ok());
    }

    TEST_CASE("value_cells: the distance in cells to the nearest visited one") {
        tocsin::value_cells<64> cells(0, 64, 10);
        CHECK(std::isnan(cells.push(20.5)));
        CHECK(cells.push(20.2) == 0);
        CHECK(cells.push(23) == 3);
        CHECK(cells.push(100) == 40 + 37); // the last cell, 63, and 37 beyond
        CHECK(cells.push(63.5) == 0);
        CHECK(std::isnan(cells.push(std::nan(""))));
        for (int t = 0; t < 9; ++t) {
            CHECK(cells.push(40) <= 17);
        }
        CHECK(cells.push(20) == 20); // forgotten: the nearest is 40
        CHECK(std::isfinite(cells.push(-1e300)));
        cells.reset();
        CHECK(std::isnan(cells.push(1)));
        CHECK(cells.check().ok());
        CHECK_FALSE(tocsin::value_cells<8>(1, 1).check().ok());
        CHECK(std::isnan(tocsin::value_cells<8>(2, 1).push(1)));
    }
}
