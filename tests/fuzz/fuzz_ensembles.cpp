#include "ensemble_input.hpp"
#include "file_mutator.hpp"
#include "mutator.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    tocsin_fuzz::ensembles({data, size});
    return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t limit, unsigned seed) {
    static const auto starts =
        tocsin_fuzz::files_from(tocsin_fuzz::ensemble_seeds, tocsin_fuzz::ensemble_seed);
    return tocsin_fuzz::mutate_one_of(data, size, limit, seed, starts, LLVMFuzzerMutate);
}
