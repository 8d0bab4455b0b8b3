#include "tocsin/series/natural_spline.hpp"

#include <doctest/doctest.h>

#include <vector>

using tocsin::natural_spline;

TEST_SUITE("series") {
    TEST_CASE("natural_spline: passes through its knots") {
        const std::vector<double> knots = {1, -2, 0.5, 4, 4, -1};
        const natural_spline curve{knots};
        for (std::size_t k = 0; k < knots.size(); ++k) {
            CHECK(curve(static_cast<double>(k)) == doctest::Approx(knots[k]));
        }
    }

    TEST_CASE("natural_spline: three knots give the closed form") {
        // For values 0, 1, 0 the inner second derivative is 6 * (0 - 2 + 0) / 4 = -3.
        const natural_spline curve{std::vector<double>{0, 1, 0}};
        CHECK(curve(0.5) == doctest::Approx(0.5 - 3 * (0.125 - 0.5) / 6));
        CHECK(curve(1.5) == doctest::Approx(curve(0.5)));
    }

    TEST_CASE("natural_spline: knots on a line give the line") {
        const natural_spline curve{std::vector<double>{1, 3, 5, 7}};
        CHECK(curve(0.25) == doctest::Approx(1.5));
        CHECK(curve(2.9) == doctest::Approx(6.8));
    }

    TEST_CASE("natural_spline: slope and curvature are continuous, curvature 0 at the ends") {
        const natural_spline curve{std::vector<double>{0, 2, -1, 3, 1}};
        constexpr double h = 1e-4;
        const auto curvature = [&](double x) {
            return (curve(x - h) - 2 * curve(x) + curve(x + h)) / (h * h);
        };
        for (const double knot : {1.0, 2.0, 3.0}) {
            const double left = (curve(knot) - curve(knot - h)) / h;
            const double right = (curve(knot + h) - curve(knot)) / h;
            CHECK(left == doctest::Approx(right).epsilon(0.01));
            CHECK(curvature(knot - 2 * h) ==
                  doctest::Approx(curvature(knot + 2 * h)).epsilon(0.01));
        }
        CHECK(curvature(2 * h) == doctest::Approx(0).epsilon(0.01));
        CHECK(curvature(4 - 2 * h) == doctest::Approx(0).epsilon(0.01));
    }

    TEST_CASE("natural_spline: one knot is a constant, positions outside are clamped") {
        CHECK(natural_spline{std::vector<double>{3}}(17) == 3);
        const natural_spline line{std::vector<double>{1, 2}};
        CHECK(line(-1) == 1);
        CHECK(line(0.5) == 1.5);
        CHECK(line(9) == 2);
    }
}
