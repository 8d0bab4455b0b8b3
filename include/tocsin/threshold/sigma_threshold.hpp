/// @file sigma_threshold.hpp
/// @brief Threshold rule at some standard deviations above the mean score on normal data.
#pragma once

#include "tocsin/threshold/normal_scores.hpp"
#include "tocsin/threshold/threshold_rule.hpp"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>

namespace tocsin {

/// Threshold rule (see threshold_rule): mean + k * standard deviation of the scores whose label is
/// 0 (unbiased variance, divided by n - 1). Squared distances have a long upper tail, so that k = 3
/// flags more than the 0.1 per cent known from the Gaussian.
class sigma_threshold {
  public:
    static constexpr const char* kind = "sigma_threshold";
    static constexpr int version = 1;

    /// @param k standard deviations above the mean, finite (checked by fit())
    explicit sigma_threshold(double k = 3) noexcept : k_{k} {}

    /// Standard deviations above the mean score.
    double k() const noexcept { return k_; }

    /// @param labels one per score, 0 = normal, or none: all normal. `invalid_data` for fewer than
    ///               two normal scores. O(n), allocates a copy of the normal scores.
    status fit(std::span<const double> scores, std::span<const std::uint8_t> labels) {
        threshold_.reset();
        if (status usable = check(); !usable) {
            return usable;
        }
        if (status usable = detail::check_scores("sigma_threshold", scores, labels); !usable) {
            return usable;
        }
        std::int64_t count = 0;
        double mean = 0;
        double square_sum = 0; // of the deviations from the mean, by Welford's update
        for (const double score : detail::normal_scores(scores, labels)) {
            ++count;
            const double difference = score - mean;
            mean += difference / static_cast<double>(count);
            square_sum += difference * (score - mean);
        }
        if (count < 2) {
            return status::error(error_code::invalid_data,
                                 "sigma_threshold: at least 2 normal scores are needed, got ",
                                 count);
        }
        return threshold_.set("sigma_threshold",
                              mean + k_ * std::sqrt(square_sum / static_cast<double>(count - 1)));
    }

    bool fitted() const noexcept { return threshold_.fitted(); }
    double threshold() const noexcept { return threshold_.value(); }
    bool exceeds(double score) const noexcept { return threshold_.exceeded_by(score); }

    template <class Archive>
    void exchange(Archive& archive) {
        archive.number("k", k_);
        threshold_.exchange(archive);
        threshold_.keep_if(archive, check());
    }

  private:
    status check() const noexcept {
        if (!std::isfinite(k_)) {
            return status::error(error_code::invalid_argument, "sigma_threshold: k ", k_,
                                 " must be finite");
        }
        return {};
    }

    double k_;
    detail::optional_threshold threshold_;
};

} // namespace tocsin
