#include "tocsin/series/resampling.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

using tocsin::matrix;
using tocsin::resample;
using tocsin::resampling;

namespace {

const std::vector<double> times{10, 10.4, 10.9, 12.5, 13, 13.5, 13.6};
const std::vector<std::uint8_t> labels{0, 1, 0, 0, 0, 0, 0};

matrix<double> rows() {
    matrix<double> values(2, 7);
    values << 1, 2, 6, 5, 1, 2, 3, //
        std::nan(""), 4, 4, std::nan(""), 0, 0, 9;
    return values;
}

} // namespace

TEST_SUITE("series") {
    TEST_CASE("resampling: mean, last and median of the rows in each step") {
        const auto mean = resample<double>(rows(), times, labels, 1, resampling::mean);
        REQUIRE(mean.has_value());
        CHECK(mean->times == std::vector<double>{10, 11, 12, 13});
        CHECK(mean->labels == std::vector<std::uint8_t>{1, 0, 0, 0});
        CHECK(mean->values(0, 0) == 3);
        CHECK(mean->values(1, 0) == 4);
        CHECK(std::isnan(mean->values(0, 1)));
        CHECK(std::isnan(mean->values(1, 2)));
        CHECK(mean->values(1, 3) == 3);
        const auto last = resample<double>(rows(), times, {}, 1, resampling::last);
        CHECK(last->values(0, 0) == 6);
        CHECK(last->values(1, 3) == 9);
        CHECK(last->labels.empty());
        const auto median = resample<double>(rows(), times, labels, 1, resampling::median);
        CHECK(median->values(0, 0) == 2);
        CHECK(median->values(1, 3) == 0);
        CHECK(median->values(1, 0) == 4);
        const auto even = resample<double>(rows().leftCols(2), std::vector<double>{1, 1.5}, {}, 1,
                                           resampling::median);
        CHECK(even->values(0, 0) == 1.5);
    }

    TEST_CASE("resampling: a gap is left out, so that times jump") {
        const auto grid = resample<double>(rows(), times, labels, 0.5, resampling::mean, 1.0);
        REQUIRE(grid.has_value());
        CHECK(grid->times == std::vector<double>{10, 10.5, 12.5, 13, 13.5});
    }

    TEST_CASE("resampling: settings and times that cannot be used") {
        const auto message = [](const auto& result) {
            return result ? std::string{} : std::string{result.error().message()};
        };
        CHECK(message(resample<double>(rows(), times, {}, 0, resampling::mean)).find("step 0") !=
              std::string::npos);
        CHECK_FALSE(resample<double>(rows(), times, {}, std::nan(""), resampling::mean));
        CHECK_FALSE(resample<double>(rows(), {}, {}, 1, resampling::mean));
        CHECK_FALSE(
            resample<double>(rows(), times, std::vector<std::uint8_t>{1}, 1, resampling::mean));
        std::vector<double> back = times;
        back[3] = 1;
        CHECK(message(resample<double>(rows(), back, {}, 1, resampling::mean)).find("row 4") !=
              std::string::npos);
        CHECK(message(resample<double>(rows(), times, {}, 1e-12, resampling::mean)).find("1e9") !=
              std::string::npos);
        const auto empty = resample<double>(matrix<double>(2, 0), {}, {}, 1, resampling::mean);
        REQUIRE(empty.has_value());
        CHECK(empty->values.cols() == 0);
    }
}
