#include "tocsin/comparators/nearest_value_novelty.hpp"
#include "tocsin/core/random.hpp"
#include "tocsin/novelty/nearest_value.hpp"
#include "tocsin/novelty/value_cells.hpp"

#include <doctest/doctest.h>

#include "support/allocation_counter.hpp"
#include <array>
#include <cmath>

TEST_SUITE("novelty") {

    TEST_CASE("novelty: push allocates nothing") {
        tocsin::random_generator random(1);
        tocsin::nearest_value nearest(100);
        tocsin::value_cells<64> cells(-4, 4);
        nearest.push(0);
        cells.push(0);
        nearest.push(0);
        double total = 0;
        CHECK(tocsin_test::allocations_during([&] {
                  for (int t = 0; t < 1000; ++t) {
                      const double value = random.normal();
                      total += nearest.push(value) + cells.push(value);
                  }
              }) == 0);
        CHECK(total > 0);
        CHECK(tocsin_test::allocations_during([&] { tocsin::nearest_value other(50); }) > 0);
    }

    TEST_CASE("nearest_value_novelty: push and reset allocate nothing") {
        tocsin::nearest_value_novelty scorer(50);
        const tocsin::matrix<double> training = tocsin::matrix<double>::Random(3, 80);
        CHECK(tocsin_test::allocations_during([&] { static_cast<void>(scorer.fit(training)); }) >
              0);
        double total = 0;
        CHECK(tocsin_test::allocations_during([&] {
                  for (tocsin::index_t t = 0; t < 1000; ++t) {
                      const std::array<double, 3> sample{0.01 * static_cast<double>(t),
                                                         t % 7 == 0 ? std::nan("") : 0.5, -0.5};
                      const double score = scorer.push(sample);
                      total += std::isnan(score) ? 0 : score;
                  }
                  scorer.reset();
              }) == 0);
        CHECK(total > 0);
    }
}
