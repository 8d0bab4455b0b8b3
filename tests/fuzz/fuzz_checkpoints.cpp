#include "detector_input.hpp"
#include "file_mutator.hpp"
#include "mutator.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    tocsin_fuzz::checkpoints({data, size});
    return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t limit, unsigned seed) {
    if (seed % 64 == 0) {
        size = 0; // begins anew
    }
    static const std::string start = tocsin_fuzz::checkpoint_seed();
    return tocsin_fuzz::mutate_file(data, size, limit, seed, start, LLVMFuzzerMutate);
}
