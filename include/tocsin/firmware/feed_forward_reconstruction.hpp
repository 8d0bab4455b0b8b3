/// @file feed_forward_reconstruction.hpp
/// @brief Windows reconstructed by dense and convolutional layers, in any numbers.
#pragma once

#include "tocsin/firmware/feed_forward_layers.hpp"

namespace tocsin::firmware::detail {

/// Reconstructs windows by dense and convolutional layers; for reconstruction_stream.
/// @tparam Form of the numbers, with the types `value` of what layers write and `tap` of what they read,
///              `taps(columns)`, how many a layer of so many columns has room for, `sums()` for
///              run_layers(), and `apart`: whether a run is a function of its own, whose stack is free
///              again in the next one, where the compiler does not share it in line
template <class Model, class Form>
class feed_forward_reconstruction {
    static constexpr int length = Model::window;
    using value = typename Form::value;
    template <bool Newest>
    using sizes = feed_forward_sizes<Model::layers, length, Newest>;
    static_assert(Model::layers[0].inputs == Model::features &&
                      Model::layers[sizes<true>::count - 1].outputs == Model::targets,
                  "tocsin: the layers do not fit the features of the model");

  public:
    /// The newest step, `[features]`.
    template <class Sample>
    static void newest(const Sample& sample, value* result) noexcept {
        start<true>(sample, [&](const value* outputs) { copy(outputs, result); });
    }
    /// All steps that the layers give, one after the other in `result`.
    /// @param visit called with the step
    template <class Sample, class Visit>
    static void whole(const Sample& sample, value* result, const Visit& visit) noexcept {
        start<false>(sample, [&](const value* outputs) {
            for (int t = Model::first_step; t < length; ++t) {
                copy(outputs + t * Model::features, result);
                visit(t);
            }
        });
    }

  private:
    template <class From>
    static void copy(const From* from, value* to) noexcept {
        for (int f = 0; f < Model::features; ++f) {
            to[f] = from[f];
        }
    }
    template <bool Newest, class Sample, class Take>
    TOCSIN_FIRMWARE_INLINE static void start(const Sample& sample, const Take& take) noexcept {
        if constexpr (Form::apart) {
            run_apart<Newest>(sample, take);
        } else {
            run<Newest>(sample, take);
        }
    }
    template <bool Newest, class Sample, class Take>
    [[gnu::noinline]] static void run_apart(const Sample& sample, const Take& take) noexcept {
        run<Newest>(sample, take);
    }
    template <bool Newest, class Sample, class Take>
    TOCSIN_FIRMWARE_INLINE static void run(const Sample& sample, const Take& take) noexcept {
        value even[unsigned{sizes<Newest>::longest}];
        value odd[unsigned{sizes<Newest>::longest}];
        alignas(4) typename Form::tap taps[unsigned{Form::taps(sizes<Newest>::taps)}];
        constexpr int first = sizes<Newest>::first(0);
        for (int t = first; t < length; ++t) {
            copy(sample(t), even + (t - first) * Model::features);
        }
        take(run_layers(Model::layers, sizes<Newest>::count, Form::sums(), length, Newest, even,
                        odd, taps));
    }
};

} // namespace tocsin::firmware::detail
