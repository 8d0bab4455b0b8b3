#include "tocsin/charts/cusum.hpp"
#include "tocsin/charts/mewma.hpp"
#include "tocsin/charts/residual_charts.hpp"
#include "tocsin/core/random.hpp"

#include <doctest/doctest.h>

#include "support/allocation_counter.hpp"
#include <span>

TEST_SUITE("charts") {

    TEST_CASE("charts: push allocates nothing") {
        tocsin::random_generator random(1);
        tocsin::matrix<double> residuals(3, 500);
        for (double& value : residuals.reshaped()) {
            value = random.normal();
        }
        tocsin::residual_charts charts;
        REQUIRE(charts.fit(residuals).ok());
        tocsin::mahalanobis<> statistic(3);
        statistic.accumulate(residuals);
        REQUIRE(statistic.fit().ok());
        tocsin::mewma average(statistic);
        tocsin::cusum sum;
        double total = 0;
        CHECK(tocsin_test::allocations_during([&] {
                  for (int t = 0; t < 500; ++t) {
                      const std::span<const double> row(residuals.data() + 3 * t, 3);
                      total += charts.push(row).of(tocsin::chart_family::magnitude);
                      total += average.push(row) + sum.push(row[0]);
                  }
              }) == 0);
        CHECK(total > 0);
        CHECK(tocsin_test::allocations_during([&] { tocsin::mewma copy(average); }) > 0);
    }
}
