/// @file compiled.hpp
/// @brief What the CMake target tocsin::compiled has compiled already: common detectors and the kernels.
///
/// tocsin.hpp includes this where the target is linked. The templates named here are then taken from
/// the library; all others are compiled in the program as usual. A program and a
/// library for different vector registers do not link: `undefined reference to
/// tocsin::detail::compiled_for<...>::marker` asks for the same `-march` on both.
#pragma once

#include "tocsin/detect/detector.hpp"
#include "tocsin/layers/precision.hpp"
#include "tocsin/models/encoder_decoder.hpp"
#include "tocsin/models/forecaster.hpp"
#include "tocsin/series/split.hpp"

namespace tocsin::detail {

/// What a program and the library must agree upon: registers, by which weights are packed, and
/// alignment. The library defines `marker` for its own.
template <int Floats, int Doubles, int Alignment>
struct compiled_for {
    static const char marker;
};
using compiled_for_this =
    compiled_for<widest_lanes<float>, widest_lanes<double>, EIGEN_MAX_ALIGN_BYTES>;
extern template struct compiled_for<widest_lanes<float>, widest_lanes<double>,
                                    EIGEN_MAX_ALIGN_BYTES>;
/// Makes the linker ask for it.
[[gnu::used]] inline const char* const compiled_for_the_same = &compiled_for_this::marker;

/// The parts of `detector<Model>`.
template <class Model>
using compiled_parts = learned_parts<Model, standard_scaler<typename Model::scalar_type>,
                                     mahalanobis<>, quantile_threshold, no_alarm_control, dynamic>;

using compiled_lanes = lanes<float, widest_lanes<float>>;
using compiled_half_lanes = lanes<float, lanes_for<float>(1)>; // the same, except with AVX-512
using compiled_arithmetic = standard_precision::arithmetic;

} // namespace tocsin::detail

// NOLINTBEGIN(bugprone-macro-parentheses): types cannot stand in parentheses

/// The kernels of layers of floats, for registers `Lanes`. `instantiation` is `extern template`, or
/// `template` in the library.
#define TOCSIN_COMPILED_KERNELS(instantiation, Lanes)                                              \
    instantiation void lstm_step_kernel<Lanes, detail::compiled_arithmetic>(                       \
        const lstm_layout&, const float*, const float*, float*, float*, float*,                    \
        block_order) noexcept;                                                                     \
    instantiation void lstm_batch_kernel<Lanes, detail::compiled_arithmetic>(                      \
        const lstm_layout&, const float*, const lstm_batch_step<float>&,                           \
        const packed_gate_columns<float>&, index_t) noexcept;                                      \
    instantiation void lstm_slopes_kernel<Lanes, detail::compiled_arithmetic>(                     \
        const lstm_layout&, int, const packed_gate_columns<float>&, index_t, const float*,         \
        const float*, const float*, float*) noexcept;                                              \
    instantiation void lstm_weight_gradient_kernel<Lanes>(                                         \
        const lstm_layout&, const packed_gate_columns<float>&, index_t, index_t, const float*,     \
        const float*, float*) noexcept;                                                            \
    instantiation void packed_product<Lanes>(const product_layout&, const float*,                  \
                                             const segmented_columns<float>&, int, const float*,   \
                                             float*) noexcept;                                     \
    instantiation void packed_column_product<Lanes>(const product_layout&, const float*,           \
                                                    const float*, const float*, float*) noexcept;  \
    instantiation void dot_products<Lanes>(const row_layout&, const float*, const float*,          \
                                           const float*, float*) noexcept;                         \
    instantiation void dot_products_of_columns<Lanes>(                                             \
        const row_layout&, const float*, const float*, int, const float*, float*) noexcept;

/// The products of dense layers of floats in training, and what prepares windows of floats.
#define TOCSIN_COMPILED_FUNCTIONS(instantiation)                                                   \
    instantiation void multiply<float>(const float*, int, int, const float*, int, const float*,    \
                                       float*) noexcept;                                           \
    instantiation void multiply_transposed<float>(const float*, int, int, const float*, int,       \
                                                  float*) noexcept;                                \
    instantiation void add_outer_products<float>(const float*, int, const float*, int, index_t,    \
                                                 float*) noexcept;                                 \
    instantiation void add_columns<float>(const float*, int, index_t, float*) noexcept;            \
    instantiation result<std::vector<windows<float>>> split_chronologically(                       \
        const windows<float>&, std::span<const double>);

/// What `detector<Model>` does with `trainer<>`, in float.
#define TOCSIN_COMPILED_DETECTOR(instantiation, Model)                                             \
    instantiation void detail::settle(detail::compiled_parts<Model>&);                             \
    instantiation training_state<float> detail::fresh_state<float>(const Model&, const adam&,      \
                                                                   std::uint64_t);                 \
    instantiation status detail::require_phase(                                                    \
        const detector<Model>&, const char*, detector_phase, const windows<float>&, int) noexcept; \
    instantiation status detail::train_parts(                                                      \
        detail::compiled_parts<Model>&, training_state<float>&, const windows<float>&,             \
        const windows<float>&, const trainer<>&, int, const detail::training_observer<float>&);    \
    instantiation status detail::fit_held_out(                                                     \
        detail::compiled_parts<Model>&, const held_out_data<float>&, const trainer<>&,             \
        const cross_fit&, int, const detail::training_observer<float>&);                           \
    instantiation status detail::borrow_weights(                                                   \
        detail::compiled_parts<Model>&, const borrowed_weights<float>&,                            \
        const standard_scaler<float>&, sample_view<float>);                                        \
    instantiation status detail::fit_error_views(detail::compiled_parts<Model>&,                   \
                                                 const windows<float>&);                           \
    instantiation status detail::tune_parts(detail::compiled_parts<Model>&, const windows<float>&, \
                                            std::span<const std::uint8_t>);                        \
    instantiation result<detector_scores> detail::checked_scores(                                  \
        const detail::compiled_parts<Model>&, const windows<float>&, const serial_execution&);     \
    instantiation verdict detail::push_one(const detail::compiled_parts<Model>&,                   \
                                           detail::compiled_parts<Model>::memory_type&,            \
                                           sample_view<float>, double) noexcept;                   \
    instantiation void detail::feature_shares(const detail::compiled_parts<Model>&,                \
                                              const detail::compiled_parts<Model>::memory_type&,   \
                                              std::span<double>) noexcept;                         \
    instantiation status detail::enable_learning(const detail::compiled_parts<Model>&,             \
                                                 detail::compiled_parts<Model>::memory_type&,      \
                                                 const learning_settings&);                        \
    instantiation void detail::learn(const detail::compiled_parts<Model>&,                         \
                                     detail::compiled_parts<Model>::memory_type&) noexcept;

// NOLINTEND(bugprone-macro-parentheses)

namespace tocsin {

TOCSIN_COMPILED_KERNELS(extern template, detail::compiled_lanes)
TOCSIN_COMPILED_KERNELS(extern template, detail::compiled_half_lanes)
TOCSIN_COMPILED_FUNCTIONS(extern template)
TOCSIN_COMPILED_DETECTOR(extern template, encoder_decoder<float>)
TOCSIN_COMPILED_DETECTOR(extern template, forecaster<float>)

} // namespace tocsin
