#include "journal_input.hpp"
#include "mutator.hpp"
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    tocsin_fuzz::journal({data, size});
    return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t limit, unsigned seed) {
    if (size < 8 || seed % 64 == 0) {
        static const std::string start = tocsin_fuzz::journal_seed();
        size = tocsin_fuzz::begin_with(start, data, limit);
    }
    return LLVMFuzzerMutate(data, size, limit);
}
