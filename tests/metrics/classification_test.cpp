#include "tocsin/metrics/classification.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

using tocsin::score_classes;

TEST_SUITE("metrics") {

    TEST_CASE("score_classes: numbers of scikit-learn for two and three classes") {
        // sklearn: accuracy_score, precision_recall_fscore_support, roc_auc_score
        const std::vector<int> truth{0, 0, 0, 1, 1, 0};
        const std::vector<int> decided{0, 1, 0, 1, 0, 0};
        const std::vector<double> score{0.1, 0.6, 0.2, 0.9, 0.4, 0.4};
        const auto two = score_classes(decided, truth, score, 2);
        CHECK(two.accuracy == doctest::Approx(4.0 / 6));
        CHECK(two.precision == doctest::Approx(0.5));
        CHECK(two.recall == doctest::Approx(0.5));
        CHECK(two.f1 == doctest::Approx(0.5));
        CHECK(two.auc == doctest::Approx(0.8125));

        // precision_recall_fscore_support(..., average="macro", zero_division=0)
        const std::vector<int> three_truth{0, 1, 2, 2};
        const std::vector<int> three_decided{0, 2, 2, 2};
        const auto three = score_classes(three_decided, three_truth, {}, 3);
        CHECK(three.accuracy == doctest::Approx(0.75));
        CHECK(three.precision == doctest::Approx((1 + 0 + 2.0 / 3) / 3));
        CHECK(three.recall == doctest::Approx(2.0 / 3));
        CHECK(three.f1 == doctest::Approx((1 + 0 + 0.8) / 3));
        CHECK(std::isnan(three.auc));
    }

    TEST_CASE("score_classes: one class alone has no AUC, nothing at all has zeros") {
        const std::vector<int> truth{0, 0};
        const std::vector<double> score{0.1, 0.2};
        CHECK(std::isnan(score_classes(truth, truth, score, 2).auc));
        CHECK(score_classes(truth, truth, score, 2).accuracy == 1);
        CHECK(score_classes({}, {}, {}, 2).accuracy == 0);
    }
}
