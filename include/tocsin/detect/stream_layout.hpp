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
class stream_layout {
  public:
    constexpr stream_layout() noexcept = default;
    /// @param state    scalars
    /// @param features of a sample
    /// @param errors   doubles
    /// @param scratch  bytes that push() needs
    constexpr stream_layout(index_t state, int features, int errors, index_t scratch) noexcept
        : state_{state}, features_{features}, errors_{errors}, scratch_{scratch},
          inputs_at_{state * index_t{sizeof(Scalar)}},
          errors_at_{round_up(inputs_at_ + features * index_t{sizeof(Scalar)})},
          missing_at_{errors_at_ + errors * index_t{sizeof(double)}} {}

    constexpr index_t state() const noexcept { return state_; }
    constexpr int features() const noexcept { return features_; }
    constexpr int errors() const noexcept { return errors_; }
    constexpr index_t scratch() const noexcept { return scratch_; }
    constexpr bool scratch_in_stream() const noexcept { return scratch_ > largest_stack_scratch; }
    // Where the parts begin, in bytes.
    constexpr index_t inputs_at() const noexcept { return inputs_at_; }
    constexpr index_t errors_at() const noexcept { return errors_at_; }
    constexpr index_t missing_at() const noexcept { return missing_at_; }
    constexpr index_t scratch_at() const noexcept {
        return round_up(missing_at_ + features_ * index_t{sizeof(std::int32_t)});
    }
    constexpr index_t bytes() const noexcept {
        return scratch_at() + (scratch_in_stream() ? scratch_ : 0);
    }

  private:
    static constexpr index_t round_up(index_t bytes) noexcept { return (bytes + 7) / 8 * 8; }

    index_t state_ = 0;
    int features_ = 0;
    int errors_ = 0;
    index_t scratch_ = 0;
    index_t inputs_at_ = 0;
    index_t errors_at_ = 0;
    index_t missing_at_ = 0;
};

} // namespace tocsin::detail
