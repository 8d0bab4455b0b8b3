/// @file mutator.hpp
/// @brief What fuzzers with a mutator of their own share. For libFuzzer's programs only.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

// Part of libFuzzer.
extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t limit);

namespace tocsin_fuzz {

/// Begins anew with an input, as far as it fits; returns its size.
inline std::size_t begin_with(std::string_view start, std::uint8_t* data, std::size_t limit) {
    const std::size_t size = std::min(start.size(), limit);
    std::memcpy(data, start.data(), size);
    return size;
}

} // namespace tocsin_fuzz
