/// @file float_feed_forward_stream.hpp
/// @brief Networks of dense and convolutional layers over windows, in float.
#pragma once

#include "tocsin/firmware/feed_forward_layers.hpp"
#include "tocsin/firmware/float_layers.hpp"
#include "tocsin/firmware/reconstruction_stream.hpp"

namespace tocsin::firmware {
namespace detail {

/// Reconstructs windows by dense and convolutional layers; for reconstruction_stream.
template <class Model>
struct feed_forward_reconstruction {
    static constexpr int length = Model::window;
    template <bool Newest>
    using sizes = feed_forward_sizes<Model::layers, length, Newest>;
    static_assert(count_of(Model::weights) == sizes<true>::weights,
                  "tocsin: the model has another number of weights than its layers need");
    static_assert(Model::layers[0].inputs == Model::features &&
                      Model::layers[sizes<true>::count - 1].outputs == Model::targets,
                  "tocsin: the layers do not fit the features of the model");

    /// The newest step, `[features]`.
    template <class Sample>
    static void newest(const Sample& sample, float* result) noexcept {
        run<true>(sample, [&](const float* outputs) { copy(outputs, result); });
    }
    /// All steps that the layers give, one after the other in `result`.
    /// @param visit called with the step
    template <class Sample, class Visit>
    static void whole(const Sample& sample, float* result, const Visit& visit) noexcept {
        run<false>(sample, [&](const float* outputs) {
            for (int t = Model::first_step; t < length; ++t) {
                copy(outputs + t * Model::features, result);
                visit(t);
            }
        });
    }

  private:
    static void copy(const float* from, float* to) noexcept {
        for (int f = 0; f < Model::features; ++f) {
            to[f] = from[f];
        }
    }
    template <bool Newest, class Sample, class Take>
    static void run(const Sample& sample, const Take& take) noexcept {
        float even[sizes<Newest>::longest];
        float odd[sizes<Newest>::longest];
        float taps[sizes<Newest>::taps];
        constexpr int first = sizes<Newest>::first(0);
        for (int t = first; t < length; ++t) {
            copy(sample(t), even + (t - first) * Model::features);
        }
        take(run_layers<typename Model::arithmetic>(
            Model::layers, sizes<Newest>::count, Model::weights, length, Newest, even, odd, taps));
    }
};

} // namespace detail

/// A network of dense and convolutional layers over windows, in float: an autoencoder, or a forecaster
/// from a fixed number of samples; see detail::reconstruction_stream.
/// @tparam Model a generated model whose numbers are floats
template <class Model>
class float_feed_forward_stream
    : public detail::reconstruction_stream<Model, detail::float_numbers<Model>,
                                           detail::feed_forward_reconstruction<Model>> {};

} // namespace tocsin::firmware
