#include "tocsin/core/random.hpp"
#include "tocsin/errors/moments.hpp"

#include <doctest/doctest.h>

#include "support/memory_archive.hpp"
#include <cmath>
#include <limits>
#include <string_view>

namespace {

const double not_a_number = std::numeric_limits<double>::quiet_NaN();

// numpy: X = [[1, 2, 4, 8, 3], [0.5, -1, 2, 0, 7], [3, 3.5, 1, -2, 0.25]]; X.mean(1); np.cov(X).
template <class Scalar>
tocsin::matrix<Scalar> five_samples() {
    tocsin::matrix<Scalar> samples(3, 5);
    samples << Scalar(1), 2, 4, 8, 3, Scalar(0.5), -1, 2, 0, 7, 3, Scalar(3.5), 1, -2, Scalar(0.25);
    return samples;
}
Eigen::Matrix3d five_samples_covariance() {
    Eigen::Matrix3d covariance;
    covariance << 7.3, -0.775, -5.4875, -0.775, 9.95, -2.00625, -5.4875, -2.00625, 4.925;
    return covariance;
}

tocsin::matrix<double> random_samples(int dimension, int count, std::uint64_t seed) {
    tocsin::random_generator random(seed);
    tocsin::matrix<double> samples(dimension, count);
    for (tocsin::index_t c = 0; c < count; ++c) {
        for (tocsin::index_t r = 0; r < dimension; ++r) {
            samples(r, c) = static_cast<double>(r + 1) * random.normal() + 10.0;
        }
    }
    return samples;
}

/// Plain two-pass covariance.
tocsin::matrix<double> direct_covariance(const tocsin::matrix<double>& samples) {
    const tocsin::matrix<double> centred = samples.colwise() - samples.rowwise().mean();
    return centred * centred.transpose() / static_cast<double>(samples.cols() - 1);
}

} // namespace

TEST_SUITE("errors") {

    TEST_CASE_TEMPLATE("moments: single samples and a batch both equal numpy", Scalar, float,
                       double) {
        const auto samples = five_samples<Scalar>();
        tocsin::moments<> one_by_one(3);
        for (tocsin::index_t c = 0; c < samples.cols(); ++c) {
            CHECK(one_by_one.add(samples.col(c)));
        }
        tocsin::moments<3> batch;
        batch.add_batch(samples);
        CHECK(one_by_one.count() == 5);
        CHECK(batch.count() == 5);
        CHECK(one_by_one.mean().isApprox(Eigen::Vector3d(3.6, 1.7, 1.15), 1e-14));
        CHECK(batch.mean().isApprox(Eigen::Vector3d(3.6, 1.7, 1.15), 1e-14));
        CHECK(one_by_one.covariance().isApprox(five_samples_covariance(), 1e-14));
        CHECK(batch.covariance().isApprox(five_samples_covariance(), 1e-14));
    }

    TEST_CASE("moments: a batch longer than a block equals the two-pass covariance") {
        for (const int count : {127, 128, 129, 1000}) {
            const auto samples = random_samples(4, count, 3);
            tocsin::moments<> batch(4);
            batch.add_batch(samples);
            CHECK(batch.count() == count);
            CHECK(batch.mean().isApprox(samples.rowwise().mean(), 1e-13));
            CHECK(batch.covariance().isApprox(direct_covariance(samples), 1e-12));
            CHECK(batch.covariance() == batch.covariance().transpose());
        }
    }

    TEST_CASE("moments: the columns of a transposed view are taken in") {
        const auto samples = five_samples<double>();
        const tocsin::matrix<double> rows = samples.transpose();
        tocsin::moments<> batch(3);
        batch.add_batch(rows.transpose());
        CHECK(batch.covariance().isApprox(five_samples_covariance(), 1e-14));
    }

    TEST_CASE("moments: merging two accumulators equals one pass") {
        const auto samples = random_samples(3, 300, 8);
        for (const int split : {0, 1, 37, 299, 300}) {
            tocsin::moments<> left(3);
            tocsin::moments<> right(3);
            left.add_batch(samples.leftCols(split));
            right.add_batch(samples.rightCols(300 - split));
            REQUIRE(left.merge(right).ok());
            CHECK(left.count() == 300);
            CHECK(left.mean().isApprox(samples.rowwise().mean(), 1e-13));
            CHECK(left.covariance().isApprox(direct_covariance(samples), 1e-12));
        }
    }

    TEST_CASE("moments: merging with itself counts every sample twice") {
        tocsin::moments<3> batch;
        batch.add_batch(five_samples<double>());
        REQUIRE(batch.merge(batch).ok());
        CHECK(batch.count() == 10);
        CHECK(batch.covariance().isApprox(five_samples_covariance() * 8.0 / 9.0, 1e-14));
    }

    TEST_CASE("moments: accumulators of other dimensions are not merged") {
        tocsin::moments<> left(3);
        const tocsin::moments<> right(2);
        const tocsin::status outcome = left.merge(right);
        CHECK(outcome.code() == tocsin::error_code::invalid_argument);
        CHECK(std::string_view{outcome.message()} ==
              "moments: dimension 3 cannot be merged with dimension 2");
    }

    TEST_CASE("moments: a large offset does not spoil the covariance") {
        const auto samples = random_samples(2, 500, 21);
        const tocsin::matrix<double> shifted = samples.array() + 1e9;
        tocsin::moments<> batch(2);
        batch.add_batch(shifted);
        CHECK(batch.covariance().isApprox(direct_covariance(samples), 1e-6));
    }

    TEST_CASE("moments: a constant feature has a variance of exactly zero") {
        tocsin::matrix<double> samples = random_samples(2, 1000, 5);
        samples.row(1).setConstant(0.1);
        tocsin::moments<> batch(2);
        tocsin::moments<> single(2);
        for (tocsin::index_t c = 0; c < samples.cols(); ++c) {
            single.add(samples.col(c));
        }
        batch.add_batch(samples);
        REQUIRE(batch.merge(single).ok());
        CHECK(batch.mean()(1) == 0.1);
        CHECK(batch.covariance()(1, 1) == 0);
        CHECK(batch.covariance()(0, 1) == 0);
        CHECK(batch.covariance()(0, 0) > 0.5);
    }

    TEST_CASE_TEMPLATE("moments: samples that are not finite are rejected whole", Scalar, float,
                       double) {
        const auto samples = five_samples<Scalar>();
        tocsin::matrix<Scalar> dirty(3, 8);
        dirty.setOnes();
        dirty(0, 0) = std::numeric_limits<Scalar>::quiet_NaN();
        dirty.col(1) = samples.col(0);
        dirty.col(2) = samples.col(1);
        dirty(2, 3) = std::numeric_limits<Scalar>::infinity();
        dirty.col(4) = samples.col(2);
        dirty.col(5) = samples.col(3);
        dirty(1, 6) = -std::numeric_limits<Scalar>::infinity();
        dirty.col(7) = samples.col(4);
        tocsin::moments<> batch(3);
        batch.add_batch(dirty);
        tocsin::moments<> single(3);
        for (tocsin::index_t c = 0; c < dirty.cols(); ++c) {
            CHECK(single.add(dirty.col(c)) == dirty.col(c).allFinite());
        }
        for (const auto* accumulator : {&batch, &single}) {
            CHECK(accumulator->count() == 5);
            CHECK(accumulator->rejected() == 3);
            CHECK(accumulator->covariance().isApprox(five_samples_covariance(), 1e-14));
        }
    }

    TEST_CASE("moments: a batch of NaN only leaves nothing but its count") {
        tocsin::moments<> batch(2);
        batch.add_batch(tocsin::matrix<double>::Constant(2, 300, not_a_number));
        CHECK(batch.count() == 0);
        CHECK(batch.rejected() == 300);
        CHECK(batch.mean().isZero(0));
    }

    TEST_CASE("moments: without two samples the covariance is NaN") {
        tocsin::moments<> batch(2);
        batch.add_batch(tocsin::matrix<double>(2, 0));
        CHECK(batch.count() == 0);
        CHECK(batch.covariance().array().isNaN().all());
        batch.add(Eigen::Vector2d(1, 2));
        CHECK(batch.mean() == Eigen::Vector2d(1, 2));
        CHECK(batch.covariance().array().isNaN().all());
        batch.add(Eigen::Vector2d(1, 2));
        CHECK(batch.covariance().isZero(0));
    }

    TEST_CASE("moments: one feature has a mean and a variance") {
        tocsin::matrix<float> values(1, 4);
        values << 1, 2, 3, 6;
        tocsin::moments<1> fixed;
        fixed.add_batch(values);
        CHECK(fixed.mean()(0) == doctest::Approx(3));
        CHECK(fixed.covariance()(0, 0) == doctest::Approx(14.0 / 3));
        tocsin::moments<> sized(1);
        sized.add_batch(values);
        CHECK(sized.mean()(0) == doctest::Approx(3));
        CHECK(sized.covariance()(0, 0) == doctest::Approx(14.0 / 3));
    }

    TEST_CASE("moments: reset forgets everything") {
        tocsin::moments<> batch(3);
        batch.add_batch(random_samples(3, 10, 1));
        batch.add(Eigen::Vector3d(1, not_a_number, 1));
        batch.reset();
        CHECK(batch.count() == 0);
        CHECK(batch.rejected() == 0);
        batch.add_batch(five_samples<double>());
        CHECK(batch.covariance().isApprox(five_samples_covariance(), 1e-14));
    }

    TEST_CASE("moments: after loading the same samples give the same bits") {
        const auto samples = random_samples(3, 50, 2);
        tocsin::moments<> original(3);
        original.add_batch(samples.leftCols(20));
        original.add(Eigen::Vector3d(1, not_a_number, 1));
        tocsin::moments<> loaded(3);
        REQUIRE(tocsin_test::load(loaded, tocsin_test::save(original)).ok());
        original.add_batch(samples.rightCols(30));
        loaded.add_batch(samples.rightCols(30));
        CHECK(loaded.count() == 50);
        CHECK(loaded.rejected() == 1);
        CHECK(loaded.mean() == original.mean());
        CHECK(loaded.covariance() == original.covariance());
    }

    TEST_CASE("moments: what cannot come from samples is not loaded") {
        tocsin::moments<> original(2);
        original.add_batch(random_samples(2, 20, 2));
        const auto content = tocsin_test::save(original);
        tocsin::moments<> loaded(2);
        auto broken = content;
        broken["count"] = {-1};
        CHECK(tocsin_test::load(loaded, broken).code() == tocsin::error_code::format_error);
        broken = content;
        broken["mean"][1] = not_a_number;
        CHECK(tocsin_test::load(loaded, broken).code() == tocsin::error_code::format_error);
        broken = content;
        broken["scatter"][0] = -1;
        CHECK(tocsin_test::load(loaded, broken).code() == tocsin::error_code::format_error);
        tocsin::moments<> wider(3);
        CHECK(tocsin_test::load(wider, content).code() == tocsin::error_code::format_error);
        CHECK(tocsin_test::load(loaded, content).ok());
    }
}
