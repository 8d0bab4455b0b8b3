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
/// inverse() any number of times. `features()` is the number of features of the last fit, and
/// `fitted()` says whether a fit succeeded. transform() and inverse() change `[features x any]` in
/// place, column by column, so a window, a batch and a single sample give the same bits. They are
/// noexcept, do not allocate and pass NaN through. inverse() undoes transform() up to rounding. A
/// scaler owns its numbers and is copied with them. To be saved with a detector, it also needs
/// `template <class Archive> void exchange(Archive&)`.
template <class Scaler>
concept scaler =
    std::copyable<Scaler> && requires(Scaler changing, const Scaler fixed,
                                      const windows<typename Scaler::scalar_type>& training,
                                      Eigen::Ref<matrix<typename Scaler::scalar_type>> values) {
        { changing.fit(training) } -> std::same_as<status>;
        { fixed.features() } noexcept -> std::same_as<int>;
        { fixed.fitted() } noexcept -> std::same_as<bool>;
        // Both must be noexcept. The concept cannot require it, because copying an Eigen::Ref is
        // not noexcept.
        { fixed.transform(values) } -> std::same_as<void>;
        { fixed.inverse(values) } -> std::same_as<void>;
    };

} // namespace tocsin
