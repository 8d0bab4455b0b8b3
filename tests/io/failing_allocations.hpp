/// @file failing_allocations.hpp
/// @brief Loads with every allocation failing in turn.
#pragma once

#include "tocsin/core/status.hpp"

#include <doctest/doctest.h>

#include "support/allocation_counter.hpp"
#include <utility>

namespace tocsin_test {

/// Runs `load` with the n-th allocation failing, for every n until none fails any more. Each must
/// end in `out_of_memory`, or in success where the failure did not matter, and leak nothing.
/// @param prepare makes what `load` is given; its allocations do not fail
template <class Load, class Prepare>
void check_every_failure(const Load& load, const Prepare& prepare) {
    if (!allocations_can_fail()) {
        MESSAGE("skipped: with a sanitizer allocations cannot be made to fail");
        return;
    }
    int refused = 0;
    for (long n = 1; n < 100000; ++n) {
        CAPTURE(n);
        auto input = prepare();
        set_allocation_faults({.nth = n});
        const auto code = load(std::move(input));
        const bool failed = allocation_failed();
        const long long left = live_bytes();
        set_allocation_faults({});
        if (!failed) {
            CHECK(code == tocsin::error_code::ok);
            CHECK(refused > 0);
            MESSAGE((n - 1), " allocations, ", refused, " of them refused");
            return;
        }
        CAPTURE(static_cast<int>(code));
        CHECK((code == tocsin::error_code::out_of_memory || code == tocsin::error_code::ok));
        CHECK(left <= 0);
        refused += code == tocsin::error_code::out_of_memory ? 1 : 0;
    }
    FAIL("allocations do not end");
}

template <class Load>
void check_every_failure(const Load& load) {
    check_every_failure([&](int) { return load(); }, [] { return 0; });
}

} // namespace tocsin_test
