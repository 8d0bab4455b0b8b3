/// @file halton_sequence.hpp
/// @brief Points that fill the unit cube evenly: the Halton sequence, scrambled by a seed.
#pragma once

#include "tocsin/core/random.hpp"

#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <vector>

namespace tocsin {

/// The Halton sequence (1960) with random permutations of the digits, one per dimension and digit
/// (Owen, "A randomized Halton algorithm in R", arXiv 1706.02808). Any first points fill the cube more
/// evenly than random ones; each point alone is uniform over seeds. A point depends on the seed, its
/// number and the dimension only.
class halton_sequence {
  public:
    /// Allocates a few kilobytes per dimension.
    /// @param dimension of the cube, at least 0; evenness fades beyond about 20
    /// @param seed      of the permutations
    halton_sequence(int dimension, std::uint64_t seed) {
        random_generator random(seed);
        for (std::uint32_t base = 2; static_cast<int>(digits_.size()) < dimension; ++base) {
            if (!is_prime(base)) {
                continue;
            }
            digits one{base, {}};
            // As many digits as a double holds: those above the last one of a number are zeros, which
            // the permutations spread, too.
            for (double rest = 0x1p53; rest > 1; rest /= base) {
                const std::size_t begin = one.permuted.size();
                one.permuted.resize(begin + base);
                const auto order = std::span<std::uint32_t>(one.permuted).subspan(begin);
                std::iota(order.begin(), order.end(), std::uint32_t{0});
                shuffle(order, random);
            }
            digits_.push_back(std::move(one));
        }
    }

    int dimension() const noexcept { return static_cast<int>(digits_.size()); }

    /// Point `number`, from 0, in [0, 1) along each axis. Never allocates.
    /// @param point `[dimension]`, overwritten
    void point(std::uint64_t number, std::span<double> point) const noexcept {
        for (std::size_t k = 0; k < digits_.size() && k < point.size(); ++k) {
            const digits& one = digits_[k];
            std::uint64_t rest = number;
            double weight = 1;
            double sum = 0;
            for (std::size_t at = 0; at < one.permuted.size(); at += one.base) {
                weight /= one.base;
                sum += weight * one.permuted[at + rest % one.base];
                rest /= one.base;
            }
            constexpr double below_one = 1 - 0x1p-53; // rounding can reach 1
            point[k] = sum < below_one ? sum : below_one;
        }
    }

  private:
    struct digits {
        std::uint32_t base;
        std::vector<std::uint32_t> permuted; ///< `[base x digits]`
    };
    static bool is_prime(std::uint32_t number) noexcept {
        for (std::uint32_t divisor = 2; divisor * divisor <= number; ++divisor) {
            if (number % divisor == 0) {
                return false;
            }
        }
        return true;
    }

    std::vector<digits> digits_;
};

} // namespace tocsin
