/// @file any_threshold.hpp
/// @brief Threshold rule that is chosen at run time, for scores that may be smoothed first.
#pragma once

#include "tocsin/dynamic/epsilon_threshold.hpp"
#include "tocsin/series/moving_window.hpp"
#include "tocsin/tail/alarm_rate.hpp"
#include "tocsin/tail/drift_spot_threshold.hpp"
#include "tocsin/tail/spot_threshold.hpp"
#include "tocsin/threshold/f_beta_threshold.hpp"
#include "tocsin/threshold/manual_threshold.hpp"
#include "tocsin/threshold/quantile_threshold.hpp"
#include "tocsin/threshold/sigma_threshold.hpp"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace tocsin_cli {

/// One of the library's rules (concept tocsin::threshold_rule). Its file is that of the rule
/// inside, so a program with that rule compiled in can load it. Smoothing is part of the rule,
/// since its threshold is for smoothed scores.
class any_threshold {
  public:
    using rules =
        std::variant<tocsin::quantile_threshold, tocsin::sigma_threshold, tocsin::f_beta_threshold,
                     tocsin::manual_threshold, tocsin::spot_threshold, tocsin::epsilon_threshold,
                     tocsin::drift_spot_threshold, tocsin::alarm_rate,
                     tocsin::spot_threshold_by_moments>;
    /// Files have the kind of the rule inside instead.
    static constexpr const char* kind = "any_threshold";
    static constexpr int version = 1; ///< that of all rules inside

    any_threshold() = default;
    /// @param smoothing rows of the trailing mean that replaces scores, at least 1
    explicit any_threshold(rules rule, int smoothing = 1)
        : rule_{std::move(rule)}, smoothing_{smoothing}, recent_{smoothing} {}

    /// Adds a rule to use if those before cannot be fitted to the scores, or tell nothing: a threshold
    /// of f_beta_threshold that more normal scores exceed than anomalous ones, and more than one normal
    /// score in twenty.
    any_threshold or_else(rules other) const {
        any_threshold both = *this;
        both.others_.push_back(std::move(other));
        return both;
    }

    const rules& rule() const noexcept { return rule_; }
    int smoothing() const noexcept { return smoothing_; }
    const char* name() const noexcept {
        constexpr const char* names[] = {"quantile",
                                         "sigma",
                                         "f-beta",
                                         "manual",
                                         "peaks-over-threshold",
                                         "epsilon",
                                         "drift-peaks-over-threshold",
                                         "alarm-rate",
                                         "peaks-over-threshold-by-moments"};
        return names[rule_.index()];
    }

    /// Scores as the threshold sees them.
    std::vector<double> smoothed(std::span<const double> scores) const {
        std::vector<double> result(scores.begin(), scores.end());
        tocsin::moving_window window{smoothing_};
        for (double& score : result) {
            score = window.push(score);
        }
        return result;
    }

    tocsin::status fit(std::span<const double> scores, std::span<const std::uint8_t> labels) {
        const std::vector<double> seen = smoothed(scores);
        recent_.reset();
        const auto fit = [&] {
            return std::visit([&](auto& inner) { return inner.fit(seen, labels); }, rule_);
        };
        tocsin::status fitted = fit();
        for (const rules& other : others_) {
            if (scores.empty() || (fitted.ok() && !is_exceeded_by_normal(seen, labels))) {
                break; // empty scores reset it, and are no failure
            }
            rule_ = other;
            fitted = fit();
        }
        return fitted;
    }
    double threshold() const noexcept {
        return std::visit([](const auto& inner) { return inner.threshold(); }, rule_);
    }

    /// Clusters of false alarms in 10 000 rows that reach a score; NaN for rules without that
    /// number.
    double expected_false_alarms(double score) const noexcept {
        return std::visit(
            [score](const auto& inner) {
                if constexpr (tocsin::rule_with_expectation<std::decay_t<decltype(inner)>>) {
                    return inner.expected_false_alarms(score);
                } else {
                    return std::numeric_limits<double>::quiet_NaN();
                }
            },
            rule_);
    }

    /// The rule inside if it promises a rate of false alarms and has been fitted, else null.
    const tocsin::alarm_rate* promise() const noexcept {
        const auto* const rule = std::get_if<tocsin::alarm_rate>(&rule_);
        return rule != nullptr && rule->fitted() ? rule : nullptr;
    }

    /// Whether push() does anything.
    bool adapts() const noexcept {
        return std::holds_alternative<tocsin::spot_threshold>(rule_) ||
               std::holds_alternative<tocsin::drift_spot_threshold>(rule_) ||
               std::holds_alternative<tocsin::spot_threshold_by_moments>(rule_);
    }
    /// Moves the threshold by a score of a stream, which it smooths like those of the fit.
    void push(double score) noexcept {
        score = recent_.push(score);
        std::visit(
            [&](auto& inner) {
                if constexpr (requires { inner.push(score); }) {
                    inner.push(score);
                }
            },
            rule_);
    }

    /// The name of the rule inside, first in a file.
    template <class Archive>
    void exchange_kind(Archive& archive, const char* name_in_file) {
        std::string stored = std::visit(
            [](const auto& inner) { return std::decay_t<decltype(inner)>::kind; }, rule_);
        archive.text(name_in_file, stored);
        if constexpr (Archive::loading) {
            if (archive.outcome().ok() &&
                !choose(stored, std::make_index_sequence<std::variant_size_v<rules>>{})) {
                archive.fail(tocsin::status::error(tocsin::error_code::format_error,
                                                   "unknown threshold rule '", stored, '\''));
            }
        }
    }
    template <class Archive>
    void exchange(Archive& archive) {
        std::visit([&](auto& inner) { inner.exchange(archive); }, rule_);
        if (Archive::loading ? archive.contains("smoothing") : smoothing_ > 1) {
            archive.integer("smoothing", smoothing_, 1, most_smoothing);
        }
        if constexpr (Archive::loading) {
            recent_ = tocsin::moving_window{smoothing_};
        }
    }

    static constexpr int most_smoothing = 1 << 20;

  private:
    /// Whether the best F1 comes from flagging much of everything: labels that the scores know nothing
    /// of.
    bool is_exceeded_by_normal(std::span<const double> scores,
                               std::span<const std::uint8_t> labels) const {
        if (!std::holds_alternative<tocsin::f_beta_threshold>(rule_)) {
            return false;
        }
        std::size_t all_normal = 0;
        std::size_t normal = 0;
        std::size_t anomalous = 0;
        for (std::size_t k = 0; k < labels.size(); ++k) {
            all_normal += labels[k] == 0 ? 1 : 0;
            if (scores[k] > threshold()) {
                ++(labels[k] == 0 ? normal : anomalous);
            }
        }
        return normal > anomalous && 20 * normal > all_normal;
    }
    /// Selects the rule of a kind; returns whether it exists.
    template <std::size_t... Index>
    bool choose(std::string_view stored, std::index_sequence<Index...>) {
        return ((stored == std::variant_alternative_t<Index, rules>::kind &&
                 (rule_.emplace<Index>(), true)) ||
                ...);
    }

    rules rule_;
    std::vector<rules> others_; // of or_else()
    int smoothing_ = 1;
    tocsin::moving_window recent_{1}; // scores of the stream that is learned from
};

static_assert(tocsin::adapting_rule<any_threshold>);

} // namespace tocsin_cli
