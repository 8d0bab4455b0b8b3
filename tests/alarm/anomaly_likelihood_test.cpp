#include "tocsin/alarm/anomaly_likelihood.hpp"
#include "tocsin/core/random.hpp"

#include <doctest/doctest.h>

#include "support/memory_archive.hpp"
#include <cmath>
#include <limits>

namespace {

const double not_a_number = std::numeric_limits<double>::quiet_NaN();
const double infinity = std::numeric_limits<double>::infinity();

tocsin::anomaly_likelihood small() {
    tocsin::anomaly_likelihood_settings settings;
    settings.long_rows = 4;
    settings.short_rows = 2;
    settings.warm_up = 3;
    return *tocsin::anomaly_likelihood::make(settings);
}

} // namespace

TEST_SUITE("threshold") {

    TEST_CASE("anomaly likelihood: by hand") {
        auto likelihood = small();
        CHECK(std::isnan(likelihood.push(1)));
        CHECK(std::isnan(likelihood.push(2)));
        // Long: 1, 2, 6: mean 3, variance 7. Short: 2, 6: mean 4.
        const double third = likelihood.push(6);
        CHECK(likelihood.z() == doctest::Approx(1 / std::sqrt(7.0)).epsilon(1e-14));
        CHECK(third == doctest::Approx(1 - 0.5 * std::erfc(1 / std::sqrt(14.0))).epsilon(1e-14));
        likelihood.push(3);
        // Long: 2, 6, 3, 1: mean 3, variance 14 / 3. Short: 3, 1: mean 2.
        CHECK(likelihood.push(1) < 0.5);
        CHECK(likelihood.z() == doctest::Approx(-1 / std::sqrt(14.0 / 3)).epsilon(1e-14));
        CHECK(tocsin::anomaly_likelihood::upper_tail(0) == 0.5);
        CHECK(tocsin::anomaly_likelihood::upper_tail(4.26) ==
              doctest::Approx(1.022e-5).epsilon(1e-3));
    }

    TEST_CASE(
        "anomaly likelihood: a burst in a quiet stream is noticed, in a noisy one it is not") {
        for (const double noise : {0.1, 3.0}) {
            tocsin::random_generator random(1);
            auto likelihood = *tocsin::anomaly_likelihood::make();
            int false_alarms = 0;
            for (int i = 0; i < 5000; ++i) {
                false_alarms += likelihood.push(noise * random.normal()) >= 1 - 1e-5 ? 1 : 0;
            }
            CHECK(false_alarms == 0);
            double last = 0;
            for (int i = 0; i < 10; ++i) {
                last = likelihood.push(4);
            }
            CHECK((last >= 1 - 1e-5) == (noise < 1));
        }
    }

    TEST_CASE("anomaly likelihood: constant scores are usual, the next one is not") {
        auto likelihood = *tocsin::anomaly_likelihood::make();
        for (int i = 0; i < 299; ++i) {
            CHECK(std::isnan(likelihood.push(7)));
        }
        for (int i = 0; i < 100; ++i) {
            CHECK(likelihood.push(7) == 0.5);
        }
        CHECK(likelihood.push(8) > 0.9);
    }

    TEST_CASE("anomaly likelihood: scores that are not finite change nothing but a count") {
        auto likelihood = small();
        for (const double score : {1.0, 2.0, 6.0}) {
            likelihood.push(score);
        }
        const double before = likelihood.z();
        CHECK(std::isnan(likelihood.push(not_a_number)));
        CHECK(likelihood.push(infinity) == 1);
        CHECK(likelihood.push(-infinity) == 0);
        CHECK(likelihood.z() == before);
        CHECK(likelihood.rejected() == 3);
        likelihood.reset();
        CHECK(std::isnan(likelihood.z()));
    }

    TEST_CASE("anomaly likelihood: settings out of range are refused") {
        const auto refused = [](auto change) {
            tocsin::anomaly_likelihood_settings settings;
            change(settings);
            return !tocsin::anomaly_likelihood::make(settings).has_value();
        };
        CHECK_FALSE(refused([](auto&) {}));
        CHECK(refused([](auto& s) { s.long_rows = 1; }));
        CHECK(refused([](auto& s) { s.long_rows = 1 << 25; }));
        CHECK(refused([](auto& s) { s.short_rows = 0; }));
        CHECK(refused([](auto& s) { s.short_rows = 9000; }));
        CHECK(refused([](auto& s) { s.warm_up = 1; }));
        CHECK(refused([](auto& s) { s.warm_up = 9000; }));
        CHECK(refused([](auto& s) { s.least_deviation = 0; }));
        CHECK(refused([](auto& s) { s.least_deviation = not_a_number; }));
    }

    TEST_CASE("anomaly likelihood: after loading the stream continues with the same bits") {
        auto original = small();
        for (const double score : {1.0, 2.0, 6.0, 3.0, 9.0}) {
            original.push(score);
        }
        auto loaded = *tocsin::anomaly_likelihood::make();
        REQUIRE(tocsin_test::load(loaded, tocsin_test::save(original)).ok());
        CHECK(loaded.settings().long_rows == 4);
        for (const double score : {4.0, 4.5, 1.0, 0.0, 7.0}) {
            CHECK(loaded.push(score) == original.push(score));
        }
        auto broken = tocsin_test::save(original);
        broken["warm_up"] = {5};
        CHECK_FALSE(tocsin_test::load(loaded, broken).ok());
    }
}
