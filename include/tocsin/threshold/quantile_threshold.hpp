/// @file quantile_threshold.hpp
/// @brief Threshold rule that takes a quantile of the scores on normal data.
#pragma once

#include "tocsin/math/quantile.hpp"
#include "tocsin/threshold/normal_scores.hpp"
#include "tocsin/threshold/threshold_rule.hpp"

#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

namespace tocsin {

/// Threshold rule (see threshold_rule): `factor` times a quantile of the scores whose label is 0,
/// interpolated (interpolated_quantile(); numpy's default). On data like the fit's about 1 - quantile of
/// the scores exceed it (for factor 1).
class quantile_threshold {
  public:
    static constexpr const char* kind = "quantile_threshold";
    static constexpr int version = 1;

    /// fit() checks both settings.
    /// @param quantile in [0, 1]; 1 is the largest score
    /// @param factor   finite and positive; more than 1 leaves a margin above the quantile. Another
    ///                 factor than 1 needs a quantile that is not negative
    explicit quantile_threshold(double quantile = 0.99, double factor = 1) noexcept
        : quantile_{quantile}, factor_{factor} {}

    /// Of the normal scores.
    double quantile() const noexcept { return quantile_; }
    /// The threshold is this times the quantile.
    double factor() const noexcept { return factor_; }

    /// @param labels one per score, 0 = normal, or none: all normal. `invalid_data` when none is
    ///               normal. O(n), allocates a copy of the normal scores.
    status fit(std::span<const double> scores, std::span<const std::uint8_t> labels) {
        threshold_.reset();
        if (status usable = check(); !usable) {
            return usable;
        }
        if (status usable = detail::check_scores("quantile_threshold", scores, labels); !usable) {
            return usable;
        }
        std::vector<double> normal = detail::normal_scores(scores, labels);
        if (normal.empty()) {
            return status::error(error_code::invalid_data, "quantile_threshold: none of the ",
                                 scores.size(), " scores is normal");
        }
        const double quantile = interpolated_quantile(std::span(normal), quantile_);
        if (quantile < 0 && factor_ != 1) {
            return status::error(error_code::invalid_data, "quantile_threshold: the quantile is ",
                                 quantile, "; a factor of ", factor_,
                                 " needs one that is not negative");
        }
        return threshold_.set("quantile_threshold", factor_ * quantile);
    }

    bool fitted() const noexcept { return threshold_.fitted(); }
    double threshold() const noexcept { return threshold_.value(); }
    bool exceeds(double score) const noexcept { return threshold_.exceeded_by(score); }

    template <class Archive>
    void exchange(Archive& archive) {
        archive.number("quantile", quantile_);
        archive.number("factor", factor_);
        threshold_.exchange(archive);
        threshold_.keep_if(archive, check());
    }

  private:
    status check() const noexcept {
        if (!(quantile_ >= 0 && quantile_ <= 1)) {
            return status::error(error_code::invalid_argument, "quantile_threshold: quantile ",
                                 quantile_, " must lie in [0, 1]");
        }
        if (!std::isfinite(factor_) || factor_ <= 0) {
            return status::error(error_code::invalid_argument, "quantile_threshold: factor ",
                                 factor_, " must be finite and positive");
        }
        return {};
    }

    double quantile_;
    double factor_;
    detail::optional_threshold threshold_;
};

} // namespace tocsin
