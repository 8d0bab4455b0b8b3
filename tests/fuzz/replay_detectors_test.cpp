// The harnesses that attack whole detectors, run by every build.
#include <doctest/doctest.h>

#include "detector_input.hpp"
#include "file_mutator.hpp"
#include "replay.hpp"
#include <string>
#include <vector>

using tocsin_fuzz::random_inputs;
using tocsin_fuzz::replay;
using tocsin_fuzz::restructure;

TEST_SUITE("fuzz") {
    TEST_CASE("fuzz: a detector's stream under any order of operations") {
        replay("operations", 20, tocsin_fuzz::operations, random_inputs(20, 500));
    }
    TEST_CASE("fuzz: saved streams, any bytes behind a right checksum") {
        std::vector<std::string> seeds;
        for (unsigned k = 0; k < 6; ++k) {
            seeds.push_back(tocsin_fuzz::blob_seed(k));
        }
        replay("blobs", 200, tocsin_fuzz::blobs, seeds);
    }
    TEST_CASE("fuzz: files of detectors, with right checksums") {
        const std::vector<std::string> seeds{tocsin_fuzz::detector_seed(0),
                                             tocsin_fuzz::detector_seed(1),
                                             tocsin_fuzz::detector_seed(2)};
        replay("detectors", 30, tocsin_fuzz::detectors, seeds);
        restructure(seeds, 400, tocsin_fuzz::detectors);
    }
    TEST_CASE("fuzz: checkpoints, with right checksums") {
        const std::vector<std::string> seeds{tocsin_fuzz::checkpoint_seed()};
        replay("checkpoints", 50, tocsin_fuzz::checkpoints, seeds);
        restructure(seeds, 500, tocsin_fuzz::checkpoints);
    }
}
