/// @file k_means.hpp
/// @brief Distance to the nearest centre of clusters.
#pragma once

#include "tocsin/comparators/sample_scorer.hpp"
#include "tocsin/comparators/scorer_archive.hpp"
#include "tocsin/core/bounded.hpp"
#include "tocsin/core/random.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace tocsin {

/// Settings of k_means.
struct k_means_settings {
    int clusters = 20;      ///< at least 1; fewer if there are fewer samples
    int iterations = 100;   ///< at most, at least 1
    std::uint64_t seed = 0; ///< of the first centres
};

/// k-means (Lloyd 1982; first centres by k-means++, Arthur and Vassilvitskii, SODA 2007). The score
/// of a sample is its Euclidean distance from the nearest centre; to judge shapes, pass windows as
/// samples, as KMeansAD of TSB-AD does. Scale the features before.
class k_means {
  public:
    static constexpr const char* kind = "k_means";
    static constexpr int version = 1;

    explicit k_means(k_means_settings settings = {}) noexcept : settings_{settings} {}

    int features() const noexcept { return static_cast<int>(centres_.rows()); }
    /// `[features x clusters]`.
    const matrix<double>& centres() const noexcept { return centres_; }
    /// Mean squared distance of the training samples from their centres.
    double mean_squared_distance() const noexcept { return mean_squared_distance_; }

    /// O(iterations * samples * clusters * features). Allocates.
    /// @param training finite, at least 1 sample
    status fit(const samples_view& training) {
        const status usable = check(training);
        return usable.ok() ? move_centres(training, first_centres(training)) : usable;
    }
    /// The same from centres of the caller, such as those of an earlier fit, without drawing any.
    /// @param first within largest_input, `[features x centres]`, 1 to `clusters` of them, else `invalid_argument`
    status fit(const samples_view& training, const samples_view& first) {
        const matrix<double> centres = first; // check() forgets what may be viewed here
        if (const status usable = check(training); !usable.ok()) {
            return usable;
        }
        if (centres.rows() != training.rows() || centres.cols() < 1 ||
            centres.cols() > settings_.clusters || !all_bounded(centres)) {
            return status::error(error_code::invalid_argument, "k_means: first centres of ",
                                 centres.rows(), " features for ", centres.cols(),
                                 " clusters; there must be ", training.rows(), " and 1 to ",
                                 settings_.clusters, ", all within ", largest_input);
        }
        return move_centres(training, centres);
    }

    double push(std::span<const double> sample) const noexcept {
        if (centres_.size() == 0 || static_cast<int>(sample.size()) != features()) {
            return std::numeric_limits<double>::quiet_NaN();
        }
        const vector_view<const double> values(sample.data(), centres_.rows());
        if (!values.allFinite()) {
            return std::numeric_limits<double>::quiet_NaN();
        }
        return std::min(std::sqrt(nearest_of(centres_, values).square),
                        std::numeric_limits<double>::max());
    }
    /// Does nothing: each sample is judged alone.
    void reset() noexcept {}

    /// See savable_scorer.
    template <class Archive>
    void exchange(Archive& archive) {
        int count = features();
        int centres = static_cast<int>(centres_.cols());
        if constexpr (Archive::loading) {
            *this = k_means{};
        }
        detail::exchange_size(archive, kind, "clusters", settings_.clusters, 1);
        detail::exchange_size(archive, kind, "iterations", settings_.iterations, 1);
        archive.integer("seed", settings_.seed);
        if (!detail::exchange_features(archive, kind, count)) {
            return;
        }
        detail::exchange_size(archive, kind, "centres_found", centres, 1);
        archive.number("mean_squared_distance", mean_squared_distance_);
        if (centres > settings_.clusters || !(mean_squared_distance_ >= 0)) {
            detail::keep_if(archive, status::error(error_code::format_error, kind, ": ", centres,
                                                   " centres of ", settings_.clusters,
                                                   " clusters, mean squared distance ",
                                                   mean_squared_distance_));
        }
        detail::exchange_numbers(archive, kind, "centres", centres_, count, centres);
        if constexpr (Archive::loading) {
            if (!archive.outcome().ok()) {
                *this = k_means{};
            }
        }
    }
    /// Nothing: each sample is judged alone.
    template <class Archive>
    void exchange_history(Archive& /*archive*/) const noexcept {}

  private:
    /// Forgets what was learned.
    status check(const samples_view& training) {
        centres_.resize(0, 0);
        if (settings_.clusters < 1 || settings_.iterations < 1) {
            return status::error(error_code::invalid_argument, "k_means: ", settings_.clusters,
                                 " clusters and ", settings_.iterations,
                                 " iterations must both be at least 1");
        }
        return detail::check_training("k_means", training, 1);
    }
    status move_centres(const samples_view& training, matrix<double> centres) {
        const index_t count = training.cols();
        std::vector<index_t> nearest(static_cast<std::size_t>(count), -1);
        double total = 0;
        for (int iteration = 0; iteration < settings_.iterations; ++iteration) {
            bool moved = false;
            total = 0;
            matrix<double> sums = matrix<double>::Zero(centres.rows(), centres.cols());
            column<double> sizes = column<double>::Zero(centres.cols());
            for (index_t t = 0; t < count; ++t) {
                const auto [at, square] = nearest_of(centres, training.col(t));
                moved = moved || nearest[static_cast<std::size_t>(t)] != at;
                nearest[static_cast<std::size_t>(t)] = at;
                sums.col(at) += training.col(t);
                sizes[at] += 1;
                total += square;
            }
            if (!moved) {
                break;
            }
            for (index_t k = 0; k < centres.cols(); ++k) {
                if (sizes[k] > 0) { // an empty cluster stays where it is
                    centres.col(k) = sums.col(k) / sizes[k];
                }
            }
        }
        centres_ = std::move(centres);
        mean_squared_distance_ = total / static_cast<double>(count);
        return {};
    }

    struct match {
        index_t at = 0;
        double square = std::numeric_limits<double>::infinity();
    };
    template <class Sample>
    static match nearest_of(const matrix<double>& centres, const Sample& sample) noexcept {
        match best;
        for (index_t k = 0; k < centres.cols(); ++k) {
            const double square = (centres.col(k) - sample).squaredNorm();
            if (square < best.square) {
                best = {k, square};
            }
        }
        return best;
    }

    /// Each further centre is a sample drawn with a probability that grows with its squared distance
    /// from the centres so far.
    matrix<double> first_centres(const samples_view& training) const {
        random_generator random(settings_.seed);
        const index_t count = training.cols();
        const index_t clusters = std::min<index_t>(settings_.clusters, count);
        matrix<double> centres(training.rows(), clusters);
        centres.col(0) =
            training.col(static_cast<index_t>(random.below(static_cast<std::uint64_t>(count))));
        column<double> square =
            (training.colwise() - centres.col(0)).colwise().squaredNorm().transpose();
        for (index_t k = 1; k < clusters; ++k) {
            double left = random.uniform() * square.sum();
            index_t chosen = 0;
            for (; chosen + 1 < count && left >= square[chosen]; ++chosen) {
                left -= square[chosen];
            }
            centres.col(k) = training.col(chosen);
            square = square.cwiseMin(
                (training.colwise() - centres.col(k)).colwise().squaredNorm().transpose());
        }
        return centres;
    }

    k_means_settings settings_;
    matrix<double> centres_;
    double mean_squared_distance_ = 0;
};

} // namespace tocsin
