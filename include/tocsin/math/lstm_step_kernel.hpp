/// @file lstm_step_kernel.hpp
/// @brief One time step of one sequence: the kernel of streams.
#pragma once

#include "tocsin/math/lstm_cell.hpp"
#include "tocsin/math/lstm_packing.hpp"

#include <algorithm>

namespace tocsin {

/// The order in which the blocks of a layer are computed; the result is the same. Weights that do
/// not fit into the first-level cache should be read in alternating directions, so that a step
/// begins with those that the previous step read last.
enum class block_order : bool { ascending, descending };

/// Alternates from step to step.
constexpr block_order order_of_step(int t) noexcept {
    return t % 2 == 0 ? block_order::ascending : block_order::descending;
}

/// How packed weights are stored: as scalars, or as bfloat16 with arithmetic in float.
enum class weight_format : bool { full, bfloat16 };

namespace detail {

template <class Lanes, weight_format Format>
struct packed_gates {
    using scalar = typename Lanes::scalar_type;
    using reg = typename Lanes::register_type;
    /// Scalars of the four gates of a block in one column.
    static constexpr int size = (Format == weight_format::full ? 4 : 2) * Lanes::count;

    /// sum[gate] += weight[gate] * x
    TOCSIN_ALWAYS_INLINE static void multiply_add(reg (&sum)[4], const scalar* weights,
                                                  reg x) noexcept {
        if constexpr (Format == weight_format::full) {
            unroll<4>([&](auto gate) TOCSIN_ALWAYS_INLINE {
                sum[gate] =
                    Lanes::multiply_add(Lanes::load(weights + gate * Lanes::count), x, sum[gate]);
            });
        } else {
            unroll<2>([&](auto pair) TOCSIN_ALWAYS_INLINE {
                const reg words = Lanes::load(weights + pair * Lanes::count);
                sum[2 * pair] = Lanes::multiply_add(words, x, sum[2 * pair]);
                sum[2 * pair + 1] =
                    Lanes::multiply_add(Lanes::lower_half(words), x, sum[2 * pair + 1]);
            });
        }
    }
    TOCSIN_ALWAYS_INLINE static void load(reg (&sum)[4], const scalar* weights) noexcept {
        if constexpr (Format == weight_format::full) {
            unroll<4>([&](auto gate) TOCSIN_ALWAYS_INLINE {
                sum[gate] = Lanes::load(weights + gate * Lanes::count);
            });
        } else {
            unroll<2>([&](auto pair) TOCSIN_ALWAYS_INLINE {
                sum[2 * pair] = Lanes::load(weights + pair * Lanes::count);
                sum[2 * pair + 1] = Lanes::lower_half(sum[2 * pair]);
            });
        }
    }
};

/// State update of `Blocks` blocks. Sums over the columns are split into `Split` interleaved parts:
/// enough independent sums must be in flight to hide the latency of multiply-add.
template <class Lanes, class Arithmetic, weight_format Format, int Blocks, int Split>
TOCSIN_ALWAYS_INLINE inline void
lstm_step_blocks(const lstm_layout& layout, int first, const typename Lanes::scalar_type* packed,
                 const typename Lanes::scalar_type* input,
                 const typename Lanes::scalar_type* previous, typename Lanes::scalar_type* cell,
                 typename Lanes::scalar_type* hidden) noexcept {
    using scalar = typename Lanes::scalar_type;
    using reg = typename Lanes::register_type;
    using pack = typename Lanes::pack_type;
    using gates = packed_gates<Lanes, Format>;
    const index_t block_size = layout.columns() * gates::size;
    const scalar* weights = packed + first * block_size;

    reg sums[std::size_t{Split}][std::size_t{Blocks}][4];
    unroll<Blocks>([&](auto block) TOCSIN_ALWAYS_INLINE {
        gates::load(sums[0][block], weights + block * block_size);
        unroll<Split - 1>([&](auto part) TOCSIN_ALWAYS_INLINE {
            unroll<4>([&](auto gate) TOCSIN_ALWAYS_INLINE {
                sums[part + 1][block][gate] = reg(pack(scalar(0)));
            });
        });
    });
    weights += gates::size;
    const auto add_columns = [&](const scalar* values, int count) TOCSIN_ALWAYS_INLINE {
        int k = 0;
        for (; k + Split <= count; k += Split) {
            unroll<Split>([&](auto part) TOCSIN_ALWAYS_INLINE {
                const reg x = Lanes::broadcast(values + k + part);
                unroll<Blocks>([&](auto block) TOCSIN_ALWAYS_INLINE {
                    gates::multiply_add(sums[part][block],
                                        weights + block * block_size + part * gates::size, x);
                });
            });
            weights += Split * gates::size;
        }
        if constexpr (Split > 1) {
            for (; k < count; ++k) {
                const reg x = Lanes::broadcast(values + k);
                unroll<Blocks>([&](auto block) TOCSIN_ALWAYS_INLINE {
                    gates::multiply_add(sums[0][block], weights + block * block_size, x);
                });
                weights += gates::size;
            }
        }
    };
    add_columns(input, layout.inputs);
    add_columns(previous, layout.hidden);

    unroll<Blocks>([&](auto block) TOCSIN_ALWAYS_INLINE {
        pack z[4];
        unroll<4>([&](auto gate) TOCSIN_ALWAYS_INLINE {
            z[gate] = pack(sums[0][block][gate]);
            unroll<Split - 1>([&](auto part) TOCSIN_ALWAYS_INLINE {
                z[gate] = z[gate] + pack(sums[part + 1][block][gate]);
            });
        });
        const int units = layout.units_in(first + block);
        const index_t at = index_t{first + block} * Lanes::count;
        const pack c(Lanes::load_first(cell + at, units));
        const auto next =
            Arithmetic::state(lstm_gates<pack>{z[lstm_gate::input], z[lstm_gate::forget],
                                               z[lstm_gate::candidate], z[lstm_gate::output]},
                              c);
        Lanes::store_first(cell + at, reg(next.cell), units);
        Lanes::store_first(hidden + at, reg(next.hidden), units);
    });
}

} // namespace detail

/// Advances h and c of one sequence by one time step. Never allocates.
/// @param packed  weights in the order and format named by the template
/// @param input   `[inputs]`
/// @param hidden  `[hidden]`, in: h; out: h'
/// @param cell    `[hidden]`, in: c; out: c'
/// @param scratch `[hidden]`, for a copy of h
template <class Lanes, class Arithmetic, weight_format Format = weight_format::full>
void lstm_step_kernel(const lstm_layout& layout, const typename Lanes::scalar_type* packed,
                      const typename Lanes::scalar_type* input, typename Lanes::scalar_type* hidden,
                      typename Lanes::scalar_type* cell, typename Lanes::scalar_type* scratch,
                      block_order order) noexcept {
    const int blocks = layout.blocks();
    if (blocks == 1) { // small layers feel every instruction
        detail::lstm_step_blocks<Lanes, Arithmetic, Format, 1, 2>(layout, 0, packed, input, hidden,
                                                                  cell, hidden);
        return;
    }
    const typename Lanes::scalar_type* previous = hidden;
    if (blocks > 2) { // otherwise all sums are complete before h is overwritten
        std::copy_n(hidden, layout.hidden, scratch);
        previous = scratch;
    }
    const int pairs = (blocks + 1) / 2; // the last one perhaps a single block
    const bool descending = order == block_order::descending;
    for (int k = 0; k < pairs; ++k) {
        const int first = 2 * (descending ? pairs - 1 - k : k);
        if (first + 1 < blocks) {
            detail::lstm_step_blocks<Lanes, Arithmetic, Format, 2, 1>(layout, first, packed, input,
                                                                      previous, cell, hidden);
        } else {
            detail::lstm_step_blocks<Lanes, Arithmetic, Format, 1, 2>(layout, first, packed, input,
                                                                      previous, cell, hidden);
        }
    }
}

} // namespace tocsin
