#include "tocsin/errors/residual.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <limits>

TEST_SUITE("errors") {

    TEST_CASE_TEMPLATE("residual: absolute differences per step and per feature", Scalar, float,
                       double) {
        tocsin::matrix<Scalar> window(2, 3);
        window << 1, 2, 3, 4, 5, 6;
        tocsin::matrix<Scalar> reconstruction(2, 3);
        reconstruction << 2, 2, 1, 0, 5.5, 7;
        tocsin::matrix<Scalar> errors(2, 3);
        tocsin::absolute_residual(window, reconstruction, errors);
        tocsin::matrix<Scalar> expected(2, 3);
        expected << 1, 0, 2, 4, 0.5, 1;
        CHECK(errors == expected);
        const auto per_feature = errors.transpose();
        CHECK(per_feature.rows() == 3);
        CHECK(per_feature.col(1) == tocsin::column<Scalar>(expected.row(1).transpose()));
    }

    TEST_CASE("residual: views are written to and inputs may have another scalar") {
        const tocsin::matrix<float, 1, 2> window(0.1F, -3.0F);
        const tocsin::matrix<double, 1, 2> reconstruction(0.1, 1.0);
        std::array<double, 2> buffer{};
        tocsin::absolute_residual(window, reconstruction,
                                  tocsin::matrix_view<double>(buffer.data(), 1, 2));
        CHECK(buffer[0] == doctest::Approx(std::abs(double{0.1F} - 0.1)).epsilon(1e-12));
        CHECK(buffer[1] == 4);
    }

    TEST_CASE("residual: the reconstruction may be overwritten") {
        tocsin::matrix<double> window(1, 2);
        window << 1, 2;
        tocsin::matrix<double> reconstruction(1, 2);
        reconstruction << 4, 1;
        tocsin::absolute_residual(window, reconstruction, reconstruction);
        CHECK(reconstruction(0) == 3);
        CHECK(reconstruction(1) == 1);
    }

    TEST_CASE("residual: NaN stays NaN and nothing else is touched by it") {
        tocsin::matrix<double> window(1, 2);
        window << std::numeric_limits<double>::quiet_NaN(), 2;
        const tocsin::matrix<double> reconstruction = tocsin::matrix<double>::Zero(1, 2);
        tocsin::matrix<double> errors(1, 2);
        tocsin::absolute_residual(window, reconstruction, errors);
        CHECK(std::isnan(errors(0)));
        CHECK(errors(1) == 2);
    }

    TEST_CASE("residual: an empty window is allowed") {
        tocsin::matrix<float> empty(3, 0);
        tocsin::matrix<float> errors(3, 0);
        tocsin::absolute_residual(empty, empty, errors);
        CHECK(errors.size() == 0);
    }
}
