#include "tocsin/detect/detector_settings.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <string_view>

using tocsin::detector_settings;

namespace {

void check_refused(const detector_settings& settings, std::string_view named) {
    CAPTURE(named);
    const auto outcome = settings.check();
    CHECK(outcome.code() == tocsin::error_code::invalid_argument);
    CHECK(std::string_view(outcome.message()).find(named) != std::string_view::npos);
}

} // namespace

TEST_SUITE("detect") {
    TEST_CASE("detector settings: the defaults and the smallest values pass") {
        CHECK(detector_settings{}.check().ok());
        CHECK(detector_settings{.window = 1,
                                .batch_size = 1,
                                .warm_up = 0,
                                .longest_gap = 0,
                                .lost_after = 1,
                                .longest_pause = 1e-9,
                                .clock_agreement = 1}
                  .check()
                  .ok());
        CHECK(detector_settings{.longest_pause = std::numeric_limits<double>::infinity()}
                  .check()
                  .ok());
        CHECK(detector_settings{}.warm_up == detector_settings::automatic);
    }

    TEST_CASE("detector settings: what is out of range is refused with its value") {
        check_refused({.window = 0}, "window 0");
        check_refused({.window = -7}, "window -7");
        check_refused({.batch_size = 0}, "batch size 0");
        check_refused({.warm_up = -2}, "warm-up -2");
        check_refused({.longest_gap = -1}, "longest gap -1");
        check_refused({.lost_after = 0}, "lost_after 0");
        check_refused({.longest_pause = 0}, "longest pause 0");
        check_refused({.longest_pause = -5}, "longest pause -5");
        check_refused({.clock_agreement = 0}, "clock_agreement 0");
    }
}
