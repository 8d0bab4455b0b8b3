#include "file_mutator.hpp"
#include "row_model_input.hpp"
#include <string>
#include <vector>

// Part of libFuzzer.
extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t limit);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    tocsin_fuzz::row_models({data, size});
    return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t limit, unsigned seed) {
    if (seed % 64 == 0) {
        size = 0; // begins anew
    }
    static const std::vector<std::string> starts = [] {
        std::vector<std::string> all;
        for (unsigned k = 0; k < tocsin_fuzz::row_model_seeds; ++k) {
            all.push_back(tocsin_fuzz::row_model_seed(k));
        }
        return all;
    }();
    return tocsin_fuzz::mutate_file(data, size, limit, seed, starts[seed / 64 % starts.size()],
                                    LLVMFuzzerMutate);
}
