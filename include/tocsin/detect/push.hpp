/// @file push.hpp
/// @brief The way of one sample through a detector: clock, missing values, model, score, verdict.
#pragma once

#include "tocsin/core/storage.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/detect/error_source.hpp"
#include "tocsin/detect/error_views.hpp"
#include "tocsin/detect/learned.hpp"
#include "tocsin/detect/sample_view.hpp"
#include "tocsin/detect/stream_clock.hpp"
#include "tocsin/detect/verdict.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

namespace tocsin::detail {

/// Largest scaled value that a model reads: its square is finite, so that no state becomes NaN.
template <class Scalar>
inline constexpr Scalar largest_input =
    sizeof(Scalar) == sizeof(float) ? Scalar(1e18) : Scalar(1e150);

/// A sample between the steps of push().
template <class Scalar>
struct pending_sample {
    verdict outcome;
    source_sample<Scalar> source{};
    bool advances = false; ///< the model has to read it
    bool complete = false; ///< its errors are known once the model has read it
};

/// Where push() computes, cut out of memory on the stack or in the stream.
template <class Scalar>
struct push_scratch {
    Scalar* observed; ///< `[features]`
    std::span<Scalar> work;
    double* errors;           ///< of all vectors
    std::span<double> scores; ///< of all vectors

    template <class Learned>
    push_scratch(const Learned& learned, std::byte* memory) noexcept {
        const auto& source = learned.source;
        const index_t vectors = source.vectors();
        errors = reinterpret_cast<double*>(memory);
        double* const after = errors + vectors * source.vector_size();
        scores = {after, static_cast<std::size_t>(vectors)};
        observed = reinterpret_cast<Scalar*>(after + vectors);
        work = {observed + source.features(), static_cast<std::size_t>(source.work_size())};
    }
};

/// The statistic, threshold and weights that judge a stream: its own where it learns.
template <class Learned>
class judges {
  public:
    using learning_type = typename Learned::learning_type;

    judges(const Learned& learned, const learning_type* learning) noexcept
        : learned_{&learned}, learning_{learning} {}

    double threshold() const noexcept {
        const error_view view = learned_->view();
        return learning_ != nullptr && learning_->rule_learns
                   ? learning_->rule.threshold()
                   : learned_->thresholds.threshold(view);
    }
    const model_weights<decltype(Learned::model)>& weights() const noexcept {
        return learning_ != nullptr && learning_->trainer ? learning_->weights : learned_->weights;
    }
    /// Calls `visit` with the statistic.
    template <class Visit>
    decltype(auto) visit_statistic(Visit&& visit) const {
        if (learning_ != nullptr && learning_->weight > 0) {
            return visit(learning_->statistic);
        }
        if constexpr (Learned::views == 1) {
            return visit(learned_->errors.per_step());
        } else {
            return learned_->errors.visit(learned_->view(), visit);
        }
    }

  private:
    const Learned* learned_;
    const learning_type* learning_;
};

/// Scales a sample, finds what is missing, and fills in what the model reads in its place.
/// @param observed `[features]`, overwritten: scaled, NaN where missing
/// @return whether an infinite value was among the missing ones
template <class Learned, class Stream>
bool read_sample(const Learned& learned, Stream& stream,
                 const typename Learned::scalar_type* sample,
                 typename Learned::scalar_type* observed, verdict& outcome) noexcept {
    using scalar = typename Learned::scalar_type;
    const int features = learned.source.features();
    scalar spoilt = 0; // NaN as soon as a value is not finite
    for (int f = 0; f < features; ++f) {
        observed[f] = sample[f];
        spoilt += 0 * sample[f];
    }
    if constexpr (requires { learned.scaler.transform_sample(observed, features); }) {
        learned.scaler.transform_sample(observed, features);
    } else {
        learned.scaler.transform(vector_view<scalar>(observed, features));
    }
    const auto inputs = stream.inputs();
    const auto runs = stream.missing_runs();
    for (int f = 0; f < features; ++f) {
        observed[f] = observed[f] > largest_input<scalar>    ? largest_input<scalar>
                      : observed[f] < -largest_input<scalar> ? -largest_input<scalar>
                                                             : observed[f];
    }
    if (spoilt == 0) {
        std::copy_n(observed, features, inputs.data());
        if (stream.incomplete) {
            std::fill(runs.begin(), runs.end(), 0);
            stream.incomplete = false;
        }
        return false;
    }
    stream.incomplete = true;
    bool infinite = false;
    for (int f = 0; f < features; ++f) {
        const auto at = static_cast<std::size_t>(f);
        if (std::isfinite(sample[f])) {
            inputs[at] = observed[f];
            runs[at] = 0;
            continue;
        }
        infinite = infinite || std::isinf(sample[f]);
        observed[f] = std::numeric_limits<scalar>::quiet_NaN();
        runs[at] = std::min(runs[at] + 1, std::numeric_limits<std::int32_t>::max() - 1);
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

/// Takes a sample in, up to the point where the model has to run.
/// @param errors where the error vectors go
template <class Learned, class Stream>
pending_sample<typename Learned::scalar_type>
begin_push(const Learned& learned, Stream& stream,
           sample_view<typename Learned::scalar_type> sample, double time,
           typename Learned::scalar_type* observed, double* errors) noexcept {
    pending_sample<typename Learned::scalar_type> pending;
    verdict& outcome = pending.outcome;
    outcome.threshold = judges<Learned>(learned, stream.learning.get()).threshold();
    ++stream.position;
    stream.learnable = false;
    outcome.kind = verdict_kind::invalid_sample;
    if (sample.size() != learned.source.features()) {
        outcome.reason = sample_reason::wrong_size;
        return pending;
    }
    switch (stream.clock.advance(time, learned.settings)) {
    case clock_step::refused:
        outcome.reason = sample_reason::out_of_order;
        return pending;
    case clock_step::reset:
        outcome.clock_reset = true;
        stream.restart_model();
        break;
    case clock_step::follows:
        break;
    }
    const bool infinite = read_sample(learned, stream, sample.data(), observed, outcome);
    const bool blind = outcome.missing == learned.source.features();
    outcome.reason = infinite && blind ? sample_reason::not_finite : sample_reason::missing_value;
    stream.blind = blind ? std::min(stream.blind + 1, learned.settings.longest_gap + 1) : 0;
    if (stream.blind > learned.settings.longest_gap && stream.seen > 0) {
        stream.restart_model();
        stream.blind = learned.settings.longest_gap + 1;
    }
    if (blind && stream.seen == 0) {
        return pending; // a stream begins with a value
    }
    pending.source = {stream.state(),         stream.seen,         observed,
                      stream.inputs().data(), learned.mean.data(), errors};
    pending.complete = learned.source.prepare(pending.source);
    pending.advances = learned.source.advances(pending.complete);
    const bool warm = pending.complete && stream.seen >= learned.warm_up;
    ++stream.seen;
    if (!blind) {
        outcome.kind = warm ? verdict_kind::normal : verdict_kind::warming_up;
        outcome.reason = warm ? sample_reason::scored : sample_reason::warming_up;
        stream.learnable = outcome.missing == 0;
    }
    return pending;
}

/// The verdict, after the model has run.
/// @param scores one per error vector, scratch
template <class Learned, class Stream>
verdict finish_push(const Learned& learned, Stream& stream,
                    const pending_sample<typename Learned::scalar_type>& pending,
                    std::span<double> scores) noexcept {
    verdict outcome = pending.outcome;
    if (outcome.reason == sample_reason::scored) {
        const auto size = static_cast<std::size_t>(learned.source.vector_size());
        const std::span<const double> errors(
            pending.source.errors, size * static_cast<std::size_t>(learned.source.vectors()));
        const auto largest =
            judges<Learned>(learned, stream.learning.get()).visit_statistic([&](const auto& by) {
                return largest_score(by, errors, scores);
            });
        if (std::isnan(largest.score)) {
            outcome.kind = verdict_kind::invalid_sample;
            outcome.reason = sample_reason::missing_value;
        } else {
            outcome.score = largest.score;
            if (outcome.score > outcome.threshold) {
                outcome.kind = verdict_kind::anomaly;
            }
        }
        const auto kept = stream.errors();
        if (learned.view() == error_view::per_feature) {
            std::copy(scores.begin(), scores.end(), kept.begin());
        } else if (kept.data() != errors.data()) {
            const auto worst = errors.subspan(static_cast<std::size_t>(largest.worst) * size, size);
            std::copy(worst.begin(), worst.end(), kept.begin());
        }
    }
    if (outcome.lost > 0 && outcome.kind != verdict_kind::anomaly) {
        outcome.kind = verdict_kind::sensor_lost;
    }
    if (outcome.reason == sample_reason::scored || outcome.lost > 0) {
        outcome.alarm =
            stream.alarm.push(outcome.is_anomaly() || outcome.kind == verdict_kind::sensor_lost);
    } else {
        outcome.alarm = stream.last.alarm; // nothing is known that would end one
    }
    stream.last = outcome;
    return outcome;
}

/// Whether a stream can be judged by a detector: fitted, and made for it.
template <class Learned, class Stream>
bool can_judge(const Learned& learned, const Stream& stream) noexcept {
    return learned.phase >= detector_phase::errors_fitted && stream.layout == learned.layout;
}

/// All of the above for one sample of one stream.
template <class Learned, class Stream>
verdict push_in(const Learned& learned, Stream& stream,
                sample_view<typename Learned::scalar_type> sample, double time,
                std::byte* memory) noexcept {
    using scalar = typename Learned::scalar_type;
    const push_scratch<scalar> scratch(learned, memory);
    // The only vector of a sample is computed where it is kept.
    double* const errors = learned.source.vectors() == 1 && learned.view() == error_view::per_step
                               ? stream.errors().data()
                               : scratch.errors;
    const auto pending = begin_push(learned, stream, sample, time, scratch.observed, errors);
    if (pending.advances) {
        learned.source.advance(learned.model,
                               judges<Learned>(learned, stream.learning.get()).weights(),
                               pending.source, scratch.work);
    }
    return finish_push(learned, stream, pending, scratch.scores);
}

template <class Learned, class Stream>
verdict push_one(const Learned& learned, Stream& stream,
                 sample_view<typename Learned::scalar_type> sample, double time) noexcept {
    if (!can_judge(learned, stream)) {
        return {};
    }
    if (learned.layout.scratch_in_stream()) {
        return push_in(learned, stream, sample, time, stream.scratch());
    }
    alignas(64) std::array<std::byte, largest_stack_scratch> memory;
    return push_in(learned, stream, sample, time, memory.data());
}

} // namespace tocsin::detail
