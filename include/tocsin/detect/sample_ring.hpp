/// @file sample_ring.hpp
/// @brief The last samples of a stream, in memory of the caller.
///
/// A ring of `window` samples has `2 * window` columns. Each sample is written twice, `window`
/// columns apart, so that the newest samples stand next to each other wherever the ring wraps.
#pragma once

#include "tocsin/core/extents.hpp"

#include <algorithm>
#include <cstdint>

namespace tocsin::detail {

/// Writes the next sample.
/// @param ring `[features x (2 * window)]`
/// @param seen samples that were written before
template <class Scalar>
void write_to_ring(Scalar* ring, std::int64_t seen, index_t features, index_t window,
                   const Scalar* sample) noexcept {
    const auto at = static_cast<index_t>(seen % window);
    std::copy_n(sample, features, ring + at * features);
    std::copy_n(sample, features, ring + (at + window) * features);
}

/// The window that ends with that sample, `[features x window]`, oldest first.
template <class Scalar>
const Scalar* newest_in_ring(const Scalar* ring, std::int64_t seen, index_t features,
                             index_t window) noexcept {
    return ring + static_cast<index_t>((seen + 1) % window) * features;
}

} // namespace tocsin::detail
