#include "tocsin/training/stopping.hpp"

#include <doctest/doctest.h>

#include <initializer_list>
#include <string_view>
#include <vector>

namespace {

struct smallest_rule {
    bool operator()(std::span<const tocsin::epoch_record>) const noexcept { return false; }
};
struct mutable_rule {
    bool operator()(std::span<const tocsin::epoch_record>) noexcept { return false; }
};
struct forgetful_rule {
    bool operator()(double) const noexcept { return false; }
};

/// The number of these epochs after which the rule ends training; 0 when it does not.
int stops_after(const tocsin::early_stopping& rule, std::initializer_list<double> errors) {
    std::vector<tocsin::epoch_record> history;
    for (const double error : errors) {
        tocsin::epoch_record record;
        record.epoch = static_cast<int>(history.size());
        record.validation_rmse = error;
        history.push_back(record);
        if (rule(history)) {
            return static_cast<int>(history.size());
        }
    }
    return 0;
}

} // namespace

TEST_SUITE("training") {

    TEST_CASE("stopping: a pure noexcept function of the history passes, others do not") {
        CHECK(tocsin::stopping_rule<smallest_rule>);
        CHECK_FALSE(tocsin::stopping_rule<mutable_rule>);
        CHECK_FALSE(tocsin::stopping_rule<forgetful_rule>);
        CHECK(tocsin::stopping_rule<tocsin::never_stop>);
        CHECK(tocsin::stopping_rule<tocsin::early_stopping>);
    }

    TEST_CASE("stopping: training ends after `patience` epochs without a new best") {
        CHECK(stops_after({2, 0}, {1.0, 0.9, 0.95, 0.91, 0.5}) == 4);
        CHECK(stops_after({2, 0}, {1.0, 1.1, 0.9, 1.0, 0.8}) == 0);
        CHECK(stops_after({1, 0}, {1.0, 1.0}) == 2); // equal is no progress
        CHECK(stops_after({3, 0}, {1.0, 0.9, 0.8, 0.7}) == 0);
        CHECK(stops_after({1, 0}, {}) == 0);
    }

    TEST_CASE("stopping: a decrease that is too small does not count, but adds up") {
        CHECK(stops_after({2, 0.1}, {1.0, 0.95, 0.92}) == 3);
        CHECK(stops_after({3, 0.1}, {1.0, 0.95, 0.89, 0.88, 0.87, 0.86}) == 6);
    }

    TEST_CASE("stopping: settings out of range are named") {
        CHECK(tocsin::early_stopping{}.check().ok());
        CHECK(std::string_view(tocsin::early_stopping{0, 0}.check().message()) ==
              "early_stopping: patience 0 and minimum decrease 0 must be at least 1 and 0");
        CHECK_FALSE(tocsin::early_stopping{3, -0.5}.check().ok());
    }

    TEST_CASE("stopping: never_stop never stops") {
        CHECK_FALSE(tocsin::never_stop{}(std::vector<tocsin::epoch_record>(1000)));
    }

    TEST_CASE("stopping: each has a kind") {
        CHECK(std::string_view(tocsin::never_stop::kind) == "never");
        CHECK(std::string_view(tocsin::early_stopping::kind) == "early");
    }
}
