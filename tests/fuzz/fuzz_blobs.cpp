#include "detector_input.hpp"

// Part of libFuzzer.
extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t limit);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    tocsin_fuzz::blobs({data, size});
    return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t limit, unsigned seed) {
    if (size < tocsin::detail::smallest_stream || seed % 512 == 0) {
        const std::string start = tocsin_fuzz::blob_seed(seed / 512);
        size = std::min(start.size(), limit);
        std::memcpy(data, start.data(), size);
    }
    return LLVMFuzzerMutate(data, size, limit);
}
