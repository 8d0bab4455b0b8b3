#include "tocsin/search/successive_halving.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <string>
#include <vector>

using tocsin::search_trial;
using tocsin::successive_halving;
using tocsin::trial_report;

namespace {

/// Trials that reported the same value after 1, 2, ... epochs.
std::vector<search_trial> constant_trials(const std::vector<double>& values, int epochs) {
    std::vector<search_trial> trials;
    for (const double value : values) {
        search_trial trial;
        for (int epoch = 1; epoch <= epochs; ++epoch) {
            trial.reports.push_back({epoch, value});
        }
        trials.push_back(trial);
    }
    return trials;
}

} // namespace

TEST_SUITE_BEGIN("search");

TEST_CASE("successive halving: a trial continues among the best third of a rung") {
    const successive_halving rule{.first = 2, .factor = 3};
    const auto others = constant_trials({1, 2, 3, 4, 5}, 2);
    const auto promoted = [&](double value) {
        return rule.promotes(std::vector<trial_report>{{1, value}, {2, value}}, others);
    };
    CHECK(promoted(0.5)); // first of six
    CHECK(promoted(1.5)); // second of six
    CHECK_FALSE(promoted(2.5));
    CHECK_FALSE(promoted(9));
}

TEST_CASE("successive halving: nothing is stopped between rungs, nor while few have come as far") {
    const successive_halving rule{.first = 2, .factor = 3};
    const auto others = constant_trials({1, 2, 3, 4, 5}, 8);
    std::vector<trial_report> reports;
    for (int epoch = 1; epoch <= 20; ++epoch) {
        reports.push_back({epoch, 9});
        const bool rung = epoch == 2 || epoch == 6; // no other trial has come to the third one, 18
        CHECK(rule.promotes(reports, others) != rung);
    }
    CHECK(rule.promotes(std::vector<trial_report>{{2, 9}}, constant_trials({1}, 2)));
    CHECK_FALSE(rule.promotes(std::vector<trial_report>{{2, 9}}, constant_trials({1, 2}, 2)));
    CHECK(successive_halving{}.promotes(std::vector<trial_report>{{2, 9}}, others));
}

TEST_CASE("successive halving: the lowest value up to the rung counts, not a later one") {
    const successive_halving rule{.first = 2, .factor = 2};
    auto others = constant_trials({5}, 2);
    others[0].reports.push_back({3, 0.1}); // came after the rung
    CHECK(rule.promotes(std::vector<trial_report>{{1, 4}, {2, 6}}, others));
    // Steps of reports need not hit a rung: the first one beyond it counts.
    CHECK_FALSE(rule.promotes(std::vector<trial_report>{{5, 5.5}}, constant_trials({5}, 4)));
    CHECK(rule.promotes(std::vector<trial_report>{{std::numeric_limits<std::int64_t>::max(), 9}},
                        constant_trials({5}, 4))); // nobody else was there
}

TEST_CASE("successive halving: settings out of range are named") {
    const auto message =
        std::string(successive_halving{.first = -1, .factor = 1}.check().message());
    CHECK(message.find("-1 and factor 1") != std::string::npos);
    CHECK(successive_halving{.first = 1, .factor = 2}.check().ok());
}

TEST_SUITE_END();
