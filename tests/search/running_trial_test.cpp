#include "tocsin/search/running_trial.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <string>

using tocsin::running_trial;
using tocsin::search_space;
using tocsin::trial_outcome;

namespace {

search_space small_space() {
    search_space space;
    space.add_log_real("learning rate", 1e-4, 1e-1)
        .add_integer("hidden", 4, 64)
        .add_choice("loss", {"mse", "l1"});
    return space;
}

} // namespace

TEST_SUITE_BEGIN("search");

TEST_CASE("running trial: values are read by name") {
    const search_space space = small_space();
    const running_trial trial(space, 7, {1e-3, 32, 1});
    CHECK(trial.number() == 7);
    CHECK(trial.real("learning rate") == 1e-3);
    CHECK(trial.integer("hidden") == 32);
    CHECK(trial.real("hidden") == 32);
    CHECK(trial.choice("loss") == "l1");
}

TEST_CASE("running trial: its end says how it ended") {
    const search_space space = small_space();
    const auto trial = [&] { return running_trial(space, 0, {1e-3, 32, 1}); };
    auto finished = trial();
    CHECK(finished.report(1, 4));
    CHECK(finished.report(3, 2));
    auto kept = finished.end(1.5);
    CHECK(kept.outcome == trial_outcome::finished);
    CHECK(kept.value == 1.5);
    CHECK(kept.reports.size() == 2);
    CHECK(kept.values == std::vector<double>{1e-3, 32, 1});

    kept = trial().end(std::numeric_limits<double>::quiet_NaN());
    CHECK(kept.outcome == trial_outcome::failed);
    CHECK(kept.reason == "the value is not finite");
    kept = trial().end(tocsin::status::error(tocsin::error_code::invalid_data, "loss is nan"));
    CHECK(kept.outcome == trial_outcome::failed);
    CHECK(kept.reason == "loss is nan");

    auto wrong = trial();
    CHECK(wrong.report(5, 1));
    CHECK_FALSE(wrong.report(5, 1));
    CHECK(wrong.is_stopped());
    CHECK(wrong.end(1.0).reason == "resource 5 was reported after 5");
    auto infinite = trial();
    CHECK_FALSE(infinite.report(1, std::numeric_limits<double>::infinity()));
    CHECK(infinite.end(1.0).outcome == trial_outcome::failed);
}

TEST_CASE("running trial: a hopeless trial is stopped with its lowest value") {
    const search_space space = small_space();
    std::vector<tocsin::search_trial> others(2);
    for (auto& other : others) {
        other.reports = {{1, 1.0}};
    }
    running_trial trial(space, 2, {1e-3, 32, 0}, {.first = 1, .factor = 3}, others);
    CHECK_FALSE(trial.report(1, 2.5));
    CHECK(trial.is_stopped());
    CHECK_FALSE(trial.report(2, 0.1)); // too late
    const auto kept = trial.end(0.1);
    CHECK(kept.outcome == trial_outcome::stopped);
    CHECK(kept.value == 2.5);
    CHECK(kept.reports.size() == 1);
}

TEST_SUITE_END();
