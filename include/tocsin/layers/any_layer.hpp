/// @file any_layer.hpp
/// @brief A layer of any type, for networks whose layers are known at run time.
#pragma once

#include "tocsin/core/function_ref.hpp"
#include "tocsin/core/hash_archive.hpp"
#include "tocsin/core/random.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/layers/layer_stream.hpp"
#include "tocsin/layers/memory_bounds.hpp"
#include "tocsin/layers/network_layer.hpp"

#include <concepts>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>

namespace tocsin {

/// Holds any `differentiable_layer` of a scalar and is one itself: it forwards each call, with one
/// more jump. Copies share the held layer, which never changes; making the first one allocates. What
/// a call does with bad input, and whether it allocates, is up to the held layer.
template <std::floating_point Scalar>
class any_layer {
  public:
    using scalar_type = Scalar;
    /// The scalars of the held layer's tape, and what gives them their shape.
    struct tape_type {
        std::span<Scalar> area; ///< scalars of the layer
        int batch = 0;          ///< sequences
        int time = 0;           ///< time steps
    };
    /// What for_each_parameter_block() calls.
    using block_visitor =
        detail::function_ref<void(const char* name, index_t offset, index_t rows, index_t cols)>;

    /// Holds a copy of a layer. Allocates.
    template <class Layer>
        requires(!std::same_as<Layer, any_layer> && differentiable_layer<Layer> &&
                 std::same_as<typename Layer::scalar_type, Scalar>)
    // NOLINTNEXTLINE(google-explicit-constructor,hicpp-explicit-conversions): like std::any
    any_layer(Layer layer) : held_{std::make_shared<const holder<Layer>>(std::move(layer))} {}

    /// The held layer, if it is of this type; null otherwise.
    template <class Layer>
    const Layer* get_if() const noexcept {
        return held_->type() == &type_of<Layer> ? &static_cast<const holder<Layer>&>(*held_).layer
                                                : nullptr;
    }
    /// What the held layer calls itself in files and messages: `lstm`.
    const char* kind() const noexcept { return held_->kind(); }
    int input_size() const noexcept { return held_->input_size(); }
    int output_size() const noexcept { return held_->output_size(); }
    /// Time steps of the output.
    int output_time(int time) const noexcept { return held_->output_time(time); }
    index_t parameter_count() const noexcept { return held_->parameter_count(); }
    status check() const noexcept { return held_->check(); }
    void for_each_parameter_block(block_visitor visit) const {
        held_->for_each_parameter_block(visit);
    }
    void initialise(std::span<Scalar> parameters, random_generator& random) const {
        held_->initialise(parameters, random);
    }

    // ---- whole sequences with a tape (concept differentiable_layer) -------------------------

    int reach() const noexcept { return held_->reach(); } ///< see detail::reach_of()
    index_t tape_size(int batch, int time) const noexcept { return held_->tape_size(batch, time); }
    tape_type make_tape(std::span<Scalar> area, int batch, int time) const noexcept {
        return {area, batch, time};
    }
    void reset(const tape_type& tape) const noexcept { held_->reset(tape); }
    /// The outputs that forward() or infer() left in the tape.
    sequence_view<Scalar> outputs(const tape_type& tape) const noexcept {
        return held_->outputs(tape);
    }
    void forward(std::span<const Scalar> parameters, sequence_view<const Scalar> inputs,
                 const tape_type& tape) const noexcept {
        held_->forward(parameters, inputs, tape);
    }
    index_t backward_work_size(int batch, int time) const noexcept {
        return held_->backward_work_size(batch, time);
    }
    void backward(std::span<const Scalar> parameters, sequence_view<const Scalar> inputs,
                  const tape_type& tape, sequence_view<const Scalar> output_gradient,
                  std::span<Scalar> gradients, sequence_view<Scalar> input_gradient,
                  std::span<Scalar> work) const noexcept {
        held_->backward(parameters, inputs, tape, output_gradient, gradients, input_gradient, work);
    }

    // ---- as part of a network (layers/network_layer.hpp); nothing where the layer has none ---

    /// Inference: as forward() where the layer makes no difference.
    void infer(std::span<const Scalar> parameters, std::span<const Scalar> statistics,
               sequence_view<const Scalar> inputs, const tape_type& tape) const noexcept {
        held_->infer(parameters, statistics, inputs, tape);
    }
    /// Draws the dropout of a training pass.
    void draw(const tape_type& tape, random_generator& random) const noexcept {
        held_->draw(tape, random);
    }
    /// The penalty on the parameters, whose gradient is added.
    double penalty(std::span<const Scalar> parameters, std::span<Scalar> gradients) const noexcept {
        return held_->penalty(parameters, gradients);
    }
    index_t statistics_count() const noexcept { return held_->statistics_count(); }
    /// See detail::least_columns_of().
    int least_columns() const noexcept { return held_->least_columns(); }
    /// What running statistics begin with.
    void initialise_statistics(std::span<Scalar> statistics) const {
        held_->initialise_statistics(statistics);
    }
    void for_each_statistics_block(block_visitor visit) const {
        held_->for_each_statistics_block(visit);
    }
    /// Statistics of the batch on the tape, for update_statistics().
    void measure(const tape_type& tape, std::span<Scalar> measured) const noexcept {
        held_->measure(tape, measured);
    }
    /// Moves running statistics towards those of a batch.
    void update_statistics(std::span<Scalar> statistics,
                           std::span<const Scalar> measured) const noexcept {
        held_->update_statistics(statistics, measured);
    }

    // ---- sample by sample (layers/layer_stream.hpp) ------------------------------------------

    /// Sizes of stepping; `possible` is false for a layer that needs the whole sequence.
    layer_stream_sizes stream_sizes() const noexcept { return held_->stream_sizes(); }
    /// Packs weights for step(). Never allocates.
    /// @param packed `stream_sizes().packed` scalars, overwritten
    void stream_pack(std::span<const Scalar> parameters, std::span<const Scalar> statistics,
                     std::span<Scalar> packed) const noexcept {
        held_->stream_pack(parameters, statistics, packed);
    }
    /// Advances a state, zeros at the start, by one sample. Never allocates.
    /// @param input  `[inputs]`
    /// @param output `[outputs]`, overwritten; must not overlap `input`
    /// @param state  `stream_sizes().state` scalars
    /// @param work   `stream_sizes().work` scalars
    void stream_step(std::span<const Scalar> packed, const Scalar* input, Scalar* output,
                     std::span<Scalar> state, std::span<Scalar> work) const noexcept {
        held_->stream_step(packed, input, output, state, work);
    }

    /// Tells a hash, not an archive of files, what the held layer is and how it is set.
    void exchange(detail::hash_archive& archive) const { held_->exchange(archive); }

  private:
    using parameters_view = std::span<const Scalar>;
    using scalars = std::span<Scalar>;
    using inputs_view = sequence_view<const Scalar>;

    /// Its address tells types apart, without RTTI.
    template <class Layer>
    static constexpr char type_of = 0;

    struct interface {
        interface() = default;
        interface(const interface&) = delete;
        interface& operator=(const interface&) = delete;
        virtual ~interface() = default;
        virtual const void* type() const noexcept = 0;
        virtual const char* kind() const noexcept = 0;
        virtual int input_size() const noexcept = 0;
        virtual int output_size() const noexcept = 0;
        virtual int output_time(int) const noexcept = 0;
        virtual index_t parameter_count() const noexcept = 0;
        virtual status check() const noexcept = 0;
        virtual void for_each_parameter_block(block_visitor) const = 0;
        virtual void initialise(scalars, random_generator&) const = 0;
        virtual int reach() const noexcept = 0;
        virtual index_t tape_size(int, int) const noexcept = 0;
        virtual void reset(const tape_type&) const noexcept = 0;
        virtual sequence_view<Scalar> outputs(const tape_type&) const noexcept = 0;
        virtual void forward(parameters_view, inputs_view, const tape_type&) const noexcept = 0;
        virtual index_t backward_work_size(int, int) const noexcept = 0;
        virtual void backward(parameters_view, inputs_view, const tape_type&, inputs_view, scalars,
                              sequence_view<Scalar>, scalars) const noexcept = 0;
        virtual void infer(parameters_view, parameters_view, inputs_view,
                           const tape_type&) const noexcept = 0;
        virtual void draw(const tape_type&, random_generator&) const noexcept = 0;
        virtual double penalty(parameters_view, scalars) const noexcept = 0;
        virtual index_t statistics_count() const noexcept = 0;
        virtual int least_columns() const noexcept = 0;
        virtual void initialise_statistics(scalars) const = 0;
        virtual void for_each_statistics_block(block_visitor) const = 0;
        virtual void measure(const tape_type&, scalars) const noexcept = 0;
        virtual void update_statistics(scalars, parameters_view) const noexcept = 0;
        virtual layer_stream_sizes stream_sizes() const noexcept = 0;
        virtual void stream_pack(parameters_view, parameters_view, scalars) const noexcept = 0;
        virtual void stream_step(parameters_view, const Scalar*, Scalar*, scalars,
                                 scalars) const noexcept = 0;
        virtual void exchange(detail::hash_archive&) const = 0;
    };

    template <class Layer>
    struct holder final : interface {
        explicit holder(Layer held) : layer{std::move(held)} {}

        auto tape_of(const tape_type& tape) const noexcept {
            return layer.make_tape(tape.area, tape.batch, tape.time);
        }
        const void* type() const noexcept override { return &type_of<Layer>; }
        const char* kind() const noexcept override {
            if constexpr (requires { Layer::kind; }) {
                return Layer::kind;
            } else {
                return "layer";
            }
        }
        int input_size() const noexcept override { return layer.input_size(); }
        int output_size() const noexcept override { return layer.output_size(); }
        int output_time(int time) const noexcept override {
            return detail::output_time_of(layer, time);
        }
        index_t parameter_count() const noexcept override { return layer.parameter_count(); }
        status check() const noexcept override { return layer.check(); }
        void for_each_parameter_block(block_visitor visit) const override {
            layer.for_each_parameter_block(visit);
        }
        void initialise(scalars parameters, random_generator& random) const override {
            layer.initialise(parameters, random);
        }
        int reach() const noexcept override { return detail::reach_of(layer); }
        index_t tape_size(int batch, int time) const noexcept override {
            return layer.tape_size(batch, time);
        }
        void reset(const tape_type& tape) const noexcept override { layer.reset(tape_of(tape)); }
        sequence_view<Scalar> outputs(const tape_type& tape) const noexcept override {
            const auto all = layer.outputs(tape_of(tape));
            return {all.data(), static_cast<int>(all.features()), all.batch(), all.time()};
        }
        void forward(parameters_view parameters, inputs_view inputs,
                     const tape_type& tape) const noexcept override {
            layer.forward(parameters, inputs, tape_of(tape));
        }
        index_t backward_work_size(int batch, int time) const noexcept override {
            return layer.backward_work_size(batch, time);
        }
        void backward(parameters_view parameters, inputs_view inputs, const tape_type& tape,
                      inputs_view output_gradient, scalars gradients,
                      sequence_view<Scalar> input_gradient, scalars work) const noexcept override {
            layer.backward(parameters, inputs, tape_of(tape), output_gradient, gradients,
                           input_gradient, work);
        }
        void infer(parameters_view parameters, [[maybe_unused]] parameters_view statistics,
                   inputs_view inputs, const tape_type& tape) const noexcept override {
            const auto views = tape_of(tape);
            if constexpr (layer_with_inference<Layer>) {
                layer.infer(parameters, statistics, inputs, views);
            } else {
                layer.reset(views);
                layer.forward(parameters, inputs, views);
            }
        }
        void draw(const tape_type& tape, random_generator& random) const noexcept override {
            detail::draw_for(layer, tape_of(tape), random);
        }
        double penalty(parameters_view parameters, scalars gradients) const noexcept override {
            return detail::penalty_of(layer, parameters, gradients);
        }
        index_t statistics_count() const noexcept override { return detail::statistics_of(layer); }
        int least_columns() const noexcept override { return detail::least_columns_of(layer); }
        void initialise_statistics([[maybe_unused]] scalars statistics) const override {
            if constexpr (layer_with_statistics<Layer>) {
                layer.initialise_statistics(statistics);
            }
        }
        void for_each_statistics_block([[maybe_unused]] block_visitor visit) const override {
            if constexpr (layer_with_statistics<Layer>) {
                layer.for_each_statistics_block(visit);
            }
        }
        void measure([[maybe_unused]] const tape_type& tape,
                     [[maybe_unused]] scalars measured) const noexcept override {
            if constexpr (layer_with_statistics<Layer>) {
                layer.measure(tape_of(tape), measured);
            }
        }
        void update_statistics([[maybe_unused]] scalars statistics,
                               [[maybe_unused]] parameters_view measured) const noexcept override {
            if constexpr (layer_with_statistics<Layer>) {
                layer.update_statistics(statistics, measured);
            }
        }
        layer_stream_sizes stream_sizes() const noexcept override {
            return detail::stream_sizes_of(layer);
        }
        void stream_pack([[maybe_unused]] parameters_view parameters,
                         [[maybe_unused]] parameters_view statistics,
                         [[maybe_unused]] scalars packed) const noexcept override {
            if constexpr (streaming_layer<Layer>) {
                layer_stream<Layer>::pack(layer, parameters, statistics, packed);
            }
        }
        void stream_step([[maybe_unused]] parameters_view packed,
                         [[maybe_unused]] const Scalar* input, [[maybe_unused]] Scalar* output,
                         [[maybe_unused]] scalars state,
                         [[maybe_unused]] scalars work) const noexcept override {
            if constexpr (streaming_layer<Layer>) {
                layer_stream<Layer>::step(layer, packed, input, output, state, work);
            }
        }
        void exchange(detail::hash_archive& archive) const override {
            archive.object("layer", layer);
        }

        Layer layer;
    };

    std::shared_ptr<const interface> held_;
};

} // namespace tocsin
