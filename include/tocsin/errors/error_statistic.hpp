/// @file error_statistic.hpp
/// @brief What a detector needs of the statistic that turns an error vector into a score.
#pragma once

#include "tocsin/core/status.hpp"

#include <concepts>
#include <span>

namespace tocsin {

/// A statistic that learns what errors look like on normal data and measures how far an error
/// vector is from that. mahalanobis and diagonal_gaussian are two; your own needs no base class.
///
/// A detector makes one from a dimension, calls `accumulate` as often as there are batches of errors
/// on normal data, then `fit` once, then `score` as often as there are samples.
///
/// - `kind`: a name, which model files store.
/// - `dimension()`: elements of an error vector; fixed for the life of the statistic.
/// - `accumulate(errors)`: takes in error vectors that lie one after the other. It is a sum: the
///   order of batches matters only for rounding. A vector with an element that is not finite must
///   not spoil the others.
/// - `fit()`: success, or why what was accumulated cannot be used. May allocate.
/// - `score(error)`: at least 0, larger is less normal. A NaN element was not observed: the score is
///   that of the others, or NaN where it cannot be judged. An infinite element is as far from normal
///   as can be. Const: one statistic serves any number of threads. Must be noexcept and must not
///   allocate.
///
/// What a statistic may have besides:
/// - `shares(error, out)`: into `dimension` values the part of the score that each element accounts
///   for, non-negative with sum 1, 0 for those not observed; all NaN where the score is NaN. Without
///   it, detectors share the score in proportion to the magnitude of the errors.
/// - `adapt(error, weight)`: moves the fit towards an error vector, for streams whose errors change;
///   detector::learn() calls it. Must be noexcept and must not allocate.
/// - `score_left_out(error, samples)` and `same_samples(other)`: the score that a vector of the fit
///   would have had the fit been without it, and whether two were fitted to the same vectors. With
///   both, and `law().samples()`, the vectors of the fit, detector::tune() corrects the scores of
///   the windows that fit_errors() has seen.
/// - `merge(other)`: takes in what another one has accumulated, as accumulate() would. With it,
///   detector::fit() scores each held-out block by statistics of the others; with it and those two,
///   detector::tune() does the same with parts of the windows that fit_errors() has seen.
/// - `exchange(archive)`: hands every setting and number to an archive by name, for saving and
///   loading alike (io/archive.hpp); scores are then the same bits as before saving.
///
/// The statistic owns all it keeps: the vectors it is given are read during the call only.
template <class Statistic>
concept error_statistic =
    std::copyable<Statistic> &&
    requires(Statistic statistic, const Statistic& constant, std::span<const double> errors) {
        { Statistic::kind } -> std::convertible_to<const char*>;
        { constant.dimension() } noexcept -> std::convertible_to<int>;
        statistic.accumulate(errors);
        { statistic.fit() } -> std::same_as<status>;
        { constant.score(errors) } noexcept -> std::same_as<double>;
    };

/// A statistic that can follow a stream.
template <class Statistic>
concept adapting_statistic =
    error_statistic<Statistic> &&
    requires(Statistic statistic, std::span<const double> error, double weight) {
        { statistic.adapt(error, weight) } noexcept;
    };

/// A statistic that knows how much a vector of the fit was favoured by being part of it.
template <class Statistic>
concept leave_out_statistic =
    error_statistic<Statistic> &&
    requires(const Statistic& statistic, std::span<const double> error, double samples) {
        { statistic.score_left_out(error, samples) } noexcept -> std::same_as<double>;
        { statistic.same_samples(statistic) } noexcept -> std::same_as<bool>;
        { statistic.law().samples() } noexcept -> std::convertible_to<double>;
    };

/// A statistic that takes in the samples of another one.
template <class Statistic>
concept mergeable_error_statistic =
    error_statistic<Statistic> && requires(Statistic statistic, const Statistic& other) {
        { statistic.merge(other) } -> std::same_as<status>;
    };

} // namespace tocsin
