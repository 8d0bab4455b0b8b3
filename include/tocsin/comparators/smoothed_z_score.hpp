/// @file smoothed_z_score.hpp
/// @brief Distance from the mean in standard deviations, averaged over time, without any model.
#pragma once

#include "tocsin/comparators/sample_scorer.hpp"
#include "tocsin/comparators/scorer_archive.hpp"
#include "tocsin/core/bounded.hpp"
#include "tocsin/series/moving_window.hpp"
#include "tocsin/series/smoothing.hpp"

#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <utility>
#include <vector>

namespace tocsin {

/// Mean over the features of |x - mean| / deviation, with mean and deviation of the training
/// samples, averaged over the last `rows` samples.
class smoothed_z_score {
  public:
    static constexpr const char* kind = "smoothed_z_score";
    static constexpr int version = 1;

    /// @param rows of the trailing mean, at least 1 (checked by fit()); about one period is a good
    ///             choice
    explicit smoothed_z_score(int rows = 1) noexcept : rows_{rows}, window_{1} {}

    /// Samples over which scores are averaged.
    int rows() const noexcept { return rows_; }
    int features() const noexcept { return static_cast<int>(mean_.size()); }

    /// @param training finite, at least 2 samples
    status fit(const samples_view& training) {
        mean_.resize(0);
        if (rows_ < 1) {
            return status::error(error_code::invalid_argument, "smoothed_z_score: rows ", rows_,
                                 " must be at least 1");
        }
        if (status usable = detail::check_training("smoothed_z_score", training, 2); !usable) {
            return usable;
        }
        auto spread = detail::spread_of(training);
        mean_ = std::move(spread.mean);
        scale_ = detail::divisors(spread.deviation);
        window_ = moving_window(rows_);
        return {};
    }

    /// |z| of a sample, without the average over time; NaN when it is not finite, at most
    /// largest_input.
    double distance(std::span<const double> sample) const noexcept {
        if (features() == 0 || static_cast<int>(sample.size()) != features()) {
            return std::numeric_limits<double>::quiet_NaN();
        }
        const vector_view<const double> values(sample.data(), mean_.size());
        const double mean = ((values - mean_).array() / scale_.array()).abs().mean();
        return values.allFinite() ? bounded(mean) : std::numeric_limits<double>::quiet_NaN();
    }

    /// Scores the next sample, `[features]`: the mean distance of the last rows. Never allocates.
    double push(std::span<const double> sample) noexcept { return window_.push(distance(sample)); }

    void reset() noexcept { window_.reset(); }

    /// See savable_scorer.
    template <class Archive>
    void exchange(Archive& archive) {
        int count = features();
        if constexpr (Archive::loading) {
            *this = smoothed_z_score{};
        }
        detail::exchange_size(archive, kind, "rows", rows_, 1);
        if (detail::exchange_features(archive, kind, count)) {
            detail::exchange_numbers(archive, kind, "mean", mean_, count, 1);
            detail::exchange_scale(archive, kind, "scale", scale_, count);
        }
        if constexpr (Archive::loading) {
            if (detail::claim_history(archive, checked_size(rows_) * sizeof(double))) {
                window_ = moving_window(rows_);
            } else {
                *this = smoothed_z_score{};
            }
        }
    }
    /// See savable_scorer.
    template <class Archive>
    void exchange_history(Archive& archive) {
        archive.object("window", window_);
        if (window_.rows() != rows_) {
            detail::keep_if(archive,
                            status::error(error_code::format_error, "smoothed_z_score: history of ",
                                          window_.rows(), " rows, expected ", rows_));
        }
    }

  private:
    int rows_;
    column<double> mean_;
    column<double> scale_;
    moving_window window_;
};

/// The same for a whole recording: the mean is centred, so that the score does not lag behind, and
/// looks ahead by half of its rows. O(values), allocates.
/// @param scorer fitted; its own stream is not touched
/// @param values `[features x samples]`
/// @param scores one per sample
inline status centred_z_scores(const smoothed_z_score& scorer, const samples_view& values,
                               std::span<double> scores) {
    if (values.rows() != scorer.features() ||
        values.cols() != static_cast<index_t>(scores.size())) {
        return status::error(error_code::invalid_argument, "centred_z_scores: values ",
                             values.rows(), " x ", values.cols(), " do not fit ", scorer.features(),
                             " features and room for ", scores.size(), " scores");
    }
    std::vector<double> distances;
    distances.reserve(scores.size());
    for (index_t t = 0; t < values.cols(); ++t) {
        distances.push_back(
            scorer.distance({values.col(t).data(), static_cast<std::size_t>(values.rows())}));
    }
    return centred_moving_mean(distances, scorer.rows(), scores);
}

} // namespace tocsin
