// Prints the width of the registers and a score of the module that the loader of the system has chosen.
#include "scoring.hpp"
#include <cmath>
#include <cstdio>
#include <vector>

int main() {
    std::vector<float> samples;
    for (int k = 0; k < 300; ++k) {
        samples.push_back(std::sin(0.7F * static_cast<float>(k)));
    }
    std::printf("%d bytes, score %.2e\n", scoring_register_bytes(),
                scoring_last_score(samples.data(), 100));
}
