#include "tocsin/core/random.hpp"
#include "tocsin/metrics/roc.hpp"
#include "tocsin/metrics/volume_under_surface.hpp"

#include <doctest/doctest.h>

#include "support/tsb_reference.hpp"
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <string_view>
#include <vector>

namespace {

using labels = std::vector<std::uint8_t>;

/// The definition row by row and threshold by threshold.
tocsin::volume_under_surface by_definition(const std::vector<double>& scores, const labels& truth,
                                           int largest_window, int thresholds) {
    const auto rows = static_cast<int>(scores.size());
    const auto anomalous = static_cast<double>(std::count(truth.begin(), truth.end(), 1));
    auto sorted = scores;
    std::sort(sorted.begin(), sorted.end(), std::greater<>());
    tocsin::volume_under_surface volume;
    for (int window = 0; window <= largest_window; ++window) {
        const int reach = window / 2;
        std::vector<double> soft(truth.begin(), truth.end());
        std::vector<tocsin::row_range> merged;
        for (const auto& event : tocsin::runs_of(truth)) {
            const tocsin::row_range extended{std::max<tocsin::index_t>(event.begin - reach, 0),
                                             std::min<tocsin::index_t>(event.end + reach, rows)};
            if (!merged.empty() && merged.back().overlaps(extended)) {
                merged.back().end = extended.end;
            } else {
                merged.push_back(extended);
            }
            for (int row = 0; row < rows; ++row) {
                const auto i = static_cast<std::size_t>(row);
                const auto distance =
                    static_cast<int>(row < event.begin ? event.begin - row : row - (event.end - 1));
                if (distance > 0 && distance <= reach) {
                    soft[i] = std::min(1.0, soft[i] + std::sqrt(1 - distance / double(window)));
                }
            }
        }
        double previous_recall = 0;
        double previous_false = 0;
        for (int k = 0; k < thresholds; ++k) {
            const double position = k * ((rows - 1) / static_cast<double>(thresholds - 1));
            const double threshold =
                sorted[k + 1 == thresholds ? sorted.size() - 1
                                           : static_cast<std::size_t>(position)];
            double flagged = 0;
            double hits = 0;
            double tolerated = 0;
            for (std::size_t i = 0; i < scores.size(); ++i) {
                if (scores[i] >= threshold) {
                    flagged += 1;
                    hits += soft[i];
                    tolerated += truth[i] != 0 ? 0 : soft[i];
                }
            }
            double found = 0;
            for (const auto& event : merged) {
                found += std::any_of(scores.begin() + event.begin, scores.begin() + event.end,
                                     [&](double score) { return score >= threshold; });
            }
            const double positives = anomalous + tolerated / 2;
            const double recall =
                std::min(1.0, hits / positives) * found / static_cast<double>(merged.size());
            const double false_rate = (flagged - hits) / (rows - positives);
            volume.roc += (false_rate - previous_false) * (recall + previous_recall) / 2;
            volume.pr += (recall - previous_recall) * hits / flagged;
            previous_recall = recall;
            previous_false = false_rate;
        }
        volume.roc += (1 - previous_false) * (1 + previous_recall) / 2;
    }
    volume.roc /= largest_window + 1;
    volume.pr /= largest_window + 1;
    return volume;
}

} // namespace

TEST_SUITE("metrics") {

    TEST_CASE("volume under surface: equals the definition read literally") {
        tocsin::random_generator random{3};
        for (int round = 0; round < 60; ++round) {
            CAPTURE(round);
            const auto rows = static_cast<std::size_t>(2 + 2 * round);
            labels truth(rows);
            std::vector<double> scores(rows);
            const double rate = round % 3 == 0 ? 0.02 : 0.3;
            for (std::size_t i = 0; i < rows; ++i) {
                truth[i] = random.uniform() < rate || (i > 0 && truth[i - 1] != 0 && i % 4 != 0);
                scores[i] = std::floor(10 * random.uniform()) + 3 * truth[i]; // with ties
            }
            truth[static_cast<std::size_t>(round) % rows] = 1;
            truth[static_cast<std::size_t>(round + 1) % rows] = 0;
            const int window = round % 2 == 0 ? round : 7;
            const int thresholds = 2 + 5 * (round % 9);
            const auto fast =
                tocsin::vus(scores, truth, {.window = window, .thresholds = thresholds});
            REQUIRE(fast.has_value());
            const auto slow = by_definition(scores, truth, window, thresholds);
            CHECK(fast->roc == doctest::Approx(slow.roc).epsilon(1e-12));
            CHECK(fast->pr == doctest::Approx(slow.pr).epsilon(1e-12));
        }
    }

    TEST_CASE("volume under surface: without tolerance and with a hit in each event, plain areas") {
        // The first threshold hits both events, so existence is always 1.
        const labels truth{0, 1, 1, 0, 0, 1, 0, 0};
        const std::vector<double> scores{1, 9, 4, 5, 2, 9, 6, 0};
        const auto volume = tocsin::vus(scores, truth, {.window = 0, .thresholds = 8});
        REQUIRE(volume.has_value());
        CHECK(volume->roc == doctest::Approx(*tocsin::auc_roc(scores, truth)).epsilon(1e-14));
        CHECK(volume->pr ==
              doctest::Approx(*tocsin::average_precision(scores, truth)).epsilon(1e-14));
    }

    TEST_CASE("volume under surface: a peak just outside the event counts once it is tolerated") {
        const labels truth{0, 0, 0, 0, 1, 0, 0, 0, 0, 0};
        const std::vector<double> scores{0, 0, 0, 9, 0, 0, 0, 0, 0, 0};
        const auto strict = tocsin::vus(scores, truth, {.window = 0, .thresholds = 10});
        const auto tolerant = tocsin::vus(scores, truth, {.window = 4, .thresholds = 10});
        CHECK(tolerant->pr > 2 * strict->pr);
        CHECK(tolerant->roc > strict->roc);
    }

    TEST_CASE("volume under surface: constant scores say nothing") {
        const labels truth{0, 0, 0, 1, 0, 0, 0, 0};
        const std::vector<double> scores(8, 2.0);
        const auto volume = tocsin::vus(scores, truth, {.window = 0});
        CHECK(volume->roc == doctest::Approx(0.5));
        CHECK(volume->pr == doctest::Approx(1.0 / 8));
    }

    TEST_CASE("volume under surface: a window longer than the series is no trouble") {
        const labels truth{1, 0};
        const std::vector<double> scores{2, 1};
        const auto volume = tocsin::vus(scores, truth, {.window = 50});
        REQUIRE(volume.has_value());
        const auto slow = by_definition(scores, truth, 50, 250);
        CHECK(volume->pr == doctest::Approx(slow.pr).epsilon(1e-12));
        CHECK(volume->roc == doctest::Approx(slow.roc).epsilon(1e-12));
    }

    TEST_CASE("volume under surface: one class, NaN, wrong sizes and settings are refused") {
        const std::vector<double> scores{1, 2, 3};
        const labels both{0, 1, 0};
        CHECK(std::string_view{tocsin::vus(scores, labels{0, 0, 0}).error().message()} ==
              "vus: both classes are needed, got 0 anomalous and 3 normal scores");
        CHECK(tocsin::vus(scores, labels{1, 1, 1}).error().code() ==
              tocsin::error_code::invalid_data);
        CHECK(tocsin::vus(std::vector<double>{1}, labels{1}).error().code() ==
              tocsin::error_code::invalid_data);
        CHECK(tocsin::vus({}, {}).error().code() == tocsin::error_code::invalid_data);
        CHECK(tocsin::vus(scores, labels{1}).error().code() ==
              tocsin::error_code::invalid_argument);
        CHECK(tocsin::vus(scores, both, {.window = -1}).error().code() ==
              tocsin::error_code::invalid_argument);
        CHECK(
            tocsin::vus(scores, both, {.window = std::numeric_limits<int>::max()}).error().code() ==
            tocsin::error_code::invalid_argument);
        CHECK(tocsin::vus(scores, both, {.thresholds = 1}).error().code() ==
              tocsin::error_code::invalid_argument);
        const double nan = std::numeric_limits<double>::quiet_NaN();
        CHECK(
            std::string_view{tocsin::vus(std::vector<double>{1, nan, 2}, both).error().message()} ==
            "vus: score 1 is NaN");
        const double infinity = std::numeric_limits<double>::infinity();
        CHECK(tocsin::vus(std::vector<double>{1, infinity, -infinity}, both)->roc ==
              doctest::Approx(1));
    }

    TEST_CASE("volume under surface: equals TSB-AD's VUS-PR and VUS-ROC") {
        tocsin_test::for_each_tsb_reference(
            "VUS-PR", [](const auto& scores, const auto& truth, double expected, int window) {
                const auto volume = tocsin::vus(scores, truth, {.window = window});
                REQUIRE(volume.has_value());
                CHECK(volume->pr == doctest::Approx(expected).scale(1).epsilon(1e-6));
            });
        tocsin_test::for_each_tsb_reference(
            "VUS-ROC", [](const auto& scores, const auto& truth, double expected, int window) {
                const auto volume = tocsin::vus(scores, truth, {.window = window});
                REQUIRE(volume.has_value());
                CHECK(volume->roc == doctest::Approx(expected).scale(1).epsilon(1e-6));
            });
    }
}
