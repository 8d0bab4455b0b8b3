#include "chart_input.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    tocsin_fuzz::charts({data, size});
    return 0;
}
