#include "tocsin/core/random.hpp"
#include "tocsin/threshold/f_beta_sweep.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>
#include <vector>

namespace {

using tocsin::confusion_counts;
using tocsin::threshold_point;

const double largest = std::numeric_limits<double>::max();
const double smallest_step = std::numeric_limits<double>::denorm_min();

confusion_counts count_at(double threshold, const std::vector<double>& scores,
                          const std::vector<std::uint8_t>& labels) {
    confusion_counts counts;
    for (std::size_t i = 0; i < scores.size(); ++i) {
        counts.add(scores[i] > threshold, labels[i] != 0);
    }
    return counts;
}

std::vector<threshold_point> sweep(const std::vector<double>& scores,
                                   const std::vector<std::uint8_t>& labels) {
    const auto points = tocsin::f_beta_sweep(scores, labels);
    REQUIRE(points.has_value());
    return *points;
}

/// Each point has the counts at its threshold, and the thresholds fall.
void check_points(const std::vector<threshold_point>& points, const std::vector<double>& scores,
                  const std::vector<std::uint8_t>& labels) {
    for (std::size_t k = 0; k < points.size(); ++k) {
        CHECK(points[k].counts == count_at(points[k].threshold, scores, labels));
        if (k > 0) {
            CHECK(points[k].threshold < points[k - 1].threshold);
        }
    }
}

// The scores and labels of roc_test; optima from scikit-learn 1.9 fbeta_score over all midpoints.
const std::vector<double> tied_scores{-0.8, -0.5, -0.2, 1.2, 1.1, 0.1,  0.2,  -0.8, 0.7, 2.4,
                                      0.3,  -0.4, -1.0, 1.6, 1.0, -0.9, -0.1, -0.4, 0.2, -0.5};
const std::vector<std::uint8_t> tied_labels{0, 1, 0, 1, 0, 0, 1, 0, 0, 1,
                                            0, 1, 0, 0, 1, 1, 0, 1, 1, 0};

} // namespace

TEST_SUITE("threshold") {

    TEST_CASE("sweep: thresholds lie midway between neighbouring distinct scores") {
        const std::vector<double> scores{1, 4, 2, 4};
        const std::vector<std::uint8_t> labels{0, 1, 1, 0};
        const auto points = sweep(scores, labels);
        REQUIRE(points.size() == 4);
        CHECK(points[0].threshold > 4);
        CHECK(points[1].threshold == 3);
        CHECK(points[2].threshold == 1.5);
        CHECK(points[3].threshold < 1);
        CHECK(points[0].counts == confusion_counts{0, 0, 2, 2});
        CHECK(points[1].counts == confusion_counts{1, 1, 1, 1}); // both scores of 4 at once
        CHECK(points[2].counts == confusion_counts{2, 1, 0, 1});
        CHECK(points[3].counts == confusion_counts{2, 2, 0, 0});
    }

    TEST_CASE("sweep: counts equal each threshold's taken alone") {
        tocsin::random_generator random(3);
        for (int round = 0; round < 20; ++round) {
            std::vector<double> scores;
            std::vector<std::uint8_t> labels;
            for (int i = 0; i < 50; ++i) {
                labels.push_back(static_cast<std::uint8_t>(random.below(2)));
                scores.push_back(static_cast<double>(random.below(12)) + 0.5 * labels.back());
            }
            check_points(sweep(scores, labels), scores, labels);
        }
    }

    TEST_CASE("sweep: optima equal scikit-learn's") {
        const auto points = sweep(tied_scores, tied_labels);
        CHECK(points.size() == 17);
        check_points(points, tied_scores, tied_labels);
        const auto& precise = tocsin::best_by_f_beta(points, 0.25);
        CHECK(precise.threshold == 2.0);
        CHECK(precise.counts.f_beta(0.25) == doctest::Approx(0.68).epsilon(1e-14));
        const auto& middle = tocsin::best_by_f_beta(points, 0.5);
        CHECK(middle.threshold == doctest::Approx(0.15));
        CHECK(middle.counts.f_beta(0.5) == doctest::Approx(0.5555555555555556).epsilon(1e-14));
        const auto& complete = tocsin::best_by_f_beta(points, 2);
        CHECK(complete.threshold == doctest::Approx(-0.95));
        CHECK(complete.counts.f_beta(2) == doctest::Approx(0.8181818181818182).epsilon(1e-14));
    }

    TEST_CASE("sweep: among equal optima the highest threshold wins") {
        // Flagging {4} and flagging {4, 3, 2, 1} both have F1 = 2/3.
        const std::vector<double> scores{4, 3, 2, 1};
        const std::vector<std::uint8_t> labels{1, 0, 0, 1};
        const auto points = sweep(scores, labels);
        CHECK(points[1].counts.f_beta(1) == points[4].counts.f_beta(1));
        CHECK(tocsin::best_by_f_beta(points, 1).threshold == 3.5);
        // Without anomalous scores every F-beta is 0: nothing is flagged.
        const auto normal = sweep(scores, {0, 0, 0, 0});
        CHECK(tocsin::best_by_f_beta(normal, 1).threshold == normal.front().threshold);
    }

    TEST_CASE("sweep: one score is flagged or not") {
        const auto points = sweep({5}, {1});
        REQUIRE(points.size() == 2);
        check_points(points, {5}, {1});
        CHECK(points[0].counts == confusion_counts{0, 0, 1, 0});
        CHECK(points[1].counts == confusion_counts{1, 0, 0, 0});
    }

    TEST_CASE("sweep: scores at the ends of the range or next to each other stay apart") {
        const double one = std::nextafter(1.0, 2.0);
        const double two = std::nextafter(one, 2.0);
        const std::vector<std::vector<double>> cases{
            {1.0, one, two},            // midpoints are rounded onto a neighbour
            {0.0, smallest_step, -0.0}, // and underflow
            {-smallest_step, 0.0, smallest_step},
            {-largest, 0.0, largest}, // differences overflow
            {largest, largest / 2, largest},
        };
        const std::vector<std::uint8_t> labels{0, 1, 1};
        for (const auto& scores : cases) {
            const auto points = sweep(scores, labels);
            check_points(points, scores, labels);
            CHECK(points.front().counts == confusion_counts{0, 0, 2, 1});
            CHECK(points.back().counts == confusion_counts{2, 1, 0, 0});
        }
    }

    TEST_CASE("sweep: unusable scores are refused") {
        const std::vector<double> infinite{1, std::numeric_limits<double>::infinity()};
        const std::vector<std::uint8_t> labels{0, 1};
        CHECK(std::string_view{tocsin::f_beta_sweep(infinite, labels).error().message()} ==
              "f_beta_sweep: score 1 is inf, not finite");
        CHECK(tocsin::f_beta_sweep({}, {}).error().code() == tocsin::error_code::invalid_data);
        const std::vector<double> scores{1, 2};
        CHECK(tocsin::f_beta_sweep(scores, {}).error().code() ==
              tocsin::error_code::invalid_argument);
    }

    TEST_CASE("sweep: many scores are swept in order") {
        tocsin::random_generator random(9);
        std::vector<double> scores;
        std::vector<std::uint8_t> labels;
        for (int i = 0; i < 100000; ++i) {
            labels.push_back(i % 10 == 0 ? 1 : 0);
            scores.push_back(random.normal() + (labels.back() != 0 ? 3 : 0));
        }
        const auto points = sweep(scores, labels);
        CHECK(points.back().counts == confusion_counts{10000, 90000, 0, 0});
        const auto& best = tocsin::best_by_f_beta(points, 1);
        CHECK(best.counts == count_at(best.threshold, scores, labels));
        CHECK(best.threshold > 1);
        CHECK(best.threshold < 3);
    }
}
