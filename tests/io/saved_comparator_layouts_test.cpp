// The same as saved_layouts_test.cpp for comparators, whose decompositions take long to compile.
#include "tocsin/comparators/isolation_forest.hpp"
#include "tocsin/comparators/k_means.hpp"
#include "tocsin/comparators/lagged_value.hpp"
#include "tocsin/comparators/linear_autoregression.hpp"
#include "tocsin/comparators/nearest_value_novelty.hpp"
#include "tocsin/comparators/pca_reconstruction.hpp"
#include "tocsin/comparators/simple_changes.hpp"
#include "tocsin/comparators/smoothed_z_score.hpp"

#include <doctest/doctest.h>

#include "saved_layouts.hpp"
#include "support/small_detectors.hpp"

using tocsin_test::add;
using tocsin_test::fitted;
using tocsin_test::layouts;

namespace {

layouts layouts_of_today() {
    layouts all;
    const tocsin::matrix<double> normal = tocsin_test::slow_waves<double>(200);
    add(all, "comparators/isolation_forest.hpp isolation_forest",
        fitted(tocsin::isolation_forest({.trees = 3, .samples = 16}), normal));
    add(all, "comparators/k_means.hpp k_means", fitted(tocsin::k_means({.clusters = 3}), normal));
    add(all, "comparators/lagged_value.hpp lagged_value", fitted(tocsin::lagged_value(2), normal));
    add(all, "comparators/linear_autoregression.hpp linear_autoregression",
        fitted(tocsin::linear_autoregression({.order = 2}), normal));
    add(all, "comparators/nearest_value_novelty.hpp nearest_value_novelty",
        fitted(tocsin::nearest_value_novelty(20), normal));
    add(all, "comparators/pca_reconstruction.hpp pca_reconstruction",
        fitted(tocsin::pca_reconstruction(), normal));
    add(all, "comparators/simple_changes.hpp moving_variance",
        fitted(tocsin::moving_variance(4), normal));
    add(all, "comparators/simple_changes.hpp squared_difference",
        fitted(tocsin::squared_difference(), normal));
    add(all, "comparators/smoothed_z_score.hpp smoothed_z_score",
        fitted(tocsin::smoothed_z_score(4), normal));
    return all;
}

} // namespace

TEST_SUITE("io") {

    TEST_CASE("saved layouts: today's text of comparators can be written for keeping") {
        tocsin_test::write_for_keeping("comparator_layouts.txt", layouts_of_today());
    }

    TEST_CASE("saved layouts: what files hold of a comparator changes with its version only") {
        tocsin_test::compare_with_kept("comparator_layouts.txt", layouts_of_today());
    }
}
