#include "tocsin/layers/dense.hpp"
#include "tocsin/training/adam.hpp"
#include "tocsin/training/training_state.hpp"

#include <doctest/doctest.h>

#include <algorithm>

TEST_SUITE("training") {

    TEST_CASE_TEMPLATE("training_state: a fresh one has drawn parameters and a zero rule state",
                       Scalar, float, double) {
        using state = tocsin::training_state<Scalar>;
        CHECK(state{}.finished_epochs() == 0);
        const tocsin::dense<Scalar> shape(3, 2);
        tocsin::adam rule;
        const state fresh = state::fresh(shape, rule, 7);
        CHECK(fresh.parameters.size() == 8);
        CHECK(fresh.best_parameters == fresh.parameters);
        CHECK(fresh.rule_state.size() == 16);
        CHECK(std::count(fresh.rule_state.begin(), fresh.rule_state.end(), Scalar(0)) == 16);
        CHECK(fresh.step == 0);
        CHECK(fresh.finished_epochs() == 0);
        CHECK(fresh.best_epoch == -1);
        CHECK(state::fresh(shape, rule, 7).parameters == fresh.parameters);
        CHECK(state::fresh(shape, rule, 8).parameters != fresh.parameters);
        rule.amsgrad = true;
        CHECK(state::fresh(shape, rule, 7).rule_state.size() == 24);
    }
}
