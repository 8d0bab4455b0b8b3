// Built twice, with and without link-time optimisation: CTest compares what both print.
#include "scores.hpp"
#include <cinttypes>
#include <cstdio>

int main() {
    const std::uint64_t hash = hash_of_scores();
    std::printf("%016" PRIx64 "\n", hash);
    return hash == 0 ? 1 : 0;
}
