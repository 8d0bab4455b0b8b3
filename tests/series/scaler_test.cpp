#include "tocsin/series/scaler.hpp"
#include "tocsin/series/series.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <string>
#include <vector>

namespace {

/// The smallest scaler.
struct halving_scaler {
    using scalar_type = double;
    tocsin::status fit(const tocsin::windows<double>&) { return {}; }
    void transform(Eigen::Ref<tocsin::matrix<double>> values) const noexcept { values *= 0.5; }
    void inverse(Eigen::Ref<tocsin::matrix<double>> values) const noexcept { values *= 2; }
};
/// Not a scaler, because it cannot be undone.
struct one_way_scaler {
    using scalar_type = double;
    tocsin::status fit(const tocsin::windows<double>&) { return {}; }
    void transform(Eigen::Ref<tocsin::matrix<double>> values) const noexcept { values *= 0.5; }
};
/// A user-defined rule: scales by the largest absolute value.
struct largest_magnitude {
    static constexpr const char* kind = "largest_magnitude";
    template <class Scalar>
    static tocsin::offset_and_scale estimate(std::span<Scalar> values) noexcept {
        double largest = 0;
        for (const Scalar value : values) {
            largest = std::max(largest, std::abs(static_cast<double>(value)));
        }
        return {0, largest};
    }
};

static_assert(tocsin::scaler<halving_scaler>);
static_assert(!tocsin::scaler<one_way_scaler>);
static_assert(tocsin::scaler<tocsin::standard_scaler<float>>);
static_assert(tocsin::scaler<tocsin::standard_scaler<double, 3>>);
static_assert(tocsin::scaler<tocsin::robust_scaler<float, 1>>);
static_assert(tocsin::scaler<tocsin::min_max_scaler<double>>);
static_assert(tocsin::scaler<tocsin::identity_scaler<float, 2>>);
static_assert(tocsin::scaler<tocsin::affine_scaler<double, 2, largest_magnitude>>);
static_assert(tocsin::scaling_rule<largest_magnitude, float>);
static_assert(!tocsin::scaling_rule<halving_scaler, float>);

template <class Scalar>
constexpr Scalar quiet_nan = std::numeric_limits<Scalar>::quiet_NaN();

template <class Scaler>
Scaler fitted_to(const tocsin::matrix<typename Scaler::scalar_type>& samples) {
    Scaler scaler;
    const auto outcome = scaler.fit(samples);
    REQUIRE_MESSAGE(outcome.ok(), outcome.message());
    return scaler;
}

} // namespace

TEST_SUITE("series") {
    TEST_CASE_TEMPLATE("scaler: standard brings each feature to mean 0, deviation 1", Scalar, float,
                       double) {
        tocsin::matrix<Scalar> samples(2, 4);
        samples << 1, 2, 3, 4, 10, 10, 20, 20;
        const auto scaler = fitted_to<tocsin::standard_scaler<Scalar>>(samples);
        CHECK(scaler.features() == 2);
        CHECK(scaler.offset()[0] == doctest::Approx(2.5));
        CHECK(scaler.scale()[0] == doctest::Approx(std::sqrt(1.25))); // divisor n
        CHECK(scaler.offset()[1] == doctest::Approx(15));
        CHECK(scaler.scale()[1] == doctest::Approx(5));
        scaler.transform(samples);
        CHECK(samples.rowwise().mean().norm() < 1e-6);
        CHECK(samples(1, 3) == doctest::Approx(1));
    }

    TEST_CASE_TEMPLATE("scaler: min-max brings the training samples to 0 and 1", Scalar, float,
                       double) {
        tocsin::matrix<Scalar> samples(1, 3);
        samples << -4, 6, 1;
        const auto scaler = fitted_to<tocsin::min_max_scaler<Scalar, 1>>(samples);
        scaler.transform(samples);
        CHECK(samples(0, 0) == 0);
        CHECK(samples(0, 1) == doctest::Approx(1));
        CHECK(samples(0, 2) == doctest::Approx(0.5));
    }

    TEST_CASE_TEMPLATE("scaler: robust uses median and interpolated quartiles", Scalar, float,
                       double) {
        tocsin::matrix<Scalar> samples(1, 6);
        samples << 7, 1, 15, 36, 39, 40; // numpy: quartiles 9, 25.5, 38.25
        const auto scaler = fitted_to<tocsin::robust_scaler<Scalar>>(samples);
        CHECK(scaler.offset()[0] == doctest::Approx(25.5));
        CHECK(scaler.scale()[0] == doctest::Approx(29.25));
    }

    TEST_CASE("scaler: a quarter of outliers does not move the robust scaler far") {
        tocsin::matrix<double> samples(1, 9);
        samples << 1, 2, 3, 4, 5, 6, 7, 1e12, 1e12;
        const auto scaler = fitted_to<tocsin::robust_scaler<double>>(samples);
        CHECK(scaler.offset()[0] == 5);
        CHECK(scaler.scale()[0] == 4);
    }

    TEST_CASE_TEMPLATE("scaler: inverse undoes transform", Scaler, tocsin::standard_scaler<float>,
                       tocsin::standard_scaler<double, 3>, tocsin::robust_scaler<double>,
                       tocsin::min_max_scaler<float, 3>, tocsin::identity_scaler<double>,
                       tocsin::affine_scaler<float, 3, largest_magnitude>) {
        using Scalar = typename Scaler::scalar_type;
        const tocsin::matrix<Scalar> samples = 40 * tocsin::matrix<Scalar>::Random(3, 30);
        const auto scaler = fitted_to<Scaler>(samples);
        tocsin::matrix<Scalar> values = samples;
        scaler.transform(values);
        scaler.inverse(values);
        CHECK((values - samples).norm() < 1e-5 * samples.norm());
    }

    TEST_CASE_TEMPLATE("scaler: a window, a block and a single sample give the same bits", Scalar,
                       float, double) {
        const tocsin::matrix<Scalar> samples = tocsin::matrix<Scalar>::Random(5, 9);
        const auto scaler = fitted_to<tocsin::standard_scaler<Scalar>>(samples);
        const auto fixed = fitted_to<tocsin::standard_scaler<Scalar, 5>>(samples);
        tocsin::matrix<Scalar> whole = samples;
        tocsin::matrix<Scalar> pieces = samples;
        tocsin::matrix<Scalar> viewed = samples;
        scaler.transform(whole);
        scaler.transform(pieces.middleCols(0, 4));
        for (tocsin::index_t k = 4; k < 9; ++k) {
            scaler.transform(pieces.col(k));
        }
        scaler.transform(tocsin::matrix_view<Scalar, 5>(viewed.data(), 5, 9));
        CHECK(whole == pieces);
        CHECK(whole == viewed);
        viewed = samples;
        fixed.transform(viewed);
        CHECK(whole == viewed);
    }

    TEST_CASE("scaler: one static feature works through views of rows") {
        float data[4] = {1, 2, 3, 4};
        tocsin::standard_scaler<float, 1> scaler;
        REQUIRE(scaler.fit(tocsin::matrix_view<const float>(data, 1, 4)).ok());
        scaler.transform(tocsin::matrix_view<float, 1>(data, 1, 4));
        CHECK(data[0] == doctest::Approx(-1.5 / std::sqrt(1.25)));
        CHECK(data[3] == doctest::Approx(1.5 / std::sqrt(1.25)));
    }

    TEST_CASE_TEMPLATE("scaler: a constant feature or a single sample is only shifted", Scaler,
                       tocsin::standard_scaler<float>, tocsin::robust_scaler<float>,
                       tocsin::min_max_scaler<double>) {
        using Scalar = typename Scaler::scalar_type;
        const Scalar value = Scalar(0.1); // its sums round
        for (const int count : {1, 1000}) {
            tocsin::matrix<Scalar> samples = tocsin::matrix<Scalar>::Constant(1, count, value);
            const auto scaler = fitted_to<Scaler>(samples);
            CHECK(scaler.scale()[0] == 1);
            CHECK(scaler.offset()[0] == value);
            samples(0, 0) += 3;
            scaler.transform(samples);
            CHECK(samples(0, 0) == doctest::Approx(3));
        }
    }

    TEST_CASE("scaler: a spread too small for float counts as none") {
        tocsin::matrix<float> samples(1, 2);
        samples << 0, std::numeric_limits<float>::denorm_min();
        CHECK(fitted_to<tocsin::min_max_scaler<float>>(samples).scale()[0] == 1);
    }

    TEST_CASE("scaler: a spread too large for float is refused, naming the feature") {
        tocsin::matrix<float> samples(2, 2);
        samples << 0, 1, -3e38F, 3e38F;
        tocsin::min_max_scaler<float> scaler;
        const auto outcome = scaler.fit(samples);
        CHECK(outcome.code() == tocsin::error_code::invalid_argument);
        CHECK(std::string{outcome.message()}.find("feature 1") != std::string::npos);
    }

    TEST_CASE_TEMPLATE("scaler: NaN and infinite samples are skipped in fit, kept in transform",
                       Scalar, float, double) {
        tocsin::matrix<Scalar> samples(2, 4);
        samples << 1, quiet_nan<Scalar>, 3, 2, std::numeric_limits<Scalar>::infinity(), 5, 7, 6;
        const auto scaler = fitted_to<tocsin::min_max_scaler<Scalar>>(samples);
        CHECK(scaler.offset()[0] == 1);
        CHECK(scaler.scale()[0] == 2);
        CHECK(scaler.offset()[1] == 5);
        CHECK(scaler.scale()[1] == 2);
        scaler.transform(samples);
        CHECK(std::isnan(samples(0, 1)));
        CHECK(std::isinf(samples(1, 0)));
        CHECK(samples(1, 2) == 1);
    }

    TEST_CASE("scaler: a feature without a finite sample is refused, the old fit stays") {
        tocsin::standard_scaler<double> scaler;
        tocsin::matrix<double> samples(2, 2);
        samples << 1, 2, 3, 5;
        REQUIRE(scaler.fit(samples).ok());
        samples.row(1).setConstant(quiet_nan<double>);
        const auto outcome = scaler.fit(samples);
        CHECK(outcome.code() == tocsin::error_code::invalid_data);
        CHECK(std::string{outcome.message()}.find("feature 1") != std::string::npos);
        CHECK(scaler.fitted());
        CHECK(scaler.offset()[1] == 4);
    }

    TEST_CASE("scaler: no samples, no features and another number of features are refused") {
        tocsin::standard_scaler<double, 2> scaler;
        CHECK(scaler.features() == 2);
        CHECK_FALSE(scaler.fitted());
        CHECK_FALSE(scaler.fit(tocsin::matrix<double>(2, 0)).ok());
        CHECK_FALSE(scaler.fit(tocsin::matrix<double>(0, 0)).ok());
        CHECK_FALSE(scaler.fit(tocsin::matrix<double>::Ones(3, 5)).ok());
        CHECK_FALSE(scaler.fit(tocsin::windows<double>{}).ok());
        CHECK_FALSE(scaler.fitted());
        tocsin::identity_scaler<double, 2> identity;
        CHECK_FALSE(identity.fit(tocsin::matrix<double>::Ones(3, 5)).ok());
        CHECK(identity.fit(tocsin::matrix<double>::Ones(2, 5)).ok());
        CHECK(identity.fitted());
    }

    TEST_CASE("scaler: overlapping windows count each sample once, uncovered ones never") {
        tocsin::matrix<double> values(1, 8);
        values << 0, 1, 2, 3, 4, 1000, 1000, 1000;
        const tocsin::windows<double> training({values.data(), 1, 8}, {0, 1, 2, 2}, 3);
        tocsin::standard_scaler<double> scaler;
        REQUIRE(scaler.fit(training).ok());
        CHECK(scaler.offset()[0] == 2);
        CHECK(scaler.scale()[0] == doctest::Approx(std::sqrt(2.0)));
    }

    TEST_CASE("scaler: float samples far from zero are summed in double") {
        tocsin::matrix<float> samples(1, 200000);
        for (tocsin::index_t k = 0; k < samples.cols(); ++k) {
            samples(0, k) = k % 2 == 0 ? 10000 : 10002;
        }
        const auto scaler = fitted_to<tocsin::standard_scaler<float>>(samples);
        CHECK(scaler.offset()[0] == 10001);
        CHECK(scaler.scale()[0] == 1);
    }

    TEST_CASE("scaler: set() refuses what would divide by zero") {
        tocsin::standard_scaler<double, 2> scaler;
        using values = tocsin::column<double, 2>;
        CHECK_FALSE(scaler.set(values{1, 2}, values{1, 0}).ok());
        CHECK_FALSE(scaler.set(values{1, 2}, values{1, -1}).ok());
        CHECK_FALSE(scaler.set(values{1, quiet_nan<double>}, values{1, 1}).ok());
        REQUIRE(scaler.set(values{1, 2}, values{2, 4}).ok());
        tocsin::matrix<double> sample(2, 1);
        sample << 5, 6;
        scaler.transform(sample);
        CHECK(sample(0, 0) == 2);
        CHECK(sample(1, 0) == 1);
        tocsin::standard_scaler<double> dynamic_scaler;
        CHECK_FALSE(
            dynamic_scaler.set(tocsin::column<double>::Zero(2), tocsin::column<double>::Ones(3))
                .ok());
    }

    TEST_CASE_TEMPLATE("scaler: what transform() multiplies by is the rounded inverse", Scalar,
                       float, double) {
        tocsin::standard_scaler<Scalar> scaler;
        tocsin::column<Scalar> scale(9);
        for (tocsin::index_t k = 0; k < scale.size(); ++k) {
            scale[k] = Scalar(1.1) + Scalar(0.7) * static_cast<Scalar>(k);
        }
        REQUIRE(scaler.set(tocsin::column<Scalar>::Zero(9), scale).ok());
        tocsin::matrix<Scalar> sample = tocsin::matrix<Scalar>::Ones(9, 1);
        scaler.transform(sample);
        for (tocsin::index_t k = 0; k < scale.size(); ++k) {
            CHECK(sample(k, 0) == Scalar(1) / scale[k]);
        }
    }

    TEST_CASE("scaler: the kinds of the library") {
        CHECK(std::string{tocsin::standard_scaler<float>::kind} == "standard");
        CHECK(std::string{tocsin::robust_scaler<float>::kind} == "robust");
        CHECK(std::string{tocsin::min_max_scaler<float>::kind} == "min_max");
        CHECK(std::string{tocsin::identity_scaler<float>::kind} == "identity");
        CHECK(std::string{tocsin::affine_scaler<float, 1, largest_magnitude>::kind} ==
              "largest_magnitude");
    }
}
