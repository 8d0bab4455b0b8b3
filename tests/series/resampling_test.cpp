#include "tocsin/series/resampling.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
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

    TEST_CASE("resampling: a stream has the samples of the recording, each when its step ends") {
        for (const auto method : {resampling::mean, resampling::last, resampling::median}) {
            const auto grid = resample<double>(rows(), times, {}, 0.5, method, 1.0);
            tocsin::stream_resampler<double> steps(2, 0.5, method, 1.0);
            REQUIRE(steps.check().ok());
            std::vector<double> ended;
            const auto compare = [&](std::span<const double> sample, double time) {
                REQUIRE(ended.size() < grid->times.size());
                const auto at = static_cast<tocsin::index_t>(ended.size());
                CHECK(time == grid->times[ended.size()]);
                for (std::size_t f = 0; f < 2; ++f) {
                    const double expected = grid->values(static_cast<tocsin::index_t>(f), at);
                    CHECK((std::isnan(expected) ? std::isnan(sample[f]) : sample[f] == expected));
                }
                ended.push_back(time);
            };
            const tocsin::matrix<double> all = rows();
            std::vector<std::size_t> after; // each row
            for (std::size_t k = 0; k < times.size(); ++k) {
                const std::span<const double> row(all.col(static_cast<tocsin::index_t>(k)).data(),
                                                  2);
                CHECK(steps.push(row, times[k], compare).ok());
                CHECK(steps.push(row, std::nan(""), compare).ok()); // left out
                after.push_back(ended.size());
            }
            CHECK(after == std::vector<std::size_t>{0, 0, 1, 2, 3, 4, 4});
            const std::vector<double> early{1, 2};
            CHECK_FALSE(steps.push(early, 1, compare).ok());
            steps.finish(compare);
            CHECK(ended == grid->times);
            steps.finish(compare); // nothing is left
            CHECK(ended == grid->times);
            CHECK(steps.push(early, 1, [](auto...) {}).ok()); // another series
        }
        CHECK_FALSE(tocsin::stream_resampler<double>(1, -1, resampling::mean).check().ok());
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
        CHECK(message(resample<double>(rows(), times, {}, 1e-12, resampling::mean)).find("1e+09") !=
              std::string::npos);
        const auto empty = resample<double>(matrix<double>(2, 0), {}, {}, 1, resampling::mean);
        REQUIRE(empty.has_value());
        CHECK(empty->values.cols() == 0);
    }

    TEST_CASE(
        "resampling: a time whose step has no number of its own is refused, not searched for") {
        const auto refusal = [](double step, double before, double time) {
            tocsin::stream_resampler<double> steps(1, step, resampling::mean);
            const std::vector<double> row{1};
            CHECK(steps.push(row, before, [](auto...) {}).ok());
            const auto refused = steps.push(row, time, [](auto...) {});
            CHECK(refused.code() == tocsin::error_code::invalid_data);
            CHECK(steps.push(row, before, [](auto...) {}).ok()); // the row was left out
            return std::string{refused.message()};
        };
        CHECK(
            refusal(1, 0, 1e16).find("time 1e+16 of row 2 has no step of its own on a grid of 1") !=
            std::string::npos);
        CHECK(refusal(1, -9e15, 9.1e15).find("no step of its own") != std::string::npos);
        CHECK(refusal(1e-7, 9e8, 1.75e9).find("no step of its own") !=
              std::string::npos); // as epoch seconds
        CHECK(refusal(5e-324, 0, 1).find("no step of its own") != std::string::npos);
        const matrix<double> values = matrix<double>::Ones(1, 2);
        for (const double step : {1.0, 1e-7, 1e-300}) {
            CHECK_FALSE(
                resample<double>(values, std::vector{1e16, 1e16 + 4}, {}, step, resampling::mean));
        }
        // The largest numbers that there are.
        const auto last =
            resample<double>(values, std::vector{0x1p53 - 3, 0x1p53 - 1}, {}, 1, resampling::mean);
        REQUIRE(last.has_value());
        CHECK(last->times == std::vector{0x1p53 - 3, 0x1p53 - 2, 0x1p53 - 1});
    }

    TEST_CASE("resampling: an almost empty grid is refused before it takes memory") {
        const matrix<double> values = matrix<double>::Ones(1, 2);
        const auto grid = resample<double>(values, std::vector{0.0, 9e8}, {}, 1, resampling::mean);
        REQUIRE_FALSE(grid.has_value());
        CHECK(std::string{grid.error().message()}.find("makes 900000001 steps of 2 rows") !=
              std::string::npos);
        CHECK(resample<double>(values, std::vector{0.0, 1e6}, {}, 1, resampling::mean)
                  ->values.cols() == 1'000'001);
        // Gaps of a step each, which together make too many.
        std::vector<double> times;
        for (int k = 0; k < 20; ++k) {
            times.push_back(9e7 * k);
        }
        const auto many =
            resample<double>(matrix<double>::Ones(1, 20), times, {}, 1, resampling::mean);
        REQUIRE_FALSE(many.has_value());
        CHECK(std::string{many.error().message()}.find("more than 1e+09 steps") !=
              std::string::npos);
    }

    TEST_CASE("resampling: the mean of finite values is finite") {
        for (const double huge : {1e200, -std::numeric_limits<double>::max()}) {
            const matrix<double> values = matrix<double>::Constant(1, 4, huge);
            const std::vector<double> within{1, 1.1, 1.2, 1.3};
            const auto grid = resample<double>(values, within, {}, 1, resampling::mean);
            CHECK(grid->values(0, 0) == (huge > 0 ? 1e100 : -1e100));
            CHECK(resample<double>(values, within, {}, 1, resampling::last)->values(0, 0) == huge);
        }
    }
}
