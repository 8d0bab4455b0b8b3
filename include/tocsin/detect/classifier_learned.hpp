/// @file classifier_learned.hpp
/// @brief Everything a classifier_detector has learned, in the shape that push.hpp works on.
#pragma once

#include "tocsin/alarm/check_alarm.hpp"
#include "tocsin/core/checked_size.hpp"
#include "tocsin/core/emptied_by_move.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/core/storage.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/detect/classifier_settings.hpp"
#include "tocsin/detect/classifier_source.hpp"
#include "tocsin/detect/detector_phase.hpp"
#include "tocsin/detect/detector_tag.hpp"
#include "tocsin/detect/learned.hpp"
#include "tocsin/detect/push.hpp"
#include "tocsin/detect/stream_learning.hpp"
#include "tocsin/detect/stream_memory.hpp"
#include "tocsin/tail/alarm_rate.hpp"
#include "tocsin/threshold/manual_threshold.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <type_traits>

namespace tocsin::detail {

/// What a stream would have of its own if a classifier kept learning. No stream has one.
template <class Scalar>
struct classifier_learning {
    static constexpr bool trainer = false;
    static constexpr bool rule_learns = false;
    static constexpr double weight = 0;
    manual_threshold rule{};
    probability_score statistic{};
    aligned_vector<Scalar> weights{};
    learning_report report{};
};

/// The logarithm of the odds of a probability: many windows have one near 0 or 1, where differences
/// can only be seen so. Finite for any in [0, 1].
inline double log_odds_of(double probability) noexcept {
    constexpr double least = std::numeric_limits<double>::min();
    constexpr double most = 1 - std::numeric_limits<double>::epsilon() / 2;
    const double p = std::clamp(probability, least, most);
    return std::log(p) - std::log1p(-p);
}

/// The parts of a classifier_detector, with what follows from them.
template <class Network, class Scaler, class Alarm>
struct classifier_parts {
    using scalar_type = typename Network::scalar_type;
    static_assert(std::is_same_v<typename Scaler::scalar_type, scalar_type>,
                  "classifier_detector: network and scaler must have the same scalar_type");
    using source_type = classifier_source<Network>;
    using learning_type = classifier_learning<scalar_type>;
    using rule_type = manual_threshold;
    using memory_type = stream_memory<scalar_type, dynamic, Alarm, learning_type>;
    static constexpr int views = 1;

    Network model{};
    classifier_detector_settings given{};
    Scaler scaler{};
    Alarm alarm{};
    aligned_vector<scalar_type> weights{}; ///< none before training
    double stream_threshold = 0.5;         ///< a probability
    alarm_rate false_alarms{};             ///< of the log-odds of normal windows; may not be fitted

    detector_settings settings{}; ///< of streams
    probability_score errors{};
    column<scalar_type> mean{}; ///< what missing_value::mean reads: 0
    int warm_up = 0;            ///< no more than a whole window
    detector_phase phase = detector_phase::created;
    std::uint64_t identity = 0;          ///< changes with all that is learned and given
    emptied_by_move<detector_tag> tag{}; ///< changes with what the states of streams depend on
    source_type source{};
    stream_layout<scalar_type> layout{};

    int features() const noexcept { return model.features(); }
    static constexpr error_view view() noexcept { return error_view::per_step; }
    bool trained() const noexcept { return !weights.empty(); }
    /// See verdict::expected_false_alarms. NaN before classifier_detector::fit_false_alarms().
    double expected_false_alarms(double probability) const noexcept {
        return false_alarms.fitted() ? false_alarms.expected_false_alarms(log_odds_of(probability))
                                     : std::numeric_limits<double>::quiet_NaN();
    }
    /// The memory of a stream at its start. Allocates.
    memory_type make_stream() const { return {tag, layout, alarm}; }

    /// Names the first setting that is out of range.
    status check() const noexcept {
        if (model.output_size() > 2) {
            return status::error(error_code::invalid_argument,
                                 "classifier_detector: ", model.output_size(),
                                 " classes; there must be 2");
        }
        if (const status usable = given.check(); !usable.ok()) {
            return usable;
        }
        if (const status usable = check_alarm(alarm); !usable.ok()) {
            return usable;
        }
        if (const status usable = model.check(); !usable.ok()) {
            return usable;
        }
        if (const int outputs = model.output_time(given.window); outputs != 1) {
            return status::error(error_code::invalid_argument, "classifier_detector: a window of ",
                                 given.window, " samples gives ", outputs, " outputs, not 1");
        }
        return {};
    }
    /// Names what keeps weights or a scaler from being those of the network.
    status check_weights(std::span<const scalar_type> parameters,
                         const Scaler& fitted) const noexcept {
        if (static_cast<index_t>(parameters.size()) != model.parameter_count() ||
            fitted.features() != features()) {
            return status::error(
                error_code::invalid_argument, "classifier_detector: ", parameters.size(),
                " weights and a scaler of ", fitted.features(), " features for a network of ",
                model.parameter_count(), " and ", features());
        }
        for (const auto weight : parameters) {
            if (!std::isfinite(weight)) {
                return status::error(error_code::invalid_argument, "classifier_detector: weight ",
                                     weight, " is not finite");
            }
        }
        return {};
    }
    /// Bytes of a stream, from sizes that a file declares and check_pass() has found possible.
    checked_size stream_bytes() const noexcept {
        const checked_size samples = checked_size(3) * features() * given.window;
        const checked_size each = checked_size(features()) * 3 + 32;
        return (samples + each + model.infer_work_size(1, given.window)) * sizeof(scalar_type);
    }
    /// Sizes what follows from model and settings, which must be usable. Allocates.
    void prepare() {
        settings = given.of_streams();
        source = source_type(model, given.window);
        layout = layout_of<scalar_type>(source);
        mean.setZero(features());
    }
};

/// See classifier_detector::explain().
template <class Learned, class Stream>
void occlusion_shares(const Learned& learned, Stream& stream, std::span<double> shares) noexcept {
    using scalar = typename Learned::scalar_type;
    std::fill(shares.begin(), shares.end(), 0.0);
    if (!can_judge(learned, stream) || !stream.last.scored() ||
        stream.seen < learned.given.window ||
        static_cast<int>(shares.size()) != learned.features()) {
        return;
    }
    alignas(64) std::array<std::byte, largest_stack_scratch> memory;
    const push_scratch<scalar> scratch(
        learned, learned.layout.scratch_in_stream() ? stream.scratch() : memory.data());
    const source_sample<scalar> newest{stream.state(), stream.seen - 1, nullptr,
                                       nullptr,        nullptr,         nullptr};
    learned.source.occlude(learned.model, learned.weights, newest, shares, scratch.work);
    double sum = 0;
    for (const double share : shares) {
        sum += share;
    }
    for (double& share : shares) {
        share = sum > 0 ? share / sum : 0.0;
    }
}

} // namespace tocsin::detail
