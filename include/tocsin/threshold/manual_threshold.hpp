/// @file manual_threshold.hpp
/// @brief Threshold rule with a given threshold.
#pragma once

#include "tocsin/threshold/threshold_rule.hpp"

#include <cmath>
#include <cstdint>
#include <limits>
#include <span>

namespace tocsin {

/// Threshold rule (see threshold_rule) that learns nothing: it has its threshold from the start,
/// and fit() looks at neither scores nor labels.
class manual_threshold {
  public:
    static constexpr const char* kind = "manual_threshold";
    static constexpr int version = 1;

    /// Without a threshold yet: a detector loads one into it.
    manual_threshold() noexcept = default;
    /// @param threshold finite, in units of the score. Another one is refused by fit(), and no
    ///                  score exceeds it.
    explicit manual_threshold(double threshold) noexcept : threshold_{threshold} {}

    /// Checks the threshold, which is given; scores are not looked at.
    status fit(std::span<const double> /*scores*/,
               std::span<const std::uint8_t> /*labels*/) const noexcept {
        return check();
    }

    bool fitted() const noexcept { return std::isfinite(threshold_); }
    double threshold() const noexcept {
        return fitted() ? threshold_ : std::numeric_limits<double>::infinity();
    }
    bool exceeds(double score) const noexcept { return score > threshold(); }

    template <class Archive>
    void exchange(Archive& archive) {
        archive.number("threshold", threshold_);
        if constexpr (Archive::loading) {
            archive.fail(check());
        }
    }

  private:
    status check() const noexcept {
        if (!fitted()) {
            return status::error(error_code::invalid_argument, "manual_threshold: ", threshold_,
                                 " must be finite");
        }
        return {};
    }

    double threshold_ = std::numeric_limits<double>::quiet_NaN();
};

} // namespace tocsin
