/// @file stream_check.hpp
/// @brief Whether push() can have left a stream as it was loaded.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/detect/verdict.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>

namespace tocsin::detail {

/// Whether the parts of a verdict belong together, as finish_push() puts them.
inline status check_verdict(const verdict& last) noexcept {
    const auto refuse = [&](const char* why) {
        return status::error(error_code::format_error, "stream: the last sample was ",
                             to_string(last.kind), ", ", to_string(last.reason), ", with score ",
                             last.score, ", threshold ", last.threshold, ", ", last.missing,
                             " missing and ", last.lost, " lost: ", why);
    };
    if (!(last.score >= 0) || std::isnan(last.threshold) || (!last.scored() && last.score != 0)) {
        return refuse("no sample has this score");
    }
    const bool fails = last.kind == verdict_kind::anomaly;
    if (fails ? !last.scored() || !(last.score > last.threshold)
              : last.scored() && last.score > last.threshold) {
        return refuse("the score decides what is an anomaly");
    }
    const bool ignored = last.reason == sample_reason::wrong_size ||
                         last.reason == sample_reason::out_of_order ||
                         last.reason == sample_reason::not_ready;
    if (last.lost > last.missing || (ignored && last.missing > 0)) {
        return refuse("a lost sensor is a missing one");
    }
    if ((last.kind == verdict_kind::sensor_lost) != (last.lost > 0 && !fails)) {
        return refuse("a lost sensor is named unless there is an anomaly");
    }
    const verdict_kind expected =
        last.scored()                              ? verdict_kind::normal
        : last.reason == sample_reason::warming_up ? verdict_kind::warming_up
        : last.reason == sample_reason::not_ready  ? verdict_kind::not_ready
                                                   : verdict_kind::invalid_sample;
    if (last.lost == 0 && !fails && last.kind != expected) {
        return refuse("the reason decides the kind");
    }
    return {};
}

/// Looks at everything that other numbers of a stream bound; `format_error` with what is impossible.
/// The state of a forecaster is not looked at: where weights are so large that it overflows, it is
/// not finite, and each score is the largest double.
template <class Learned, class Stream>
status check_stream(const Learned& learned, const Stream& stream) noexcept {
    const auto refuse = [](const auto&... parts) {
        return status::error(error_code::format_error, "stream: ", parts...);
    };
    if (stream.seen > stream.position) {
        return refuse("the model has read ", stream.seen, " of ", stream.position, " samples");
    }
    if (stream.blind >
        std::min<std::int64_t>(stream.position, std::int64_t{learned.settings.longest_gap} + 1)) {
        return refuse(stream.blind, " samples without a value of ", stream.position,
                      ", where the longest gap is ", learned.settings.longest_gap);
    }
    for (const std::int32_t run : stream.missing_runs()) {
        if (run < 0 || run > stream.position || (run > 0 && !stream.incomplete)) {
            return refuse("a sensor was missing in ", run, " samples in a row of ", stream.position,
                          stream.incomplete ? "" : ", but not in the last one");
        }
    }
    if (stream.learnable && (stream.seen == 0 || stream.incomplete || stream.last.missing > 0)) {
        return refuse("the last sample can be learned from, but was not read or has ",
                      stream.last.missing, " missing values");
    }
    if (const status last = check_verdict(stream.last); !last.ok()) {
        return last;
    }
    for (const auto input : stream.inputs()) {
        if (!std::isfinite(input)) {
            return refuse("the model reads ", input);
        }
    }
    if constexpr (requires { learned.source.is_possible(stream.state()[0]); }) {
        for (const auto value : stream.state()) {
            if (!learned.source.is_possible(value)) {
                return refuse("a window holds ", value);
            }
        }
    }
    return {};
}

} // namespace tocsin::detail
