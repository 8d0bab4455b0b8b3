#include "argument_input.hpp"

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
