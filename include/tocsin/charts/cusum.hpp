/// @file cusum.hpp
/// @brief Cumulative sums: the classical chart for small shifts that stay.
#pragma once

#include "tocsin/core/bounded.hpp"
#include "tocsin/core/keep_if.hpp"
#include "tocsin/core/status.hpp"

#include <algorithm>
#include <cmath>

namespace tocsin {

/// Two-sided tabular cumulative sum of standardised residuals z (Page, "Continuous inspection
/// schemes", Biometrika 41, 1954; Montgomery, "Introduction to Statistical Quality Control", 9.1):
///     above = max(0, above + z - k),   below = max(0, below - z - k),
/// with z within 10 deviations, an alarm where the larger exceeds h. k is half the shift to be
/// found, in deviations. For independent Gaussian z and k = 1/2, h = 4 and 5 give one false alarm in
/// 168 and 465 rows, and find a shift by one deviation after 8.4 and 10.4 rows on average.
class cusum {
  public:
    static constexpr const char* kind = "cusum";
    static constexpr int version = 1;

    /// @param reference k, at least 0, finite; otherwise check() reports it
    explicit cusum(double reference = 0.5) noexcept : reference_{reference} {}

    status check() const noexcept {
        if (!(reference_ >= 0 && reference_ <= largest_input)) {
            return status::error(error_code::invalid_argument, "cusum: reference ", reference_,
                                 " must be finite and at least 0");
        }
        return {};
    }
    /// Returns the larger sum, to compare with h; NaN for NaN, which changes nothing else.
    double push(double z) noexcept {
        if (std::isnan(z)) {
            return z;
        }
        z = std::clamp(z, -largest_deviation, largest_deviation);
        above_ = std::min(std::max(0.0, above_ + z - reference_), largest_sum);
        below_ = std::min(std::max(0.0, below_ - z - reference_), largest_sum);
        return score();
    }
    /// The larger of both sums.
    double score() const noexcept { return std::max(above_, below_); }
    /// The sum of deviations upwards.
    double above() const noexcept { return above_; }
    /// The sum of deviations downwards.
    double below() const noexcept { return below_; }
    /// Starts again, as after each alarm that was answered.
    void reset() noexcept { above_ = below_ = 0; }

    template <class Archive>
    void exchange(Archive& archive) {
        archive.number("reference", reference_);
        archive.number("above", above_);
        archive.number("below", below_);
        detail::keep_if(archive, check());
        if (!(above_ >= 0 && below_ >= 0 && score() <= largest_sum)) {
            detail::keep_if(archive, status::error(error_code::format_error, "cusum: sums ", above_,
                                                   " and ", below_, " are impossible"));
        }
    }

  private:
    /// A shift that nobody answers must not take the digits of what follows.
    static constexpr double largest_sum = 1e9;

    double reference_;
    double above_ = 0;
    double below_ = 0;
};

} // namespace tocsin
