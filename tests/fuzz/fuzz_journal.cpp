#include "journal_input.hpp"
#include <algorithm>
#include <cstring>
#include <string>

// Part of libFuzzer.
extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t limit);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    tocsin_fuzz::journal({data, size});
    return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t limit, unsigned seed) {
    if (size < 8 || seed % 64 == 0) {
        static const std::string start = tocsin_fuzz::journal_seed();
        size = std::min(start.size(), limit);
        std::memcpy(data, start.data(), size);
    }
    return LLVMFuzzerMutate(data, size, limit);
}
