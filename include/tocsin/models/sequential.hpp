/// @file sequential.hpp
/// @brief Layers one after the other as one network, composed at compile time.
#pragma once

#include "tocsin/layers/layer_archive.hpp"
#include "tocsin/models/layer_chain.hpp"

#include <array>
#include <cstddef>
#include <tuple>
#include <type_traits>
#include <utility>

namespace tocsin {

namespace detail {

/// Layers whose types the compiler knows.
template <class... Layers>
struct fixed_layers {
    using scalar_type = typename std::tuple_element_t<0, std::tuple<Layers...>>::scalar_type;

    std::tuple<Layers...> all;

    static constexpr std::size_t size() noexcept { return sizeof...(Layers); }
    template <class T>
    static constexpr std::array<T, sizeof...(Layers)> array_of() noexcept {
        return {};
    }
    template <class Visit>
    constexpr void each(Visit&& visit) const {
        std::apply([&](const auto&... one) { (visit(one), ...); }, all);
    }
    template <class Visit>
    constexpr void each_reversed(Visit&& visit) const {
        [&]<std::size_t... K>(std::index_sequence<K...>) {
            (visit(std::get<size() - 1 - K>(all), size() - 1 - K), ...);
        }(std::index_sequence_for<Layers...>{});
    }
};

} // namespace detail

/// A network of layers, each of which reads the outputs of the one before:
///
///     const sequential network(conv1d<float>(1, 8, {.kernel = 5}), batch_norm<float>(8),
///                              activation_layer<float, relu_activation>(8),
///                              global_average_pooling<float>(8), dense<float>(8, 2));
///
/// Its parameters are one flat buffer: what all layers learn, then the statistics that some keep
/// (batch_norm). The optimiser sees the first `trained_count()` only. Gradients have the same
/// layout; where the statistics are, they hold what the batch measured, which
/// `update_statistics()` takes after the optimiser's step.
template <differentiable_layer... Layers>
class sequential : public layer_chain<detail::fixed_layers<Layers...>> {
    static_assert(sizeof...(Layers) > 0, "sequential: a network needs at least one layer");
    using chain = layer_chain<detail::fixed_layers<Layers...>>;

  public:
    using typename chain::scalar_type;
    static constexpr const char* kind = "sequential";
    static constexpr int version = 1;
    static_assert((std::is_same_v<typename Layers::scalar_type, scalar_type> && ...),
                  "sequential: all layers must have one scalar type");

    constexpr sequential() noexcept = default;
    /// Layers in order.
    constexpr explicit sequential(Layers... layers) noexcept
        : chain{detail::fixed_layers<Layers...>{{layers...}}} {}

    /// Layer `K`.
    template <std::size_t K>
    constexpr const auto& layer() const noexcept {
        return std::get<K>(this->list().all);
    }
    static constexpr int layers() noexcept { return static_cast<int>(sizeof...(Layers)); }

    template <class Archive>
    void exchange(Archive& archive) {
        detail::exchange_layers(archive, this->list().all);
    }
};

} // namespace tocsin
