#include "model_input.hpp"

// Part of libFuzzer.
extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t limit);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    tocsin_fuzz::model({data, size});
    return 0;
}

/// Mutates, then puts right what would be refused at the door; some mutants stay as they are.
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t limit, unsigned seed) {
    if (size < 16) {
        const std::string start = tocsin_fuzz::model_seed();
        size = std::min(start.size(), limit);
        std::memcpy(data, start.data(), size);
    }
    size = LLVMFuzzerMutate(data, size, limit);
    if (seed % 4 != 0) {
        const std::string fixed = tocsin_fuzz::repaired(tocsin_fuzz::text_of({data, size}));
        if (fixed.size() <= limit) {
            std::memcpy(data, fixed.data(), fixed.size());
            size = fixed.size();
        }
    }
    return size;
}
