/// @file any_threshold.hpp
/// @brief Threshold rule that is chosen at run time, for scores that may be smoothed first.
#pragma once

#include "tocsin/dynamic/epsilon_threshold.hpp"
#include "tocsin/series/moving_window.hpp"
#include "tocsin/tail/drift_spot_threshold.hpp"
#include "tocsin/tail/spot_threshold.hpp"
#include "tocsin/threshold/f_beta_threshold.hpp"
#include "tocsin/threshold/manual_threshold.hpp"
#include "tocsin/threshold/quantile_threshold.hpp"
#include "tocsin/threshold/sigma_threshold.hpp"

#include <cstdint>
#include <span>
#include <utility>
#include <variant>
#include <vector>

namespace tocsin_cli {

/// One of the library's rules (concept tocsin::threshold_rule). Its file is that of the rule
/// inside, told apart on loading by the setting that only this rule has. How scores are smoothed
/// stands beside it, since the threshold is one of smoothed scores.
class any_threshold {
  public:
    using rules =
        std::variant<tocsin::quantile_threshold, tocsin::sigma_threshold, tocsin::f_beta_threshold,
                     tocsin::manual_threshold, tocsin::spot_threshold, tocsin::epsilon_threshold,
                     tocsin::drift_spot_threshold>;

    any_threshold() = default;
    /// @param smoothing rows of the trailing mean that scores are replaced by, at least 1
    explicit any_threshold(rules rule, int smoothing = 1)
        : rule_{std::move(rule)}, smoothing_{smoothing} {}

    const rules& rule() const noexcept { return rule_; }
    int smoothing() const noexcept { return smoothing_; }
    const char* name() const noexcept {
        constexpr const char* names[] = {"quantile",
                                         "sigma",
                                         "f-beta",
                                         "manual",
                                         "peaks-over-threshold",
                                         "epsilon",
                                         "drift-peaks-over-threshold"};
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
        return std::visit([&](auto& inner) { return inner.fit(seen, labels); }, rule_);
    }
    double threshold() const noexcept {
        return std::visit([](const auto& inner) { return inner.threshold(); }, rule_);
    }
    bool exceeds(double score) const noexcept { return score > threshold(); }

    /// Whether learn() does anything.
    bool adapts() const noexcept {
        return std::holds_alternative<tocsin::spot_threshold>(rule_) ||
               std::holds_alternative<tocsin::drift_spot_threshold>(rule_);
    }
    /// Moves the threshold by a score of the stream, already smoothed.
    void learn(double score) noexcept {
        std::visit(
            [&](auto& inner) {
                if constexpr (requires { inner.push(score); }) {
                    inner.push(score);
                }
            },
            rule_);
    }

    template <class Archive>
    void exchange(Archive& archive) {
        if constexpr (Archive::loading) {
            if (archive.contains("quantile")) {
                rule_.emplace<0>();
            } else if (archive.contains("k")) {
                rule_.emplace<1>();
            } else if (archive.contains("beta")) {
                rule_.emplace<2>();
            } else if (archive.contains("q")) {
                rule_.emplace<4>();
            } else if (archive.contains("buffer")) {
                rule_.emplace<5>();
            } else if (archive.contains("depth")) {
                rule_.emplace<6>();
            } else {
                rule_.emplace<3>(0.0);
            }
        }
        std::visit([&](auto& inner) { inner.exchange(archive); }, rule_);
        if (Archive::loading ? archive.contains("smoothing") : smoothing_ > 1) {
            archive.integer("smoothing", smoothing_, 1, most_smoothing);
        }
    }

    static constexpr int most_smoothing = 1 << 20;

  private:
    rules rule_;
    int smoothing_ = 1;
};

static_assert(tocsin::threshold_rule<any_threshold>);

} // namespace tocsin_cli
