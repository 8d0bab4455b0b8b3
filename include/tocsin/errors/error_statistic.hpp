/// @file error_statistic.hpp
/// @brief What a detector needs of the statistic that turns an error vector into a score.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/core/views.hpp"

#include <concepts>
#include <span>

namespace tocsin {
namespace detail {
/// Stands for any archive in a concept; never used otherwise.
struct statistic_archive {
    static constexpr bool loading = false;
};
} // namespace detail

/// A statistic that learns what errors look like on normal data and measures how far an error
/// vector is from that. mahalanobis and diagonal_gaussian are two; an own one derives from nothing.
///
/// Order of calls: `accumulate` as often as there are batches of errors on normal data, then `fit`,
/// then `squared_distance` and `shares` as often as wanted. More `accumulate` and another `fit` may
/// follow; until then the last fit stays in use. `reset` forgets everything but the settings.
///
/// - `dimension()`: elements of an error vector; fixed for the life of the statistic.
/// - `accumulate(errors)`: adds the columns of `[dimension x n]` to what has been seen. It is a
///   sum: the order of batches matters only for rounding. Columns with a non-finite element are
///   left out.
/// - `fit()`: success, or why what was accumulated cannot be used. May allocate.
/// - `squared_distance(error)`: a score of `[dimension]`, at least 0, larger = less normal; NaN for
///   a non-finite element or before a successful fit. Must be noexcept and must not allocate; may
///   use scratch of its own, so that a statistic serves one thread at a time.
/// - `shares(error, out)`: into `dimension` values the part of the score that each element accounts
///   for, non-negative with sum 1; all 0 for a score of 0, all NaN where the score is NaN. Must be
///   noexcept and must not allocate.
/// - `adapt(error, weight)`, if there is one: moves the fit towards an error vector, for streams
///   whose errors change; forecast_detector::learn() calls it. Must be noexcept and must not
///   allocate.
/// - `exchange(archive)`: hands every setting and number to the archive by name, for saving and
///   loading alike (`Archive::loading` tells which). What it loaded may be used only when
///   `archive.outcome()` is ok; scores are then the same bits as before saving.
///
/// The statistic owns all it keeps: the vectors it is given are read during the call only.
/// @tparam Scalar of the errors: float or double
template <class Statistic, class Scalar = double>
concept error_statistic =
    std::copyable<Statistic> &&
    requires(Statistic statistic, const Statistic& constant, matrix_view<const Scalar> errors,
             vector_view<const Scalar> error, std::span<double> out,
             detail::statistic_archive archive) {
        { constant.dimension() } noexcept -> std::convertible_to<int>;
        statistic.reset();
        statistic.accumulate(errors);
        { statistic.fit() } -> std::same_as<status>;
        { statistic.squared_distance(error) } noexcept -> std::same_as<double>;
        { statistic.shares(error, out) } noexcept;
        statistic.exchange(archive);
    };

} // namespace tocsin
