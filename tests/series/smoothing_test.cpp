#include "tocsin/core/random.hpp"
#include "tocsin/series/smoothing.hpp"

#include <doctest/doctest.h>

#include "support/memory_archive.hpp"
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

namespace {
const double not_a_number = std::numeric_limits<double>::quiet_NaN();
const double infinity = std::numeric_limits<double>::infinity();
} // namespace

TEST_SUITE("errors") {

    TEST_CASE("ewma: values equal pandas'") {
        // pandas.Series([1, 2, 4, 8]).ewm(alpha=0.5).mean()
        tocsin::ewma smoother(0.5);
        CHECK(std::isnan(smoother.value()));
        CHECK(smoother.push(1) == 1);
        CHECK(smoother.push(2) == doctest::Approx(5.0 / 3).epsilon(1e-15));
        CHECK(smoother.push(4) == doctest::Approx((4 + 1 + 0.25) / 1.75).epsilon(1e-15));
        CHECK(smoother.push(8) == doctest::Approx((8 + 2 + 0.5 + 0.125) / 1.875).epsilon(1e-15));
        CHECK(tocsin::ewma::from_span(105).alpha() == 2.0 / 106);
        CHECK(tocsin::ewma::from_span(1).alpha() == 1);
    }

    TEST_CASE("ewma: a constant stays itself, huge values do not overflow") {
        tocsin::ewma smoother(0.01);
        for (int i = 0; i < 1000; ++i) {
            smoother.push(0.1);
        }
        CHECK(smoother.value() == 0.1);
        smoother.push(-1.7e308);
        smoother.push(1.7e308);
        CHECK(std::isfinite(smoother.value()));
    }

    TEST_CASE("ewma: values that are not finite leave no trace but a count") {
        tocsin::ewma smoother(0.3);
        smoother.push(2);
        CHECK(std::isnan(smoother.push(not_a_number)));
        CHECK(smoother.push(infinity) == infinity);
        CHECK(smoother.value() == 2);
        CHECK(smoother.rejected() == 2);
        smoother.reset();
        CHECK(smoother.push(7) == 7);
    }

    TEST_CASE("ewma: after loading the stream continues with the same bits") {
        tocsin::ewma original(0.2);
        original.push(1);
        original.push(5);
        tocsin::ewma loaded;
        REQUIRE(tocsin_test::load(loaded, tocsin_test::save(original)).ok());
        CHECK(loaded.push(3) == original.push(3));
        auto broken = tocsin_test::save(original);
        broken["alpha"] = {0};
        CHECK_FALSE(tocsin_test::load(loaded, broken).ok());
    }

    TEST_CASE("centred moving mean: by hand, with shorter windows at both ends") {
        const std::vector<double> values{1, 2, 6, 3, 7};
        std::vector<double> out(5);
        REQUIRE(tocsin::centred_moving_mean(values, 3, out).ok());
        CHECK(out == std::vector<double>{1.5, 3, 11.0 / 3, 16.0 / 3, 5});
        REQUIRE(tocsin::centred_moving_mean(values, 2, out).ok()); // the row and the one before
        CHECK(out == std::vector<double>{1, 1.5, 4, 4.5, 5});
        REQUIRE(tocsin::centred_moving_mean(values, 1, out).ok());
        CHECK(out == values);
        REQUIRE(tocsin::centred_moving_mean(values, 100, out).ok());
        for (const double mean : out) {
            CHECK(mean == doctest::Approx(3.8).epsilon(1e-15));
        }
        CHECK(tocsin::centred_moving_mean({}, 3, {}).ok());
    }

    TEST_CASE("centred moving mean: equals its definition, with values that are not finite") {
        tocsin::random_generator random(9);
        std::vector<double> values;
        for (int i = 0; i < 300; ++i) {
            values.push_back(i % 17 == 0 ? not_a_number : i % 23 == 0 ? infinity : random.normal());
        }
        std::vector<double> out(values.size());
        for (const int rows : {1, 2, 3, 10, 31, 299, 700}) {
            REQUIRE(tocsin::centred_moving_mean(values, rows, out).ok());
            for (int i = 0; i < 300; ++i) {
                double sum = 0;
                int count = 0;
                for (int k = std::max(i - rows / 2, 0); k <= std::min(i + rows - 1 - rows / 2, 299);
                     ++k) {
                    const double value = values[static_cast<std::size_t>(k)];
                    sum += std::isfinite(value) ? value : 0;
                    count += std::isfinite(value) ? 1 : 0;
                }
                const double mean = out[static_cast<std::size_t>(i)];
                if (count == 0) {
                    CHECK(std::isnan(mean));
                } else {
                    CHECK(mean == doctest::Approx(sum / count).scale(1).epsilon(1e-13));
                }
            }
        }
    }

    TEST_CASE("centred moving mean: impossible sizes are refused") {
        std::vector<double> values(4);
        std::vector<double> out(4);
        CHECK_FALSE(tocsin::centred_moving_mean(values, 0, out).ok());
        CHECK_FALSE(tocsin::centred_moving_mean(values, 3, {out.data(), 3}).ok());
        CHECK_FALSE(tocsin::centred_moving_mean(values, 3, values).ok());
    }
}
