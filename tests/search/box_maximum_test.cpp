#include "tocsin/search/box_maximum.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

using tocsin::climb_in_box;
using tocsin::column;

TEST_SUITE_BEGIN("search");

TEST_CASE("box maximum: finds the top of a curved valley") {
    const auto rosenbrock = [](const column<double>& x, column<double>& slope) {
        const double a = 1 - x[0];
        const double b = x[1] - x[0] * x[0];
        slope[0] = 2 * a + 400 * x[0] * b;
        slope[1] = -200 * b;
        return -a * a - 100 * b * b;
    };
    const column<double> low = column<double>::Constant(2, -3);
    const column<double> high = column<double>::Constant(2, 3);
    const auto found = climb_in_box(rosenbrock, column<double>{{-1.2, 1.0}}, low, high, 500, 1e-14);
    CHECK(found.value > -1e-8);
    CHECK((found.point - column<double>::Ones(2)).norm() < 1e-3);
    CHECK(found.evaluations < 500);
}

TEST_CASE("box maximum: stays within bounds, and moves along them") {
    const auto hill = [](const column<double>& x, column<double>& slope) {
        const column<double> apart = x - column<double>{{5.0, 0.3, 2.0}};
        slope = -2 * apart;
        slope[0] -= apart[1]; // a cross term: the bound moves the top of the others
        slope[1] -= apart[0];
        return -apart.squaredNorm() - apart[0] * apart[1];
    };
    const column<double> low{{0.0, -10.0, 0.7}};
    const column<double> high{{1.0, 10.0, 0.7}}; // the last one is held
    const auto found = climb_in_box(hill, column<double>{{0.5, 9.0, 0.7}}, low, high, 200, 1e-14);
    CHECK(found.point[0] == 1);
    CHECK(found.point[1] == doctest::Approx(0.3 + 2).epsilon(1e-5));
    CHECK(found.point[2] == 0.7);
}

TEST_CASE("box maximum: a start outside is moved in, values that are not finite are avoided") {
    const auto root = [](const column<double>& x, column<double>& slope) { // NaN below 1
        slope[0] = -1 - 1 / (2 * std::sqrt(x[0] - 1)) * -1;
        return std::sqrt(x[0] - 1) - x[0];
    };
    const column<double> low = column<double>::Constant(1, -10);
    const column<double> high = column<double>::Constant(1, 10);
    const auto found = climb_in_box(root, column<double>::Constant(1, 50), low, high, 200, 1e-14);
    CHECK(found.point[0] == doctest::Approx(1.25).epsilon(1e-4));
    const auto nowhere = climb_in_box(root, column<double>::Constant(1, 0.5), low, high);
    CHECK(nowhere.value == -std::numeric_limits<double>::infinity());
}

TEST_SUITE_END();
