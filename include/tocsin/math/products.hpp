/// @file products.hpp
/// @brief Products of a matrix with the columns of a batch, for training: weights change after each.
///
/// A part of the matrix at a time is packed on the stack, for the kernel of packed_product.hpp. Eigen's
/// products were as fast, but took a fifth of the time to compile a detector.
#pragma once

#include "tocsin/math/packed_product.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

namespace tocsin {

/// Scalars of a matrix that are packed at a time, on the stack.
inline constexpr int packed_at_once = 4096;

namespace detail {

/// y[j] = start[j] + sum over r of element(r, j) * x[r], for each column x.
/// @param values  `[terms x columns]`
/// @param output  `[outputs x columns]`, overwritten
template <class Lanes, class Element>
void product_by_parts(int outputs, int terms, const Element& element,
                      const typename Lanes::scalar_type* values, int columns,
                      const typename Lanes::scalar_type* start,
                      typename Lanes::scalar_type* output) noexcept {
    using scalar = typename Lanes::scalar_type;
    constexpr int width = Lanes::count;
    alignas(64) std::array<scalar, std::size_t{packed_at_once}> packed; // NOLINT: overwritten
    const int longest = std::clamp(terms, 1, packed_at_once / width);
    first_sums<scalar> first{start, 0};
    int term = 0;
    do { // also without terms: the output is written
        const product_layout part{outputs, std::min(longest, terms - term), width};
        const int most = packed_at_once / (longest * width);
        const segmented_columns<scalar> operand{values + term, 1, part.terms, 0, terms};
        for (int block = 0; block < part.blocks(); block += most) {
            const block_range blocks{block, std::min(most, part.blocks() - block)};
            pack_product(
                part, blocks, [&](int r, int j) { return element(term + r, j); }, packed.data());
            packed_product<Lanes>(part, blocks, packed.data(), operand, columns, first, output);
        }
        first = {output, outputs};
        term += longest;
    } while (term < terms);
}

} // namespace detail

/// y = A x + b. Never allocates.
/// @param a      `[rows x inputs]`
/// @param values x `[inputs x columns]`
/// @param start  b `[rows]`, or null for 0
/// @param output y `[rows x columns]`, overwritten; must not overlap `values`
template <class Scalar>
void multiply(const Scalar* a, int rows, int inputs, const Scalar* values, int columns,
              const Scalar* start, Scalar* output) noexcept {
    with_lanes<Scalar>(rows, [&]<class Lanes>() {
        detail::product_by_parts<Lanes>(
            rows, inputs, [&](int input, int row) { return a[index_t{input} * rows + row]; },
            values, columns, start, output);
    });
}

/// y = A^T x, the gradient of the inputs of a matrix. Never allocates.
/// @param a      `[rows x inputs]`
/// @param values x `[rows x columns]`
/// @param output y `[inputs x columns]`, overwritten; must not overlap `values`
template <class Scalar>
void multiply_transposed(const Scalar* a, int rows, int inputs, const Scalar* values, int columns,
                         Scalar* output) noexcept {
    with_lanes<Scalar>(inputs, [&]<class Lanes>() {
        detail::product_by_parts<Lanes>(
            inputs, rows, [&](int row, int input) { return a[index_t{input} * rows + row]; },
            values, columns, static_cast<const Scalar*>(nullptr), output);
    });
}

} // namespace tocsin
