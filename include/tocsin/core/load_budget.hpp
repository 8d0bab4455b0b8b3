/// @file load_budget.hpp
/// @brief How much memory that which is loaded may take.
#pragma once

#include "tocsin/core/checked_size.hpp"
#include "tocsin/core/extents.hpp"
#include "tocsin/core/status.hpp"

#include <algorithm>
#include <string_view>

namespace tocsin {

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
