#include "tocsin/core/random.hpp"
#include "tocsin/search/search.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <cmath>
#include <limits>
#include <numbers>
#include <set>
#include <string>
#include <thread>
#include <vector>

using tocsin::result;
using tocsin::running_trial;
using tocsin::search_method;
using tocsin::search_outcome;
using tocsin::search_settings;
using tocsin::search_space;
using tocsin::trial_outcome;

namespace {

search_space plane() {
    search_space space;
    space.add_real("x", -5, 10).add_real("y", 0, 15);
    return space;
}

/// Branin's function, with three minima of 0.397887.
double branin(const running_trial& trial) {
    constexpr double pi = std::numbers::pi;
    const double x = trial.real("x");
    const double valley = trial.real("y") - 5.1 / (4 * pi * pi) * x * x + 5 / pi * x - 6;
    return valley * valley + 10 * (1 - 1 / (8 * pi)) * std::cos(x) + 10;
}

search_space mixed_space() {
    search_space space;
    space.add_log_real("rate", 1e-4, 1)
        .add_log_integer("size", 1, 128)
        .add_choice("kind", {"good", "bad", "worse"});
    return space;
}
/// 0 at rate 0.01, size 20 and the first kind.
double mixed(const running_trial& trial) {
    const double rate = std::log10(trial.real("rate")) + 2;
    const double size = std::log(trial.integer("size") / 20.0);
    const double kind = trial.choice("kind") == "good" ? 0 : trial.choice("kind") == "bad" ? 1 : 3;
    return rate * rate + size * size + kind;
}

template <class Objective>
search_outcome found_by(const search_space& space, const search_settings& settings,
                        Objective&& objective) {
    auto found = tocsin::search(space, settings, objective);
    REQUIRE_MESSAGE(found.has_value(), found.error().message());
    return *std::move(found);
}

void check_same(const search_outcome& a, const search_outcome& b) {
    REQUIRE(a.trials.size() == b.trials.size());
    CHECK(a.best == b.best);
    for (std::size_t k = 0; k < a.trials.size(); ++k) {
        CHECK(a.trials[k].values == b.trials[k].values);
        CHECK(a.trials[k].outcome == b.trials[k].outcome);
        CHECK(a.trials[k].reports.size() == b.trials[k].reports.size());
    }
}

} // namespace

TEST_SUITE_BEGIN("search");

TEST_CASE("search: comes near the minimum of Branin's function, random points do not") {
    double bayesian = 0;
    double random = 0;
    for (std::uint64_t seed = 0; seed < 3; ++seed) {
        search_settings settings{.trials = 30, .seed = seed};
        bayesian += found_by(plane(), settings, branin).best_trial().value / 3;
        settings.method = search_method::random;
        random += found_by(plane(), settings, branin).best_trial().value / 3;
    }
    CHECK(bayesian < 0.45);
    CHECK(bayesian < random);
}

TEST_CASE("search: whole numbers, logarithms and choices are searched, too") {
    const auto found = found_by(mixed_space(), {.trials = 35, .seed = 3}, mixed);
    CHECK(found.best_trial().value < 0.05);
    std::set<std::vector<double>> different;
    for (const auto& trial : found.trials) {
        CHECK(mixed_space().contains(trial.values));
        different.insert(trial.values);
    }
    CHECK(different.size() == found.trials.size());
}

TEST_CASE("search: a small space is tried once through before anything is repeated") {
    search_space space;
    space.add_integer("a", 1, 3).add_choice("b", {"x", "y", "z", "w"});
    for (const auto method : {search_method::bayesian, search_method::random}) {
        const auto found =
            found_by(space, {.trials = 14, .method = method}, [](running_trial& trial) {
                return trial.real("a") + static_cast<double>(trial.choice("b")[0] == 'z');
            });
        std::set<std::vector<double>> different;
        for (std::size_t k = 0; k < 12; ++k) {
            different.insert(found.trials[k].values);
        }
        CHECK(different.size() == 12);
        CHECK(found.best_trial().value == 1);
    }
}

TEST_CASE("search: a seed gives the same trials, another one others") {
    const search_settings settings{.trials = 14, .seed = 5};
    check_same(found_by(plane(), settings, branin), found_by(plane(), settings, branin));
    auto more = settings;
    more.trials = 16;
    const auto longer = found_by(plane(), more, branin);
    const auto shorter = found_by(plane(), settings, branin);
    for (std::size_t k = 0; k < shorter.trials.size(); ++k) {
        CHECK(shorter.trials[k].values == longer.trials[k].values);
    }
    auto other = settings;
    other.seed = 6;
    CHECK(found_by(plane(), other, branin).trials[0].values != shorter.trials[0].values);
}

TEST_CASE("search: trials in parallel give the same result whichever is faster") {
    const search_settings settings{
        .trials = 14, .parallel = 3, .seed = 2, .halving = {.first = 1, .factor = 3}};
    std::vector<search_outcome> found;
    for (const int order : {0, 1, 2}) {
        found.push_back(found_by(plane(), settings, [order](running_trial& trial) {
            // Who is fast depends on the run.
            tocsin::random_generator random(
                static_cast<std::uint64_t>(100 * order + trial.number()));
            for (int epoch = 1; epoch <= 9; ++epoch) {
                std::this_thread::sleep_for(
                    std::chrono::microseconds(order == 0 ? 0 : random.below(3000)));
                if (!trial.report(epoch, branin(trial) + 9.0 / epoch)) {
                    break;
                }
            }
            return branin(trial);
        }));
    }
    check_same(found[0], found[1]);
    check_same(found[0], found[2]);
    std::set<std::vector<double>> different; // pending trials are not proposed again
    for (const auto& trial : found[0].trials) {
        different.insert(trial.values);
    }
    CHECK(different.size() == found[0].trials.size());
}

TEST_CASE("search: halving saves epochs and finds as good a trial") {
    search_settings settings{.trials = 30, .seed = 1};
    int epochs = 0;
    const auto train = [&epochs](running_trial& trial) {
        for (int epoch = 1; epoch <= 27; ++epoch) {
            ++epochs;
            if (!trial.report(epoch, mixed(trial) + 1.0 / epoch)) {
                break;
            }
        }
        return mixed(trial);
    };
    const auto all = found_by(mixed_space(), settings, train);
    CHECK(epochs == 30 * 27);
    epochs = 0;
    settings.halving = {.first = 1, .factor = 3};
    const auto halved = found_by(mixed_space(), settings, train);
    CHECK(3 * epochs < 2 * 30 * 27);
    CHECK(halved.best_trial().value < all.best_trial().value + 0.1);
    int stopped = 0;
    for (const auto& trial : halved.trials) {
        if (trial.outcome == trial_outcome::stopped) {
            ++stopped;
            CHECK(trial.reports.size() < 27);
        }
    }
    CHECK(stopped > 10);
}

TEST_CASE("search: trials that fail count as bad, and the search continues") {
    const auto half = [](running_trial& trial) -> result<double> {
        if (trial.real("x") < 0) {
            return tocsin::status::error(tocsin::error_code::invalid_data, "diverged");
        }
        return branin(trial);
    };
    const auto found = found_by(plane(), {.trials = 25, .seed = 4}, half);
    CHECK(found.best_trial().value < 0.6);
    int failed = 0;
    for (const auto& trial : found.trials) {
        failed += trial.outcome == trial_outcome::failed ? 1 : 0;
    }
    CHECK(failed > 0);
    CHECK(failed < 12);
}

TEST_CASE("search: bad settings are named, and so is why no trial finished") {
    const auto message = [](const search_space& space, const search_settings& settings) {
        const auto found = tocsin::search(space, settings, branin);
        REQUIRE_FALSE(found.has_value());
        return std::string(found.error().message());
    };
    CHECK(message({}, {}).find("no settings") != std::string::npos);
    CHECK(message(plane(), {.trials = 0}).find("0 trials") != std::string::npos);
    CHECK(message(plane(), {.parallel = 0}).find("0 at once") != std::string::npos);
    CHECK(message(plane(), {.initial = -3}).find("-3 initial") != std::string::npos);
    CHECK(message(plane(), {.halving = {.first = 1, .factor = 1}}).find("factor 1") !=
          std::string::npos);
    const auto nothing =
        tocsin::search(plane(), {.trials = 9}, [](running_trial&) -> result<double> {
            return tocsin::status::error(tocsin::error_code::invalid_data, "no disk");
        });
    REQUIRE_FALSE(nothing.has_value());
    CHECK(std::string(nothing.error().message()) ==
          "search: none of 9 trials finished; the first one failed: no disk");
}

TEST_CASE("search: a constant objective and a single setting are no trouble") {
    search_space space;
    space.add_real("x", 0, 1);
    const auto found = found_by(space, {.trials = 12}, [](running_trial&) { return 3.0; });
    CHECK(found.best_trial().value == 3);
    CHECK(found.best == 0);
}

TEST_SUITE_END();
