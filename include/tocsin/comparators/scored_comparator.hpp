/// @file scored_comparator.hpp
/// @brief A comparator with a rule: a member of an ensemble, without weights and seeds.
#pragma once

#include "tocsin/comparators/sample_scorer.hpp"
#include "tocsin/core/checked_size.hpp"
#include "tocsin/core/emptied_by_move.hpp"
#include "tocsin/core/hash_archive.hpp"
#include "tocsin/core/keep_if.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/detect/sample_view.hpp"
#include "tocsin/detect/verdict.hpp"
#include "tocsin/tail/alarm_rate.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <utility>
#include <vector>

namespace tocsin {

/// Judges a stream by a comparator and the expected false alarms of its scores. At most 1024 features.
/// It is const while it judges, and is saved like a detector (save_detector(), save_stream()), alone or
/// in an ensemble.
/// @tparam Scorer concept sample_scorer; to be saved, savable_scorer
/// @tparam Scalar of the samples
template <sample_scorer Scorer, class Scalar = float>
class scored_comparator {
  public:
    using scalar_type = Scalar;
    /// The comparator's own memory of a stream: a copy of a scorer that remembers something, none of a
    /// stateless_scorer.
    class stream_type {
      public:
        stream_type() = default;
        /// Samples pushed so far.
        std::int64_t position() const noexcept { return position_; }
        /// The next sample does not continue the last one, after a break that the caller knows of:
        /// what joins neighbours is forgotten (the comparator's restart(), or without one its
        /// reset()). The position and what was learned stay. Never allocates.
        void restart() noexcept {
            for (Scorer& each : scorer_) {
                if constexpr (requires { each.restart(); }) {
                    each.restart();
                } else {
                    each.reset();
                }
            }
        }

      private:
        friend scored_comparator;
        std::vector<Scorer> scorer_;                      // one, or none of a stateless scorer
        detail::reset_by_move<std::uint64_t> made_by_{0}; // identity of the comparator; 0: none
        std::int64_t position_ = 0;
    };

    /// With the default settings of both; fit() it, or load into it.
    scored_comparator() : scored_comparator(Scorer{}) {}
    explicit scored_comparator(Scorer scorer, alarm_rate rule = {})
        : scorer_{std::move(scorer)}, rule_{std::move(rule)} {
        scorer_.reset(); // streams begin with what was learned, as they do after loading
        identify();
    }

    /// Fits the comparator to `training`, then the rule to its scores of `normal`, which should be
    /// other rows. After a failure it judges nothing. Allocates.
    status fit(const samples_view& training, const samples_view& normal) {
        rule_ = alarm_rate(rule_.settings());
        const status fitted = fit_both(training, normal);
        identify();
        return fitted;
    }

    int features() const noexcept { return scorer_.features(); }
    /// The comparator, as after its fit.
    const Scorer& scorer() const noexcept { return scorer_; }
    const alarm_rate& rule() const noexcept { return rule_; }

    /// Allocates.
    stream_type make_stream() const {
        stream_type stream;
        if constexpr (!stateless_scorer<Scorer>) {
            stream.scorer_.assign(1, scorer_);
        }
        stream.made_by_ = identity_;
        return stream;
    }
    /// Judges the newest sample; `not_ready` for a stream that another comparator made, or this one
    /// before it was fitted anew. The time is not looked at. Never allocates.
    /// @return with the comparator's own score; without one, a score that does not exceed the threshold:
    ///         0, or the threshold where that is negative
    verdict push(stream_type& stream, sample_view<Scalar> sample,
                 double /*time*/ = std::numeric_limits<double>::quiet_NaN()) const noexcept
        TOCSIN_NONBLOCKING {
        verdict outcome;
        if (stream.made_by_ != identity_) {
            return outcome; // of another comparator, or of this one before it was fitted anew
        }
        count_up(stream.position_);
        if (!rule_.fitted() || features() > most_features) {
            return outcome;
        }
        outcome.threshold = rule_.threshold();
        outcome.score = std::min(0.0, outcome.threshold); // without one, it exceeds nothing
        if (sample.size() != features()) {
            outcome.kind = verdict_kind::invalid_sample;
            outcome.reason = sample_reason::wrong_size;
            return outcome;
        }
        std::array<double, most_features> values;
        for (index_t k = 0; k < sample.size(); ++k) {
            values[static_cast<std::size_t>(k)] = static_cast<double>(sample[k]);
            outcome.missing += std::isfinite(values[static_cast<std::size_t>(k)]) ? 0 : 1;
        }
        const double score =
            score_of(stream, {values.data(), static_cast<std::size_t>(sample.size())});
        if (std::isnan(score)) {
            outcome.kind =
                outcome.missing > 0 ? verdict_kind::invalid_sample : verdict_kind::warming_up;
            outcome.reason =
                outcome.missing > 0 ? sample_reason::missing_value : sample_reason::warming_up;
            return outcome;
        }
        outcome.score = score;
        outcome.reason = sample_reason::scored;
        outcome.kind = rule_.exceeds(score) ? verdict_kind::anomaly : verdict_kind::normal;
        outcome.expected_false_alarms = rule_.expected_false_alarms(score);
        return outcome;
    }

    /// What each feature accounts for in the last score of a stream, by a comparator that says so; all 0
    /// where there is none. Never allocates. @param out `[features]`
    void shares(const stream_type& stream, std::span<double> out) const noexcept
        requires requires(const Scorer scorer) { scorer.shares(out); }
    {
        std::fill(out.begin(), out.end(), 0.0);
        if (!stream.scorer_.empty()) {
            stream.scorer_.front().shares(out);
        }
    }

    // ---- persistence ------------------------------------------------------------------------

    static constexpr int version = 1;
    /// A hash of comparator and rule: saved streams belong to the one with the same.
    std::uint64_t identity() const noexcept
        requires savable_scorer<Scorer>
    {
        return identity_;
    }
    template <class Archive>
        requires savable_scorer<Scorer>
    void exchange(Archive& archive) {
        archive.expect("scalar_bytes", static_cast<int>(sizeof(Scalar)));
        archive.object("scorer", scorer_);
        archive.object("rule", rule_);
        if constexpr (Archive::loading) {
            detail::keep_if(archive, check_loaded());
            identify();
        }
    }
    /// See io/stream_file.hpp.
    template <class Archive>
        requires savable_scorer<Scorer>
    void exchange_stream(Archive& archive, stream_type& stream) const {
        if (stream.made_by_ != identity_) {
            archive.fail(status::error(error_code::invalid_argument,
                                       "stream: another comparator made it, or this one before it "
                                       "was fitted anew, or it was moved from"));
            return;
        }
        archive.integer("position", stream.position_, std::int64_t{0}, largest_count);
        if constexpr (!stateless_scorer<Scorer>) {
            stream.scorer_.front().exchange_history(archive);
        }
    }

  private:
    static constexpr int most_features = 1024;

    double score_of(stream_type& stream, std::span<const double> sample) const noexcept {
        if constexpr (stateless_scorer<Scorer>) {
            return scorer_.push(sample);
        } else {
            return stream.scorer_.front().push(sample);
        }
    }

    /// Rows as push() sees them: a value that `Scalar` rounds must not be a new one.
    static matrix<double> as_pushed(const samples_view& rows) {
        return rows.template cast<Scalar>().template cast<double>();
    }
    status fit_both(const samples_view& training, const samples_view& normal) {
        const matrix<double> learned = as_pushed(training);
        const matrix<double> judged = as_pushed(normal);
        const auto fits = [](const samples_view& given, const matrix<double>& rounded) {
            return rounded.allFinite() || !given.allFinite()
                       ? status{}
                       : status::error(error_code::invalid_data, "scored_comparator: a value of ",
                                       given.cwiseAbs().maxCoeff(),
                                       " is beyond the type of samples");
        };
        for (const status& fitting : {fits(training, learned), fits(normal, judged)}) {
            if (!fitting.ok()) {
                return fitting;
            }
        }
        if (status fitted = scorer_.fit(learned); !fitted.ok()) {
            return fitted;
        }
        if (scorer_.features() > most_features) {
            return status::error(error_code::invalid_argument,
                                 "scored_comparator: ", scorer_.features(), " features, at most ",
                                 most_features);
        }
        std::vector<double> scores(static_cast<std::size_t>(normal.cols()));
        if (status scored = score_samples(scorer_, judged, scores); !scored.ok()) {
            return scored;
        }
        scorer_.reset();
        // Rows without a score keep their place, as labelled ones: time passes.
        std::vector<std::uint8_t> unscored(scores.size(), 0);
        for (std::size_t k = 0; k < scores.size(); ++k) {
            if (!std::isfinite(scores[k])) {
                scores[k] = 0;
                unscored[k] = 1;
            }
        }
        return rule_.fit(scores, unscored);
    }
    status check_loaded() const noexcept {
        if (rule_.fitted() && (features() < 1 || features() > most_features)) {
            return status::error(error_code::format_error, "scored_comparator: a rule for ",
                                 features(), " features; there must be 1 to ", most_features);
        }
        return {};
    }
    /// Computed once, as scorers may remember much. The rule alone tells the fits of scorers that
    /// nothing saves apart.
    void identify() {
        detail::hash_archive archive;
        if constexpr (savable_scorer<Scorer>) {
            archive.object("scorer", scorer_);
        }
        archive.object("rule", rule_);
        identity_ = std::max<std::uint64_t>(archive.value(), 1); // 0 is of no comparator
    }

    Scorer scorer_;
    alarm_rate rule_;
    std::uint64_t identity_ = 0;
};

} // namespace tocsin
