/// @file f_beta_threshold.hpp
/// @brief Threshold rule that maximises F-beta on labelled scores.
#pragma once

#include "tocsin/threshold/f_beta_sweep.hpp"
#include "tocsin/threshold/threshold_rule.hpp"

#include <cmath>
#include <cstdint>
#include <span>

namespace tocsin {

/// Threshold rule (see threshold_rule): the threshold with the largest F-beta among all that flag
/// different sets of the given scores, found by an exact sweep (f_beta_sweep); among equals the
/// highest. Malhotra et al. (2016, arXiv 1607.00148) choose theirs so, with beta below 1.
class f_beta_threshold {
  public:
    static constexpr const char* kind = "f_beta_threshold";
    static constexpr int version = 1;

    /// @param beta how much more recall counts than precision, finite and at least 0 (checked by
    ///             fit()): 0.1 for few false alarms, 1 for both alike, 2 for few misses
    explicit f_beta_threshold(double beta = 1) noexcept : beta_{beta} {}

    /// How much more recall counts than precision.
    double beta() const noexcept { return beta_; }

    /// @param labels one per score, nonzero = anomalous. `invalid_data` without labels or where
    ///               they name one class only. O(n), allocates.
    status fit(std::span<const double> scores, std::span<const std::uint8_t> labels) {
        threshold_.reset();
        if (status usable = check(); !usable) {
            return usable;
        }
        if (status usable = detail::check_scores("f_beta_threshold", scores, labels); !usable) {
            return usable;
        }
        if (labels.empty()) {
            return status::error(error_code::invalid_data,
                                 "f_beta_threshold: labels are needed; without them use "
                                 "quantile_threshold or sigma_threshold");
        }
        const auto points = f_beta_sweep(scores, labels);
        if (!points) {
            return points.error();
        }
        const auto& counts = points->front().counts;
        if (counts.anomalous() == 0 || counts.normal() == 0) {
            return status::error(
                error_code::invalid_data, "f_beta_threshold: both classes are needed, got ",
                counts.anomalous(), " anomalous and ", counts.normal(), " normal scores");
        }
        return threshold_.set("f_beta_threshold", best_by_f_beta(*points, beta_).threshold);
    }

    bool fitted() const noexcept { return threshold_.fitted(); }
    double threshold() const noexcept { return threshold_.value(); }
    bool exceeds(double score) const noexcept { return threshold_.exceeded_by(score); }

    template <class Archive>
    void exchange(Archive& archive) {
        archive.number("beta", beta_);
        threshold_.exchange(archive);
        threshold_.keep_if(archive, check());
    }

  private:
    status check() const noexcept {
        if (!std::isfinite(beta_) || beta_ < 0) {
            return status::error(error_code::invalid_argument, "f_beta_threshold: beta ", beta_,
                                 " must be finite and at least 0");
        }
        return {};
    }

    double beta_;
    detail::optional_threshold threshold_;
};

} // namespace tocsin
