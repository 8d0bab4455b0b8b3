#include "tocsin/series/generator.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

using tocsin::anomaly_settings;
using tocsin::index_t;
using tocsin::random_generator;
using tocsin::sinusoid_anomaly;
using tocsin::sinusoid_generator;
using tocsin::sinusoid_settings;

namespace {

template <class Scalar>
sinusoid_generator<Scalar> make(const sinusoid_settings& settings, random_generator& random) {
    auto generator = sinusoid_generator<Scalar>::make(settings, random);
    REQUIRE_MESSAGE(generator.has_value(), generator.error().message());
    return *generator;
}

/// The signal without noise.
double signal(const sinusoid_generator<double>& generator, index_t feature, index_t step,
              double phase = 0) {
    const auto k = static_cast<std::size_t>(feature);
    return std::sin(static_cast<double>(step) * generator.frequencies()[k] + phase) *
           generator.amplitudes()[k];
}

} // namespace

TEST_SUITE("series") {
    TEST_CASE("generator: normal sequences are sinusoids with noise from 0 to 1") {
        random_generator random{1};
        const auto generator = make<double>({}, random);
        const auto set = generator.normal(200, random);
        REQUIRE(set.has_value());
        CHECK(set->features() == 5);
        CHECK(set->length == 30);
        CHECK(set->count() == 200);
        CHECK(set->labels.empty());
        double sum = 0;
        for (index_t s = 0; s < set->count(); ++s) {
            for (index_t t = 0; t < 30; ++t) {
                for (index_t k = 0; k < 5; ++k) {
                    const double noise = set->sequence(s)(k, t) - signal(generator, k, t);
                    REQUIRE(noise > -1e-12);
                    REQUIRE(noise < 1);
                    sum += noise;
                }
            }
        }
        CHECK(sum / 30000 == doctest::Approx(0.5).epsilon(0.02));
        for (const double frequency : generator.frequencies()) {
            CHECK(frequency >= 1);
            CHECK(frequency < 2);
        }
    }

    TEST_CASE_TEMPLATE("generator: one seed gives the same bits", Scalar, float, double) {
        sinusoid_settings settings;
        settings.random_phase = true;
        settings.frequency_factor = {0.85, 1.15};
        random_generator first{5};
        random_generator second{5};
        const auto a = make<Scalar>(settings, first).mixed(4, 3, {}, first);
        const auto b = make<Scalar>(settings, second).mixed(4, 3, {}, second);
        CHECK(a->values == b->values);
        CHECK(a->labels == b->labels);
    }

    TEST_CASE("generator: a random phase is common to all features of a sequence") {
        random_generator random{2};
        sinusoid_settings settings;
        settings.noise = 0;
        settings.random_phase = true;
        const auto generator = make<double>(settings, random);
        const auto set = generator.normal(3, random);
        for (index_t s = 0; s < 3; ++s) {
            const auto values = set->sequence(s);
            // The first value allows two arcs; one must explain every feature.
            const double arc = std::asin(values(0, 0) / generator.amplitudes()[0]);
            double smallest = 1e9;
            for (const double phase : {arc, std::acos(-1.0) - arc}) {
                double largest = 0;
                for (index_t k = 0; k < 5; ++k) {
                    for (index_t t = 0; t < 30; ++t) {
                        largest = std::max(largest,
                                           std::abs(values(k, t) - signal(generator, k, t, phase)));
                    }
                }
                smallest = std::min(smallest, largest);
            }
            CHECK(smallest < 1e-9);
        }
        CHECK(set->sequence(0) != set->sequence(1));
    }

    TEST_CASE("generator: each anomaly changes what it says and nothing else") {
        for (const auto kind :
             {sinusoid_anomaly::amplitude, sinusoid_anomaly::mild, sinusoid_anomaly::frozen,
              sinusoid_anomaly::frequency, sinusoid_anomaly::phase}) {
            CAPTURE(static_cast<int>(kind));
            random_generator random{3};
            sinusoid_settings settings;
            settings.noise = 0;
            const auto generator = make<double>(settings, random);
            anomaly_settings anomaly;
            anomaly.kind = kind;
            anomaly.anomalous_steps = 8;
            const auto set = generator.anomalous(20, anomaly, random);
            REQUIRE(set.has_value());
            CHECK(std::all_of(set->labels.begin(), set->labels.end(),
                              [](int label) { return label == 1; }));
            for (index_t s = 0; s < 20; ++s) {
                const auto values = set->sequence(s);
                int changed_features = 0;
                for (index_t k = 0; k < 5; ++k) {
                    bool changed_early = false;
                    bool changed_late = false;
                    for (index_t t = 0; t < 30; ++t) {
                        const double normal = signal(generator, k, t);
                        const bool changed = std::abs(values(k, t) - normal) > 1e-9;
                        (t < 22 ? changed_early : changed_late) |= changed;
                        if (kind == sinusoid_anomaly::amplitude && t >= 22) {
                            CHECK(std::abs(values(k, t)) >= 7.999 * std::abs(normal));
                            CHECK(std::abs(values(k, t)) <= 20.001 * std::abs(normal));
                        }
                        if (kind == sinusoid_anomaly::mild && t >= 22 && changed) {
                            CHECK(values(k, t) / normal >= 1.2);
                            CHECK(values(k, t) / normal <= 1.8);
                        }
                        if (kind == sinusoid_anomaly::frozen && t >= 22 && changed) {
                            CHECK(values(k, t) == values(k, 21));
                        }
                    }
                    CHECK(changed_early == (kind == sinusoid_anomaly::phase && changed_late));
                    changed_features += changed_late ? 1 : 0;
                }
                CHECK(changed_features == (kind == sinusoid_anomaly::amplitude ? 5 : 1));
            }
        }
    }

    TEST_CASE("generator: a frozen value keeps its noise, also when frozen from the start") {
        random_generator random{4};
        sinusoid_settings settings;
        settings.features = 1;
        const auto generator = make<float>(settings, random);
        anomaly_settings anomaly;
        anomaly.kind = sinusoid_anomaly::frozen;
        anomaly.anomalous_steps = settings.length;
        const auto set = generator.anomalous(1, anomaly, random);
        CHECK(set->values.maxCoeff() == set->values.minCoeff());
    }

    TEST_CASE("generator: a mixed set holds both kinds in random order") {
        random_generator random{6};
        const auto generator = make<float>({}, random);
        const auto set = generator.mixed(30, 20, {}, random);
        REQUIRE(set.has_value());
        CHECK(std::count(set->labels.begin(), set->labels.end(), 1) == 20);
        CHECK_FALSE(std::is_sorted(set->labels.begin(), set->labels.end()));
        CHECK_FALSE(std::is_sorted(set->labels.rbegin(), set->labels.rend()));
        for (index_t s = 0; s < 50; ++s) {
            const bool large = set->sequence(s).cwiseAbs().maxCoeff() > 5;
            CHECK(large == (set->labels[static_cast<std::size_t>(s)] == 1));
        }
    }

    TEST_CASE("generator: nothing asked for gives an empty set") {
        random_generator random{6};
        const auto generator = make<float>({}, random);
        CHECK(generator.normal(0, random)->count() == 0);
        CHECK_FALSE(generator.normal(-1, random).has_value());
    }

    TEST_CASE("generator: settings out of range are refused, naming the value") {
        random_generator random{7};
        const auto refused = [&](auto change) {
            sinusoid_settings settings;
            change(settings);
            const auto made = sinusoid_generator<double>::make(settings, random);
            return made ? std::string{} : std::string{made.error().message()};
        };
        CHECK(refused([](auto&) {}).empty());
        CHECK(refused([](auto& s) { s.features = 0; }).find("0 features") != std::string::npos);
        CHECK_FALSE(refused([](auto& s) { s.length = -3; }).empty());
        CHECK_FALSE(refused([](auto& s) { s.noise = -0.5; }).empty());
        CHECK_FALSE(refused([](auto& s) { s.noise = std::nan(""); }).empty());
        CHECK(refused([](auto& s) { s.frequency = {2, 1}; }).find("frequency") !=
              std::string::npos);
        CHECK_FALSE(refused([](auto& s) {
                        s.amplitude.high = std::numeric_limits<double>::infinity();
                    }).empty());

        const auto generator = make<double>({}, random);
        const auto refused_anomaly = [&](auto change) {
            anomaly_settings anomaly;
            change(anomaly);
            return !generator.anomalous(1, anomaly, random).has_value();
        };
        CHECK_FALSE(refused_anomaly([](auto&) {}));
        CHECK(refused_anomaly([](auto& a) { a.anomalous_steps = 31; }));
        CHECK(refused_anomaly([](auto& a) { a.anomalous_steps = 0; }));
        CHECK(refused_anomaly([](auto& a) { a.frequency_factor = 0; }));
        CHECK(refused_anomaly([](auto& a) { a.mild_factor = {2, 1}; }));

        sinusoid_settings short_settings;
        short_settings.length = 1;
        const auto shortest = make<double>(short_settings, random);
        CHECK(shortest.normal(2, random)->values.cols() == 2);
    }
}
