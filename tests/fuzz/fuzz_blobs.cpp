#include "detector_input.hpp"
#include "mutator.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    tocsin_fuzz::blobs({data, size});
    return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t limit, unsigned seed) {
    if (size < tocsin::detail::smallest_stream || seed % 512 == 0) {
        const std::string start = tocsin_fuzz::blob_seed(seed / 512);
        size = tocsin_fuzz::begin_with(start, data, limit);
    }
    return LLVMFuzzerMutate(data, size, limit);
}
