#include "argument_input.hpp"
#include "mutator.hpp"

extern "C" int LLVMFuzzerInitialize(int* /*argc*/, char*** /*argv*/) {
    if (tocsin_fuzz::program_under_attack().empty()) {
        std::fputs("set TOCSIN_CLI to the path of tocsin_cli\n", stderr);
        std::exit(2);
    }
    return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    tocsin_fuzz::arguments({data, size});
    return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t limit, unsigned seed) {
    if (size < 2 || seed % 16 == 0) {
        static const auto starts = tocsin_fuzz::argument_seeds();
        const std::string& start = starts[seed / 16 % starts.size()];
        size = tocsin_fuzz::begin_with(start, data, limit);
    }
    return LLVMFuzzerMutate(data, size, limit);
}
