#include "tocsin/series/augmentation.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

using tocsin::augmentation;
using tocsin::augmentation_settings;
using tocsin::fake_anomalies;
using tocsin::index_t;
using tocsin::random_generator;

namespace {

template <class Scalar>
tocsin::sequence_set<Scalar> some_sequences(int features, int length, index_t count) {
    tocsin::sequence_set<Scalar> set;
    set.length = length;
    set.values.resize(features, length * count);
    random_generator random{11};
    for (Scalar& value : set.values.reshaped()) {
        value = static_cast<Scalar>(random.uniform(1, 2));
    }
    return set;
}

augmentation_settings only(augmentation kind) {
    augmentation_settings settings;
    settings.kind = kind;
    return settings;
}

std::vector<double> sorted_magnitudes(const tocsin::matrix<double>& values) {
    std::vector<double> all;
    for (const double value : values.reshaped()) {
        all.push_back(std::abs(value));
    }
    std::sort(all.begin(), all.end());
    return all;
}

constexpr augmentation every_kind[] = {augmentation::jitter,         augmentation::scaling,
                                       augmentation::rotation,       augmentation::permutation,
                                       augmentation::magnitude_warp, augmentation::mixed};

} // namespace

TEST_SUITE("series") {
    TEST_CASE_TEMPLATE("augmentation: every kind changes every sequence, keeps shape, labels 1",
                       Scalar, float, double) {
        for (const int features : {1, 3}) {
            const auto normal = some_sequences<Scalar>(features, 12, 20);
            for (const auto kind : every_kind) {
                CAPTURE(static_cast<int>(kind));
                random_generator random{1};
                const auto fake = fake_anomalies(normal, only(kind), random);
                REQUIRE(fake.has_value());
                CHECK(fake->length == 12);
                CHECK(fake->labels == std::vector<std::uint8_t>(20, 1));
                CHECK(fake->values.allFinite());
                for (index_t k = 0; k < 20; ++k) {
                    CHECK(fake->sequence(k) != normal.sequence(k));
                }
                random_generator again{1};
                CHECK(fake_anomalies(normal, only(kind), again)->values == fake->values);
            }
        }
    }

    TEST_CASE("augmentation: rotation flips the sign of a single feature") {
        const auto normal = some_sequences<double>(1, 5, 4);
        random_generator random{2};
        CHECK(fake_anomalies(normal, only(augmentation::rotation), random)->values ==
              -normal.values);
    }

    TEST_CASE("augmentation: rotation and permutation only move values, but for signs") {
        const auto normal = some_sequences<double>(3, 10, 6);
        for (const auto kind : {augmentation::rotation, augmentation::permutation}) {
            random_generator random{3};
            const auto fake = fake_anomalies(normal, only(kind), random);
            for (index_t k = 0; k < 6; ++k) {
                CHECK(sorted_magnitudes(fake->sequence(k)) ==
                      sorted_magnitudes(normal.sequence(k)));
            }
        }
    }

    TEST_CASE("augmentation: permutation keeps each segment whole, for any length") {
        for (const int length : {2, 3, 4, 5, 11}) {
            tocsin::sequence_set<double> normal;
            normal.length = length;
            normal.values = Eigen::RowVectorXd::LinSpaced(length, 0, length - 1);
            random_generator random{4};
            const auto fake = fake_anomalies(normal, only(augmentation::permutation), random);
            REQUIRE(fake.has_value());
            int jumps = 0;
            for (index_t t = 1; t < length; ++t) {
                jumps += fake->values(0, t) == fake->values(0, t - 1) + 1 ? 0 : 1;
            }
            CHECK(jumps >= 1);
            CHECK(jumps <= 3); // four segments have three borders
            CHECK(sorted_magnitudes(fake->values) == sorted_magnitudes(normal.values));
        }
    }

    TEST_CASE("augmentation: scaling multiplies each feature by one factor far from 1") {
        const auto normal = some_sequences<double>(2, 6, 10);
        random_generator random{5};
        const auto fake = fake_anomalies(normal, only(augmentation::scaling), random);
        for (index_t s = 0; s < 10; ++s) {
            const auto ratio = (fake->sequence(s).array() / normal.sequence(s).array()).eval();
            for (index_t k = 0; k < 2; ++k) {
                const double factor = ratio(k, 0);
                CHECK((ratio.row(k) - factor).abs().maxCoeff() < 1e-12);
                CHECK(std::max(factor, 1 / factor) >= 1.4999);
                CHECK(std::max(factor, 1 / factor) <= 3.0001);
            }
        }
    }

    TEST_CASE("augmentation: jitter has the deviation asked for, relative to the feature's") {
        auto normal = some_sequences<double>(2, 100, 50);
        normal.values.row(1) *= 1000;
        auto settings = only(augmentation::jitter);
        settings.jitter_deviation = 0.5;
        random_generator random{6};
        const auto fake = fake_anomalies(normal, settings, random);
        const tocsin::matrix<double> noise = fake->values - normal.values;
        const double expected = 0.5 * std::sqrt(1.0 / 12); // half the deviation of U(1, 2)
        CHECK(std::sqrt(noise.row(0).squaredNorm() / 5000) ==
              doctest::Approx(expected).epsilon(0.05));
        CHECK(std::sqrt(noise.row(1).squaredNorm() / 5000) ==
              doctest::Approx(1000 * expected).epsilon(0.05));
    }

    TEST_CASE("augmentation: magnitude warp is smooth in time") {
        tocsin::sequence_set<double> normal;
        normal.length = 500;
        normal.values.setOnes(1, 500);
        random_generator random{7};
        const auto fake = fake_anomalies(normal, only(augmentation::magnitude_warp), random);
        const auto& curve = fake->values;
        CHECK(curve.maxCoeff() - curve.minCoeff() > 0.1);
        CHECK((curve.rightCols(499) - curve.leftCols(499)).cwiseAbs().maxCoeff() < 0.1);
    }

    TEST_CASE("augmentation: NaN stays NaN, a constant feature gets jitter too") {
        tocsin::sequence_set<float> normal;
        normal.length = 3;
        normal.values.setConstant(1, 3, 5.0F);
        normal.values(0, 1) = std::numeric_limits<float>::quiet_NaN();
        random_generator random{8};
        const auto fake = fake_anomalies(normal, only(augmentation::jitter), random);
        CHECK(std::isnan(fake->values(0, 1)));
        CHECK(fake->values(0, 0) != 5);
        CHECK(std::isfinite(fake->values(0, 0)));
    }

    TEST_CASE("augmentation: an empty set and sequences of one step are handled") {
        random_generator random{9};
        CHECK(fake_anomalies(tocsin::sequence_set<double>{}, {}, random)->count() == 0);
        const auto single = some_sequences<double>(2, 1, 30);
        CHECK(fake_anomalies(single, only(augmentation::mixed), random).has_value());
        CHECK(fake_anomalies(single, only(augmentation::magnitude_warp), random).has_value());
        CHECK_FALSE(fake_anomalies(single, only(augmentation::permutation), random).has_value());
    }

    TEST_CASE("augmentation: settings out of range are refused") {
        const auto normal = some_sequences<double>(1, 4, 1);
        const auto refused = [&](auto change) {
            augmentation_settings settings;
            change(settings);
            random_generator random{1};
            return !fake_anomalies(normal, settings, random).has_value();
        };
        CHECK_FALSE(refused([](auto&) {}));
        CHECK(refused([](auto& s) { s.jitter_deviation = 0; }));
        CHECK(refused([](auto& s) { s.scaling_low = 1; }));
        CHECK(refused([](auto& s) { s.scaling_high = 1.2; }));
        CHECK(refused([](auto& s) { s.segments = 1; }));
        CHECK(refused([](auto& s) { s.warp_knots = 1; }));
        CHECK(refused([](auto& s) { s.warp_deviation = std::nan(""); }));
    }
}
