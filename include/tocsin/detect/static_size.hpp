/// @file static_size.hpp
/// @brief Which sizes of a model are known at compile time.
#pragma once

#include "tocsin/core/extents.hpp"

#include <type_traits>

namespace tocsin::detail {

/// The number of parameters of a default model where it is a constant; 0 where sizes are given at
/// run time.
template <class Model>
constexpr index_t static_parameter_count() noexcept {
    if constexpr (requires {
                      typename std::integral_constant<index_t, Model{}.parameter_count()>;
                  }) {
        return Model{}.parameter_count();
    } else {
        return 0;
    }
}

/// Whether all sizes of a model are known at compile time, so that it needs no heap.
template <class Model>
inline constexpr bool has_static_sizes = static_parameter_count<Model>() > 0;

} // namespace tocsin::detail
