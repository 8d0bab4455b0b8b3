#include "tocsin/series/split.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

using tocsin::index_t;
using tocsin::rows_at_times;
using tocsin::split_at_times;
using tocsin::split_chronologically;

namespace {

tocsin::windows<double> sliding(const tocsin::matrix<double>& values, int length, int stride) {
    auto all = tocsin::make_windows(values, length, stride);
    REQUIRE(all.has_value());
    return *all;
}

} // namespace

TEST_SUITE("series") {
    TEST_CASE("split: windows that do not overlap are all kept, in order of time") {
        const tocsin::matrix<double> values = tocsin::matrix<double>::Zero(2, 30);
        const auto parts = split_chronologically(sliding(values, 3, 3), {0.6, 0.2, 0.2});
        REQUIRE(parts.has_value());
        REQUIRE(parts->size() == 3);
        CHECK((*parts)[0].count() == 6);
        CHECK((*parts)[1].count() == 2);
        CHECK((*parts)[2].count() == 2);
        CHECK((*parts)[1].first_column(0) == 18);
        CHECK((*parts)[2].first_column(1) == 27);
    }

    TEST_CASE("split: no sample is in two parts when windows overlap") {
        const tocsin::matrix<double> values = tocsin::matrix<double>::Zero(1, 100);
        for (const int stride : {1, 2, 3}) {
            const auto parts = split_chronologically(sliding(values, 7, stride), {0.5, 0.25, 0.25});
            REQUIRE(parts.has_value());
            std::vector<int> owner(100, -1);
            for (int p = 0; p < 3; ++p) {
                const auto& part = (*parts)[static_cast<std::size_t>(p)];
                for (index_t k = 0; k < part.count(); ++k) {
                    for (index_t column = 0; column < part.length(); ++column) {
                        int& of_sample =
                            owner[static_cast<std::size_t>(part.first_column(k) + column)];
                        CHECK((of_sample == -1 || of_sample == p));
                        of_sample = p;
                    }
                }
            }
            CHECK(owner.front() == 0);
            CHECK((*parts)[0].count() >= 94 / stride / 2 - 7);
        }
    }

    TEST_CASE("split: windows in any order are sorted by time first") {
        const tocsin::matrix<double> values = tocsin::matrix<double>::Zero(1, 8);
        const tocsin::windows<double> all({values.data(), 1, 8}, {6, 0, 4, 2}, 2);
        const auto parts = split_chronologically(all, {0.5, 0.5});
        REQUIRE(parts.has_value());
        CHECK((*parts)[0].first_column(1) == 2);
        CHECK((*parts)[1].first_column(0) == 4);
    }

    TEST_CASE("split: fractions below 1 in sum leave the last windows out") {
        const tocsin::matrix<double> values = tocsin::matrix<double>::Zero(1, 10);
        const auto parts = split_chronologically(sliding(values, 1, 1), {0.3, 0.3});
        REQUIRE(parts.has_value());
        CHECK((*parts)[1].first_column(2) == 5);
        CHECK((*parts)[1].count() == 3);
        CHECK(split_chronologically(sliding(values, 1, 1), {0.1, 0.2, 0.3, 0.4}).has_value());
    }

    TEST_CASE("split: fractions out of range are refused") {
        const tocsin::matrix<double> values = tocsin::matrix<double>::Zero(1, 10);
        const auto all = sliding(values, 1, 1);
        CHECK_FALSE(split_chronologically(all, {0.6, 0.6}).has_value());
        CHECK_FALSE(split_chronologically(all, {0.5, 0.0}).has_value());
        CHECK_FALSE(split_chronologically(all, {-0.5, 0.5}).has_value());
        CHECK_FALSE(split_chronologically(all, {std::nan("")}).has_value());
    }

    TEST_CASE("split: a part that would be empty is refused, naming it") {
        const tocsin::matrix<double> values = tocsin::matrix<double>::Zero(1, 20);
        const auto purged = split_chronologically(sliding(values, 10, 1), {0.5, 0.5});
        REQUIRE_FALSE(purged.has_value());
        CHECK(purged.error().code() == tocsin::error_code::invalid_data);
        CHECK(std::string{purged.error().message()}.find("part 0") != std::string::npos);
        const auto small = split_chronologically(sliding(values, 20, 1), {0.5, 0.5});
        REQUIRE_FALSE(small.has_value());
        CHECK(std::string{small.error().message()}.find("1 windows") != std::string::npos);
        CHECK_FALSE(split_chronologically(tocsin::windows<double>{}, {1.0}).has_value());
        CHECK(split_chronologically(sliding(values, 20, 1), {1.0}).has_value());
    }

    TEST_CASE("split: by date, windows across a cut are in no part") {
        const tocsin::matrix<double> values = tocsin::matrix<double>::Zero(1, 30);
        std::vector<double> times;
        for (int t = 0; t < 30; ++t) {
            times.push_back(1000 + 60 * t);
        }
        const std::vector<double> cuts{1000 + 60 * 10, 1000 + 60 * 19 + 1};
        const auto parts = split_at_times(sliding(values, 4, 1), times, cuts);
        REQUIRE(parts.has_value());
        REQUIRE(parts->size() == 3);
        CHECK((*parts)[0].count() == 7); // rows 0 to 9
        CHECK((*parts)[1].count() == 7); // rows 10 to 19
        CHECK((*parts)[1].first_column(0) == 10);
        CHECK((*parts)[2].count() == 7);
        CHECK((*parts)[2].first_column(0) == 20);
        const auto whole = split_at_times(sliding(values, 4, 1), times, {});
        REQUIRE(whole.has_value());
        CHECK(whole->front().count() == 27);
    }

    TEST_CASE("split: a clock that goes back, and times that are not known, move no cut") {
        const std::vector<double> times{0, 1, std::nan(""), 3, 4, 2, 3, 4, 5};
        const auto rows = [&](std::vector<double> cuts) {
            return rows_at_times(times, cuts).value();
        };
        CHECK(rows({3}) == std::vector<index_t>{3});
        CHECK(rows({2, 5}) == std::vector<index_t>{3, 8});
        CHECK(rows({-1, 9}) == std::vector<index_t>{0, 9});
    }

    TEST_CASE("split: wrong cuts and parts without a window are named") {
        const tocsin::matrix<double> values = tocsin::matrix<double>::Zero(1, 5);
        const std::vector<double> times{0, 1, 2, 3, 4};
        const auto message = [&](std::vector<double> cuts, std::size_t known) {
            const auto parts = split_at_times(sliding(values, 2, 1), std::span(times).first(known),
                                              std::span<const double>(cuts));
            return parts.has_value() ? std::string{} : std::string{parts.error().message()};
        };
        CHECK(message({2}, 5).empty());
        CHECK(message({2}, 4).find("4 times for 5 samples") != std::string::npos);
        CHECK(message({3, 3}, 5).find("cut 1 at 3") != std::string::npos);
        CHECK(message({std::nan("")}, 5).find("cut 0 at nan") != std::string::npos);
        CHECK(message({1}, 5).find("part 0, rows 0 to 1") != std::string::npos);
        CHECK(message({9}, 5).find("part 1, rows 5 to 5") != std::string::npos);
    }
}
