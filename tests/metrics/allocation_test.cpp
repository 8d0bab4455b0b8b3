#include "tocsin/metrics/change_points.hpp"
#include "tocsin/metrics/event_based.hpp"
#include "tocsin/metrics/nab_score.hpp"
#include "tocsin/metrics/point_adjusted.hpp"
#include "tocsin/metrics/row_ranges.hpp"

#include <doctest/doctest.h>

#include "support/allocation_counter.hpp"
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

TEST_SUITE("metrics") {

    TEST_CASE("allocation: metrics that walk over the rows once need no heap") {
        std::vector<double> scores(500);
        std::vector<double> times(500);
        std::vector<std::uint8_t> labels(500);
        for (std::size_t i = 0; i < scores.size(); ++i) {
            scores[i] = static_cast<double>(i % 7);
            times[i] = static_cast<double>(i);
            labels[i] = i % 50 > 40;
        }
        const std::vector<std::uint8_t> flags(500, 1);
        const std::vector<tocsin::row_range> windows = tocsin::runs_of(labels);
        const std::array recording{tocsin::nab_recording{scores, windows}};
        double sum = 0;
        const long during = tocsin_test::allocations_during([&] {
            sum += tocsin::point_adjusted_confusion(flags, labels)->f_beta(1);
            sum += tocsin::event_based_score(flags, labels)->f_beta(1);
            sum += tocsin::measure_detection_delay(flags, labels)->recall();
            sum += tocsin::nab_score(recording, 6)->rows.flagged_fraction();
            sum += tocsin::count_change_points(times, flags, labels)->promptness;
        });
        const long control = tocsin_test::allocations_during(
            [&] { sum += static_cast<double>(tocsin::runs_of(labels).size()); });
        CHECK(during == 0);
        CHECK(control > 0);
        CHECK(sum > 0);
    }
}
