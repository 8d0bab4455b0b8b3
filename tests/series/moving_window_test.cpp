#include "tocsin/core/random.hpp"
#include "tocsin/series/moving_window.hpp"

#include <doctest/doctest.h>

#include "support/memory_archive.hpp"
#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

namespace {
const double not_a_number = std::numeric_limits<double>::quiet_NaN();
const double infinity = std::numeric_limits<double>::infinity();
} // namespace

TEST_SUITE("errors") {

    TEST_CASE("moving window: mean and variance by hand") {
        tocsin::moving_window window(3);
        CHECK(std::isnan(window.mean()));
        CHECK(window.push(1) == 1);
        CHECK(std::isnan(window.variance()));
        CHECK(window.push(3) == 2);
        CHECK(window.variance() == 2);
        CHECK(window.push(8) == doctest::Approx(4).epsilon(1e-15));
        CHECK(window.full());
        CHECK(window.push(4) == doctest::Approx(5).epsilon(1e-15)); // 3, 8, 4
        CHECK(window.variance() == doctest::Approx(7).epsilon(1e-14));
        CHECK(window.push(0) == doctest::Approx(4).epsilon(1e-15)); // 8, 4, 0
        CHECK(window.variance() == doctest::Approx(16).epsilon(1e-14));
        CHECK(window.count() == 3);
    }

    TEST_CASE("moving window: its values in order of their age") {
        tocsin::moving_window window(3);
        for (int t = 0; t < 8; ++t) {
            window.push(t);
            for (int k = 0; k < window.count(); ++k) {
                CHECK(window.value(k) == t - window.count() + 1 + k);
            }
        }
    }

    TEST_CASE("moving window: moved from, it takes no values") {
        tocsin::moving_window window(3);
        for (const int values : {2, 3, 4}) {
            window = tocsin::moving_window(3);
            for (int t = 0; t < values; ++t) {
                window.push(t);
            }
            tocsin::moving_window taken = std::move(window);
            // NOLINTBEGIN(bugprone-use-after-move,hicpp-invalid-access-moved): what is left is tested
            CHECK(window.rows() == 0);
            CHECK(window.count() == 0);
            CHECK_FALSE(window.full());
            CHECK(std::isnan(window.push(7)));
            CHECK(std::isnan(window.mean()));
            CHECK(std::isnan(window.variance()));
            window.reset();
            CHECK(std::isnan(window.push(7)));
            // NOLINTEND(bugprone-use-after-move,hicpp-invalid-access-moved)
            CHECK(taken.count() == std::min(values, 3));
            CHECK(taken.mean() == (values - 1 + std::max(values - 3, 0)) / 2.0);
        }
    }

    TEST_CASE("moving window: values that are not finite leave no trace but a count") {
        tocsin::moving_window window(2);
        CHECK(std::isnan(window.push(not_a_number)));
        CHECK(std::isnan(window.mean()));
        CHECK(window.push(5) == 5);
        CHECK(window.push(infinity) == infinity);
        CHECK(window.push(-infinity) == -infinity);
        CHECK(window.mean() == 5);
        CHECK(window.rejected() == 3);
        window.reset();
        CHECK(window.count() == 0);
        CHECK(window.rejected() == 0);
    }

    TEST_CASE("moving window: a window of one row is the last value") {
        tocsin::moving_window window(1);
        for (const double value : {3.0, -7.0, 1e90}) {
            CHECK(window.push(value) == value);
            CHECK(std::isnan(window.variance()));
        }
    }

    TEST_CASE("moving window: a huge value is forgotten without a trace") {
        tocsin::moving_window window(7);
        tocsin::random_generator random(3);
        std::vector<double> values;
        for (int i = 0; i < 200; ++i) {
            values.push_back(i == 60 ? 1e12 : 5 + random.normal());
            window.push(values.back());
            if (values.size() < 7 || i < 80) {
                continue;
            }
            double mean = 0;
            for (std::size_t k = values.size() - 7; k < values.size(); ++k) {
                mean += values[k] / 7;
            }
            double scatter = 0;
            for (std::size_t k = values.size() - 7; k < values.size(); ++k) {
                scatter += (values[k] - mean) * (values[k] - mean);
            }
            CHECK(window.mean() == doctest::Approx(mean).epsilon(1e-12));
            CHECK(window.variance() == doctest::Approx(scatter / 6).epsilon(1e-10));
        }
    }

    TEST_CASE("moving window: after loading the stream continues with the same bits") {
        tocsin::random_generator random(4);
        tocsin::moving_window original(5);
        for (const int more : {0, 3, 4, 6}) {
            for (int i = 0; i < more; ++i) {
                original.push(random.normal());
            }
            tocsin::moving_window loaded;
            REQUIRE(tocsin_test::load(loaded, tocsin_test::save(original)).ok());
            CHECK(loaded.rows() == 5);
            auto going_on = original;
            for (int i = 0; i < 12; ++i) {
                const double value = random.normal();
                CHECK(loaded.push(value) == going_on.push(value));
                CHECK((loaded.variance() == going_on.variance() || loaded.count() < 2));
            }
        }
        auto broken = tocsin_test::save(original);
        broken["next"] = {5};
        tocsin::moving_window loaded;
        CHECK_FALSE(tocsin_test::load(loaded, broken).ok());
        broken = tocsin_test::save(original);
        broken["rows"] = {1e9};
        CHECK_FALSE(tocsin_test::load(loaded, broken).ok());
    }
}
