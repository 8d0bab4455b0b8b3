/// @file threshold_rule.hpp
/// @brief What a detector needs of the rule that decides which scores are anomalous.
#pragma once

#include "tocsin/core/status.hpp"

#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>

namespace tocsin {
namespace detail {

/// What every rule requires of the scores it is fitted to: at least one, all finite, and either no
/// labels or one for each.
inline status check_scores(std::string_view caller, std::span<const double> scores,
                           std::span<const std::uint8_t> labels) noexcept {
    if (scores.empty()) {
        return status::error(error_code::invalid_data, caller, ": there are no scores");
    }
    if (!labels.empty() && labels.size() != scores.size()) {
        return status::error(error_code::invalid_argument, caller, ": ", scores.size(),
                             " scores but ", labels.size(), " labels");
    }
    for (std::size_t i = 0; i < scores.size(); ++i) {
        if (!std::isfinite(scores[i])) {
            return status::error(error_code::invalid_data, caller, ": score ", i, " is ", scores[i],
                                 ", not finite");
        }
    }
    return {};
}

/// A threshold that may not be there yet; until then no score exceeds it.
class optional_threshold {
  public:
    bool fitted() const noexcept { return fitted_; }
    double value() const noexcept {
        return fitted_ ? value_ : std::numeric_limits<double>::infinity();
    }
    /// False for a NaN score, like every comparison with NaN.
    bool exceeded_by(double score) const noexcept { return score > value(); }

    void reset() noexcept { fitted_ = false; }
    /// Refuses a threshold that is not finite: sums and products can overflow.
    status set(std::string_view caller, double value) noexcept {
        fitted_ = std::isfinite(value);
        if (!fitted_) {
            return status::error(error_code::invalid_data, caller, ": the threshold becomes ",
                                 value, ", not finite");
        }
        value_ = value;
        return {};
    }

    template <class Archive>
    void exchange(Archive& archive) {
        archive.integer("fitted", fitted_);
        if (fitted_) {
            archive.number("threshold", value_);
        }
        if constexpr (Archive::loading) {
            if (fitted_ && archive.outcome().ok()) {
                archive.fail(set("threshold", value_));
            }
        }
    }

    /// While loading: the threshold stays only if the settings that it was fitted with are usable.
    template <class Archive>
    void keep_if(Archive& archive, const status& settings) noexcept {
        if constexpr (Archive::loading) {
            if (fitted_ && archive.outcome().ok()) {
                archive.fail(settings);
            }
            fitted_ = fitted_ && archive.outcome().ok();
        }
    }

  private:
    bool fitted_ = false;
    double value_ = 0;
};

} // namespace detail

/// A rule that learns from scores, labelled or not, where the boundary between normal and anomalous
/// lies. Ours are f_beta_threshold, quantile_threshold, sigma_threshold, manual_threshold,
/// epsilon_threshold, spot_threshold, drift_spot_threshold and alarm_rate; your own needs no
/// base class.
///
/// A detector calls `fit` once with all scores (it does not accumulate: another call replaces the
/// threshold), then `threshold` as often as there are samples. A score above the threshold is an
/// anomaly; NaN never is.
///
/// - `kind`: a name, which model files store.
/// - `fit(scores, labels)`: `labels` has one value per score, nonzero = anomalous, or none at all,
///   which says that every score is normal. Success, or why these scores cannot be used; a rule
///   that learns refuses no scores, scores that are not finite (naming the first) and another
///   number of labels. After a failure there is no threshold. May allocate.
/// - `threshold()`: in units of the score; infinity while there is none. Const, noexcept, allocates
///   nothing: one rule serves any number of threads.
///
/// What a rule may have besides:
/// - `push(score)`: learns from a score of a stream; detector::learn() calls it, on the stream's own
///   copy of the rule. Must be noexcept and must not allocate.
/// - `expected_false_alarms(score)`: the expected number of false alarms as high in 10 000 rows, for
///   verdict::expected_false_alarms. Const, noexcept, allocates nothing.
/// - `exchange(archive)`: hands every setting and the threshold to the archive by name, for saving
///   and loading alike.
///
/// The rule owns all it keeps: scores and labels are read during the call only.
template <class Rule>
concept threshold_rule =
    std::copyable<Rule> && requires(Rule rule, const Rule& constant, std::span<const double> scores,
                                    std::span<const std::uint8_t> labels) {
        { Rule::kind } -> std::convertible_to<const char*>;
        { rule.fit(scores, labels) } -> std::same_as<status>;
        { constant.threshold() } noexcept -> std::same_as<double>;
    };

/// A rule that can learn from the scores of a stream.
template <class Rule>
concept adapting_rule = threshold_rule<Rule> && requires(Rule rule, double score) {
    { rule.push(score) } noexcept;
};

} // namespace tocsin
