#include "classifier_input.hpp"
#include "file_mutator.hpp"
#include "mutator.hpp"
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    tocsin_fuzz::classifiers({data, size});
    return 0;
}

/// Files change in their structure; streams in their bytes, behind the magic number.
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t limit, unsigned seed) {
    static const auto starts =
        tocsin_fuzz::files_from(tocsin_fuzz::classifier_seeds, tocsin_fuzz::classifier_seed);
    if (seed % 64 == 0 || size < 16) {
        const std::string& start = starts[seed / 64 % starts.size()];
        size = tocsin_fuzz::begin_with(start, data, limit);
    }
    constexpr std::size_t magic = sizeof tocsin::detail::stream_magic;
    return tocsin_fuzz::is_stream({data, size})
               ? magic + LLVMFuzzerMutate(data + magic, size - magic, limit - magic)
               : tocsin_fuzz::mutate_file(data, size, limit, seed, starts[0], LLVMFuzzerMutate);
}
