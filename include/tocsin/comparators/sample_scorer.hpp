/// @file sample_scorer.hpp
/// @brief The concept of a comparator: it learns from normal samples and scores a stream.
#pragma once

#include "tocsin/core/hash_archive.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/core/views.hpp"

#include <concepts>
#include <cstddef>
#include <limits>
#include <span>
#include <string_view>

namespace tocsin {

/// The argument type of comparators, `[features x samples]`; a matrix, a map or some columns of
/// either fit without a copy.
using samples_view = Eigen::Ref<const matrix<double>>;

/// A model that is simple enough to be compared with: no weights that somebody else trains.
/// - push(sample) takes in the next sample `[features]` and returns its score, from it and the
///   samples before alone; higher is more anomalous. NaN before fit(), while the history is too
///   short, and for a sample that holds NaN or infinity; the latter changes nothing else than that
///   the last finite value replaces the missing one in what follows. Never allocates.
/// - reset() forgets the stream and keeps what was learned.
///
/// One that learns, as all of this folder do, also has `status fit(samples_view training)`. It
/// learns from samples in order of time and forgets what the stream has brought; a failure leaves
/// the scorer without a fit. It may allocate.
template <class Scorer>
concept sample_scorer =
    requires(Scorer scorer, const Scorer constant, std::span<const double> sample) {
        { scorer.push(sample) } noexcept -> std::same_as<double>;
        { scorer.reset() } noexcept;
        { constant.features() } noexcept -> std::same_as<int>;
    };

/// A scorer that files can hold, and so every scored_comparator and ensemble of it:
/// - `kind`, a name for files, and `version`, see docs/policies.md.
/// - exchange(archive) saves or loads settings and what was learned, if anything. A loaded scorer has
///   seen no stream, as after reset(), and gives the same bits; one that failed to load has no fit.
/// - exchange_history(archive) saves or loads what push() changes, to or from a byte archive
///   (io/byte_archive.hpp). It loads into a scorer with the same fit, and takes no more memory.
template <class Scorer>
concept savable_scorer =
    sample_scorer<Scorer> && requires(Scorer scorer, detail::hash_archive archive) {
        { Scorer::kind } -> std::convertible_to<std::string_view>;
        { Scorer::version } -> std::convertible_to<int>;
        scorer.exchange(archive);
        scorer.exchange_history(archive);
    };

/// Scores every sample of a recording, starting from an empty history: reset(), then push() for
/// each column.
/// @param values `[features x samples]` with the features of the fit, else `invalid_argument`
/// @param scores one per sample, else `invalid_argument`
template <sample_scorer Scorer>
status score_samples(Scorer& scorer, const samples_view& values,
                     std::span<double> scores) noexcept {
    if (values.rows() != scorer.features() ||
        values.cols() != static_cast<index_t>(scores.size())) {
        return status::error(error_code::invalid_argument, "score_samples: values ", values.rows(),
                             " x ", values.cols(), " do not fit ", scorer.features(),
                             " features and room for ", scores.size(), " scores");
    }
    scorer.reset();
    for (index_t t = 0; t < values.cols(); ++t) {
        scores[static_cast<std::size_t>(t)] =
            scorer.push({values.col(t).data(), static_cast<std::size_t>(values.rows())});
    }
    return {};
}

namespace detail {

/// Refuses training samples that are too few or not finite.
inline status check_training(std::string_view caller, const samples_view& training,
                             index_t least) noexcept {
    if (training.rows() < 1 || training.cols() < least) {
        return status::error(error_code::invalid_data, caller, ": training samples are ",
                             training.rows(), " x ", training.cols(), ", needed are at least 1 x ",
                             least);
    }
    if (!training.allFinite()) {
        return status::error(error_code::invalid_data, caller,
                             ": a training sample is NaN or infinite");
    }
    return {};
}

/// Root mean square of the sums; 1 where it is 0, so that it can divide.
inline column<double> scale_of(const column<double>& squares, index_t count) {
    column<double> scale = (squares / static_cast<double>(count)).cwiseSqrt();
    return (scale.array() > 0).select(scale.array(), 1.0).matrix();
}

} // namespace detail
} // namespace tocsin
