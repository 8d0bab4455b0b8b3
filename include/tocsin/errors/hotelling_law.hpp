/// @file hotelling_law.hpp
/// @brief How often normal error vectors are as far out as a distance, for few samples too.
#pragma once

#include "tocsin/errors/beta_function.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace tocsin {

/// Law of the squared Mahalanobis distance of a new normal vector from an estimated mean and
/// covariance, d dimensions from n samples. It is Hotelling's T-squared (Hotelling 1931; Anderson,
/// "An Introduction to Multivariate Statistical Analysis", 5.2): for independent Gaussian vectors
///     d^2 n (n - d) / (d (n^2 - 1))   has the F distribution with d and n - d degrees of freedom,
/// exactly. The chi-squared distribution is its limit for many samples; with 60 samples of 38
/// sensors, a chi-squared limit of 1 in 1000 flags every normal vector.
///
/// Where the covariance was shrunk (see detail::shrinkage_intensity) there is no exact law. It is
/// then a multiple of an F distribution with the mean and variance that random matrix theory gives
/// (Chen, Paul, Prentice and Wang, "A regularized Hotelling's T^2 test for pathway analysis in
/// proteomic studies", JASA 106, 2011), an approximation that errs towards few alarms: at most about
/// 3 times as many as its probability says for 1 in 100 and 1 in 1000, and far fewer, down to a
/// hundredth, for many elements that depend little on each other. From fewer than 6 samples it would
/// be wrong, from 2 by factors of 20 to 800, so that there is no law: its answers are NaN.
class hotelling_law {
  public:
    /// Of nothing that was fitted: every answer is NaN.
    hotelling_law() = default;
    /// The exact law. @param samples more than `dimension`
    hotelling_law(int dimension, double samples) noexcept
        : samples_{samples}, numerator_{static_cast<double>(dimension)} {
        denominator_ = std::min(samples - numerator_, most_degrees);
        unit_ = numerator_ * (samples + 1) * (samples - 1) / (samples * (samples - numerator_));
    }
    /// Fewest samples for the approximation.
    static constexpr double fewest_samples = 6;

    /// The approximation by mean and variance, for a shrunk covariance; no law for fewer samples than
    /// fewest_samples.
    /// @param intensity           share of the target in the covariance, in (0, 1]
    /// @param mean                of d^2 for a covariance with known variances
    /// @param relative_variance   of d^2, the variance divided by the square of the mean
    hotelling_law(double samples, double intensity, double mean, double relative_variance) noexcept
        : samples_{samples}, intensity_{intensity} {
        if (!(samples >= fewest_samples)) {
            return;
        }
        // The variances of the elements are estimated as well. Were the elements independent, each
        // square would be a squared t, an F with 1 and n - 1 degrees of freedom.
        denominator_ = std::min(samples - 1, most_degrees);
        const double mean_of_f = denominator_ / (denominator_ - 2);
        mean *= 1 + intensity * (mean_of_f - 1);
        relative_variance *= 1 + intensity * ((denominator_ - 1) / (denominator_ - 4) - 1);
        const double rest = (denominator_ - 4) * relative_variance - 2;
        numerator_ = rest > 2 * (denominator_ - 2) / most_degrees ? 2 * (denominator_ - 2) / rest
                                                                  : most_degrees;
        unit_ = mean / mean_of_f;
    }

    /// Samples that the fit rests on; NaN before one.
    double samples() const noexcept { return samples_; }
    /// Share of the target in the covariance, 0 where it was not shrunk.
    double intensity() const noexcept { return intensity_; }
    /// Whether the law is exact for Gaussian errors.
    bool exact() const noexcept { return intensity_ == 0 && !std::isnan(samples_); }

    /// Probability that a new normal vector is farther out; NaN for NaN and without a law.
    double tail_probability(double squared_distance) const noexcept {
        return std::isnan(unit_)
                   ? unit_
                   : detail::f_tail(squared_distance / unit_, numerator_, denominator_);
    }
    /// The squared distance that a new normal vector exceeds with a probability: the threshold for a
    /// promised rate of false alarms. By bisection, for set-up.
    /// @param probability in (0, 1); infinity for 0 or less, 0 for 1 or more
    /// @return NaN for NaN and without a law
    double squared_distance(double probability) const noexcept {
        if (!(probability > 0) || std::isnan(unit_)) {
            return std::isnan(probability) || std::isnan(unit_)
                       ? std::numeric_limits<double>::quiet_NaN()
                       : std::numeric_limits<double>::infinity();
        }
        double low = -700; // of the logarithm
        double high = 700;
        for (int k = 0; k < 100; ++k) {
            const double middle = 0.5 * (low + high);
            (tail_probability(std::exp(middle)) > probability ? low : high) = middle;
        }
        return probability < 1 ? std::exp(high) : 0;
    }

    /// The squared distance that a vector of the fit would have, had the fit been without it. Those
    /// it has are too small: of the 60 samples of the example none is farther out than 58. From the
    /// Sherman-Morrison formula, exact without shrinkage; a shrunk covariance keeps its target.
    /// @param samples different ones, where vectors repeat each other; at most samples()
    double left_out(double squared_distance, double samples) const noexcept {
        const double n = std::max(std::min(samples, samples_), 3.0);
        const double leverage = (1 - intensity_) * n * squared_distance / ((n - 1) * (n - 1));
        // Never negative but for rounding, and for vectors that repeat each other in part.
        constexpr double least_rest = 1e-3;
        return (n - 2) / (n - 1) * (n / (n - 1)) * (n / (n - 1)) * squared_distance /
               std::max(1 - leverage, least_rest);
    }
    /// The same where all samples are different.
    double left_out(double squared_distance) const noexcept {
        return left_out(squared_distance, samples_);
    }

  private:
    static constexpr double most_degrees = 1e6;

    double samples_ = std::numeric_limits<double>::quiet_NaN();
    double intensity_ = 0;
    double numerator_ = 1;
    double denominator_ = 1;
    double unit_ = std::numeric_limits<double>::quiet_NaN(); ///< d^2 of F = 1
};

} // namespace tocsin
