#include "tocsin/core/random.hpp"
#include "tocsin/novelty/nearest_value.hpp"
#include "tocsin/novelty/value_cells.hpp"

#include <doctest/doctest.h>

#include "support/allocation_counter.hpp"

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
}
