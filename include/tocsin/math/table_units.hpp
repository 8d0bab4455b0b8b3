/// @file table_units.hpp
/// @brief Loads and stores of the units of a cell, for kernels that use tanh_table.hpp.
#pragma once

#include "tocsin/math/tanh_table.hpp"

#if TOCSIN_HAS_TANH_TABLE

#include "tocsin/math/partial_registers.hpp"

namespace tocsin::detail {

/// h and c of up to 16 units in memory. Full registers are not masked: what a masked store wrote
/// cannot be read before it is in the cache.
class table_units {
  public:
    TOCSIN_ALWAYS_INLINE inline table_units(int units, int full) noexcept
        : mask_{static_cast<__mmask16>(first_lanes(units))}, full_{units == full} {}

    template <int Full>
    TOCSIN_ALWAYS_INLINE inline __m512 load(const float* from) const noexcept {
        if (!full_) {
            return _mm512_maskz_loadu_ps(mask_, from);
        }
        return Full == 8 ? _mm512_zextps256_ps512(_mm256_loadu_ps(from)) : _mm512_loadu_ps(from);
    }
    template <int Full>
    TOCSIN_ALWAYS_INLINE inline void store(float* to, __m512 value) const noexcept {
        if (!full_) {
            _mm512_mask_storeu_ps(to, mask_, value);
        } else if (Full == 8) {
            _mm256_storeu_ps(to, _mm512_castps512_ps256(value));
        } else {
            _mm512_storeu_ps(to, value);
        }
    }
    TOCSIN_ALWAYS_INLINE inline bool full() const noexcept { return full_; }

  private:
    __mmask16 mask_;
    bool full_;
};

} // namespace tocsin::detail

#endif
