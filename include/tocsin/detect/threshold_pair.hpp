/// @file threshold_pair.hpp
/// @brief The thresholds of a detector's two views, tuned by a rule or set by hand.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/threshold/threshold_rule.hpp"

#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace tocsin {

/// One rule per view; a threshold set by hand takes precedence over the tuned one.
template <threshold_rule Rule>
class threshold_pair {
  public:
    threshold_pair() = default;
    explicit threshold_pair(const Rule& rule) : per_step_{rule}, per_feature_{rule} {}

    const Rule& per_step() const noexcept { return per_step_; }
    const Rule& per_feature() const noexcept { return per_feature_; }
    /// Infinity before fit(), unless set by hand.
    double step_threshold() const noexcept {
        return step_override_.value_or(per_step_.threshold());
    }
    double feature_threshold() const noexcept {
        return feature_override_.value_or(per_feature_.threshold());
    }

    /// Fits both rules; a failure leaves both as they were. May allocate.
    status fit(const std::vector<double>& step_scores, const std::vector<double>& feature_scores,
               std::span<const std::uint8_t> labels) {
        Rule per_step = per_step_;
        Rule per_feature = per_feature_;
        if (const status fitted = per_step.fit(step_scores, labels); !fitted.ok()) {
            return fitted;
        }
        if (const status fitted = per_feature.fit(feature_scores, labels); !fitted.ok()) {
            return fitted;
        }
        per_step_ = std::move(per_step);
        per_feature_ = std::move(per_feature);
        return {};
    }

    /// Whether both views have a threshold.
    bool available() const noexcept {
        return (step_override_.has_value() || std::isfinite(per_step_.threshold())) &&
               (feature_override_.has_value() || std::isfinite(per_feature_.threshold()));
    }
    /// Forgets what was tuned, not what was set by hand. A rule that learns has no threshold after
    /// a failure, and no scores are one.
    void forget_tuned() {
        static_cast<void>(per_step_.fit({}, {}));
        static_cast<void>(per_feature_.fit({}, {}));
    }
    /// Puts another rule in place of both; what was set by hand stays.
    void set_rule(const Rule& rule) {
        per_step_ = rule;
        per_feature_ = rule;
    }
    /// Sets thresholds by hand; nothing puts the tuned ones back.
    void override_with(std::optional<double> per_step, std::optional<double> per_feature) noexcept {
        step_override_ = per_step;
        feature_override_ = per_feature;
    }

    template <class Archive>
    void exchange(Archive& archive) {
        archive.object("per_step", per_step_);
        archive.object("per_feature", per_feature_);
        exchange_override(archive, "step_override", step_override_);
        exchange_override(archive, "feature_override", feature_override_);
    }

  private:
    template <class Archive>
    static void exchange_override(Archive& archive, const char* name,
                                  std::optional<double>& threshold) {
        const auto scope = archive.scope(name);
        constexpr double infinity = std::numeric_limits<double>::infinity();
        bool present = threshold.has_value();
        bool infinite = threshold == infinity; // files hold finite numbers only
        archive.integer("present", present);
        archive.integer("infinite", infinite);
        double value = infinite ? infinity : threshold.value_or(0);
        if (present && !infinite) {
            archive.number("threshold", value);
        }
        if (!present) {
            threshold.reset();
        } else {
            threshold = infinite ? infinity : value;
        }
    }

    Rule per_step_{};
    Rule per_feature_{};
    std::optional<double> step_override_;
    std::optional<double> feature_override_;
};

} // namespace tocsin
