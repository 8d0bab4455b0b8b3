#include "tocsin/core/random.hpp"
#include "tocsin/search/propose.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <vector>

using tocsin::column;
using tocsin::index_t;
using tocsin::matrix;
using tocsin::search_settings;
using tocsin::search_space;
using tocsin::search_trial;

namespace {

search_space mixed_space() {
    search_space space;
    space.add_real("x", 0, 1)
        .add_real("y", 0, 1)
        .add_integer("n", 1, 20)
        .add_choice("kind", {"a", "b"});
    return space;
}

std::vector<search_trial> some_trials(const search_space& space, int count) {
    tocsin::random_generator random(3);
    std::vector<search_trial> trials;
    for (int k = 0; k < count; ++k) {
        std::vector<double> unit(space.size());
        std::generate(unit.begin(), unit.end(), [&] { return random.uniform(); });
        search_trial trial;
        trial.number = k;
        trial.values = space.from_unit(unit);
        trial.outcome = tocsin::trial_outcome::finished;
        trial.value = std::sin(5 * trial.values[0]) + trial.values[1] * trial.values[1] +
                      std::abs(trial.values[2] - 7) / 10 + trial.values[3];
        trials.push_back(trial);
    }
    return trials;
}

} // namespace

TEST_SUITE_BEGIN("search");

TEST_CASE("propose: no random point has a larger expected improvement") {
    const search_space space = mixed_space();
    const auto trials = some_trials(space, 15);
    const column<double> observed = tocsin::detail::standardised_values(trials);
    matrix<double> points(space.coordinates(), observed.size());
    for (std::size_t k = 0; k < trials.size(); ++k) {
        space.encode(trials[k].values, points.col(static_cast<index_t>(k)));
    }
    const auto process = tocsin::fit_kernel(points, observed, space.owners());
    REQUIRE_MESSAGE(process.has_value(), process.error().message());
    const tocsin::detail::improvement_search judge(space, *process, observed.minCoeff());
    const auto proposed = tocsin::propose(space, {}, 15, trials, {});
    const double reached = judge.judged(proposed).improvement;
    tocsin::random_generator random(9);
    std::vector<double> unit(space.size());
    for (int k = 0; k < 20'000; ++k) {
        std::generate(unit.begin(), unit.end(), [&] { return random.uniform(); });
        CHECK(judge.judged(space.from_unit(unit)).improvement <= reached + 1e-6);
    }
}

TEST_CASE("propose: a pending trial moves the next one elsewhere") {
    const search_space space = mixed_space();
    const auto trials = some_trials(space, 15);
    std::vector<std::vector<double>> pending;
    for (int k = 0; k < 4; ++k) {
        const auto next = tocsin::propose(space, {.parallel = 5}, 19, trials, pending);
        CHECK(space.contains(next));
        for (const auto& other : pending) {
            column<double> apart(space.coordinates());
            column<double> there(space.coordinates());
            space.encode(next, apart);
            space.encode(other, there);
            CHECK((apart - there).norm() > 1e-3);
        }
        pending.push_back(next);
    }
}

TEST_CASE("propose: the values of trials are standardised, failures are the worst") {
    auto trials = some_trials(mixed_space(), 6);
    for (std::size_t k = 0; k < trials.size(); ++k) {
        trials[k].value = static_cast<double>(k);
    }
    trials[0].value = std::numeric_limits<double>::quiet_NaN();
    trials[1].value = 1e12; // a divergence
    const column<double> values = tocsin::detail::standardised_values(trials);
    CHECK(values.mean() == doctest::Approx(0));
    CHECK(values.squaredNorm() / 6 == doctest::Approx(1));
    CHECK(values[0] == values[1]);
    CHECK(values[5] < values[1]);
    CHECK(values[5] - values[2] > 0.5); // it does not make the others look the same
    CHECK(tocsin::detail::standardised_values(std::span(trials).first(2)).size() == 0);
    for (const double value : {4.0, 0.1, 0.3, 0.7}) { // means of the others have a rounding error
        for (auto& trial : trials) {
            trial.value = value;
        }
        CHECK(tocsin::detail::standardised_values(trials).isZero());
    }
}

TEST_SUITE_END();
