/// @file lagged_value.hpp
/// @brief Forecast equal to the last value, or to the value one period ago.
#pragma once

#include "tocsin/comparators/sample_scorer.hpp"
#include "tocsin/comparators/scorer_archive.hpp"
#include "tocsin/core/bounded.hpp"
#include "tocsin/detect/sample_window.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>

namespace tocsin {

/// Predicts each feature by its value `lag` samples before: lag 1 is the last value; the period of
/// the series (dominant_period()) gives the seasonal last value. The score is the root mean square
/// over the features of the differences, each divided by its root mean square in the training
/// samples.
class lagged_value {
  public:
    static constexpr const char* kind = "lagged_value";
    static constexpr int version = 1;

    /// @param lag samples between a value and the one that predicts it, at least 1; fit() checks it
    explicit lagged_value(int lag = 1) noexcept : lag_{lag} {}

    /// Samples between a value and the one that predicts it.
    int lag() const noexcept { return lag_; }
    int features() const noexcept { return static_cast<int>(scale_.size()); }

    /// @param training finite, more samples than the lag
    status fit(const samples_view& training) {
        scale_.resize(0);
        if (lag_ < 1) {
            return status::error(error_code::invalid_argument, "lagged_value: lag ", lag_,
                                 " must be at least 1");
        }
        if (status usable = detail::check_training("lagged_value", training, lag_ + index_t{1});
            !usable) {
            return usable;
        }
        const index_t pairs = training.cols() - lag_;
        const column<double> squares =
            (training.rightCols(pairs) - training.leftCols(pairs)).rowwise().squaredNorm();
        scale_ = detail::divisors((squares / static_cast<double>(pairs)).cwiseSqrt());
        past_ = sample_window<double>(features(), lag_);
        mean_ = training.rowwise().mean();
        sample_ = mean_;
        return {};
    }

    /// Scores the next sample, `[features]`. NaN before `lag` samples, before fit(), for a wrong size
    /// and where a value is missing. Never allocates.
    double push(std::span<const double> sample) noexcept {
        constexpr double none = std::numeric_limits<double>::quiet_NaN();
        if (features() == 0 || static_cast<int>(sample.size()) != features()) {
            return none;
        }
        const bool comparable = past_.full();
        bool finite = true;
        double sum = 0;
        for (int k = 0; k < features(); ++k) {
            const double value = sample[static_cast<std::size_t>(k)];
            if (!std::isfinite(value)) {
                finite = false;
                continue;
            }
            sample_[k] = bounded(value);
            if (comparable) {
                const double deviation = bounded((value - past_.view()(k, 0)) / scale_[k]);
                sum += deviation * deviation;
            }
        }
        past_.push(sample_);
        return comparable && finite ? std::sqrt(sum / features()) : none;
    }

    void reset() noexcept {
        past_.clear();
        sample_ = mean_;
    }

    /// See savable_scorer.
    template <class Archive>
    void exchange(Archive& archive) {
        int count = features();
        if constexpr (Archive::loading) {
            *this = lagged_value{};
        }
        detail::exchange_size(archive, kind, "lag", lag_, 1);
        if (!detail::exchange_features(archive, kind, count)) {
            return;
        }
        detail::exchange_scale(archive, kind, "scale", scale_, count);
        detail::exchange_numbers(archive, kind, "mean", mean_, count, 1);
        if constexpr (Archive::loading) {
            if (!detail::claim_history(archive, checked_size(count) * lag_ * 2 * sizeof(double))) {
                *this = lagged_value{};
                return;
            }
            past_ = sample_window<double>(count, lag_);
            reset();
        }
    }
    /// See savable_scorer.
    template <class Archive>
    void exchange_history(Archive& archive) {
        detail::exchange_history(archive, past_, sample_);
    }

  private:
    int lag_;
    column<double> scale_;
    column<double> mean_;   // replaces values that are missing from the start
    column<double> sample_; // the newest, with the last finite value where one is missing
    sample_window<double> past_;
};

} // namespace tocsin
