/// @file spot_threshold.hpp
/// @brief Peaks over threshold (SPOT): an adaptive threshold for a given probability of false
/// alarms.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/tail/excess_memory.hpp"
#include "tocsin/tail/pareto_fit.hpp"
#include "tocsin/tail/spot_settings.hpp"
#include "tocsin/threshold/threshold_rule.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace tocsin {

/// Threshold rule (see threshold_rule), also for streams: the score that is exceeded with
/// probability q, from a generalised Pareto distribution fitted to the excesses over a high
/// quantile t of the scores (SPOT: Siffer et al., "Anomaly detection in streams with extreme value
/// theory", KDD 2017). With N excesses among n scores and the fit (shape, scale)
///
///     threshold = t + scale / shape ((q n / N)^(-shape) - 1).
///
/// fit() learns t and a first threshold. push() refits with each excess. To raise alarms on low
/// scores, pass negated ones.
///
/// - Bounded memory: the last `memory` excesses and their times. n counts the scores during which
///   they came, so threshold and rate forget together; t never changes.
/// - An alarm may be false, with probability q. Such an alarm counts as an excess only known to be
///   larger than the threshold (censored), as long as q and the uncertainty of the fit explain the
///   number of alarms in memory, and no other alarm counted during the last 0.05 / q scores,
///   because alarms of one anomaly come together. All other alarms leave no trace, so an anomaly
///   moves the threshold by a bounded amount. In the paper no alarm leaves a trace, which cuts the
///   tail off at the threshold: the rate then rises to several q.
/// - The parameters of the fit are uncertain, and the mean rate over that uncertainty is above q,
///   by exp(v / 2), where v is the variance of the logarithm of the rate. The threshold is
///   therefore set for q exp(-v / 2), with v from the information matrix; with 2000 excesses that
///   is a few per cent.
class spot_threshold {
  public:
    explicit spot_threshold(const spot_settings& settings = {}) noexcept : settings_{settings} {}

    const spot_settings& settings() const noexcept { return settings_; }

    /// O(n), allocates all that push() needs.
    /// @param labels one per score, 0 = normal, or none: all normal. Scores are in time order.
    ///               `invalid_data` when fewer than 10 normal scores exceed t, because there are
    ///               too few or too many are equal.
    status fit(std::span<const double> scores, std::span<const std::uint8_t> labels) {
        clear();
        if (status usable = settings_.check("spot_threshold"); !usable) {
            return usable;
        }
        if (status usable = detail::check_scores("spot_threshold", scores, labels); !usable) {
            return usable;
        }
        std::vector<double> normal;
        normal.reserve(scores.size());
        for (std::size_t i = 0; i < scores.size(); ++i) {
            if (labels.empty() || labels[i] == 0) {
                normal.push_back(scores[i]);
            }
        }
        return fit_normal(normal);
    }

    /// Judges a score and learns from it. NaN is rejected, counted, and changes nothing else.
    /// Never allocates. O(1) for normal scores; O(memory) for excesses, a few passes over them.
    push_outcome push(double score) noexcept {
        if (std::isnan(score) || !fitted()) {
            rejected_ += std::isnan(score) ? 1 : 0;
            return push_outcome::rejected;
        }
        if (score <= excess_threshold_) {
            ++count_;
            return score > threshold_ ? push_outcome::alarm : push_outcome::normal;
        }
        if (score > threshold_) {
            ++ignored_;
            if (settings_.learn_from_expected_alarms && is_expected_alarm()) {
                --ignored_;
                ++count_;
                next_learnt_ = time() + alarm_separation();
                memory_.add(threshold_ - excess_threshold_, count_, true);
                refit();
            }
            return push_outcome::alarm;
        }
        ++count_;
        memory_.add(score - excess_threshold_, count_, false);
        refit();
        return push_outcome::excess;
    }

    bool fitted() const noexcept { return fitted_; }
    /// Infinity before a fit. Never below excess_threshold().
    double threshold() const noexcept {
        return fitted_ ? threshold_ : std::numeric_limits<double>::infinity();
    }
    bool exceeds(double score) const noexcept { return score > threshold(); }

    /// t: scores above it are excesses. Meaningless before a fit, like the next three.
    double excess_threshold() const noexcept { return excess_threshold_; }
    /// The distribution of excesses over t.
    const generalised_pareto& tail() const noexcept { return fit_.tail; }
    pareto_method method() const noexcept { return fit_.method; }
    /// Estimated probability that a normal score exceeds this one, for a score above t.
    double tail_probability(double score) const noexcept {
        return excess_rate() * fit_.tail.tail_probability(std::max(score - excess_threshold_, 0.0));
    }
    /// Excesses in memory.
    int excesses() const noexcept { return memory_.size(); }
    /// Scores that were NaN since the fit.
    std::int64_t rejected() const noexcept { return rejected_; }
    /// Alarms since the fit that left no trace.
    std::int64_t ignored() const noexcept { return ignored_; }

    /// Saves or loads everything: after loading, the stream continues with the same bits.
    template <class Archive>
    void exchange(Archive& archive) {
        settings_.exchange(archive);
        archive.integer("fitted", fitted_);
        if constexpr (Archive::loading) {
            const bool wanted = fitted_;
            clear();
            if (archive.outcome().ok()) {
                archive.fail(settings_.check("spot_threshold"));
            }
            if (!archive.outcome().ok() || !wanted) {
                return;
            }
            allocate();
            fitted_ = true;
        }
        if (!fitted_) {
            return;
        }
        archive.number("excess_threshold", excess_threshold_);
        archive.number("threshold", threshold_);
        archive.number("shape", fit_.tail.shape);
        archive.number("scale", fit_.tail.scale);
        archive.integer("method", fit_.method);
        archive.integer("count", count_);
        archive.integer("rejected", rejected_);
        archive.integer("ignored", ignored_);
        archive.integer("next_learnt", next_learnt_);
        memory_.exchange(archive, count_);
        if constexpr (Archive::loading) {
            if (archive.outcome().ok() &&
                !(fit_.tail.scale > 0 && rejected_ >= 0 && ignored_ >= 0 &&
                  fit_.method <= pareto_method::exponential)) {
                archive.fail(status::error(error_code::format_error, "spot_threshold: scale ",
                                           fit_.tail.scale, " or rejected ", rejected_,
                                           " is impossible"));
            }
            if (!archive.outcome().ok()) {
                clear();
            }
        }
    }

  private:
    friend class drift_spot_threshold;

    void clear() noexcept {
        fitted_ = false;
        count_ = 0;
        rejected_ = 0;
        ignored_ = 0;
        next_learnt_ = 0;
        memory_.clear();
        fit_ = {};
    }

    void allocate() {
        memory_.allocate(settings_.memory);
        scratch_.assign(static_cast<std::size_t>(settings_.memory), 0);
    }

    /// Takes the scores in time order; does not reorder the caller's.
    status fit_normal(std::span<const double> scores) {
        constexpr int fewest = 10;
        const auto refuse = [&](int found) {
            return status::error(error_code::invalid_data, "spot_threshold: ", found, " of ",
                                 scores.size(), " normal scores lie above their quantile ",
                                 settings_.level, ", at least ", fewest, " are needed");
        };
        if (scores.empty()) {
            return refuse(0);
        }
        std::vector<double> sorted(scores.begin(), scores.end());
        const auto rank =
            static_cast<std::ptrdiff_t>(settings_.level * static_cast<double>(sorted.size() - 1));
        std::nth_element(sorted.begin(), sorted.begin() + rank, sorted.end());
        excess_threshold_ = sorted[static_cast<std::size_t>(rank)];
        allocate();
        int found = 0;
        for (const double score : scores) {
            ++count_;
            if (score > excess_threshold_) {
                ++found;
                memory_.add(score - excess_threshold_, count_, false);
            }
        }
        if (found < fewest) {
            clear();
            return refuse(found);
        }
        fit_ = fit_pareto(memory_.sample(), 0, scratch_);
        if (fit_.method == pareto_method::none) {
            clear();
            return status::error(error_code::invalid_data, "spot_threshold: the excesses over ",
                                 excess_threshold_, " are too large for their mean to be finite");
        }
        fitted_ = true;
        update_threshold();
        if (!std::isfinite(threshold_)) {
            clear();
            return status::error(error_code::invalid_data, "spot_threshold: the threshold becomes ",
                                 threshold_, ", not finite");
        }
        return {};
    }

    /// Number of scores during which the excesses in memory came.
    double remembered() const noexcept { return static_cast<double>(count_ - memory_.forgotten()); }
    double excess_rate() const noexcept { return memory_.size() / remembered(); }

    /// Scores so far, without those rejected.
    std::int64_t time() const noexcept { return count_ + ignored_; }
    std::int64_t alarm_separation() const noexcept {
        return static_cast<std::int64_t>(std::min(separation_times_q / settings_.q, 1e15));
    }

    /// Whether q and the uncertainty of the fit explain one more alarm in memory, now.
    bool is_expected_alarm() const noexcept {
        if (time() < next_learnt_) {
            return false;
        }
        // The rate is approximately log-normal: one deviation above its mean.
        const double variance = uncertainty(threshold_ - excess_threshold_);
        const double expected =
            settings_.q * remembered() * std::exp(std::sqrt(variance) + 0.5 * variance);
        return memory_.censored() < expected + 3 * std::sqrt(expected) + 1;
    }

    void refit() noexcept {
        const pareto_fit fit =
            fit_pareto(memory_.sample(), fit_.tail.shape / fit_.tail.scale, scratch_);
        if (fit.method != pareto_method::none) {
            fit_ = fit;
        }
        update_threshold();
    }

    void update_threshold() noexcept {
        // One false alarm in 1 + separation * q follows another one too soon to be counted and is
        // missing in the fit.
        const double missing = settings_.learn_from_expected_alarms ? separation_times_q : 0;
        const double wanted = settings_.q / (1 + missing) / excess_rate();
        double y = fit_.tail.quantile_of_tail(wanted);
        y = fit_.tail.quantile_of_tail(wanted * std::exp(-0.5 * uncertainty(y)));
        if (const double threshold = excess_threshold_ + y; std::isfinite(threshold)) {
            threshold_ = threshold;
        }
    }

    /// Variance of the logarithm of P(Y > y) under the asymptotic covariance of the maximum of the
    /// likelihood (Smith, "Estimating tails of probability distributions", Annals of Statistics 15,
    /// 1987): (1 + shape) / m [[1 + shape, -scale], [-scale, 2 scale^2]], valid above shape -1/2.
    double uncertainty(double y) const noexcept {
        const double shape = std::max(fit_.tail.shape, -0.45);
        const double depth = y / fit_.tail.scale;
        const double s = std::max(1 + shape * depth, 1e-3);
        const double by_scale = depth / s; // times scale
        const double by_shape = std::abs(shape) < 1e-4 ? 0.5 * depth * depth
                                                       : (std::log(s) / shape - depth / s) / shape;
        const double variance = (1 + shape) *
                                ((1 + shape) * by_shape * by_shape - 2 * by_shape * by_scale +
                                 2 * by_scale * by_scale) /
                                memory_.size();
        return std::clamp(variance, 0.0, 4.0);
    }

    static constexpr double separation_times_q = 0.05;

    spot_settings settings_;
    bool fitted_ = false;
    double excess_threshold_ = 0;
    double threshold_ = 0;
    pareto_fit fit_;
    std::int64_t count_ = 0; // scores learned from
    std::int64_t rejected_ = 0;
    std::int64_t ignored_ = 0;     // alarms without a trace
    std::int64_t next_learnt_ = 0; // earliest time at which an alarm may leave one
    detail::excess_memory memory_;
    std::vector<double> scratch_;
};

} // namespace tocsin
