/// @file load_options.hpp
/// @brief What loading a file may cost, and who vouches for it.
#pragma once

#include "tocsin/core/checked_size.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/io/read_file.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>

namespace tocsin {

/// Limits of one load, and a check by the application.
struct load_options {
    std::uint64_t largest_file = default_file_limit; ///< bytes; larger files are refused
    /// Bytes of memory that objects may take for each byte of the file, at least 1.
    int memory_factor = 16;
    /// Called with all bytes of the file before anything in them is believed: the place to check a
    /// signature that the application keeps next to the file. A failure is what loading returns.
    std::function<status(std::span<const std::byte>)> verify = {};
};

/// Memory that the objects of one file may take: a multiple of the file, so that a few bytes cannot
/// ask for gigabytes. An object takes what it is about to allocate before it does so.
class load_budget {
  public:
    /// Bytes that any file may ask for, 16 MiB: small files hold small objects whose bookkeeping is
    /// larger than their numbers, and a stream keeps samples and states that no file holds.
    static constexpr index_t least = index_t{1} << 24;

    /// @param file_bytes size of the file; objects may take `factor` times as much memory
    explicit load_budget(checked_size file_bytes = 0, int factor = 16) noexcept
        : factor_{std::max(factor, 1)}, left_{std::max((file_bytes * factor_).value(), least)} {}

    /// Takes bytes for something.
    /// @return `format_error` naming it and both numbers when less is left; nothing is then taken
    status take(std::string_view what, checked_size bytes) noexcept {
        if (!bytes.is_at_most(left_)) {
            return status::error(error_code::format_error, '\'', what, "' needs ", bytes.value(),
                                 " bytes of memory, but ", left_, " are left of ", factor_,
                                 " times the file");
        }
        left_ -= bytes.value();
        return {};
    }
    /// Bytes not taken yet.
    index_t left() const noexcept { return left_; }

  private:
    int factor_;
    index_t left_;
};

} // namespace tocsin
