/// @file scored_comparator.hpp
/// @brief A comparator with a rule: a member of an ensemble, without weights and seeds.
#pragma once

#include "tocsin/comparators/sample_scorer.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/detect/sample_view.hpp"
#include "tocsin/detect/verdict.hpp"
#include "tocsin/tail/alarm_rate.hpp"

#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <utility>
#include <vector>

namespace tocsin {

/// Judges a stream by a comparator and the expected false alarms of its scores. Cannot be saved,
/// because comparators cannot; they are fitted anew in no time.
/// @tparam Scorer concept sample_scorer
/// @tparam Scalar of the samples
/// At most 1024 features.
template <sample_scorer Scorer, class Scalar = float>
class scored_comparator {
  public:
    using scalar_type = Scalar;
    /// The comparator's own memory of a stream.
    class stream_type {
      public:
        stream_type() = default;

      private:
        friend scored_comparator;
        std::vector<Scorer> scorer_; // one, or none of a default stream
    };

    explicit scored_comparator(Scorer scorer = Scorer{}, alarm_rate rule = {})
        : scorer_{std::move(scorer)}, rule_{std::move(rule)} {}

    /// Fits the comparator to `training`, then the rule to its scores of `normal`, which should be
    /// other rows. Allocates.
    status fit(const samples_view& training, const samples_view& normal) {
        if (status fitted = scorer_.fit(training); !fitted.ok()) {
            return fitted;
        }
        if (scorer_.features() > most_features) {
            return status::error(error_code::invalid_argument,
                                 "scored_comparator: ", scorer_.features(), " features, at most ",
                                 most_features);
        }
        std::vector<double> scores(static_cast<std::size_t>(normal.cols()));
        if (status scored = score_samples(scorer_, normal, scores); !scored.ok()) {
            return scored;
        }
        std::vector<double> finite;
        for (const double score : scores) {
            if (std::isfinite(score)) {
                finite.push_back(score);
            }
        }
        scorer_.reset();
        return rule_.fit(finite, {});
    }

    int features() const noexcept { return scorer_.features(); }
    const alarm_rate& rule() const noexcept { return rule_; }

    /// Allocates.
    stream_type make_stream() const {
        stream_type stream;
        stream.scorer_.assign(1, scorer_);
        return stream;
    }
    /// Judges the newest sample. The time is not looked at. Never allocates.
    verdict push(stream_type& stream, sample_view<Scalar> sample,
                 double /*time*/ = std::numeric_limits<double>::quiet_NaN()) const noexcept {
        verdict outcome;
        if (stream.scorer_.empty() || !rule_.fitted()) {
            return outcome;
        }
        outcome.threshold = rule_.threshold();
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
        const double score = stream.scorer_.front().push(
            std::span<const double>(values.data(), static_cast<std::size_t>(sample.size())));
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

  private:
    static constexpr int most_features = 1024;

    Scorer scorer_;
    alarm_rate rule_;
};

} // namespace tocsin
