/// @file begin_push.hpp
/// @brief A sample up to the point where the model runs: clock, missing values, scaler, errors.
#pragma once

#include "tocsin/core/bits.hpp"
#include "tocsin/core/bounded.hpp"
#include "tocsin/core/checked_size.hpp"
#include "tocsin/core/for_each_index.hpp"
#include "tocsin/core/storage.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/detect/error_source.hpp"
#include "tocsin/detect/sample_view.hpp"
#include "tocsin/detect/stream_clock.hpp"
#include "tocsin/detect/verdict.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>

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

/// What a stream's scores are compared with: by its own rule where that learns.
template <class Learned>
double threshold_of(const Learned& learned,
                    const typename Learned::learning_type* learning) noexcept {
    return learning != nullptr && learning->rule_learns ? learning->rule.threshold()
                                                        : learned.stream_threshold;
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
    for_each_index(features, [&](int f) TOCSIN_ALWAYS_INLINE { scaled[f] = readable(scaled[f]); });
}

/// Whether every value is finite.
template <class Scalar>
bool all_finite(const Scalar* sample, int features) noexcept {
    bool finite = true;
    for_each_index(features, [&](int f) TOCSIN_ALWAYS_INLINE { finite &= is_finite(sample[f]); });
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

/// Whether a sample needs none of the special cases below: every value is there, no time is given, and
/// the stream is beyond its warm-up and had no missing values last.
template <class Learned, class Stream>
TOCSIN_ALWAYS_INLINE inline bool is_usual(const Learned& learned, const Stream& stream,
                                          sample_view<typename Learned::scalar_type> sample,
                                          double time) noexcept {
    // Without short cuts: each of these branches would never be taken.
    const bool warm = (stream.seen >= learned.warm_up) & (stream.seen < largest_count) &
                      (stream.seen >= learned.source.shortest_warm_up());
    return warm & std::isnan(time) & !stream.incomplete &&
           sample.size() == learned.source.features() &&
           all_finite(sample.data(), learned.source.features());
}

/// Takes a sample in, up to the point where the model has to run.
/// @tparam Usual   whether is_usual(): what it rules out is not looked at again
/// @param observed `[features]`, scratch
/// @param errors   where the error vectors go
template <bool Usual, class Learned, class Stream>
TOCSIN_ALWAYS_INLINE inline void
begin_push(const Learned& learned, Stream& stream,
           sample_view<typename Learned::scalar_type> sample, double time,
           [[maybe_unused]] typename Learned::scalar_type* observed, double* errors,
           pending_sample<typename Learned::scalar_type>& pending) noexcept {
    verdict& outcome = pending.outcome;
    outcome = verdict{.threshold = threshold_of(learned, stream.learning.get())};
    pending.advances = pending.complete = pending.scored = false;
    count_up(stream.position);
    const auto inputs = stream.inputs();
    if constexpr (Usual) {
        scale_sample(learned, sample.data(), inputs.data());
        stream.blind = 0;
        pending.source = {stream.state(), stream.seen,         inputs.data(),
                          inputs.data(),  learned.mean.data(), errors};
        pending.complete = learned.source.prepare(pending.source);
        pending.scored = stream.learnable = true;
    } else {
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
        if (outcome.kind != verdict_kind::invalid_sample) {
            pending.scored = pending.complete && stream.seen >= learned.warm_up;
            stream.learnable = outcome.missing == 0;
        }
    }
    pending.advances = learned.source.advances(pending.complete);
    ++stream.seen;
}

} // namespace tocsin::detail
