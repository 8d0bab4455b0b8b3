#include "tocsin/metrics/roc.hpp"
#include "tocsin/threshold/f_beta_sweep.hpp"

#include <doctest/doctest.h>

#include "support/tsb_reference.hpp"
#include <algorithm>

// TSB-AD's metrics of rows. Its event metrics are compared in the tests of those metrics.
TEST_SUITE("metrics") {

    TEST_CASE("roc: areas equal TSB-AD's AUC-ROC and AUC-PR") {
        tocsin_test::for_each_tsb_reference(
            "AUC-ROC", [](const auto& scores, const auto& labels, double expected, int) {
                CHECK(*tocsin::auc_roc(scores, labels) ==
                      doctest::Approx(expected).scale(1).epsilon(1e-6));
            });
        tocsin_test::for_each_tsb_reference(
            "AUC-PR", [](const auto& scores, const auto& labels, double expected, int) {
                CHECK(*tocsin::average_precision(scores, labels) ==
                      doctest::Approx(expected).scale(1).epsilon(1e-6));
            });
    }

    TEST_CASE("f-beta sweep: best F1 equals TSB-AD's Standard-F1") {
        tocsin_test::for_each_tsb_reference(
            "Standard-F1", [](const auto& scores, const auto& labels, double expected, int) {
                const auto points = tocsin::f_beta_sweep(scores, labels);
                REQUIRE(points.has_value());
                double with_offset = 0;
                double best = 0;
                for (const auto& point : *points) {
                    const double precision = point.counts.precision();
                    const double recall = point.counts.recall();
                    // TSB-AD adds 1e-5 so that the denominator is never zero.
                    with_offset =
                        std::max(with_offset, 2 * precision * recall / (precision + recall + 1e-5));
                    best = std::max(best, point.counts.f_beta(1));
                }
                CHECK(with_offset == doctest::Approx(expected).scale(1).epsilon(1e-6));
                CHECK(best > expected);
                CHECK(best < expected + 5e-5);
            });
    }
}
