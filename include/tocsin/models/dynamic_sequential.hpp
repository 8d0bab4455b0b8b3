/// @file dynamic_sequential.hpp
/// @brief Layers one after the other as one network, composed at run time.
#pragma once

#include "tocsin/core/hash_archive.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/core/storage.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/layers/any_layer.hpp"
#include "tocsin/layers/packed_weights.hpp"
#include "tocsin/models/layer_chain.hpp"

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

namespace tocsin {

namespace detail {

/// Layers whose types are known at run time.
template <class Scalar>
struct layers_at_run_time {
    using scalar_type = Scalar;

    std::vector<any_layer<Scalar>> all;

    std::size_t size() const noexcept { return all.size(); }
    template <class T>
    std::vector<T> array_of() const {
        return std::vector<T>(all.size());
    }
    template <class Visit>
    void each(Visit&& visit) const {
        for (const any_layer<Scalar>& one : all) {
            visit(one);
        }
    }
    template <class Visit>
    void each_reversed(Visit&& visit) const {
        for (std::size_t k = all.size(); k > 0; --k) {
            visit(all[k - 1], k - 1);
        }
    }
};

} // namespace detail

/// A `sequential` whose layers are chosen at run time, for instance by a file
/// (io/converted_network.hpp):
///
///     const dynamic_sequential<float> network({lstm<float>(3, 16), dense<float>(16, 3)});
///
/// Its functions, its parameters and its results are those of the `sequential` of the same layers;
/// inference and training differ in one indirect call per layer and pass, and backward() allocates
/// one small array. So trainers and detectors of a `sequential` take it as well; an archive does not
/// save it. Where each layer can, it also reads a sequence sample by sample.
template <std::floating_point Scalar>
class dynamic_sequential : public layer_chain<detail::layers_at_run_time<Scalar>> {
    using chain = layer_chain<detail::layers_at_run_time<Scalar>>;

  public:
    using scalar_type = Scalar;
    static constexpr const char* kind = "dynamic_sequential";

    /// Without layers; check() refuses it.
    dynamic_sequential() = default;
    /// Layers in order.
    explicit dynamic_sequential(std::vector<any_layer<Scalar>> layers)
        : chain{detail::layers_at_run_time<Scalar>{std::move(layers)}} {}

    /// The layers in order.
    const std::vector<any_layer<Scalar>>& layers() const noexcept { return this->list().all; }

    /// Tells a hash which layers there are and how they are set: detectors whose networks differ in an
    /// activation alone have different identities. Archives of files do not save them.
    void exchange(detail::hash_archive& archive) const {
        archive.expect("layers", layers().size());
        for (const any_layer<Scalar>& layer : layers()) {
            archive.object("layer", layer);
        }
    }

    // ---- sample by sample --------------------------------------------------------------------

    /// Whether step() can be used: names the first layer that needs the whole sequence, or that
    /// remembers samples behind one that gives the last step alone. Convolutions must be causal.
    status check_streaming() const noexcept {
        bool last_step = false;
        for (std::size_t k = 0; k < layers().size(); ++k) {
            const layer_stream_sizes sizes = layers()[k].stream_sizes();
            if (!sizes.possible || (last_step && sizes.remembers)) {
                return status::error(error_code::invalid_argument, "sequential: layer ", k, " (",
                                     layers()[k].kind(), ") needs the whole sequence");
            }
            last_step = last_step || sizes.last_step;
        }
        return {};
    }
    /// Scalars of the packed weights.
    index_t packed_size() const noexcept { return total(&layer_stream_sizes::packed); }
    /// Scalars of the state of one stream.
    index_t state_size() const noexcept { return total(&layer_stream_sizes::state); }
    /// Scratch scalars of step().
    index_t step_work_size() const noexcept {
        index_t widest = 0;
        index_t work = 0;
        for (const any_layer<Scalar>& layer : layers()) {
            widest = std::max(widest, index_t{layer.output_size()});
            work = std::max(work, layer.stream_sizes().work);
        }
        return 2 * whole_lines<Scalar>(widest) + work;
    }
    /// Packs parameters and statistics for step(). Never allocates.
    /// @param packed `packed_size()` scalars, overwritten; fastest when aligned to 64 bytes
    void pack(std::span<const Scalar> parameters, std::span<Scalar> packed) const noexcept {
        index_t first = 0;
        index_t kept = this->trained_count();
        work_area<Scalar> rest{packed};
        for (const any_layer<Scalar>& layer : layers()) {
            const index_t count = layer.parameter_count();
            layer.stream_pack(slice(parameters, first, count),
                              slice(parameters, kept, layer.statistics_count()),
                              take(rest, layer.stream_sizes().packed));
            first += count;
            kept += layer.statistics_count();
        }
    }
    /// Advances a stream by one sample: `output` is the last step of what infer() gives for all
    /// samples since the state was zeros. check_streaming() must have passed. A NaN reaches all
    /// outputs that depend on it. Never allocates.
    /// @param packed weights from pack()
    /// @param input  `[inputs]`
    /// @param output `[outputs]`, overwritten
    /// @param state  `state_size()` scalars, zeros at the start
    /// @param work   `step_work_size()` scalars
    void step(packed_weights<Scalar> packed, std::span<const Scalar> input,
              std::span<Scalar> output, std::span<Scalar> state,
              std::span<Scalar> work) const noexcept {
        index_t widest = 0;
        for (const any_layer<Scalar>& layer : layers()) {
            widest = std::max(widest, index_t{layer.output_size()});
        }
        work_area<Scalar> rest{work};
        Scalar* const half[2] = {rest.take(whole_lines<Scalar>(widest)).data(),
                                 rest.take(whole_lines<Scalar>(widest)).data()};
        work_area<Scalar> states{state};
        index_t at = 0;
        const Scalar* below = input.data();
        for (std::size_t k = 0; k < layers().size(); ++k) {
            const any_layer<Scalar>& layer = layers()[k];
            const layer_stream_sizes sizes = layer.stream_sizes();
            Scalar* const above = k + 1 < layers().size() ? half[k % 2] : output.data();
            layer.stream_step(slice(packed.values, at, sizes.packed), below, above,
                              take(states, sizes.state), rest.rest());
            at += whole_lines<Scalar>(sizes.packed);
            below = above;
        }
    }

  private:
    /// The next scalars of an area in which each layer begins a cache line.
    static std::span<Scalar> take(work_area<Scalar>& rest, index_t count) noexcept {
        return slice(rest.take(whole_lines<Scalar>(count)), 0, count);
    }
    index_t total(index_t layer_stream_sizes::* part) const noexcept {
        index_t sum = 0;
        for (const any_layer<Scalar>& layer : layers()) {
            sum += whole_lines<Scalar>(layer.stream_sizes().*part);
        }
        return sum;
    }
};

} // namespace tocsin
