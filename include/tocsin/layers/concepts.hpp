/// @file concepts.hpp
/// @brief The concept of a layer: a shape plus pure functions over parameters that the caller owns.
#pragma once

#include "tocsin/core/random.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/core/views.hpp"

#include <concepts>
#include <cstddef>
#include <span>

namespace tocsin {

/// A shape whose parameters are in the caller's flat buffer.
///
/// `parameter_count()` scalars hold everything that is trained. `initialise(parameters, random)`
/// overwrites all of them. `for_each_parameter_block(visit)` calls
/// `visit(name, offset, rows, cols)` for each column-major block, in order of offsets and without
/// gaps; files and inspection tools see parameters through it. `check()` names the first size that
/// is out of range; code that takes a layer from a user calls it before use.
template <class Layer>
concept layer = std::copyable<Layer> && std::floating_point<typename Layer::scalar_type> &&
                requires(const Layer shape, std::span<typename Layer::scalar_type> parameters,
                         random_generator& random) {
                    { shape.input_size() } -> std::convertible_to<int>;
                    { shape.output_size() } -> std::convertible_to<int>;
                    { shape.parameter_count() } -> std::convertible_to<index_t>;
                    { shape.check() } -> std::same_as<status>;
                    shape.initialise(parameters, random);
                    shape.for_each_parameter_block([](const char*, index_t, index_t, index_t) {});
                };

/// A layer over whole sequences with a backward pass.
///
/// Order of calls: `make_tape(area, batch, time)` gives shape to `tape_size(batch, time)` scalars
/// of the caller; `reset(tape)` sets zero states; `forward(parameters, inputs, tape)` fills the
/// tape, after which `outputs(tape)` are valid.
/// `backward(parameters, inputs, tape, output_gradient, gradients, input_gradient, work)` *adds* to
/// `gradients` (same layout as the parameters), overwrites `input_gradient` unless it is empty
/// (data() is null) and uses `backward_work_size(batch, time)` scalars of scratch. backward()
/// consumes the tape: run forward() again before the next one. None of them allocates for the tape.
template <class Layer>
concept differentiable_layer =
    layer<Layer> &&
    requires(const Layer shape, std::span<const typename Layer::scalar_type> parameters,
             std::span<typename Layer::scalar_type> area,
             sequence_view<const typename Layer::scalar_type> inputs,
             sequence_view<typename Layer::scalar_type> input_gradient, int size) {
        { shape.tape_size(size, size) } -> std::convertible_to<index_t>;
        { shape.backward_work_size(size, size) } -> std::convertible_to<index_t>;
        requires requires(decltype(shape.make_tape(area, size, size)) tape) {
            shape.reset(tape);
            shape.forward(parameters, inputs, tape);
            {
                shape.outputs(tape)
            } -> std::convertible_to<sequence_view<const typename Layer::scalar_type>>;
            shape.backward(parameters, inputs, tape, inputs, area, input_gradient, area);
        };
    };

} // namespace tocsin
