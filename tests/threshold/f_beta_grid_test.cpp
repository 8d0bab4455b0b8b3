#include "tocsin/core/random.hpp"
#include "tocsin/threshold/f_beta_grid.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>
#include <vector>

namespace {

tocsin::f_beta_grid make(double minimum, double maximum, int count) {
    auto grid = tocsin::f_beta_grid::make(minimum, maximum, count);
    REQUIRE(grid.has_value());
    return *grid;
}

struct labelled {
    std::vector<double> scores;
    std::vector<std::uint8_t> labels;
};

labelled random_scores(std::size_t count, std::uint64_t seed) {
    tocsin::random_generator random(seed);
    labelled data;
    for (std::size_t i = 0; i < count; ++i) {
        data.labels.push_back(random.below(4) == 0 ? 1 : 0);
        // Quarters, so that some scores lie exactly on thresholds.
        data.scores.push_back(static_cast<double>(random.below(60)) / 4 - 2 +
                              2 * data.labels.back());
    }
    return data;
}

} // namespace

TEST_SUITE("threshold") {

    TEST_CASE("grid: counts equal the exact sweep's at the grid's thresholds") {
        const auto data = random_scores(500, 7);
        auto grid = make(0, 10, 21);
        REQUIRE(grid.add(data.scores, data.labels).ok());
        const auto points = grid.points();
        REQUIRE(points.size() == 21);
        const auto sweep = tocsin::f_beta_sweep(data.scores, data.labels);
        REQUIRE(sweep.has_value());
        for (const auto& point : points) {
            // The sweep's point that flags the same scores: the one with the highest threshold
            // among those that flag all scores above the grid's threshold.
            std::int64_t flagged = 0;
            for (const double score : data.scores) {
                flagged += score > point.threshold ? 1 : 0;
            }
            bool found = false;
            for (const auto& exact : *sweep) {
                if (exact.counts.true_positives + exact.counts.false_positives == flagged) {
                    CHECK(point.counts == exact.counts);
                    found = true;
                }
            }
            CHECK(found);
        }
    }

    TEST_CASE("grid: thresholds run evenly from the highest to the lowest") {
        const auto points = make(-1, 2, 4).points();
        REQUIRE(points.size() == 4);
        CHECK(points[0].threshold == 2);
        CHECK(points[1].threshold == 1);
        CHECK(points[2].threshold == 0);
        CHECK(points[3].threshold == -1);
        for (const auto& point : points) {
            CHECK(point.counts == tocsin::confusion_counts{});
        }
    }

    TEST_CASE("grid: a score on a threshold is not flagged by it") {
        auto grid = make(0, 2, 3);
        const std::vector<double> scores{1, 0, -5, 2, 99};
        const std::vector<std::uint8_t> labels{1, 0, 0, 0, 1};
        REQUIRE(grid.add(scores, labels).ok());
        const auto points = grid.points();
        CHECK(points[0].counts == tocsin::confusion_counts{1, 0, 1, 3}); // above 2
        CHECK(points[1].counts == tocsin::confusion_counts{1, 1, 1, 2}); // above 1
        CHECK(points[2].counts == tocsin::confusion_counts{2, 1, 0, 2}); // above 0
    }

    TEST_CASE("grid: batches and merged grids equal one pass") {
        const auto data = random_scores(300, 11);
        const std::span<const double> scores = data.scores;
        const std::span<const std::uint8_t> labels = data.labels;
        auto whole = make(0, 8, 33);
        auto left = make(0, 8, 33);
        auto right = make(0, 8, 33);
        REQUIRE(whole.add(scores, labels).ok());
        REQUIRE(left.add(scores.first(100), labels.first(100)).ok());
        REQUIRE(left.add({}, {}).ok());
        REQUIRE(left.add(scores.subspan(100, 1), labels.subspan(100, 1)).ok());
        REQUIRE(right.add(scores.subspan(101), labels.subspan(101)).ok());
        REQUIRE(left.merge(right).ok());
        const auto expected = whole.points();
        const auto merged = left.points();
        for (std::size_t k = 0; k < expected.size(); ++k) {
            CHECK(merged[k].counts == expected[k].counts);
        }
        CHECK(left.best(0.5).threshold == whole.best(0.5).threshold);
    }

    TEST_CASE("grid: the best threshold equals the exact sweep's where the grid has it") {
        auto grid = make(0, 10, 101);
        const std::vector<double> scores{1, 2, 3, 7, 8};
        const std::vector<std::uint8_t> labels{0, 0, 0, 1, 1};
        REQUIRE(grid.add(scores, labels).ok());
        const auto best = grid.best(1);
        CHECK(best.counts == tocsin::confusion_counts{2, 0, 0, 3});
        CHECK(best.threshold == doctest::Approx(6.9)); // the highest of 3.0 to 6.9
    }

    TEST_CASE("grid: without labels all scores are normal") {
        auto grid = make(0, 1, 2);
        const std::vector<double> scores{0.5, 2};
        REQUIRE(grid.add(scores, {}).ok());
        CHECK(grid.points().back().counts == tocsin::confusion_counts{0, 2, 0, 0});
    }

    TEST_CASE("grid: a batch with an unusable score is refused as a whole") {
        auto grid = make(0, 1, 2);
        const std::vector<double> scores{0.5, std::numeric_limits<double>::quiet_NaN()};
        const std::vector<std::uint8_t> labels{1, 0};
        const std::vector<std::uint8_t> too_few{1};
        CHECK(grid.add(scores, labels).code() == tocsin::error_code::invalid_data);
        CHECK(grid.add(scores, too_few).code() == tocsin::error_code::invalid_argument);
        CHECK(grid.add({}, too_few).code() == tocsin::error_code::invalid_data);
        CHECK(grid.points().back().counts.total() == 0);
    }

    TEST_CASE("grid: impossible settings are refused") {
        const double infinity = std::numeric_limits<double>::infinity();
        using tocsin::f_beta_grid;
        CHECK_FALSE(f_beta_grid::make(1, 1, 10).has_value());
        CHECK_FALSE(f_beta_grid::make(0, infinity, 10).has_value());
        CHECK_FALSE(f_beta_grid::make(std::numeric_limits<double>::quiet_NaN(), 1, 10).has_value());
        CHECK(std::string_view{f_beta_grid::make(0, 1, 1).error().message()} ==
              "f_beta_grid: count 1 must be at least 2");
    }

    TEST_CASE("grid: other thresholds are not merged") {
        auto grid = make(0, 1, 3);
        const tocsin::status outcome = grid.merge(make(0, 2, 3));
        CHECK(outcome.code() == tocsin::error_code::invalid_argument);
        CHECK(std::string_view{outcome.message()} == "f_beta_grid: 3 thresholds from 0 to 1 cannot "
                                                     "be merged with 3 from 0 to 2");
    }

    TEST_CASE("grid: scores at, next to and beyond any threshold are counted as a search would") {
        const double infinity = std::numeric_limits<double>::infinity();
        const auto check = [&](double minimum, double maximum, int count) {
            auto grid = tocsin::f_beta_grid::make(minimum, maximum, count);
            REQUIRE(grid.has_value());
            const std::vector<double> thresholds(grid->thresholds().begin(),
                                                 grid->thresholds().end());
            std::vector<double> scores{std::numeric_limits<double>::max(),
                                       std::numeric_limits<double>::lowest(), 0.0};
            for (const double threshold : thresholds) {
                scores.push_back(threshold);
                scores.push_back(std::nextafter(threshold, infinity));
                scores.push_back(std::nextafter(threshold, -infinity));
            }
            REQUIRE(grid->add(scores, {}).ok());
            const auto points = grid->points(); // from highest to lowest
            for (std::size_t k = 0; k < thresholds.size(); ++k) {
                const auto above = std::count_if(scores.begin(), scores.end(), [&](double score) {
                    return score > thresholds[k];
                });
                REQUIRE(points[thresholds.size() - 1 - k].counts.false_positives == above);
            }
        };
        check(0, 1, 2);
        check(-1, 3, 101);
        check(0.1, 0.7, 999);
        check(-1e300, 1e-300, 57);
        check(1, 1 + 0x1p-50, 40);
        check(0, 5 * std::numeric_limits<double>::denorm_min(), 12);
    }
}
