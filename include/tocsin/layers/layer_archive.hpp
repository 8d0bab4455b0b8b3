/// @file layer_archive.hpp
/// @brief What layers of a network tell an archive about themselves: sizes, names of policies.
#pragma once

#include "tocsin/core/extents.hpp"
#include "tocsin/layers/sizes.hpp"

#include <cstdio>
#include <tuple>

namespace tocsin::detail {

/// A size: a loaded file sets one of run time, and must match one of compile time.
template <class Archive, int Size>
void exchange_size(Archive& archive, const char* name, extent<Size>& size) {
    if constexpr (Size == dynamic) {
        int value = size.value();
        archive.integer(name, value, 1, maximum_layer_size);
        if constexpr (Archive::loading) {
            size = extent<Size>(value);
        }
    } else {
        archive.expect(name, Size);
    }
}

/// The name of a policy that decides what a layer computes; a file of another one is refused.
/// Policies without a name are not told apart.
template <class Policy, class Archive>
void expect_policy(Archive& archive, const char* name) {
    if constexpr (requires { Policy::kind; }) {
        archive.expect(name, Policy::kind);
    } else if constexpr (requires { Policy::name; }) {
        archive.expect(name, Policy::name);
    }
    if constexpr (requires { Policy::divisor; }) {
        archive.expect("divisor", Policy::divisor);
    }
}

/// All layers of a network, each named by its position.
template <class Archive, class... Layers>
void exchange_layers(Archive& archive, std::tuple<Layers...>& layers) {
    archive.expect("layers", static_cast<int>(sizeof...(Layers)));
    int position = 0;
    const auto exchange_one = [&](auto& layer) {
        char name[16];
        std::snprintf(name, sizeof name, "%d", position++);
        archive.object(name, layer);
    };
    std::apply([&](auto&... each) { (exchange_one(each), ...); }, layers);
}

} // namespace tocsin::detail
