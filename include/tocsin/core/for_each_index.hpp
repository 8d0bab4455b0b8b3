/// @file for_each_index.hpp
/// @brief A loop over few elements, often a single one.
#pragma once

#include "tocsin/core/config.hpp"

namespace tocsin::detail {

/// Calls `body(k)` for k in [0, count). A single element, such as the one feature of many streams, does
/// without what precedes a vectorised loop.
template <class Index, class Body>
TOCSIN_ALWAYS_INLINE inline void for_each_index(Index count, const Body& body) {
    if (count == 1) {
        body(Index{0});
        return;
    }
    for (Index k = 0; k < count; ++k) {
        body(k);
    }
}

} // namespace tocsin::detail
