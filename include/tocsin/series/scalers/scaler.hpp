/// @file scaler.hpp
/// @brief Concept of a scaler.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/series/windows.hpp"

#include <concepts>

namespace tocsin {

/// Brings the features of a sample to a common range, and back.
///
/// Order of calls: fit() once on training data, which replaces an earlier fit; then transform() and
/// inverse() as often as wanted. Both change `[features x any]` in place, column by column, so that
/// a window, a batch and a single sample give the same bits; they are noexcept, allocate nothing
/// and pass NaN through. inverse() undoes transform() up to rounding. A scaler owns its numbers and
/// is copied with them. Only one that is saved with a detector needs
/// `template <class Archive> void exchange(Archive&)`.
template <class Scaler>
concept scaler =
    std::copyable<Scaler> && requires(Scaler changing, const Scaler fixed,
                                      const windows<typename Scaler::scalar_type>& training,
                                      Eigen::Ref<matrix<typename Scaler::scalar_type>> values) {
        { changing.fit(training) } -> std::same_as<status>;
        // Both must be noexcept; it cannot be asked for here, as copying an Eigen::Ref is not.
        { fixed.transform(values) } -> std::same_as<void>;
        { fixed.inverse(values) } -> std::same_as<void>;
    };

} // namespace tocsin
