/// @file spot_threshold.hpp
/// @brief Peaks over threshold (SPOT): an adaptive threshold for a rate of false alarms.
#pragma once

#include "tocsin/core/bounded.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/tail/excess_memory.hpp"
#include "tocsin/tail/pareto_estimator.hpp"
#include "tocsin/tail/spot_counts.hpp"
#include "tocsin/tail/spot_settings.hpp"
#include "tocsin/threshold/normal_scores.hpp"
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
/// fit() learns t and a first threshold. push() refits with each excess. For alarms on low scores,
/// pass negated ones.
///
/// - Bounded memory: the last `memory` excesses and the times when they came. n counts the scores
///   during which they came, so that threshold and rate forget together; t never changes.
/// - An alarm may be false: it happens with probability q. Such an alarm counts as an excess known
///   only to be larger than the threshold (censored), as long as q and the uncertainty of the fit
///   explain the number of alarms in memory, and no other one counted during the last 0.05 / q
///   scores, as alarms of one anomaly come together. All others leave no trace, so that an anomaly
///   moves the threshold by a bounded amount. The paper leaves no trace of any alarm, which cuts
///   the tail off at the threshold: the rate then rises to several q.
/// - The parameters of the fit are uncertain, and the mean rate over that uncertainty is above q:
///   by exp(v / 2), v being the variance of the logarithm of the rate. The threshold is set for
///   q exp(-v / 2) instead, v from the information matrix; with 2000 excesses that is a few per
///   cent.
/// - Scores of the fit count as at most largest_input, and no threshold is above it. On the stream,
///   at most a quarter of the excesses are alarms, and the threshold rises no higher than for a
///   tail of shape 1 through the median excess: huge scores, however many, move it by a bounded
///   factor, and are forgotten after memory / (1 - level) ordinary ones.
/// @tparam Estimator of the tail: likelihood_estimator or moments_estimator
template <class Estimator>
class basic_spot_threshold {
  public:
    static constexpr const char* kind = Estimator::kind;
    static constexpr int version = 1;

    /// Settings are checked by fit().
    explicit basic_spot_threshold(const spot_settings& settings = {}) noexcept
        : settings_{settings} {}

    const spot_settings& settings() const noexcept { return settings_; }

    /// `invalid_data` when fewer than 10 normal scores exceed t, as there are too few or too many
    /// equal ones. O(n), allocates all that push() needs.
    /// @param scores in order of time
    /// @param labels one per score, 0 = normal, or none: all normal
    status fit(std::span<const double> scores, std::span<const std::uint8_t> labels) {
        clear();
        if (status usable = settings_.check(kind); !usable) {
            return usable;
        }
        if (status usable = detail::check_scores(kind, scores, labels); !usable) {
            return usable;
        }
        const std::vector<double> normal = detail::normal_scores(scores, labels);
        return fit_normal(normal);
    }

    /// Judges a score and learns from it. NaN is rejected, counted, and changes nothing else.
    /// Never allocates. O(1) for normal scores; O(memory) for excesses, a few passes over them.
    push_outcome push(double score) noexcept {
        if (std::isnan(score) || !fitted()) {
            if (std::isnan(score)) {
                counts_.reject();
            }
            return push_outcome::rejected;
        }
        if (score <= excess_threshold_) {
            counts_.learn(memory_);
            return push_outcome::normal;
        }
        if (score > threshold_) {
            if (settings_.learn_from_expected_alarms && counts_.wait() <= 1 &&
                is_expected_alarm()) {
                counts_.learn_alarm(memory_, settings_.q);
                memory_.add(Estimator::censored_excess(fit_.tail, threshold_ - excess_threshold_),
                            counts_.learned(), true);
                refit();
            } else {
                counts_.ignore();
            }
            return push_outcome::alarm;
        }
        counts_.learn(memory_);
        memory_.add(score - excess_threshold_, counts_.learned(), false);
        refit();
        return push_outcome::excess;
    }

    /// Not before fit(), nor where it was moved from.
    bool fitted() const noexcept { return fitted_ && memory_.capacity() > 0; }
    /// Infinity before a fit. Never below excess_threshold().
    double threshold() const noexcept {
        return fitted() ? threshold_ : std::numeric_limits<double>::infinity();
    }
    bool exceeds(double score) const noexcept { return score > threshold(); }

    /// t: scores above it are excesses. Meaningless before a fit, like the next three.
    double excess_threshold() const noexcept { return excess_threshold_; }
    /// The distribution of excesses over t.
    const generalised_pareto& tail() const noexcept { return fit_.tail; }
    /// How the tail was fitted.
    pareto_method method() const noexcept { return fit_.method; }
    /// Estimated probability that a normal score exceeds this one, for a score above t.
    double tail_probability(double score) const noexcept {
        return excess_rate() * fit_.tail.tail_probability(std::max(score - excess_threshold_, 0.0));
    }
    /// Excesses in memory.
    int excesses() const noexcept { return memory_.size(); }
    /// Calls visit(excess, age, censored) for each of them, the oldest first; the age in scores.
    template <class Visit>
    void for_each_excess(Visit&& visit) const {
        memory_.for_each([&](double excess, double arrival, bool censored) {
            visit(excess, counts_.learned() - static_cast<std::int64_t>(arrival), censored);
        });
    }
    /// Scores during which they came.
    std::int64_t remembered() const noexcept { return counts_.learned() - memory_.forgotten(); }
    /// Scores after an alarm that was learned from, before the next one may be.
    std::int64_t alarm_separation() const noexcept { return counts_.separation(settings_.q); }
    /// How many of these are still to come.
    std::int64_t alarm_wait() const noexcept { return counts_.wait(); }
    /// Scores that were NaN since the fit.
    std::int64_t rejected() const noexcept { return counts_.rejected(); }
    /// Alarms since the fit that left no trace.
    std::int64_t ignored() const noexcept { return counts_.ignored(); }

    /// Whether fit() and push() can have led here; a failure of this code with what is impossible.
    status valid(error_code code = error_code::format_error) const noexcept {
        if (status usable = settings_.check(kind); !usable) {
            return usable;
        }
        if (!is_bounded(excess_threshold_) || !(threshold_ >= excess_threshold_) ||
            !(threshold_ <= largest_input)) {
            return status::error(code, kind, ": threshold ", threshold_, " must lie in [",
                                 excess_threshold_, ", ", largest_input,
                                 "], from the excess threshold on");
        }
        if (status usable = fit_.valid(code); !usable) {
            return usable;
        }
        if (status usable = counts_.valid(kind, settings_.q, code); !usable) {
            return usable;
        }
        return memory_.valid(counts_.learned());
    }

    /// Saves or loads everything: after loading the stream continues with the same bits.
    template <class Archive>
    void exchange(Archive& archive) {
        settings_.exchange(archive);
        bool wanted = fitted();
        archive.integer("fitted", wanted);
        if constexpr (Archive::loading) {
            clear();
            if (archive.outcome().ok()) {
                archive.fail(settings_.check(kind));
            }
            if (!archive.outcome().ok() || !wanted) {
                return;
            }
            fitted_ = true;
        }
        if (!wanted) {
            return;
        }
        archive.number("excess_threshold", excess_threshold_);
        archive.number("threshold", threshold_);
        archive.number("shape", fit_.tail.shape);
        archive.number("scale", fit_.tail.scale);
        archive.integer("method", fit_.method);
        counts_.exchange(archive);
        memory_.exchange(archive, settings_.memory, counts_.learned());
        if constexpr (Archive::loading) {
            if (archive.outcome().ok()) {
                archive.fail(valid());
            }
            if (!archive.outcome().ok()) {
                clear();
                return;
            }
            scratch_.assign(static_cast<std::size_t>(settings_.memory), 0);
        }
    }

  private:
    friend class drift_spot_threshold;

    void clear() noexcept {
        fitted_ = false;
        counts_ = {};
        excess_threshold_ = 0;
        threshold_ = 0;
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
            return status::error(error_code::invalid_data, kind, ": ", found, " of ", scores.size(),
                                 " normal scores lie above their quantile ", settings_.level,
                                 ", at least ", fewest, " are needed");
        };
        if (scores.empty()) {
            return refuse(0);
        }
        std::vector<double> sorted(scores.begin(), scores.end());
        std::transform(sorted.begin(), sorted.end(), sorted.begin(), bounded);
        const auto rank =
            static_cast<std::ptrdiff_t>(settings_.level * static_cast<double>(sorted.size() - 1));
        std::nth_element(sorted.begin(), sorted.begin() + rank, sorted.end());
        excess_threshold_ = sorted[static_cast<std::size_t>(rank)];
        allocate();
        int found = 0;
        for (const double raw : scores) {
            const double score = bounded(raw);
            counts_.learn(memory_);
            if (score > excess_threshold_) {
                ++found;
                memory_.add(score - excess_threshold_, counts_.learned(), false);
            }
        }
        if (found < fewest) {
            clear();
            return refuse(found);
        }
        fit_ = Estimator::fit(memory_.sample(), {}, scratch_);
        if (const double wanted = wanted_threshold(); wanted <= largest_input) {
            threshold_ = wanted;
        } else {
            clear();
            return status::error(error_code::invalid_data, kind, ": the threshold becomes ", wanted,
                                 ", more than ", largest_input);
        }
        const status usable = valid(error_code::invalid_data);
        fitted_ = usable.ok();
        if (!fitted_) {
            clear();
        }
        return usable;
    }

    double excess_rate() const noexcept {
        return memory_.size() / static_cast<double>(remembered());
    }

    /// Whether q and the uncertainty of the fit explain one more alarm in memory.
    bool is_expected_alarm() const noexcept {
        // The rate is about log-normal: one deviation above its mean. A fit so uncertain that it
        // would explain everything explains no more than one of usual uncertainty.
        const double variance = std::min(uncertainty(threshold_ - excess_threshold_), 0.25);
        const double expected = settings_.q * static_cast<double>(remembered()) *
                                std::exp(std::sqrt(variance) + 0.5 * variance);
        return memory_.censored() < expected + 3 * std::sqrt(expected) + 1 &&
               4 * std::int64_t{memory_.censored()} < memory_.size();
    }

    void refit() noexcept {
        const pareto_fit fit = Estimator::fit(memory_.sample(), fit_, scratch_);
        if (fit.method != pareto_method::none) {
            fit_ = fit;
        }
        const double wanted = wanted_threshold();
        if (wanted <= threshold_) {
            threshold_ = wanted;
        } else if (wanted <= largest_input) { // false for NaN
            threshold_ = std::max(threshold_, std::min(wanted, highest_threshold()));
        }
    }

    /// Probability of an excess beyond the threshold, given an excess.
    double wanted_tail() const noexcept {
        // One false alarm in 1 + separation * q comes too soon after another one to be counted, and
        // is missing in the fit.
        const double missing =
            settings_.learn_from_expected_alarms ? detail::spot_counts::separation_times_q : 0;
        return settings_.q / (1 + missing) / excess_rate();
    }

    /// Up to where the threshold may rise: the tail of shape 1, which has no mean, through
    /// the median of the excesses.
    double highest_threshold() noexcept {
        return excess_threshold_ + memory_.median(scratch_) * (1 / wanted_tail() - 1);
    }

    /// What the fit gives for q; may be infinite or NaN.
    double wanted_threshold() const noexcept {
        const double wanted = wanted_tail();
        double y = fit_.tail.quantile_of_tail(wanted);
        y = fit_.tail.quantile_of_tail(wanted * std::exp(-0.5 * uncertainty(y)));
        return excess_threshold_ + y;
    }

    double uncertainty(double y) const noexcept {
        return Estimator::log_tail_variance(fit_.tail, memory_.size(), y);
    }

    spot_settings settings_;
    bool fitted_ = false;
    double excess_threshold_ = 0;
    double threshold_ = 0;
    pareto_fit fit_;
    detail::spot_counts counts_;
    detail::excess_memory memory_;
    std::vector<double> scratch_;
};

/// By the maximum of the likelihood: the most precise.
using spot_threshold = basic_spot_threshold<likelihood_estimator>;
/// By probability-weighted moments: what a microcontroller can compute, too.
using spot_threshold_by_moments = basic_spot_threshold<moments_estimator>;

} // namespace tocsin
