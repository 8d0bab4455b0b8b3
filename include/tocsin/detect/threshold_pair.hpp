/// @file threshold_pair.hpp
/// @brief The thresholds of a detector's views, tuned by a rule or set by hand.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/detect/detector_settings.hpp"
#include "tocsin/threshold/threshold_rule.hpp"

#include <array>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <utility>

namespace tocsin {

/// One rule per view; a threshold set by hand takes precedence over the tuned one.
/// @tparam Views 2, or 1 where there is no view per feature
template <threshold_rule Rule, int Views = 2>
class threshold_pair {
  public:
    /// Rules as they are by default.
    threshold_pair()
        requires std::default_initializable<Rule>
        : threshold_pair(Rule{}) {}
    /// A copy of the rule for each view.
    explicit threshold_pair(const Rule& rule) : views_{copies_of(rule)} {}

    /// The rule of a view.
    const Rule& rule(error_view view) const noexcept { return at(view).rule; }
    /// Infinity before fit(), unless set by hand.
    double threshold(error_view view) const noexcept {
        return at(view).by_hand.value_or(at(view).rule.threshold());
    }
    /// Whether the threshold was set by hand.
    bool is_by_hand(error_view view) const noexcept { return at(view).by_hand.has_value(); }

    /// Fits the rules; a failure leaves all as they were. May allocate.
    /// @param scores of each view
    status fit(const std::array<std::span<const double>, std::size_t{Views}>& scores,
               std::span<const std::uint8_t> labels) {
        auto fitted = views_;
        for (std::size_t k = 0; k < views_.size(); ++k) {
            if (const status outcome = fitted[k].rule.fit(scores[k], labels); !outcome.ok()) {
                return outcome;
            }
            if (const status possible = valid(fitted[k]); !possible.ok()) {
                return possible;
            }
        }
        views_ = std::move(fitted);
        return {};
    }
    /// Refuses a threshold that nothing would ever exceed, or everything: scores are at least 0
    /// (error_statistic). What was set by hand is not judged.
    status valid() const noexcept {
        for (const one_view& view : views_) {
            if (const status possible = valid(view); !possible.ok()) {
                return possible;
            }
        }
        return {};
    }

    /// Whether every view has a threshold.
    bool available() const noexcept {
        for (const one_view& view : views_) {
            if (!view.by_hand.has_value() && !std::isfinite(view.rule.threshold())) {
                return false;
            }
        }
        return true;
    }
    /// Forgets what was tuned, not what was set by hand. A rule that learns has no threshold after
    /// a failure, and no scores are one.
    void forget_tuned() {
        for (one_view& view : views_) {
            static_cast<void>(view.rule.fit({}, {}));
        }
    }
    /// Puts another rule in place of all; what was set by hand stays.
    void set_rule(const Rule& rule) {
        for (one_view& view : views_) {
            view.rule = rule;
        }
    }
    /// Sets or takes away the threshold by hand of one view.
    void override_with(error_view view, std::optional<double> threshold) noexcept {
        using numbers = std::numeric_limits<double>;
        if (threshold && std::isnan(*threshold)) {
            threshold = numbers::infinity(); // flags nothing either; a stream could not load NaN
        } else if (threshold == -numbers::infinity()) {
            threshold = numbers::lowest(); // flags all as well, and files hold it
        }
        at(view).by_hand = threshold;
    }

    static constexpr int version = 1;
    template <class Archive>
    void exchange(Archive& archive) {
        static constexpr std::array<const char*, 2> names = {"per_step", "per_feature"};
        for (std::size_t k = 0; k < views_.size(); ++k) {
            const auto scope = archive.scope(names[k]);
            archive.object("rule", views_[k].rule);
            exchange_by_hand(archive, views_[k].by_hand);
        }
    }

  private:
    struct one_view {
        Rule rule;
        std::optional<double> by_hand;
    };
    static status valid(const one_view& view) noexcept {
        constexpr double below_all = -1e-300; // a sweep may take the double below 0
        constexpr double above_all = 1e300;
        const double threshold = view.rule.threshold();
        if (!std::isfinite(threshold) || (threshold >= below_all && threshold <= above_all)) {
            return {};
        }
        return status::error(error_code::invalid_data, Rule::kind, ": a threshold of ", threshold,
                             threshold < 0 ? ", which every score exceeds"
                                           : ", which no score exceeds");
    }
    using view_array = std::array<one_view, static_cast<std::size_t>(Views)>;
    static view_array copies_of(const Rule& rule) {
        if constexpr (Views == 1) {
            return {one_view{rule, {}}};
        } else {
            return {one_view{rule, {}}, one_view{rule, {}}};
        }
    }

    static constexpr std::size_t index(error_view view) noexcept {
        return Views == 1 ? 0 : static_cast<std::size_t>(view);
    }
    const one_view& at(error_view view) const noexcept { return views_[index(view)]; }
    one_view& at(error_view view) noexcept { return views_[index(view)]; }

    /// Files hold finite numbers only.
    template <class Archive>
    static void exchange_by_hand(Archive& archive, std::optional<double>& threshold) {
        enum class by_hand : std::uint8_t { absent, finite, never };
        by_hand kind = !threshold.has_value()      ? by_hand::absent
                       : std::isfinite(*threshold) ? by_hand::finite
                                                   : by_hand::never;
        archive.integer("by_hand", kind, by_hand::absent, by_hand::never);
        double value = threshold.value_or(0); // empty while loading
        if (kind == by_hand::finite) {
            archive.number("threshold_by_hand", value);
        }
        if constexpr (Archive::loading) {
            threshold = kind == by_hand::absent   ? std::nullopt
                        : kind == by_hand::finite ? std::optional(value)
                                                  : std::numeric_limits<double>::infinity();
        }
    }

    view_array views_;
};

} // namespace tocsin
