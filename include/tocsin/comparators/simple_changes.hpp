/// @file simple_changes.hpp
/// @brief Scores in one line: the squared difference from the last sample, the moving variance.
#pragma once

#include "tocsin/comparators/sample_scorer.hpp"
#include "tocsin/core/bounded.hpp"

#include <cmath>
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
        const column<double> mean = training.rowwise().mean();
        const column<double> squares = (training.colwise() - mean).rowwise().squaredNorm();
        scale_ = scale_of(squares, training.cols());
        samples_.resize(training.rows(), length);
        reset();
        return {};
    }
    void reset() noexcept { count_ = 0; }
    index_t length() const noexcept { return samples_.cols(); }
    index_t count() const noexcept { return count_; }
    /// Takes in a sample; false if it has another size or a value is missing.
    bool push(std::span<const double> sample) noexcept {
        if (features() == 0 || static_cast<int>(sample.size()) != features()) {
            return false;
        }
        bool complete = true;
        const index_t at = count_ % length();
        const index_t before = (count_ + length() - 1) % length();
        for (index_t k = 0; k < features(); ++k) {
            const double value = sample[static_cast<std::size_t>(k)];
            complete = complete && std::isfinite(value);
            samples_(k, at) = std::isfinite(value) ? bounded(value / scale_[k])
                              : count_ > 0         ? samples_(k, before)
                                                   : 0.0;
        }
        ++count_;
        return complete;
    }
    /// In the order of the ring.
    const matrix<double>& samples() const noexcept { return samples_; }

  private:
    column<double> scale_;
    matrix<double> samples_;
    index_t count_ = 0;
};

} // namespace detail

/// Sum over the features of (x(t) - x(t - 1))^2, each divided by its variance in training.
class squared_difference {
  public:
    int features() const noexcept { return history_.features(); }
    /// Learns the deviations. Allocates.
    /// @param training finite, at least 2 samples
    status fit(const samples_view& training) {
        return history_.fit("squared_difference", training, 2);
    }
    double push(std::span<const double> sample) noexcept {
        const bool complete = history_.push(sample);
        if (!complete || history_.count() < 2) {
            return std::numeric_limits<double>::quiet_NaN();
        }
        return (history_.samples().col(0) - history_.samples().col(1)).squaredNorm();
    }
    void reset() noexcept { history_.reset(); }

  private:
    detail::scaled_history history_;
};

/// Sum over the features of the variance of the last `window` samples, each divided by its variance
/// in training.
class moving_variance {
  public:
    /// @param window samples, at least 2 to say anything; fit() refuses less than 1
    explicit moving_variance(int window = 32) noexcept : window_{window} {}

    int features() const noexcept { return history_.features(); }
    /// Learns the deviations. Allocates.
    /// @param training finite, at least 2 samples
    status fit(const samples_view& training) {
        return history_.fit("moving_variance", training, window_);
    }
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

  private:
    int window_;
    detail::scaled_history history_;
};

} // namespace tocsin
