#include "tocsin/series/filling.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <span>
#include <utility>
#include <vector>

using tocsin::hole_filling;
using tocsin::index_t;
using tocsin::matrix;

namespace {

template <class Scalar>
constexpr Scalar none = std::numeric_limits<Scalar>::quiet_NaN();

template <class Scalar>
std::vector<Scalar> filled(std::vector<Scalar> values, hole_filling how, Scalar otherwise = 9) {
    tocsin::fill_run(values.data(), static_cast<index_t>(values.size()), 1, how, otherwise,
                     [](Scalar value) { return value; });
    return values;
}

} // namespace

TEST_SUITE("series") {
    TEST_CASE_TEMPLATE("filling: holes inside, at the start, at the end, everywhere", Scalar, float,
                       double) {
        using values = std::vector<Scalar>;
        const Scalar x = none<Scalar>;
        const values holes{x, 1, x, x, 4, x};
        CHECK(filled(holes, hole_filling::last) == values{9, 1, 1, 1, 4, 4});
        CHECK(filled(holes, hole_filling::linear) == values{1, 1, 2, 3, 4, 4});
        CHECK(filled(values{x, x}, hole_filling::linear) == values{9, 9});
        CHECK(filled(values{}, hole_filling::last).empty());
        CHECK(filled(values{3, 2}, hole_filling::linear) == values{3, 2});
    }

    TEST_CASE_TEMPLATE("filling: a filled value is known by its last bits and hardly changed",
                       Scalar, float, double) {
        const Scalar tolerance = sizeof(Scalar) == 4 ? Scalar(3.3e-4) : Scalar(1e-12);
        for (const Scalar value :
             {Scalar(0), Scalar(1), Scalar(-3.7), Scalar(1e-38), Scalar(5e17)}) {
            const Scalar marked = tocsin::detail::marked_as_filled(value);
            CHECK(tocsin::detail::is_filled(marked));
            CHECK(std::abs(marked - value) <= tolerance * std::abs(value) + Scalar(3e-30));
            const Scalar observed = tocsin::detail::marked_as_observed(marked);
            CHECK_FALSE(tocsin::detail::is_filled(observed));
            CHECK(observed == doctest::Approx(static_cast<double>(marked)));
            if (!tocsin::detail::is_filled(value)) {
                CHECK(tocsin::detail::marked_as_observed(value) == value);
            }
        }
    }

    TEST_CASE("filling: nothing is carried over a seam between recordings") {
        matrix<float> values(2, 8);
        const float x = none<float>;
        values << 1, 2, x, x, x, 6, 7, 8, //
            x, x, x, x, 5, 5, x, 5;
        const std::vector<index_t> recordings{4, 4};
        const auto windows =
            tocsin::make_windows(values, std::span<const index_t>(recordings), 2).value();
        std::vector<std::pair<index_t, index_t>> runs;
        tocsin::detail::for_each_joined_run(
            windows, [&](index_t first, index_t count) { runs.emplace_back(first, count); });
        CHECK(runs == std::vector<std::pair<index_t, index_t>>{{0, 4}, {4, 4}});
        CHECK(tocsin::has_missing(windows));
        const auto filled_values = tocsin::filled_samples(windows, hole_filling::linear);
        CHECK(filled_values.allFinite());
        CHECK(filled_values(0, 3) == doctest::Approx(2).epsilon(1e-3));
        CHECK(filled_values(0, 4) == doctest::Approx(6).epsilon(1e-3)); // not between 2 and 6
        CHECK(filled_values(1, 0) == doctest::Approx(5).epsilon(1e-3)); // the feature's mean
        for (index_t k = 0; k < values.size(); ++k) {
            CHECK(tocsin::detail::is_filled(filled_values.data()[k]) ==
                  std::isnan(values.data()[k]));
        }
    }

    TEST_CASE("filling: columns that no window covers stay as they are, strides leave gaps") {
        matrix<float> values = matrix<float>::Constant(1, 10, 1);
        values(0, 3) = none<float>;
        const auto windows = tocsin::make_windows(values, 2, 4).value(); // 0-1, 4-5, 8-9
        CHECK_FALSE(tocsin::has_missing(windows));
        CHECK(std::isnan(tocsin::filled_samples(windows, hole_filling::last)(0, 3)));
    }

    TEST_CASE("filling: windows with long holes or few values are left out") {
        matrix<float> values = matrix<float>::Constant(2, 12, 1);
        for (const index_t t : {2, 3, 7, 8, 9}) {
            values(0, t) = none<float>;
        }
        const auto all = tocsin::make_windows(values, 4, 4).value();
        const auto with_short_holes = [&](int longest) {
            int count = 0;
            for (index_t k = 0; k < all.count(); ++k) {
                count += tocsin::has_short_holes_only(all.window(k), longest) ? 1 : 0;
            }
            return count;
        };
        CHECK(with_short_holes(2) == 3);
        CHECK(with_short_holes(1) == 1);
        CHECK(with_short_holes(0) == 0);
        values.row(1).setConstant(none<float>);
        CHECK(with_short_holes(100) == 0); // less than half is there
    }
}
