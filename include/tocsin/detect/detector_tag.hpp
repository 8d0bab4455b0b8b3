/// @file detector_tag.hpp
/// @brief Which streams belong to which detector.
#pragma once

#include <cstdint>

namespace tocsin::detail {

/// Held by a detector and by its streams, which must agree.
class detector_tag {
  public:
    /// Fits nothing.
    constexpr detector_tag() noexcept = default;
    /// @param hash of all that the states of streams depend on
    explicit constexpr detector_tag(std::uint64_t hash) noexcept : hash_{hash} {}

    /// Whether both are of the same detector.
    constexpr bool fits(const detector_tag& other) const noexcept {
        return hash_ == other.hash_ && hash_ != 0;
    }

  private:
    std::uint64_t hash_ = 0;
};

} // namespace tocsin::detail
