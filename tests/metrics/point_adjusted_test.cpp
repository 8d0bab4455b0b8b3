#include "tocsin/metrics/point_adjusted.hpp"
#include "tocsin/metrics/threshold_grid.hpp"

#include <doctest/doctest.h>

#include "support/tsb_reference.hpp"
#include <cstdint>
#include <span>
#include <vector>

using tocsin::confusion_counts;
using flags = std::vector<std::uint8_t>;

TEST_SUITE("metrics") {

    TEST_CASE("point adjusted: one flag counts for its whole event, at both ends too") {
        const flags labels{1, 1, 0, 0, 1, 1, 1, 0, 1, 1};
        const flags flagged{0, 9, 0, 1, 0, 0, 0, 0, 1, 0};
        CHECK(*tocsin::point_adjusted_confusion(flagged, labels) == confusion_counts{4, 1, 3, 2});
    }

    TEST_CASE("point adjusted: no event, only one event, no rows") {
        CHECK(*tocsin::point_adjusted_confusion(flags{0, 1}, flags{0, 0}) ==
              confusion_counts{0, 1, 0, 1});
        CHECK(*tocsin::point_adjusted_confusion(flags{0, 1}, flags{1, 1}) ==
              confusion_counts{2, 0, 0, 0});
        CHECK(*tocsin::point_adjusted_confusion(flags{1}, flags{1}) ==
              confusion_counts{1, 0, 0, 0});
        CHECK(*tocsin::point_adjusted_confusion({}, {}) == confusion_counts{});
        CHECK(tocsin::point_adjusted_confusion(flags{1}, {}).error().code() ==
              tocsin::error_code::invalid_argument);
    }

    TEST_CASE("point adjusted: a flag every fifty rows looks like a good detector") {
        flags labels(1000);
        std::fill(labels.begin() + 300, labels.begin() + 400, std::uint8_t{1});
        flags flagged(1000);
        for (std::size_t row = 0; row < flagged.size(); row += 50) {
            flagged[row] = 1;
        }
        CHECK(tocsin::count_confusion(flagged, labels)->f_beta(1) < 0.04);
        CHECK(tocsin::point_adjusted_confusion(flagged, labels)->f_beta(1) > 0.9);
    }

    TEST_CASE("point adjusted: best F1 on the grid equals TSB-AD's PA-F1") {
        tocsin_test::for_each_tsb_reference(
            "PA-F1", [](const auto& scores, const auto& labels, double expected, int) {
                const auto best = tocsin::best_on_grid(
                    scores, [&](std::span<const std::uint8_t> flagged) -> tocsin::result<double> {
                        return tocsin::point_adjusted_confusion(flagged, labels)->f_beta(1);
                    });
                REQUIRE(best.has_value());
                CHECK(best->value == doctest::Approx(expected).scale(1).epsilon(1e-6));
            });
    }
}
