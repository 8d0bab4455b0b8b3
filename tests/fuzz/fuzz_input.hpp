/// @file fuzz_input.hpp
/// @brief What all fuzzers share: bytes as numbers, and a check that ends the program.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string_view>

namespace tocsin_fuzz {

using input = std::span<const std::uint8_t>;

/// A finding: prints and aborts, so that the fuzzer keeps the input.
inline void require(bool holds, const char* what) {
    if (!holds) {
        std::fprintf(stderr, "fuzz: %s\n", what);
        std::abort();
    }
}

inline std::string_view text_of(input bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Takes numbers off the front of the input; zeros when there is no more.
class reader {
  public:
    explicit reader(input bytes) : rest_{bytes} {}

    bool empty() const { return rest_.empty(); }
    std::uint8_t byte() {
        if (rest_.empty()) {
            return 0;
        }
        const std::uint8_t first = rest_.front();
        rest_ = rest_.subspan(1);
        return first;
    }
    /// Half of them are ordinary numbers, or nothing would ever be learnt.
    double number() {
        const std::uint8_t kind = byte();
        if (kind < 128) {
            return (kind - 64) / 16.0 + byte() / 4096.0;
        }
        double value = 0;
        const std::size_t size = std::min(rest_.size(), sizeof value);
        std::memcpy(&value, rest_.data(), size);
        rest_ = rest_.subspan(size);
        return value;
    }

  private:
    input rest_;
};

} // namespace tocsin_fuzz
