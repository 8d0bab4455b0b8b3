// The harnesses of files that are no detectors of windows and forecasts, run by every build.
#include <doctest/doctest.h>

#include "classifier_input.hpp"
#include "comparator_input.hpp"
#include "ensemble_input.hpp"
#include "file_mutator.hpp"
#include "journal_input.hpp"
#include "replay.hpp"
#include "row_model_input.hpp"
#include "weight_input.hpp"
#include <string>
#include <vector>

using tocsin_fuzz::replay;
using tocsin_fuzz::restructure;

namespace {

template <class Seed>
std::vector<std::string> all_seeds(unsigned count, Seed&& seed) {
    std::vector<std::string> all;
    for (unsigned k = 0; k < count; ++k) {
        all.push_back(seed(k));
    }
    return all;
}

} // namespace

TEST_SUITE("fuzz") {
    TEST_CASE("fuzz: weights of PyTorch and converted models, any bytes and other structures") {
        const auto seeds = all_seeds(tocsin_fuzz::weight_seeds, tocsin_fuzz::weight_seed);
        replay("weights", 50, tocsin_fuzz::weights, seeds);
        restructure(seeds, 300, tocsin_fuzz::weights);
    }
    TEST_CASE("fuzz: files and streams of classifiers, with right checksums") {
        auto seeds = all_seeds(tocsin_fuzz::classifier_seeds, tocsin_fuzz::classifier_seed);
        replay("classifiers", 50, tocsin_fuzz::classifiers, seeds);
        seeds.resize(2); // the files
        restructure(seeds, 300, tocsin_fuzz::classifiers);
    }
    TEST_CASE("fuzz: files of detectors of rows, with right checksums") {
        const auto seeds = all_seeds(tocsin_fuzz::row_model_seeds, tocsin_fuzz::row_model_seed);
        replay("row_models", 30, tocsin_fuzz::row_models, seeds);
        restructure(seeds, 300, tocsin_fuzz::row_models);
    }
    TEST_CASE("fuzz: files and streams of ensembles, with right checksums") {
        auto seeds = all_seeds(tocsin_fuzz::ensemble_seeds, tocsin_fuzz::ensemble_seed);
        replay("ensembles", 50, tocsin_fuzz::ensembles, seeds);
        seeds.resize(1); // the file
        restructure(seeds, 300, tocsin_fuzz::ensembles);
    }
    TEST_CASE("fuzz: files of comparators, with right checksums") {
        const auto seeds = all_seeds(tocsin_fuzz::comparator_seeds, tocsin_fuzz::comparator_seed);
        replay("comparators", 20, tocsin_fuzz::comparators, seeds);
        restructure(seeds, 200, tocsin_fuzz::comparators);
    }
    TEST_CASE("fuzz: journals of a search, any bytes below a right first line") {
        const auto seeds = {tocsin_fuzz::journal_seed(), tocsin_fuzz::journal_header()};
        replay("journal", 400, tocsin_fuzz::journal, seeds);
    }
}
