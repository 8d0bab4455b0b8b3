#include "tocsin/metrics/confusion.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <limits>
#include <string_view>
#include <vector>

using tocsin::confusion_counts;

TEST_SUITE("metrics") {

    // Reference values: scikit-learn 1.9 fbeta_score on 7 TP, 4 FN, 9 FP, 30 TN.
    TEST_CASE("confusion: rates equal scikit-learn's") {
        const confusion_counts counts{7, 9, 4, 30};
        CHECK(counts.total() == 50);
        CHECK(counts.anomalous() == 11);
        CHECK(counts.normal() == 39);
        CHECK(counts.accuracy() == doctest::Approx(0.74).epsilon(1e-15));
        CHECK(counts.precision() == doctest::Approx(0.4375).epsilon(1e-15));
        CHECK(counts.recall() == doctest::Approx(7.0 / 11).epsilon(1e-15));
        CHECK(counts.false_alarm_rate() == doctest::Approx(9.0 / 39).epsilon(1e-15));
        CHECK(counts.missed_alarm_rate() == doctest::Approx(4.0 / 11).epsilon(1e-15));
        CHECK(counts.flagged_fraction() == doctest::Approx(16.0 / 50).epsilon(1e-15));
        CHECK(counts.f_beta(0.1) == doctest::Approx(0.43885785226567353).epsilon(1e-14));
        CHECK(counts.f_beta(0.5) == doctest::Approx(0.4666666666666667).epsilon(1e-14));
        CHECK(counts.f_beta(1) == doctest::Approx(0.5185185185185185).epsilon(1e-14));
        CHECK(counts.f_beta(2) == doctest::Approx(0.5833333333333334).epsilon(1e-14));
    }

    TEST_CASE("confusion: F-beta runs from precision at zero to recall at infinity") {
        const confusion_counts counts{7, 9, 4, 30};
        CHECK(counts.f_beta(0) == counts.precision());
        CHECK(counts.f_beta(1e200) == counts.recall());
        CHECK(counts.f_beta(std::numeric_limits<double>::infinity()) == counts.recall());
        CHECK(counts.f_beta(1e14) == doctest::Approx(counts.recall()).epsilon(1e-12));
        const double nan = std::numeric_limits<double>::quiet_NaN();
        CHECK_FALSE(counts.f_beta(nan) == counts.f_beta(nan));
    }

    TEST_CASE("confusion: equal F-beta from different counts compares equal") {
        // 2 TP, 1 FN, 1 FP and 4 TP, 2 FN, 2 FP: the same precision and recall.
        for (const double beta : {0.5, 1.0, 2.0, 3.0}) {
            CHECK(confusion_counts{2, 1, 1, 0}.f_beta(beta) ==
                  confusion_counts{4, 2, 2, 9}.f_beta(beta));
        }
    }

    TEST_CASE("confusion: a rate with a zero denominator is zero") {
        const confusion_counts none;
        CHECK(none.accuracy() == 0);
        CHECK(none.precision() == 0);
        CHECK(none.recall() == 0);
        CHECK(none.f_beta(1) == 0);
        CHECK(none.false_alarm_rate() == 0);
        CHECK(none.missed_alarm_rate() == 0);
        CHECK(none.flagged_fraction() == 0);
        const confusion_counts never_fires{0, 0, 5, 5};
        CHECK(never_fires.precision() == 0);
        CHECK(never_fires.f_beta(1) == 0);
        CHECK(never_fires.missed_alarm_rate() == 1);
    }

    TEST_CASE("confusion: decisions are counted one by one or as whole batches") {
        const std::vector<std::uint8_t> flags{1, 1, 0, 0, 255};
        const std::vector<std::uint8_t> labels{1, 0, 1, 0, 2};
        const auto counts = tocsin::count_confusion(flags, labels);
        REQUIRE(counts.has_value());
        CHECK(*counts == confusion_counts{2, 1, 1, 1});
        confusion_counts sum = *counts;
        sum += *counts;
        sum.add(true, false);
        CHECK(sum == confusion_counts{4, 3, 2, 2});
    }

    TEST_CASE("confusion: no decisions give zero counts") {
        const auto counts = tocsin::count_confusion({}, {});
        REQUIRE(counts.has_value());
        CHECK(*counts == confusion_counts{});
    }

    TEST_CASE("confusion: flags without labels are refused with both numbers") {
        const std::vector<std::uint8_t> flags{1, 0, 1};
        const auto counts = tocsin::count_confusion(flags, {});
        REQUIRE_FALSE(counts.has_value());
        CHECK(counts.error().code() == tocsin::error_code::invalid_argument);
        CHECK(std::string_view{counts.error().message()} ==
              "count_confusion: 3 flags but 0 labels");
    }
}
