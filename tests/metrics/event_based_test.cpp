#include "tocsin/metrics/event_based.hpp"
#include "tocsin/metrics/threshold_grid.hpp"

#include <doctest/doctest.h>

#include "support/tsb_reference.hpp"
#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

using flags = std::vector<std::uint8_t>;

TEST_SUITE("metrics") {

    TEST_CASE("event based: recall of events, precision of rows") {
        const flags labels{0, 1, 1, 0, 0, 1, 0, 1, 1, 1};
        const flags flagged{1, 0, 1, 0, 0, 0, 1, 1, 1, 0};
        const auto score = tocsin::event_based_score(flagged, labels);
        REQUIRE(score.has_value());
        CHECK(score->recall == doctest::Approx(2.0 / 3));
        CHECK(score->precision == doctest::Approx(3.0 / 5));
        CHECK(score->f_beta(1) == doctest::Approx(2 * (2.0 / 3) * 0.6 / (2.0 / 3 + 0.6)));
    }

    TEST_CASE("event based: an event that only its last row detects is detected") {
        CHECK(tocsin::event_based_score(flags{0, 0, 1}, flags{0, 1, 1})->recall == 1);
        CHECK(tocsin::event_based_score(flags{0, 0, 1}, flags{0, 0, 1})->recall == 1);
        CHECK(tocsin::event_based_score(flags{1}, flags{1})->f_beta(1) == 1);
    }

    TEST_CASE("event based: no flag gives zero, no event is refused") {
        const auto none = tocsin::event_based_score(flags{0, 0}, flags{0, 1});
        REQUIRE(none.has_value());
        CHECK(none->precision == 0);
        CHECK(none->recall == 0);
        CHECK(none->f_beta(1) == 0);
        CHECK(tocsin::event_based_score(flags{0, 1}, flags{0, 0}).error().code() ==
              tocsin::error_code::invalid_data);
        CHECK(tocsin::event_based_score({}, {}).error().code() == tocsin::error_code::invalid_data);
        CHECK(tocsin::event_based_score(flags{0, 1}, flags{1}).error().code() ==
              tocsin::error_code::invalid_argument);
        CHECK(tocsin::event_based_score(flags{1, 1}, flags{1, 1})->f_beta(1) == 1);
    }

    TEST_CASE("precision and recall: F-beta is the weighted harmonic mean") {
        const tocsin::precision_recall both{0.5, 0.8};
        CHECK(both.f_beta(0) == doctest::Approx(0.5));
        CHECK(both.f_beta(1) == doctest::Approx(0.8 / 1.3));
        CHECK(both.f_beta(0.5) == doctest::Approx(1 / (0.8 / 0.5 + 0.2 / 0.8)));
        CHECK(tocsin::precision_recall{}.f_beta(1) == 0);
        CHECK(tocsin::precision_recall{1, 0}.f_beta(1) == 0);
    }

    TEST_CASE("detection delay: rows from the start of an event to its first flag") {
        const flags labels{1, 1, 0, 1, 1, 1, 0, 1, 0, 1, 1};
        const flags flagged{1, 0, 1, 0, 0, 1, 0, 0, 1, 1, 1};
        const auto delays = tocsin::measure_detection_delay(flagged, labels);
        REQUIRE(delays.has_value());
        CHECK(delays->detected == 3);
        CHECK(delays->missed == 1);
        CHECK(delays->mean() == doctest::Approx((0 + 2 + 0) / 3.0));
        CHECK(delays->recall() == 0.75);
        auto sum = *delays;
        sum += *delays;
        CHECK(sum.detected == 6);
        CHECK(sum.missed == 2);
        CHECK(sum.mean() == delays->mean());
    }

    TEST_CASE("detection delay: without a detected event there is none") {
        const auto missed = tocsin::measure_detection_delay(flags{0, 0}, flags{0, 1});
        REQUIRE(missed.has_value());
        CHECK(missed->missed == 1);
        CHECK(std::isnan(missed->mean()));
        CHECK(missed->recall() == 0);
        CHECK(std::isnan(tocsin::measure_detection_delay({}, {})->mean()));
        CHECK(tocsin::measure_detection_delay(flags{1}, {}).error().code() ==
              tocsin::error_code::invalid_argument);
    }

    TEST_CASE("event based: best F1 on the grid equals TSB-AD's Event-based-F1") {
        tocsin_test::for_each_tsb_reference(
            "Event-based-F1", [](const auto& scores, const auto& labels, double expected, int) {
                const auto best = tocsin::best_on_grid(
                    scores, [&](std::span<const std::uint8_t> flagged) -> tocsin::result<double> {
                        return tocsin::event_based_score(flagged, labels)->f_beta(1);
                    });
                REQUIRE(best.has_value());
                CHECK(best->value == doctest::Approx(expected).scale(1).epsilon(1e-6));
            });
    }
}
