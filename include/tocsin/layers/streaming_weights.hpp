/// @file streaming_weights.hpp
/// @brief Packed weights of an LSTM layer: for batches, then for streams.
#pragma once

#include "tocsin/core/storage.hpp"
#include "tocsin/layers/precision.hpp"
#include "tocsin/math/lstm_packing.hpp"
#include "tocsin/math/lstm_step_kernel.hpp"
#include "tocsin/math/lstm_table_kernel.hpp"

#include <type_traits>

namespace tocsin::detail {

/// Streams read weights of their own where these are bfloat16, and where small layers have a kernel
/// of their own (AVX-512). Else they read the weights of batches.
template <class Scalar, class Precision>
struct streaming_weights {
    using arithmetic = typename Precision::arithmetic;

    static constexpr bool are_bfloat16 = Precision::streaming_weights == weight_format::bfloat16;
    static constexpr bool may_use_table = TOCSIN_HAS_TANH_TABLE == 1 &&
                                          std::is_same_v<arithmetic, rational_arithmetic> &&
                                          std::is_same_v<Scalar, float> && !are_bfloat16;

    static constexpr bool use_table(const lstm_layout& layout) noexcept {
        return may_use_table && layout.hidden <= table_layout::largest;
    }
    /// Scalars of all packed weights.
    static constexpr index_t size(const lstm_layout& layout) noexcept {
        if constexpr (are_bfloat16) {
            return layout.size() + whole_lines<Scalar>(bfloat16_size(layout));
        } else {
            return layout.size() +
                   (use_table(layout) ? table_layout{layout.inputs, layout.hidden}.size() : 0);
        }
    }
    /// @param packed `size(layout)` scalars, overwritten
    static void pack(const lstm_layout& layout, const Scalar* parameters, Scalar* packed) noexcept {
        pack_lstm(layout, parameters, packed);
        if constexpr (are_bfloat16) {
            round_to_bfloat16(layout, packed);
            pack_lstm_bfloat16(layout, parameters, packed + layout.size());
        } else if constexpr (may_use_table) {
            if (use_table(layout)) {
                pack_lstm_table({layout.inputs, layout.hidden}, parameters, packed + layout.size());
            }
        }
    }
    /// One step of one sequence; see lstm_step_kernel().
    TOCSIN_ALWAYS_INLINE static void step(const lstm_layout& layout, const Scalar* packed,
                                          const Scalar* input, Scalar* hidden, Scalar* cell,
                                          Scalar* scratch, block_order order) noexcept {
#if TOCSIN_HAS_TANH_TABLE
        if constexpr (may_use_table) {
            if (use_table(layout)) {
                lstm_table_step({layout.inputs, layout.hidden}, packed + layout.size(), input,
                                hidden, cell);
                return;
            }
        }
#endif
        with_lanes<Scalar>(layout.hidden, [&]<class Lanes>() {
            lstm_step_kernel<Lanes, arithmetic, Precision::streaming_weights>(
                layout, packed + (are_bfloat16 ? layout.size() : 0), input, hidden, cell, scratch,
                order);
        });
    }
};

} // namespace tocsin::detail
