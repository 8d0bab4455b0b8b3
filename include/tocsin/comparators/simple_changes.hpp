/// @file simple_changes.hpp
/// @brief Scores in one line: the squared difference from the last sample, the moving variance.
#pragma once

#include "tocsin/comparators/sample_scorer.hpp"
#include "tocsin/comparators/scorer_archive.hpp"
#include "tocsin/core/bounded.hpp"
#include "tocsin/core/checked_size.hpp"
#include "tocsin/core/keep_if.hpp"

#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>

namespace tocsin {

namespace detail {

/// The last samples of a stream, scaled by the deviations of the training samples; the last finite
/// value replaces a missing one.
class scaled_history {
  public:
    int features() const noexcept { return static_cast<int>(scale_.size()); }

    /// Allocates.
    status fit(std::string_view caller, const samples_view& training, int length) {
        scale_.resize(0);
        if (length < 1) {
            return status::error(error_code::invalid_argument, caller, ": window ", length,
                                 " must be at least 1");
        }
        if (status usable = check_training(caller, training, 2); !usable) {
            return usable;
        }
        scale_ = divisors(spread_of(training).deviation);
        samples_.resize(training.rows(), length);
        reset();
        return {};
    }
    void reset() noexcept {
        samples_.setZero();
        count_ = 0;
    }
    index_t length() const noexcept { return samples_.cols(); }
    std::int64_t count() const noexcept { return count_; }
    /// Takes in a sample; false if it has another size or a value is missing.
    bool push(std::span<const double> sample) noexcept {
        if (features() == 0 || static_cast<int>(sample.size()) != features()) {
            return false;
        }
        bool complete = true;
        const auto at = static_cast<index_t>(count_ % length());
        const auto before = static_cast<index_t>((count_ + length() - 1) % length());
        for (index_t k = 0; k < features(); ++k) {
            const double value = sample[static_cast<std::size_t>(k)];
            complete = complete && std::isfinite(value);
            samples_(k, at) = std::isfinite(value) ? bounded(value / scale_[k])
                              : count_ > 0         ? samples_(k, before)
                                                   : 0.0;
        }
        count_up(count_);
        return complete;
    }
    /// In the order of the ring.
    const matrix<double>& samples() const noexcept { return samples_; }

    /// Saves or loads what was learned, for a history of so many samples.
    template <class Archive>
    void exchange(Archive& archive, const char* caller, int length) {
        int features_stored = features();
        if constexpr (Archive::loading) {
            *this = scaled_history{};
        }
        if (!exchange_features(archive, caller, features_stored)) {
            return;
        }
        exchange_scale(archive, caller, "scale", scale_, features_stored);
        if constexpr (Archive::loading) {
            if (!claim_history(archive, checked_size(features_stored) * length * sizeof(double))) {
                *this = scaled_history{};
                return;
            }
            samples_.setZero(features_stored, length);
        }
    }
    /// Saves or loads what push() changes.
    template <class Archive>
    void exchange_samples(Archive& archive) {
        archive.integer("count", count_, std::int64_t{0}, largest_count);
        archive.matrix("samples", samples_);
        for (index_t k = 0; Archive::loading && k < samples_.size(); ++k) {
            if (!is_bounded(samples_.data()[k])) {
                keep_if(archive,
                        status::error(error_code::format_error,
                                      "a scaled sample of the history is ", samples_.data()[k]));
            }
        }
    }

  private:
    column<double> scale_;
    matrix<double> samples_;
    std::int64_t count_ = 0;
};

} // namespace detail

/// Sum over the features of (x(t) - x(t - 1))^2, each divided by its variance in training.
class squared_difference {
  public:
    static constexpr const char* kind = "squared_difference";
    static constexpr int version = 1;

    int features() const noexcept { return history_.features(); }
    /// Learns the deviations. Allocates.
    /// @param training finite, at least 2 samples
    status fit(const samples_view& training) { return history_.fit(kind, training, length); }
    double push(std::span<const double> sample) noexcept {
        const bool complete = history_.push(sample);
        if (!complete || history_.count() < 2) {
            return std::numeric_limits<double>::quiet_NaN();
        }
        return (history_.samples().col(0) - history_.samples().col(1)).squaredNorm();
    }
    void reset() noexcept { history_.reset(); }

    /// See savable_scorer.
    template <class Archive>
    void exchange(Archive& archive) {
        history_.exchange(archive, kind, length);
    }
    /// See savable_scorer.
    template <class Archive>
    void exchange_history(Archive& archive) {
        history_.exchange_samples(archive);
    }

  private:
    static constexpr int length = 2;
    detail::scaled_history history_;
};

/// Sum over the features of the variance of the last `window` samples, each divided by its variance
/// in training.
class moving_variance {
  public:
    static constexpr const char* kind = "moving_variance";
    static constexpr int version = 1;

    /// @param window samples, at least 2 to say anything; fit() refuses less than 1
    explicit moving_variance(int window = 32) noexcept : window_{window} {}

    int features() const noexcept { return history_.features(); }
    /// Learns the deviations. Allocates.
    /// @param training finite, at least 2 samples
    status fit(const samples_view& training) { return history_.fit(kind, training, window_); }
    double push(std::span<const double> sample) noexcept {
        const bool complete = history_.push(sample);
        if (!complete || history_.count() < history_.length()) {
            return std::numeric_limits<double>::quiet_NaN();
        }
        double sum = 0;
        for (index_t k = 0; k < features(); ++k) {
            const auto row = history_.samples().row(k).array();
            sum += (row - row.mean()).square().mean();
        }
        return sum;
    }
    void reset() noexcept { history_.reset(); }

    /// See savable_scorer.
    template <class Archive>
    void exchange(Archive& archive) {
        detail::exchange_size(archive, kind, "window", window_, 1);
        history_.exchange(archive, kind, window_);
    }
    /// See savable_scorer.
    template <class Archive>
    void exchange_history(Archive& archive) {
        history_.exchange_samples(archive);
    }

  private:
    int window_;
    detail::scaled_history history_;
};

} // namespace tocsin
