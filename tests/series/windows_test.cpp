#include "tocsin/series/windows.hpp"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

using tocsin::index_t;

namespace {

using runs = std::vector<std::pair<index_t, index_t>>;

runs covered(const tocsin::windows<double>& all) {
    runs found;
    all.for_each_covered_run(
        [&](index_t first, index_t count) { found.emplace_back(first, count); });
    return found;
}

} // namespace

TEST_SUITE("series") {
    TEST_CASE_TEMPLATE("windows: sliding windows view consecutive samples", Scalar, float, double) {
        tocsin::matrix<Scalar> values(2, 7);
        for (int k = 0; k < 14; ++k) {
            values(k % 2, k / 2) = static_cast<Scalar>(k);
        }
        const auto all = tocsin::make_windows(values, 3, 2);
        REQUIRE(all.has_value());
        CHECK(all->count() == 3);
        CHECK(all->length() == 3);
        CHECK(all->features() == 2);
        CHECK(all->first_column(2) == 4);
        CHECK(all->window(1) == values.middleCols(2, 3));
        CHECK(all->window(1).data() == values.data() + 4);
    }

    TEST_CASE("windows: the last partial window is left out") {
        const tocsin::matrix<double> values = tocsin::matrix<double>::Zero(1, 10);
        CHECK(tocsin::make_windows(values, 4, 4)->count() == 2);
        CHECK(tocsin::make_windows(values, 10, 4)->count() == 1);
        CHECK(tocsin::make_windows(values, 1)->count() == 10);
    }

    TEST_CASE("windows: a window longer than the series is refused, naming both") {
        const tocsin::matrix<double> values = tocsin::matrix<double>::Zero(1, 5);
        const auto outcome = tocsin::make_windows(values, 6).error();
        CHECK(outcome.code() == tocsin::error_code::invalid_argument);
        CHECK(std::string{outcome.message()}.find("length 6") != std::string::npos);
        CHECK(std::string{outcome.message()}.find("5 samples") != std::string::npos);
        CHECK_FALSE(tocsin::make_windows(values, 0).has_value());
        CHECK_FALSE(tocsin::make_windows(values, 2, 0).has_value());
        const tocsin::matrix<double> empty(3, 0);
        CHECK_FALSE(tocsin::make_windows(empty, 1).has_value());
    }

    TEST_CASE("windows: covered runs visit each covered column once, in order") {
        const tocsin::matrix<double> values = tocsin::matrix<double>::Zero(1, 20);
        const tocsin::windows<double>::values_view view(values.data(), 1, 20);
        CHECK(covered({view, {}, 3}).empty());
        CHECK(covered({view, {5}, 3}) == runs{{5, 3}});
        CHECK(covered({view, {0, 1, 2}, 3}) == runs{{0, 5}});
        CHECK(covered({view, {0, 3}, 3}) == runs{{0, 6}});
        CHECK(covered({view, {0, 4}, 3}) == runs{{0, 3}, {4, 3}});
        CHECK(covered({view, {12, 0, 10, 0}, 3}) == runs{{0, 3}, {10, 5}});
    }

    TEST_CASE("windows: a slice keeps order, another matrix keeps positions") {
        const tocsin::matrix<double> values = tocsin::matrix<double>::Random(2, 9);
        const tocsin::matrix<double> doubled = 2 * values;
        const auto all = tocsin::make_windows(values, 2);
        const auto some = all->slice(3, 2);
        CHECK(some.count() == 2);
        CHECK(some.window(0) == values.middleCols(3, 2));
        const auto moved = some.over({doubled.data(), doubled.rows(), doubled.cols()});
        CHECK(moved.window(1) == doubled.middleCols(4, 2));
        CHECK(all->slice(0, 0).empty());
        CHECK(tocsin::windows<double>{}.empty());
    }
}
