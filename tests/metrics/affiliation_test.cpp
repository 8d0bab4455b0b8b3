#include "tocsin/core/random.hpp"
#include "tocsin/metrics/affiliation.hpp"
#include "tocsin/metrics/threshold_grid.hpp"

#include <doctest/doctest.h>

#include "support/tsb_reference.hpp"
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

using flags = std::vector<std::uint8_t>;

namespace {

constexpr int steps = 24; // instants per row

/// Distance from each instant to the nearest chosen one; `instants` marks the chosen.
std::vector<double> distances(const std::vector<bool>& chosen) {
    const double far = 1e9;
    std::vector<double> distance(chosen.size(), far);
    for (std::size_t i = 0; i < chosen.size(); ++i) {
        for (std::size_t j = 0; j < chosen.size(); ++j) {
            if (chosen[j]) {
                const double between =
                    std::abs(static_cast<double>(i) - static_cast<double>(j)) / steps;
                distance[i] = std::min(distance[i], between);
            }
        }
    }
    return distance;
}

/// The definition of Huet et al. with sums over instants instead of integrals.
tocsin::precision_recall by_definition(const flags& flagged, const flags& labels) {
    const auto events = tocsin::runs_of(labels);
    tocsin::precision_recall sums;
    double zones = 0;
    for (std::size_t e = 0; e < events.size(); ++e) {
        const auto border = [&](std::size_t next) {
            return static_cast<std::size_t>((events[next - 1].end + events[next].begin) * steps /
                                            2);
        };
        const std::size_t from = e == 0 ? 0 : border(e);
        const std::size_t to = e + 1 == events.size() ? labels.size() * steps : border(e + 1);
        std::vector<bool> event(to - from);
        std::vector<bool> predicted(to - from);
        for (std::size_t i = from; i < to; ++i) {
            event[i - from] = labels[i / steps] != 0 &&
                              static_cast<tocsin::index_t>(i / steps) >= events[e].begin &&
                              static_cast<tocsin::index_t>(i / steps) < events[e].end;
            predicted[i - from] = flagged[i / steps] != 0;
        }
        if (std::find(predicted.begin(), predicted.end(), true) == predicted.end()) {
            continue;
        }
        const auto to_event = distances(event);
        const auto to_predicted = distances(predicted);
        double precision = 0;
        double recall = 0;
        double predicted_size = 0;
        double event_size = 0;
        for (std::size_t i = 0; i < event.size(); ++i) {
            double farther_from_event = 0;
            double farther_from_here = 0;
            for (std::size_t j = 0; j < event.size(); ++j) {
                farther_from_event += to_event[j] > to_event[i];
                farther_from_here +=
                    std::abs(static_cast<double>(i) - static_cast<double>(j)) / steps >
                    to_predicted[i];
            }
            const auto size = static_cast<double>(event.size());
            if (predicted[i]) {
                precision += event[i] ? 1 : farther_from_event / size;
                predicted_size += 1;
            }
            if (event[i]) {
                recall += predicted[i] ? 1 : farther_from_here / size;
                event_size += 1;
            }
        }
        zones += 1;
        sums.precision += precision / predicted_size;
        sums.recall += recall / event_size;
    }
    sums.precision /= std::max(zones, 1.0);
    sums.recall /= static_cast<double>(events.size());
    return sums;
}

} // namespace

TEST_SUITE("metrics") {

    TEST_CASE("affiliation: one event and one prediction next to it, by hand") {
        const flags labels{0, 0, 0, 0, 1, 1, 0, 0, 0, 0};
        const flags flagged{0, 0, 0, 0, 0, 0, 0, 1, 0, 0};
        const auto score = tocsin::affiliation_score(flagged, labels);
        REQUIRE(score.has_value());
        // 1.5 rows away on average: the event and 1.5 rows on both sides are nearer, 5 of 10.
        CHECK(score->precision == doctest::Approx(0.5).epsilon(1e-14));
        // 2 rows from the event on average, and as much on the other side, 4 of 10.
        CHECK(score->recall == doctest::Approx(0.6).epsilon(1e-14));
    }

    TEST_CASE("affiliation: the zone ends, by hand") {
        const flags labels{1, 0, 0, 0, 0};
        const flags flagged{0, 0, 0, 0, 1};
        const auto score = tocsin::affiliation_score(flagged, labels);
        CHECK(score->precision == doctest::Approx(1 - (1 + 3.5) / 5).epsilon(1e-14));
        // y in [0, 1] is 4 - y before the flag and has y on its other side: 1 - (4 - y + y) / 5.
        CHECK(score->recall == doctest::Approx(0.2).epsilon(1e-14));
    }

    TEST_CASE("affiliation: precision is the mean over zones with a prediction, recall over all") {
        const flags labels{0, 1, 0, 0, 0, 0, 1, 0};
        const flags flagged{0, 1, 0, 0, 0, 0, 0, 0};
        const auto score = tocsin::affiliation_score(flagged, labels);
        CHECK(score->precision == 1);
        CHECK(score->recall == 0.5);
    }

    TEST_CASE("affiliation: equals the definition summed over instants") {
        tocsin::random_generator random{11};
        for (int round = 0; round < 40; ++round) {
            CAPTURE(round);
            flags labels(16);
            flags flagged(16);
            const double rate = round % 2 == 0 ? 0.2 : 0.5;
            for (std::size_t i = 0; i < labels.size(); ++i) {
                labels[i] = random.uniform() < rate;
                flagged[i] = random.uniform() < rate;
            }
            labels[static_cast<std::size_t>(round) % labels.size()] = 1;
            const auto score = tocsin::affiliation_score(flagged, labels);
            REQUIRE(score.has_value());
            const auto expected = by_definition(flagged, labels);
            CHECK(score->precision == doctest::Approx(expected.precision).scale(1).epsilon(0.03));
            CHECK(score->recall == doctest::Approx(expected.recall).scale(1).epsilon(0.03));
        }
    }

    TEST_CASE("affiliation: all, nothing, one row") {
        CHECK(tocsin::affiliation_score(flags{1, 1}, flags{1, 1})->f_beta(1) == 1);
        CHECK(tocsin::affiliation_score(flags{1}, flags{1})->f_beta(1) == 1);
        const auto none = tocsin::affiliation_score(flags{0, 0}, flags{0, 1});
        REQUIRE(none.has_value());
        CHECK(none->precision == 0);
        CHECK(none->recall == 0);
        // All of n rows flagged, with one event in the middle: recall 1, precision above 1/2.
        const auto all = tocsin::affiliation_score(flags{1, 1, 1}, flags{0, 1, 0});
        CHECK(all->recall == 1);
        CHECK(all->precision == doctest::Approx((1 + 2 * (1.0 / 3)) / 3));
    }

    TEST_CASE("affiliation: no event or a wrong number of flags is refused") {
        CHECK(tocsin::affiliation_score(flags{0, 1}, flags{0, 0}).error().code() ==
              tocsin::error_code::invalid_data);
        CHECK(tocsin::affiliation_score({}, {}).error().code() == tocsin::error_code::invalid_data);
        CHECK(tocsin::affiliation_score(flags{0}, flags{0, 1}).error().code() ==
              tocsin::error_code::invalid_argument);
    }

    TEST_CASE("affiliation: best F1 on the grid equals TSB-AD's Affiliation-F") {
        tocsin_test::for_each_tsb_reference(
            "Affiliation-F", [](const auto& scores, const auto& labels, double expected, int) {
                const auto best = tocsin::best_on_grid(
                    scores, [&](std::span<const std::uint8_t> flagged) -> tocsin::result<double> {
                        return tocsin::affiliation_score(flagged, labels)->f_beta(1);
                    });
                REQUIRE(best.has_value());
                CHECK(best->value == doctest::Approx(expected).scale(1).epsilon(1e-6));
            });
    }
}
