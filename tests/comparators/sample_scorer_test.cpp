#include "tocsin/comparators/sample_scorer.hpp"

#include <doctest/doctest.h>

#include <span>
#include <string>
#include <vector>

namespace {

/// The smallest scorer: the sum of the samples since reset().
struct running_sum {
    double sum = 0;
    double push(std::span<const double> sample) noexcept { return sum += sample[0]; }
    void reset() noexcept { sum = 0; }
    int features() const noexcept { return 1; }
};
struct without_reset {
    double push(std::span<const double> sample) noexcept { return sample[0]; }
    int features() const noexcept { return 1; }
};

static_assert(tocsin::sample_scorer<running_sum>);
static_assert(!tocsin::sample_scorer<without_reset>);

} // namespace

TEST_SUITE("comparators") {
    TEST_CASE("sample_scorer: an own scorer without a fit scores a recording from a fresh start") {
        running_sum scorer{100};
        tocsin::matrix<double> values(1, 4);
        values << 1, 2, 3, 4;
        std::vector<double> scores(4);
        REQUIRE(tocsin::score_samples(scorer, values, scores).ok());
        CHECK(scores == std::vector<double>{1, 3, 6, 10});
        REQUIRE(tocsin::score_samples(scorer, values.leftCols(2), std::span(scores).first(2)).ok());
        CHECK(scores[0] == 1);
    }

    TEST_CASE("sample_scorer: another number of features or scores is refused") {
        running_sum scorer;
        std::vector<double> scores(3);
        const tocsin::matrix<double> two_sensors = tocsin::matrix<double>::Zero(2, 3);
        CHECK(std::string(tocsin::score_samples(scorer, two_sensors, scores).message()) ==
              "score_samples: values 2 x 3 do not fit 1 features and room for 3 scores");
        CHECK_FALSE(
            tocsin::score_samples(scorer, two_sensors.topRows(1), std::span(scores).first(2)).ok());
    }
}
