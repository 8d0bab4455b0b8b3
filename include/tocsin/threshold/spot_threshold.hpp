/// @file spot_threshold.hpp
/// @brief Peaks over threshold (SPOT): a threshold for a probability of false alarms, that adapts.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/errors/moving_window.hpp"
#include "tocsin/threshold/generalised_pareto.hpp"
#include "tocsin/threshold/threshold_rule.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>
#include <vector>

namespace tocsin {

/// What push() of a streaming rule made of a score.
enum class push_outcome : std::uint8_t {
    normal,  ///< an ordinary score
    excess,  ///< high, but not an alarm; the rule has learnt from it
    alarm,   ///< above the threshold
    rejected ///< NaN, or no threshold yet: nothing can be said
};

/// Settings of spot_threshold.
struct spot_settings {
    double q = 1e-4;     ///< wanted probability of a false alarm per score, in (0, 1 - level)
    double level = 0.99; ///< scores above this quantile of those of the fit are excesses
    int memory = 2000;   ///< excesses kept, the most recent ones; 20 to 2^24
    /// Whether alarms that q itself explains count as excesses of unknown size, see spot_threshold.
    /// Without (as in the paper) the rate of false alarms exceeds q: the tail is never seen beyond
    /// the threshold.
    bool learn_from_expected_alarms = true;

    /// `invalid_argument` naming the first setting that is out of range.
    status check(std::string_view caller) const noexcept {
        if (!(level >= 0 && level < 1)) {
            return status::error(error_code::invalid_argument, caller, ": level ", level,
                                 " must lie in [0, 1)");
        }
        if (!(q > 0 && q < 1 - level)) {
            return status::error(error_code::invalid_argument, caller, ": q ", q,
                                 " must lie in (0, ", 1 - level, "), the share of excesses");
        }
        if (memory < 20 || memory > detail::largest_ring) {
            return status::error(error_code::invalid_argument, caller, ": memory ", memory,
                                 " must lie in [20, ", detail::largest_ring, "]");
        }
        return {};
    }

    template <class Archive>
    void exchange(Archive& archive) {
        archive.number("q", q);
        archive.number("level", level);
        archive.integer("memory", memory);
        archive.integer("learn_from_expected_alarms", learn_from_expected_alarms);
    }
};

/// Threshold rule (see threshold_rule), also for streams: the score that is exceeded with
/// probability q, found by fitting a generalised Pareto distribution to the excesses over a high
/// quantile t of the scores (SPOT: Siffer et al., "Anomaly detection in streams with extreme value
/// theory", KDD 2017). With N excesses among n scores and the fit (shape, scale)
///     threshold = t + scale / shape ((q n / N)^(-shape) - 1).
/// fit() learns t and a first threshold. push() refits with each excess. For low scores as alarms
/// hand in negated ones.
///
/// - Bounded memory: the last `memory` excesses and the times when they came. n counts the scores
///   during which they came, so that threshold and rate forget together; t never changes.
/// - An alarm may be false: it happens with probability q. So as long as q explains the number of
///   alarms in memory (up to 3 standard deviations), an alarm counts as an excess that is known
///   only to be larger than the threshold (censored). Others leave no trace. The paper leaves no
///   trace of any alarm, which cuts the tail off at the threshold and lets the rate drift above q.
/// - The parameters of the fit are uncertain, and the mean rate over that uncertainty is above q:
///   by exp(v / 2), v being the variance of the logarithm of the rate. The threshold is set for
///   q exp(-v / 2) instead, v from the information matrix; with 2000 excesses that is a few per
///   cent.
class spot_threshold {
  public:
    explicit spot_threshold(const spot_settings& settings = {}) noexcept : settings_{settings} {}

    const spot_settings& settings() const noexcept { return settings_; }

    /// @param labels one per score, 0 = normal, or none: all normal. Scores in order of time.
    ///               `invalid_data` when fewer than 10 normal scores exceed t, as there are too few
    ///               or too many equal ones. O(n), allocates all that push() needs.
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
            if (settings_.learn_from_expected_alarms && is_expected_alarm()) {
                ++count_;
                remember(threshold_ - excess_threshold_, true);
                refit();
            }
            return push_outcome::alarm;
        }
        ++count_;
        remember(score - excess_threshold_, false);
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
    int excesses() const noexcept { return size_; }
    /// Scores that were NaN since the fit.
    std::int64_t rejected() const noexcept { return rejected_; }

    /// Saves or loads everything: after loading the stream goes on with the same bits.
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
        column<double> censored = column<double>::Zero(settings_.memory);
        for (index_t i = 0; i < censored.size(); ++i) {
            censored[i] = is_censored(i) ? 1 : 0;
        }
        archive.number("excess_threshold", excess_threshold_);
        archive.number("threshold", threshold_);
        archive.number("shape", fit_.tail.shape);
        archive.number("scale", fit_.tail.scale);
        archive.integer("method", fit_.method);
        archive.integer("count", count_);
        archive.integer("forgotten", forgotten_);
        archive.integer("rejected", rejected_);
        archive.integer("size", size_);
        archive.integer("next", next_);
        archive.matrix("excesses", excesses_);
        archive.matrix("arrivals", arrivals_);
        archive.matrix("censored", censored);
        if constexpr (Archive::loading) {
            if (archive.outcome().ok() && !is_possible()) {
                archive.fail(status::error(error_code::format_error, "spot_threshold: size ", size_,
                                           ", next ", next_, ", count ", count_, ", scale ",
                                           fit_.tail.scale, " fit no state with memory ",
                                           settings_.memory));
            }
            if (!archive.outcome().ok()) {
                clear();
                return;
            }
            for (index_t i = 0; i < censored.size(); ++i) {
                set_censored(i, censored[i] != 0);
            }
        }
    }

  private:
    friend class drift_spot_threshold;

    void clear() noexcept {
        fitted_ = false;
        count_ = 0;
        forgotten_ = 0;
        rejected_ = 0;
        size_ = 0;
        next_ = 0;
        censored_count_ = 0;
        fit_ = {};
    }

    void allocate() {
        const index_t memory = settings_.memory;
        excesses_ = column<double>::Zero(memory);
        arrivals_ = column<double>::Zero(memory);
        censored_.assign(static_cast<std::size_t>(memory + 63) / 64, 0);
        scratch_.assign(static_cast<std::size_t>(memory), 0);
    }

    /// Takes the scores in order of time; sorts nothing of the caller's.
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
                remember(score - excess_threshold_, false);
            }
        }
        if (found < fewest) {
            clear();
            return refuse(found);
        }
        fit_ = fit_pareto(sample(), 0, scratch_);
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

    double excess_rate() const noexcept { return size_ / static_cast<double>(count_ - forgotten_); }

    /// Whether q explains one more alarm in memory.
    bool is_expected_alarm() const noexcept {
        const double expected = settings_.q * static_cast<double>(count_ - forgotten_);
        return censored_count_ < expected + 3 * std::sqrt(expected) + 1;
    }

    bool is_censored(index_t i) const noexcept {
        return (censored_[static_cast<std::size_t>(i / 64)] >> static_cast<unsigned>(i % 64) &
                1U) != 0;
    }
    void set_censored(index_t i, bool censored) noexcept {
        if (is_censored(i) != censored) {
            censored_[static_cast<std::size_t>(i / 64)] ^= std::uint64_t{1}
                                                           << static_cast<unsigned>(i % 64);
            censored_count_ += censored ? 1 : -1;
        }
    }

    void remember(double excess, bool censored) noexcept {
        if (size_ == settings_.memory) {
            forgotten_ = static_cast<std::int64_t>(arrivals_[next_]);
        } else {
            ++size_;
        }
        excesses_[next_] = excess;
        arrivals_[next_] = static_cast<double>(count_);
        set_censored(next_, censored);
        next_ = next_ + 1 == settings_.memory ? 0 : next_ + 1;
    }

    pareto_sample sample() const noexcept {
        return {{excesses_.data(), static_cast<std::size_t>(size_)},
                censored_count_ > 0 ? std::span<const std::uint64_t>{censored_}
                                    : std::span<const std::uint64_t>{}};
    }

    void refit() noexcept {
        const pareto_fit fit = fit_pareto(sample(), fit_.tail.shape / fit_.tail.scale, scratch_);
        if (fit.method != pareto_method::none) {
            fit_ = fit;
        }
        update_threshold();
    }

    void update_threshold() noexcept {
        const double rate = excess_rate();
        double y = fit_.tail.quantile_of_tail(settings_.q / rate);
        if (const double correction = uncertainty(y); correction > 0) {
            y = fit_.tail.quantile_of_tail(settings_.q / rate * std::exp(-0.5 * correction));
        }
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
                                size_;
        return std::clamp(variance, 0.0, 4.0);
    }

    bool is_possible() const noexcept {
        return size_ >= 1 && size_ <= settings_.memory && next_ >= 0 && next_ < settings_.memory &&
               (size_ == settings_.memory || next_ == size_) && forgotten_ >= 0 &&
               count_ - forgotten_ >= size_ && rejected_ >= 0 && fit_.tail.scale > 0 &&
               excesses_.minCoeff() >= 0 && arrivals_.minCoeff() >= 0 &&
               arrivals_.maxCoeff() <= static_cast<double>(count_);
    }

    spot_settings settings_;
    bool fitted_ = false;
    double excess_threshold_ = 0;
    double threshold_ = 0;
    pareto_fit fit_;
    std::int64_t count_ = 0;     // scores that were learnt from
    std::int64_t forgotten_ = 0; // those before the excesses in memory
    std::int64_t rejected_ = 0;
    int size_ = 0;
    int next_ = 0; // place in the ring for the next excess
    int censored_count_ = 0;
    column<double> excesses_;
    column<double> arrivals_; // count_ when they came
    std::vector<std::uint64_t> censored_;
    std::vector<double> scratch_;
};

} // namespace tocsin
