/// @file push.hpp
/// @brief The way of one sample through a detector: begin_push(), model, score, verdict.
#pragma once

#include "tocsin/core/storage.hpp"
#include "tocsin/detect/begin_push.hpp"
#include "tocsin/detect/error_source.hpp"
#include "tocsin/detect/error_views.hpp"
#include "tocsin/detect/learned.hpp"
#include "tocsin/detect/push_scratch.hpp"
#include "tocsin/detect/sample_view.hpp"
#include "tocsin/detect/verdict.hpp"
#include "tocsin/detect/verdict_scale.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>

namespace tocsin::detail {

/// The weights that run for a stream: its own where its model keeps learning.
template <class Learned>
const auto& weights_of(const Learned& learned,
                       const typename Learned::learning_type* learning) noexcept {
    return learning != nullptr && learning->trainer ? learning->weights : learned.weights;
}
/// Calls `visit` with the statistic that judges a stream: its own where that adapts.
template <class Learned, class Visit>
TOCSIN_ALWAYS_INLINE inline decltype(auto)
visit_statistic(const Learned& learned, const typename Learned::learning_type* learning,
                Visit&& visit) {
    if (learning != nullptr && learning->weight > 0) {
        return visit(learning->statistic);
    }
    if constexpr (Learned::views == 1) {
        return visit(learned.errors.per_step());
    } else {
        return learned.errors.visit(learned.view(), visit);
    }
}

/// Scores a sample whose errors are there.
/// @param scores one per error vector, scratch
/// @return the largest score; NaN where nothing can be scored
template <class Learned, class Stream>
TOCSIN_ALWAYS_INLINE inline double judge(const Learned& learned, Stream& stream, const double* all,
                                         std::span<double> scores) noexcept {
    const auto size = static_cast<std::size_t>(learned.source.vector_size());
    const std::span<const double> errors(all, size * scores.size());
    const scored_vectors largest = visit_statistic(
        learned, stream.learning.get(), [&](const auto& statistic) TOCSIN_ALWAYS_INLINE {
            return scores.size() == 1 ? scored_vectors{statistic.score(errors), 0}
                                      : largest_score(statistic, errors, scores);
        });
    const auto kept = stream.errors();
    if (kept.data() == errors.data()) {
        return largest.score;
    }
    if (learned.view() == error_view::per_feature) {
        if (scores.size() == 1) {
            scores[0] = largest.score;
        }
        std::copy(scores.begin(), scores.end(), kept.begin());
    } else {
        const auto worst = errors.subspan(static_cast<std::size_t>(largest.worst) * size, size);
        std::copy(worst.begin(), worst.end(), kept.begin());
    }
    return largest.score;
}

/// The verdict, once the errors are there.
/// @tparam Usual see begin_push()
/// @param out receives it, as does the stream
template <bool Usual, class Learned, class Stream>
TOCSIN_ALWAYS_INLINE inline void
finish_push(const Learned& learned, Stream& stream,
            const pending_sample<typename Learned::scalar_type>& pending, std::span<double> scores,
            verdict& out) noexcept {
    const verdict& begun = pending.outcome;
    verdict_kind kind = begun.kind;
    sample_reason reason = begun.reason;
    double score = 0;
    double expected_false_alarms = std::numeric_limits<double>::quiet_NaN();
    if (Usual || pending.scored) {
        score = judge(learned, stream, pending.source.errors, scores);
        kind = score > begun.threshold ? verdict_kind::anomaly : verdict_kind::normal;
        reason = sample_reason::scored;
        if (std::isnan(score)) {
            score = 0;
            kind = verdict_kind::invalid_sample;
            reason = sample_reason::missing_value;
        } else {
            expected_false_alarms = expected_false_alarms_of(learned, stream.learning.get(), score);
        }
    } else if (kind != verdict_kind::invalid_sample) {
        kind = verdict_kind::warming_up;
        reason = sample_reason::warming_up;
    }
    if (!Usual && begun.lost > 0 && kind != verdict_kind::anomaly) {
        kind = verdict_kind::sensor_lost;
    }
    const bool alarm =
        reason == sample_reason::scored || begun.lost > 0
            ? stream.alarm.push(kind == verdict_kind::anomaly || kind == verdict_kind::sensor_lost)
            : stream.last.alarm; // nothing is known that would end one
    const bool rate_exceeded = rate_exceeded_by(stream.alarm);
    // Value by value to both places: copying a verdict whose bytes were just written one by one would
    // wait until they have reached the cache.
    const auto write = [&](verdict& to) TOCSIN_ALWAYS_INLINE {
        to.kind = kind;
        to.reason = reason;
        to.alarm = alarm;
        to.clock_reset = begun.clock_reset;
        to.missing = begun.missing;
        to.lost = begun.lost;
        to.score = score;
        to.threshold = begun.threshold;
        to.expected_false_alarms = expected_false_alarms;
        to.rate_exceeded = rate_exceeded;
    };
    write(stream.last);
    write(out);
}

/// Whether a stream can be judged by a detector: fitted, and the one that made it.
template <class Learned, class Stream>
bool can_judge(const Learned& learned, const Stream& stream) noexcept {
    return learned.phase >= detector_phase::errors_fitted && stream.made_by.fits(learned.tag);
}

/// The verdict on a sample, whatever it is, of a model whose errors are known before it reads the
/// sample. Not inlined: the usual sample is faster without it.
/// @return what the model has to read; without a state where that is nothing
template <class Learned, class Stream>
[[gnu::noinline]] model_sample<typename Learned::scalar_type>
judge_any(const Learned& learned, Stream& stream, sample_view<typename Learned::scalar_type> sample,
          double time, const push_scratch<typename Learned::scalar_type>& scratch, double* errors,
          verdict& out) noexcept {
    pending_sample<typename Learned::scalar_type> pending;
    begin_push<false>(learned, stream, sample, time, scratch.observed, errors, pending);
    finish_push<false>(learned, stream, pending, scratch.scores, out);
    if (!pending.advances) {
        return {};
    }
    return pending.source;
}

/// The same for every sample, fast for usual ones.
template <class Learned, class Stream>
TOCSIN_ALWAYS_INLINE inline model_sample<typename Learned::scalar_type>
judge_first(const Learned& learned, Stream& stream,
            sample_view<typename Learned::scalar_type> sample, double time,
            const push_scratch<typename Learned::scalar_type>& scratch, double* errors,
            verdict& out) noexcept {
    if (is_usual(learned, stream, sample, time)) [[likely]] {
        pending_sample<typename Learned::scalar_type> pending;
        begin_push<true>(learned, stream, sample, time, scratch.observed, errors, pending);
        finish_push<true>(learned, stream, pending, scratch.scores, out);
        return pending.source;
    }
    return judge_any(learned, stream, sample, time, scratch, errors, out);
}

/// The verdict on a sample of a model that has to read it first.
template <class Learned, class Stream>
TOCSIN_ALWAYS_INLINE inline void
judge_last(const Learned& learned, Stream& stream,
           sample_view<typename Learned::scalar_type> sample, double time,
           const push_scratch<typename Learned::scalar_type>& scratch, double* errors,
           verdict& out) noexcept {
    pending_sample<typename Learned::scalar_type> pending;
    begin_push<false>(learned, stream, sample, time, scratch.observed, errors, pending);
    if (pending.advances) {
        learned.source.advance(learned.model, weights_of(learned, stream.learning.get()),
                               pending.source, scratch.work);
    }
    finish_push<false>(learned, stream, pending, scratch.scores, out);
}

/// Where the errors of a sample are computed: where the stream keeps them if it is one vector.
template <class Learned, class Stream>
double* errors_of(const Learned& learned, Stream& stream, double* scratch) noexcept {
    return learned.source.vectors() == 1 && learned.view() == error_view::per_step
               ? stream.errors().data()
               : scratch;
}

/// All of the above for one sample of one stream.
template <class Learned, class Stream>
TOCSIN_ALWAYS_INLINE inline verdict push_in(const Learned& learned, Stream& stream,
                                            sample_view<typename Learned::scalar_type> sample,
                                            double time, std::byte* memory) noexcept {
    using scalar = typename Learned::scalar_type;
    const push_scratch<scalar> scratch(learned, memory);
    double* const errors = errors_of(learned, stream, scratch.errors);
    verdict outcome;
    if constexpr (Learned::source_type::errors_precede_step) {
        const auto read = judge_first(learned, stream, sample, time, scratch, errors, outcome);
        if (read.state != nullptr) {
            learned.source.advance(learned.model, weights_of(learned, stream.learning.get()), read,
                                   scratch.work);
        }
    } else {
        judge_last(learned, stream, sample, time, scratch, errors, outcome);
    }
    return outcome;
}

template <class Learned, class Stream>
verdict push_one(const Learned& learned, Stream& stream,
                 sample_view<typename Learned::scalar_type> sample, double time) noexcept {
    if (!can_judge(learned, stream)) {
        return {};
    }
    alignas(64) std::array<std::byte, largest_stack_scratch> memory;
    return push_in(learned, stream, sample, time,
                   learned.layout.scratch_in_stream() ? stream.scratch() : memory.data());
}

} // namespace tocsin::detail
