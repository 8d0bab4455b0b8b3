/// @file sample_scorer.hpp
/// @brief The concept of a comparator: it learns from normal samples and scores a stream.
#pragma once

#include "tocsin/core/bounded.hpp"
#include "tocsin/core/hash_archive.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/series/scalers/standard_scaler.hpp"

#include <concepts>
#include <cstddef>
#include <limits>
#include <span>
#include <string_view>
#include <vector>

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
/// learns from samples in order of time and forgets what the stream has brought; it refuses values that
/// are not finite or beyond largest_input, whose squares would overflow. A failure leaves the scorer
/// without a fit. It may allocate.
template <class Scorer>
concept sample_scorer =
    requires(Scorer scorer, const Scorer constant, std::span<const double> sample) {
        { scorer.push(sample) } noexcept -> std::same_as<double>;
        { scorer.reset() } noexcept;
        { constant.features() } noexcept -> std::same_as<int>;
    };

/// A scorer that remembers nothing of a stream and judges each sample alone: its push() is const.
/// Streams of a scored_comparator then share what it learned, instead of each having a copy.
template <class Scorer>
concept stateless_scorer =
    sample_scorer<Scorer> && requires(const Scorer scorer, std::span<const double> sample) {
        { scorer.push(sample) } noexcept -> std::same_as<double>;
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

/// Refuses training samples that are too few, not finite or beyond largest_input.
inline status check_training(std::string_view caller, const samples_view& training,
                             index_t least) noexcept {
    if (training.rows() < 1 || training.cols() < least) {
        return status::error(error_code::invalid_data, caller, ": training samples are ",
                             training.rows(), " x ", training.cols(), ", needed are at least 1 x ",
                             least);
    }
    if (!all_bounded(training)) {
        return status::error(error_code::invalid_data, caller,
                             ": a training sample is NaN, infinite or beyond ", largest_input);
    }
    return {};
}

/// Mean and standard deviation (divisor n) of each feature: of a constant one its value, and exactly 0.
struct feature_spread {
    column<double> mean;
    column<double> deviation;
};
/// The same as a standard_scaler's. Allocates.
inline feature_spread spread_of(const samples_view& training) {
    feature_spread found{column<double>(training.rows()), column<double>(training.rows())};
    std::vector<double> values(static_cast<std::size_t>(training.cols()));
    for (index_t k = 0; k < training.rows(); ++k) {
        vector_view<double>(values.data(), training.cols()) = training.row(k).transpose();
        const auto [mean, deviation] = mean_and_deviation::estimate(std::span<double>(values));
        found.mean[k] = mean;
        found.deviation[k] = deviation;
    }
    return found;
}

/// Deviations as divisors: 1 where there is none, or less than can divide.
inline column<double> divisors(const column<double>& deviations) {
    constexpr double least = std::numeric_limits<double>::min();
    return (deviations.array() >= least).select(deviations.array(), 1.0).matrix();
}

} // namespace detail
} // namespace tocsin
