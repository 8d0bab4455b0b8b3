/// @file random.hpp
/// @brief A seeded random number generator with the same stream on every platform.
#pragma once

#include "tocsin/core/config.hpp"

#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <utility>

namespace tocsin {

/// xoshiro256++ seeded through splitmix64 (Blackman and Vigna, "Scrambled linear pseudorandom
/// number generators", ACM TOMS 47, 2021). Integers, uniforms and shuffles have the same bits on
/// every platform; normals agree up to the last place of the platform's `log`. Satisfies
/// std::uniform_random_bit_generator. Never allocates.
class random_generator {
  public:
    /// What the generator draws, as the standard library asks for it.
    using result_type = std::uint64_t;
    /// The whole state of the generator.
    using state_type = std::array<std::uint64_t, 4>;

    /// A generator with the stream of `seed`.
    explicit constexpr random_generator(std::uint64_t seed = 0) noexcept {
        for (auto& word : state_) {
            seed += 0x9E3779B97F4A7C15U;
            std::uint64_t mixed = seed;
            mixed = (mixed ^ (mixed >> 30U)) * 0xBF58476D1CE4E5B9U;
            mixed = (mixed ^ (mixed >> 27U)) * 0x94D049BB133111EBU;
            word = mixed ^ (mixed >> 31U);
        }
    }

    /// The smallest number drawn.
    static constexpr result_type min() noexcept { return 0; }
    /// The largest number drawn.
    static constexpr result_type max() noexcept { return std::numeric_limits<result_type>::max(); }

    /// The next 64 random bits.
    constexpr result_type operator()() noexcept {
        const std::uint64_t output = std::rotl(state_[0] + state_[3], 23) + state_[0];
        const std::uint64_t shifted = state_[1] << 17U;
        state_[2] ^= state_[0];
        state_[3] ^= state_[1];
        state_[1] ^= state_[2];
        state_[0] ^= state_[3];
        state_[2] ^= shifted;
        state_[3] = std::rotl(state_[3], 45);
        return output;
    }

    /// Uniform in [0, 1) with 53 random bits.
    constexpr double uniform() noexcept {
        return static_cast<double>((*this)() >> 11U) * 0x1.0p-53;
    }
    /// Uniform in [low, high).
    constexpr double uniform(double low, double high) noexcept {
        return low + (high - low) * uniform();
    }
    /// Uniform integer in [0, bound), without bias (rejection); `bound` must be positive.
    constexpr std::uint64_t below(std::uint64_t bound) noexcept {
        TOCSIN_ASSERT(bound > 0, "random_generator: below(0) has no value to return");
        const std::uint64_t rejected = (max() - bound + 1) % bound;
        std::uint64_t bits = (*this)();
        while (bits < rejected) {
            bits = (*this)();
        }
        return bits % bound;
    }
    /// Normal with mean 0 and variance 1 (Marsaglia's polar method; one value of each pair is
    /// dropped so that the four words are the whole state).
    double normal() noexcept {
        for (;;) {
            const double x = uniform(-1, 1);
            const double y = uniform(-1, 1);
            const double square = x * x + y * y;
            if (square > 0 && square < 1) {
                return x * std::sqrt(-2 * std::log(square) / square);
            }
        }
    }

    /// The whole state, for checkpoints.
    constexpr const state_type& state() const noexcept { return state_; }
    /// Continues from a state of state().
    constexpr void set_state(const state_type& state) noexcept { state_ = state; }

  private:
    state_type state_{};
};

/// Shuffles in place (Fisher and Yates); a seed gives the same order on every platform.
template <class T>
constexpr void shuffle(std::span<T> items, random_generator& random) noexcept {
    for (std::size_t last = items.size(); last > 1; --last) {
        std::swap(items[last - 1], items[static_cast<std::size_t>(random.below(last))]);
    }
}

} // namespace tocsin
