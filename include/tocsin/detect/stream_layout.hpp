/// @file stream_layout.hpp
/// @brief Where the parts of a stream lie in its memory.
#pragma once

#include "tocsin/core/extents.hpp"

#include <cstddef>
#include <cstdint>

namespace tocsin::detail {

/// Scratch of up to this size lies on the stack of push(); more lies in each stream.
inline constexpr index_t largest_stack_scratch = index_t{16} * 1024;

/// Sizes of a stream's memory, all of which follow from the detector. One block holds, in this
/// order: the model's state, the sample that the model reads, the errors of the last sample, the
/// number of missing samples of each sensor, and scratch where the stack is too small for it.
/// @tparam Scalar of the model
template <class Scalar>
struct stream_layout {
    index_t state = 0;    ///< scalars
    index_t features = 0; ///< scalars, and 32-bit counters
    index_t errors = 0;   ///< doubles
    index_t scratch = 0;  ///< bytes of scratch that push() needs

    constexpr bool scratch_in_stream() const noexcept { return scratch > largest_stack_scratch; }
    constexpr index_t inputs_at() const noexcept { return bytes_of(state); }
    constexpr index_t errors_at() const noexcept {
        return round_up(inputs_at() + bytes_of(features));
    }
    constexpr index_t missing_at() const noexcept {
        return errors_at() + errors * index_t{sizeof(double)};
    }
    constexpr index_t scratch_at() const noexcept {
        return round_up(missing_at() + features * index_t{sizeof(std::int32_t)});
    }
    constexpr index_t bytes() const noexcept {
        return scratch_at() + (scratch_in_stream() ? scratch : 0);
    }

    static constexpr index_t round_up(index_t bytes) noexcept { return (bytes + 7) / 8 * 8; }
    friend constexpr bool operator==(const stream_layout&, const stream_layout&) noexcept = default;

  private:
    static constexpr index_t bytes_of(index_t scalars) noexcept {
        return scalars * index_t{sizeof(Scalar)};
    }
};

} // namespace tocsin::detail
