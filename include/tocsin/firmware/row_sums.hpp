/// @file row_sums.hpp
/// @brief Rows of weights times a vector, several rows at a time, in one order of sums.
///
/// A row's sum starts with its bias and adds one product after the other, first column first. How
/// many rows are computed at once does not change it. Weights lie in the order of use: for a block
/// of rows their biases, then their weights of the first column, of the second, and so on.
#pragma once

#include "tocsin/firmware/arithmetic.hpp"

#include <stddef.h>

// g++ does not form the load of eight registers that clang forms: a fifth of the instructions.
#if defined(__arm__) && defined(__ARM_FP) && (__ARM_FP & 4) && !defined(__clang__)
#define TOCSIN_FIRMWARE_LOAD_MULTIPLE 1
#else
/// Whether several weights are loaded by one instruction.
#define TOCSIN_FIRMWARE_LOAD_MULTIPLE 0
#endif

namespace tocsin::firmware::detail {

/// The sums of a block of rows.
template <int Rows>
struct row_block {
    float sum[unsigned{Rows}];
};

#if TOCSIN_FIRMWARE_LOAD_MULTIPLE
/// Eight floats, which stay in registers, and the place after them.
TOCSIN_FIRMWARE_INLINE const float* load(const float* from, row_block<8>& to) noexcept {
    register float a asm("s8");
    register float b asm("s9");
    register float c asm("s10");
    register float d asm("s11");
    register float e asm("s12");
    register float f asm("s13");
    register float g asm("s14");
    register float h asm("s15");
    asm("vldmia %[from]!, {s8-s15}"
        : [from] "+r"(from), "=t"(a), "=t"(b), "=t"(c), "=t"(d), "=t"(e), "=t"(f), "=t"(g), "=t"(h)
        : "m"(*reinterpret_cast<const float(*)[8]>(from)));
    to = {{a, b, c, d, e, f, g, h}};
    return from;
}
TOCSIN_FIRMWARE_INLINE const float* load(const float* from, row_block<4>& to) noexcept {
    register float a asm("s8");
    register float b asm("s9");
    register float c asm("s10");
    register float d asm("s11");
    asm("vldmia %[from]!, {s8-s11}"
        : [from] "+r"(from), "=t"(a), "=t"(b), "=t"(c), "=t"(d)
        : "m"(*reinterpret_cast<const float(*)[4]>(from)));
    to = {{a, b, c, d}};
    return from;
}
#endif
template <int Rows>
TOCSIN_FIRMWARE_INLINE const float* load(const float* from, row_block<Rows>& to) noexcept {
#pragma GCC unroll 8
    for (int row = 0; row < Rows; ++row) {
        to.sum[row] = from[row];
    }
    return from + Rows;
}

/// Bias plus weights times `vector` for a block of rows.
/// @param weights of the block; returned: the next block's
template <class Arithmetic, int Rows>
TOCSIN_FIRMWARE_INLINE const float* sum_rows(const float* weights, const float* vector, int columns,
                                             row_block<Rows>& block) noexcept {
    weights = load(weights, block);
    const float* const end = vector + columns;
    do {
        row_block<Rows> products;
        weights = load(weights, products);
        const float factor = *vector++;
#pragma GCC unroll 8
        for (int row = 0; row < Rows; ++row) {
            block.sum[row] = Arithmetic::multiply_add(products.sum[row], factor, block.sum[row]);
        }
    } while (vector != end);
    return weights;
}

#if TOCSIN_FIRMWARE_VECTORS
/// Four floats from a place with any alignment.
TOCSIN_FIRMWARE_INLINE four_floats four_at(const float* from) noexcept {
    four_floats values;
    __builtin_memcpy(&values, from, sizeof values);
    return values;
}
/// The same for four blocks of eight rows at once.
/// @param sums four rows each
template <class Arithmetic>
TOCSIN_FIRMWARE_INLINE const float* sum_four_blocks(const float* weights, const float* vector,
                                                    int columns, four_floats (&sums)[8]) noexcept {
    const ptrdiff_t block = ptrdiff_t{8} * (columns + 1);
#pragma GCC unroll 8
    for (ptrdiff_t k = 0; k < 8; ++k) {
        sums[k] = four_at(weights + k / 2 * block + k % 2 * 4);
    }
    for (int column = 0; column < columns; ++column) {
        const float* const at = weights + ptrdiff_t{8} * (column + 1);
#pragma GCC unroll 8
        for (ptrdiff_t k = 0; k < 8; ++k) {
            sums[k] = Arithmetic::multiply_add(four_at(at + k / 2 * block + k % 2 * 4),
                                               vector[column], sums[k]);
        }
    }
    return weights + 4 * block;
}
#endif

/// Blocks of eight rows, then one each of four, two and one for the rest.
/// @param put called with (row, sum)
template <class Arithmetic, class Put>
TOCSIN_FIRMWARE_INLINE const float* sum_all_rows(const float* weights, const float* vector,
                                                 int columns, int rows, Put&& put) noexcept {
    const auto block_of = [&]<int Rows>(row_block<Rows> block, int first) {
        weights = sum_rows<Arithmetic>(weights, vector, columns, block);
#pragma GCC unroll 8
        for (int row = 0; row < Rows; ++row) {
            put(first + row, block.sum[row]);
        }
    };
    int row = 0;
    for (; row + 8 <= rows; row += 8) {
        block_of(row_block<8>{}, row);
    }
    if ((rows & 4) != 0) {
        block_of(row_block<4>{}, row);
        row += 4;
    }
    if ((rows & 2) != 0) {
        block_of(row_block<2>{}, row);
        row += 2;
    }
    if ((rows & 1) != 0) {
        block_of(row_block<1>{}, row);
    }
    return weights;
}

} // namespace tocsin::firmware::detail
