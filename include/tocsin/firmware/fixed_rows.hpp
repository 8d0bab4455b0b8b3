/// @file fixed_rows.hpp
/// @brief Rows of 8- or 16-bit weights times a vector of 16-bit integers, summed in 32 bits.
///
/// Integer sums have no order: any target gives the same bits. Weights lie in the order of use: four
/// columns of the first row of a block, of the second row, and so on, then the next four columns.
/// Columns are filled up with zeros to a multiple of four. 8-bit weights of four columns are stored as
/// columns 0, 2, 1, 3, which is how a Cortex-M takes them apart.
#pragma once

#include "tocsin/firmware/arithmetic.hpp"

namespace tocsin::firmware::detail {

constexpr int whole_quads(int columns) noexcept {
    return (columns + 3) / 4 * 4;
}

#if defined(__ARM_FEATURE_SIMD32) && __ARM_FEATURE_SIMD32

/// Two 16-bit integers, or four of 8 bits.
TOCSIN_FIRMWARE_INLINE uint32_t word_at(const void* from) noexcept {
    uint32_t word;
    __builtin_memcpy(&word, from, sizeof word);
    return word;
}
/// sum + a0 b0 + a1 b1 of the halves of two words.
TOCSIN_FIRMWARE_INLINE int32_t add_two_products(uint32_t a, uint32_t b, int32_t sum) noexcept {
    int32_t result;
    asm("smlad %0, %1, %2, %3" : "=r"(result) : "r"(a), "r"(b), "r"(sum));
    return result;
}
TOCSIN_FIRMWARE_INLINE int32_t add_quad(const int16_t* weights, const int16_t* vector,
                                        int32_t sum) noexcept {
    sum = add_two_products(word_at(weights), word_at(vector), sum);
    return add_two_products(word_at(weights + 2), word_at(vector + 2), sum);
}
TOCSIN_FIRMWARE_INLINE int32_t add_quad(const int8_t* weights, const int16_t* vector,
                                        int32_t sum) noexcept {
    const uint32_t word = word_at(weights);
    uint32_t first;
    uint32_t second;
    asm("sxtb16 %0, %1" : "=r"(first) : "r"(word));
    asm("sxtb16 %0, %1, ror #8" : "=r"(second) : "r"(word));
    sum = add_two_products(first, word_at(vector), sum);
    return add_two_products(second, word_at(vector + 2), sum);
}

#else

TOCSIN_FIRMWARE_INLINE int32_t add_quad(const int16_t* weights, const int16_t* vector,
                                        int32_t sum) noexcept {
    return sum + weights[0] * vector[0] + weights[1] * vector[1] + weights[2] * vector[2] +
           weights[3] * vector[3];
}
TOCSIN_FIRMWARE_INLINE int32_t add_quad(const int8_t* weights, const int16_t* vector,
                                        int32_t sum) noexcept {
    return sum + weights[0] * vector[0] + weights[2] * vector[1] + weights[1] * vector[2] +
           weights[3] * vector[3];
}

#endif

#if defined(__ARM_FEATURE_SIMD32) && __ARM_FEATURE_SIMD32 && defined(__thumb2__) &&                \
    !defined(__clang__)

/// Four words with one instruction, which g++ does not form by itself, and the place after them.
TOCSIN_FIRMWARE_INLINE void load_words(const uint32_t*& from, uint32_t (&to)[4]) noexcept {
    register uint32_t a asm("r4");
    register uint32_t b asm("r5");
    register uint32_t c asm("r6");
    register uint32_t d asm("r8"); // r7 may be the frame pointer
    asm("ldmia %[from]!, {r4, r5, r6, r8}"
        : [from] "+r"(from), "=r"(a), "=r"(b), "=r"(c), "=r"(d)
        : "m"(*reinterpret_cast<const uint32_t(*)[4]>(from)));
    to[0] = a;
    to[1] = b;
    to[2] = c;
    to[3] = d;
}
/// Four rows of four columns.
TOCSIN_FIRMWARE_INLINE void add_quads(const int8_t* /*type*/, const uint32_t*& weights,
                                      uint32_t first, uint32_t second,
                                      int32_t (&sums)[4]) noexcept {
    uint32_t words[4];
    load_words(weights, words);
#pragma GCC unroll 4
    for (int row = 0; row < 4; ++row) {
        uint32_t even = 0;
        uint32_t odd = 0;
        asm("sxtb16 %0, %1" : "=r"(even) : "r"(words[row]));
        asm("sxtb16 %0, %1, ror #8" : "=r"(odd) : "r"(words[row]));
        sums[row] = add_two_products(odd, second, add_two_products(even, first, sums[row]));
    }
}
TOCSIN_FIRMWARE_INLINE void add_quads(const int16_t* /*type*/, const uint32_t*& weights,
                                      uint32_t first, uint32_t second,
                                      int32_t (&sums)[4]) noexcept {
#pragma GCC unroll 2
    for (int row = 0; row < 4; row += 2) {
        uint32_t words[4];
        load_words(weights, words);
        sums[row] =
            add_two_products(words[1], second, add_two_products(words[0], first, sums[row]));
        sums[row + 1] =
            add_two_products(words[3], second, add_two_products(words[2], first, sums[row + 1]));
    }
}
template <class Weight>
TOCSIN_FIRMWARE_INLINE const Weight* add_fixed_rows(const Weight* weights, const int16_t* vector,
                                                    int columns, int32_t (&sums)[4]) noexcept {
    const int16_t* const end = vector + columns;
    const auto* words = reinterpret_cast<const uint32_t*>(weights);
    do {
        uint32_t first = 0;
        uint32_t second = 0;
        asm("ldrd %0, %1, [%2], #8"
            : "=&r"(first), "=&r"(second), "+r"(vector)
            : "m"(*reinterpret_cast<const int16_t(*)[4]>(vector)));
        add_quads(weights, words, first, second, sums);
    } while (vector != end);
    return reinterpret_cast<const Weight*>(words);
}

#endif

/// Adds the products of a block of rows.
/// @param columns a multiple of four, at least four
/// @param sums    in and out
/// @return the weights after the block's
template <unsigned Count, class Weight>
TOCSIN_FIRMWARE_INLINE const Weight* add_fixed_rows(const Weight* weights, const int16_t* vector,
                                                    int columns, int32_t (&sums)[Count]) noexcept {
    constexpr int rows = int{Count};
    const int16_t* const end = vector + columns;
    do {
#pragma GCC unroll 4
        for (int row = 0; row < rows; ++row) {
            sums[row] = add_quad(weights + 4 * row, vector, sums[row]);
        }
        weights += 4 * rows;
        vector += 4;
    } while (vector != end);
    return weights;
}

} // namespace tocsin::firmware::detail
