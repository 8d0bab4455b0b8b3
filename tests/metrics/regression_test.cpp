#include "tocsin/metrics/regression.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

TEST_SUITE("metrics") {

    TEST_CASE_TEMPLATE("regression: RMSE and MAE of a matrix", Scalar, float, double) {
        tocsin::matrix<Scalar> actual(2, 2);
        actual << 1, 2, 3, 4;
        tocsin::matrix<Scalar> predicted(2, 2);
        predicted << 1, 4, 0, 4;
        tocsin::regression_errors errors;
        errors.add(actual, predicted);
        CHECK(errors.count() == 4);
        CHECK(errors.mae() == doctest::Approx(5.0 / 4).epsilon(1e-15));
        CHECK(errors.rmse() == doctest::Approx(std::sqrt(13.0 / 4)).epsilon(1e-15));
    }

    TEST_CASE("regression: differences of float values are taken in double") {
        tocsin::matrix<float> actual(1, 1);
        actual << 16777216.0F;
        tocsin::matrix<float> predicted(1, 1);
        predicted << 0.25F;
        tocsin::regression_errors errors;
        errors.add(actual, predicted);
        CHECK(errors.mae() == 16777215.75);
    }

    TEST_CASE("regression: NaN and infinite members are left out") {
        const double nan = std::numeric_limits<double>::quiet_NaN();
        const double infinity = std::numeric_limits<double>::infinity();
        tocsin::regression_errors errors;
        errors.add(1, 3);
        errors.add(nan, 1);
        errors.add(1, nan);
        errors.add(infinity, infinity);
        errors.add(1e200, -1e200); // its square would be infinite
        CHECK(errors.count() == 1);
        CHECK(errors.rejected() == 4);
        CHECK(errors.mae() == 2);
        CHECK(errors.rmse() == 2);
    }

    TEST_CASE("regression: without a finite pair the errors are NaN") {
        tocsin::regression_errors errors;
        CHECK(std::isnan(errors.rmse()));
        errors.add(1, std::numeric_limits<double>::quiet_NaN());
        CHECK(std::isnan(errors.rmse()));
        CHECK(std::isnan(errors.mae()));
    }

    TEST_CASE("regression: adding two accumulators equals one pass") {
        tocsin::regression_errors left;
        tocsin::regression_errors right;
        tocsin::regression_errors whole;
        for (int i = 0; i < 10; ++i) {
            (i < 4 ? left : right).add(i, i * i);
            whole.add(i, i * i);
        }
        right.add(std::numeric_limits<double>::infinity(), 0);
        left += right;
        CHECK(left.count() == 10);
        CHECK(left.rejected() == 1);
        CHECK(left.rmse() == whole.rmse());
        CHECK(left.mae() == whole.mae());
    }
}
