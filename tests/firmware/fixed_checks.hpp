/// @file fixed_checks.hpp
/// @brief Comparison of a watcher in integers with the generator's numbers.
#pragma once

#include "tocsin/firmware/watcher.hpp"
#include "tocsin/io/firmware_fixed.hpp"

#include <doctest/doctest.h>

#include "firmware/firmware_detectors.hpp"
#include "support/small_detectors.hpp"
#include <bit>
#include <cstdint>

namespace tocsin_test {

/// Whether a watcher and the generator's numbers give the same bits.
template <class Weight, class Watcher>
void compare_bits(const tocsin::firmware_model& model, Watcher& watch) {
    auto numbers = tocsin::fixed_numbers<Weight>::from(model);
    REQUIRE_MESSAGE(numbers.has_value(), numbers.error().message());
    tocsin::firmware_fixed<Weight> host(model, *numbers);
    const auto samples = machine_samples(model.features, 500, 8, 0.1);
    watch.restart();
    int scored = 0;
    for (tocsin::index_t t = 0; t < samples.cols(); ++t) {
        const auto verdict = watch.push(samples.data() + t * samples.rows());
        const float score = host.push(sample_of(samples, t));
        if (verdict.scored()) {
            ++scored;
            REQUIRE(std::bit_cast<std::uint32_t>(verdict.score) ==
                    std::bit_cast<std::uint32_t>(score));
            CHECK(verdict.is_anomaly() == host.exceeds(score));
        }
    }
    CHECK(scored > 400);
    CHECK(watch.self_test() == tocsin::firmware::self_test_result::passed);
}

} // namespace tocsin_test
