/// @file push.hpp
/// @brief The way of one sample through a detector: clock, missing values, model, score, verdict.
#pragma once

#include "tocsin/core/bits.hpp"
#include "tocsin/core/bounded.hpp"
#include "tocsin/core/checked_size.hpp"
#include "tocsin/core/storage.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/detect/error_source.hpp"
#include "tocsin/detect/error_views.hpp"
#include "tocsin/detect/learned.hpp"
#include "tocsin/detect/push_scratch.hpp"
#include "tocsin/detect/sample_view.hpp"
#include "tocsin/detect/stream_clock.hpp"
#include "tocsin/detect/verdict.hpp"
#include "tocsin/detect/verdict_scale.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <type_traits>

namespace tocsin::detail {

/// A sample between the steps of push().
template <class Scalar>
struct pending_sample {
    verdict outcome;
    source_sample<Scalar> source{};
    bool advances = false; ///< the model has to read it
    bool complete = false; ///< its errors are known once the model has read it
    bool scored = false;   ///< they are judged
};

/// The weights that run for a stream: its own where its model keeps learning.
template <class Learned>
const auto& weights_of(const Learned& learned,
                       const typename Learned::learning_type* learning) noexcept {
    return learning != nullptr && learning->trainer ? learning->weights : learned.weights;
}
/// What a stream's scores are compared with: by its own rule where that learns.
template <class Learned>
double threshold_of(const Learned& learned,
                    const typename Learned::learning_type* learning) noexcept {
    return learning != nullptr && learning->rule_learns ? learning->rule.threshold()
                                                        : learned.stream_threshold;
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

/// Scales a sample, also beyond what a scaler with transform() alone offers.
template <class Learned, class Scalar>
TOCSIN_ALWAYS_INLINE inline void scale_sample(const Learned& learned, const Scalar* sample,
                                              Scalar* scaled) noexcept {
    const int features = learned.source.features();
    if constexpr (requires { learned.scaler.transform_sample(sample, scaled); }) {
        learned.scaler.transform_sample(sample, scaled);
    } else {
        std::copy_n(sample, features, scaled);
        learned.scaler.transform(vector_view<Scalar>(scaled, features));
    }
    for (int f = 0; f < features; ++f) {
        scaled[f] = readable(scaled[f]);
    }
}

/// Whether every value is finite: no exponent has all bits set.
template <class Scalar>
bool all_finite(const Scalar* sample, int features) noexcept {
    using bits = bits_of<Scalar>;
    constexpr bits exponent = std::bit_cast<bits>(std::numeric_limits<Scalar>::infinity());
    bool finite = true;
    for (int f = 0; f < features; ++f) {
        finite &= (std::bit_cast<bits>(sample[f]) & exponent) != exponent;
    }
    return finite;
}

/// For a sample with missing values: finds them, and fills in what the model reads in their place.
/// @param observed `[features]`, overwritten: scaled, NaN where missing
/// @return whether an infinite value was among the missing ones
template <class Learned, class Stream>
[[gnu::noinline]] bool
read_incomplete(const Learned& learned, Stream& stream, const typename Learned::scalar_type* sample,
                typename Learned::scalar_type* observed, verdict& outcome) noexcept {
    using scalar = typename Learned::scalar_type;
    scale_sample(learned, sample, observed);
    const auto inputs = stream.inputs();
    const auto runs = stream.missing_runs();
    stream.incomplete = true;
    bool infinite = false;
    for (int f = 0; f < learned.source.features(); ++f) {
        const auto at = static_cast<std::size_t>(f);
        if (std::isfinite(sample[f])) {
            inputs[at] = observed[f];
            runs[at] = 0;
            continue;
        }
        infinite = infinite || std::isinf(sample[f]);
        observed[f] = std::numeric_limits<scalar>::quiet_NaN();
        runs[at] = std::min(runs[at], std::numeric_limits<std::int32_t>::max() - 1) + 1;
        ++outcome.missing;
        outcome.lost += runs[at] >= learned.settings.lost_after ? 1 : 0;
        const scalar expected = learned.settings.missing == missing_value::forecast
                                    ? learned.source.expected(stream.state(), stream.seen, f)
                                    : std::numeric_limits<scalar>::quiet_NaN();
        if (std::isfinite(expected)) {
            inputs[at] = expected;
        } else if (learned.settings.missing == missing_value::mean || stream.seen == 0) {
            inputs[at] = learned.mean[f];
        } // else the value before it stays
    }
    return infinite;
}

/// The rest of begin_push() for such a sample; whether the model has to read it.
template <class Learned, class Stream>
[[gnu::noinline]] bool begin_incomplete(const Learned& learned, Stream& stream,
                                        const typename Learned::scalar_type* sample,
                                        typename Learned::scalar_type* observed,
                                        verdict& outcome) noexcept {
    const bool infinite = read_incomplete(learned, stream, sample, observed, outcome);
    if (outcome.missing < learned.source.features()) {
        stream.blind = 0;
        return true;
    }
    outcome.kind = verdict_kind::invalid_sample;
    outcome.reason = infinite ? sample_reason::not_finite : sample_reason::missing_value;
    stream.blind = std::min(stream.blind, learned.settings.longest_gap) + 1;
    if (stream.blind > learned.settings.longest_gap && stream.seen > 0) {
        stream.restart_model();
        stream.blind = learned.settings.longest_gap + 1;
    }
    return stream.seen > 0; // a stream begins with a value
}

/// Looks at the time of a sample; whether the sample can be taken.
template <class Learned, class Stream>
[[gnu::noinline]] bool take_time(const Learned& learned, Stream& stream, double time,
                                 verdict& outcome) noexcept {
    const clock_step step = stream.clock.advance(time, learned.settings);
    if (step == clock_step::reset) {
        outcome.clock_reset = true;
        stream.restart_model();
    } else if (step == clock_step::refused) {
        outcome.kind = verdict_kind::invalid_sample;
        outcome.reason = sample_reason::out_of_order;
        return false;
    }
    return true;
}

/// Takes a sample in, up to the point where the model has to run.
/// @param observed `[features]`, scratch
/// @param errors   where the error vectors go
template <class Learned, class Stream>
TOCSIN_ALWAYS_INLINE inline void
begin_push(const Learned& learned, Stream& stream,
           sample_view<typename Learned::scalar_type> sample, double time,
           typename Learned::scalar_type* observed, double* errors,
           pending_sample<typename Learned::scalar_type>& pending) noexcept {
    verdict& outcome = pending.outcome;
    outcome = verdict{.threshold = threshold_of(learned, stream.learning.get())};
    pending.advances = pending.complete = pending.scored = false;
    count_up(stream.position);
    if (stream.seen >= largest_count) { // in centuries, or as a file says
        stream.restart_model();
    }
    stream.learnable = false;
    if (sample.size() != learned.source.features()) {
        outcome.kind = verdict_kind::invalid_sample;
        outcome.reason = sample_reason::wrong_size;
        return;
    }
    if (!std::isnan(time) && !take_time(learned, stream, time, outcome)) {
        return;
    }
    const auto inputs = stream.inputs();
    bool usable = true;
    if (all_finite(sample.data(), learned.source.features())) {
        scale_sample(learned, sample.data(), inputs.data());
        observed = inputs.data();
        stream.blind = 0;
        if (stream.incomplete) {
            const auto runs = stream.missing_runs();
            std::fill(runs.begin(), runs.end(), 0);
            stream.incomplete = false;
        }
    } else {
        usable = begin_incomplete(learned, stream, sample.data(), observed, outcome);
    }
    if (!usable) {
        return;
    }
    pending.source = {stream.state(), stream.seen,         observed,
                      inputs.data(),  learned.mean.data(), errors};
    pending.complete = learned.source.prepare(pending.source);
    pending.advances = learned.source.advances(pending.complete);
    if (outcome.kind != verdict_kind::invalid_sample) {
        pending.scored = pending.complete && stream.seen >= learned.warm_up;
        stream.learnable = outcome.missing == 0;
    }
    ++stream.seen;
}

/// Scores a sample whose errors are there.
/// @param scores one per error vector, scratch
/// @return the largest score; NaN where nothing can be scored
template <class Learned, class Stream>
TOCSIN_ALWAYS_INLINE inline double judge(const Learned& learned, Stream& stream, const double* all,
                                         std::span<double> scores) noexcept {
    const auto size = static_cast<std::size_t>(learned.source.vector_size());
    const std::span<const double> errors(all, size * scores.size());
    const scored_vectors largest =
        visit_statistic(learned, stream.learning.get(), [&](const auto& statistic) {
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

/// The verdict, after the model has run.
/// @param out receives it, as does the stream
template <class Learned, class Stream>
TOCSIN_ALWAYS_INLINE inline void
finish_push(const Learned& learned, Stream& stream,
            const pending_sample<typename Learned::scalar_type>& pending, std::span<double> scores,
            verdict& out) noexcept {
    const verdict& begun = pending.outcome;
    verdict_kind kind = begun.kind;
    sample_reason reason = begun.reason;
    double score = 0;
    double expected_false_alarms = std::numeric_limits<double>::quiet_NaN();
    if (pending.scored) {
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
    if (begun.lost > 0 && kind != verdict_kind::anomaly) {
        kind = verdict_kind::sensor_lost;
    }
    const bool alarm =
        reason == sample_reason::scored || begun.lost > 0
            ? stream.alarm.push(kind == verdict_kind::anomaly || kind == verdict_kind::sensor_lost)
            : stream.last.alarm; // nothing is known that would end one
    const bool rate_exceeded = rate_exceeded_by(stream.alarm);
    // Value by value to both places: copying a verdict whose bytes were just written one by one would
    // wait until they have reached the cache.
    const auto write = [&](verdict& to) {
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

/// All of the above for one sample of one stream.
template <class Learned, class Stream>
TOCSIN_ALWAYS_INLINE inline verdict push_in(const Learned& learned, Stream& stream,
                                            sample_view<typename Learned::scalar_type> sample,
                                            double time, std::byte* memory) noexcept {
    using scalar = typename Learned::scalar_type;
    const push_scratch<scalar> scratch(learned, memory);
    // The only vector of a sample is computed where it is kept.
    double* const errors = learned.source.vectors() == 1 && learned.view() == error_view::per_step
                               ? stream.errors().data()
                               : scratch.errors;
    pending_sample<scalar> pending;
    begin_push(learned, stream, sample, time, scratch.observed, errors, pending);
    if (pending.advances) {
        learned.source.advance(learned.model, weights_of(learned, stream.learning.get()),
                               pending.source, scratch.work);
    }
    verdict outcome;
    finish_push(learned, stream, pending, scratch.scores, outcome);
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
