/// @file any_threshold.hpp
/// @brief Threshold rule that is chosen at run time.
#pragma once

#include "tocsin/threshold/f_beta_threshold.hpp"
#include "tocsin/threshold/manual_threshold.hpp"
#include "tocsin/threshold/quantile_threshold.hpp"
#include "tocsin/threshold/sigma_threshold.hpp"
#include "tocsin/threshold/spot_threshold.hpp"

#include <span>
#include <utility>
#include <variant>

namespace tocsin_cli {

/// One of the library's rules (concept tocsin::threshold_rule). Its file is that of the rule
/// inside, told apart on loading by the setting that only this rule has.
class any_threshold {
  public:
    using rules =
        std::variant<tocsin::quantile_threshold, tocsin::sigma_threshold, tocsin::f_beta_threshold,
                     tocsin::manual_threshold, tocsin::spot_threshold>;

    any_threshold() = default;
    explicit any_threshold(rules rule) : rule_{std::move(rule)} {}

    const rules& rule() const noexcept { return rule_; }
    const char* name() const noexcept {
        constexpr const char* names[] = {"quantile", "sigma", "f-beta", "manual",
                                         "peaks-over-threshold"};
        return names[rule_.index()];
    }

    tocsin::status fit(std::span<const double> scores, std::span<const std::uint8_t> labels) {
        return std::visit([&](auto& inner) { return inner.fit(scores, labels); }, rule_);
    }
    double threshold() const noexcept {
        return std::visit([](const auto& inner) { return inner.threshold(); }, rule_);
    }
    bool exceeds(double score) const noexcept { return score > threshold(); }

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
            } else {
                rule_.emplace<3>(0.0);
            }
        }
        std::visit([&](auto& inner) { inner.exchange(archive); }, rule_);
    }

  private:
    rules rule_;
};

static_assert(tocsin::threshold_rule<any_threshold>);

} // namespace tocsin_cli
