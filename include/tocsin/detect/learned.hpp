/// @file learned.hpp
/// @brief Everything a detector has learned, in one place that scoring never changes.
#pragma once

#include "tocsin/alarm/check_alarm.hpp"
#include "tocsin/core/emptied_by_move.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/detect/detector_phase.hpp"
#include "tocsin/detect/detector_settings.hpp"
#include "tocsin/detect/detector_tag.hpp"
#include "tocsin/detect/error_views.hpp"
#include "tocsin/detect/forecast_errors.hpp"
#include "tocsin/detect/model_weights.hpp"
#include "tocsin/detect/stream_learning.hpp"
#include "tocsin/detect/stream_memory.hpp"
#include "tocsin/detect/threshold_pair.hpp"
#include "tocsin/detect/window_errors.hpp"

#include <algorithm>
#include <cstdint>
#include <span>
#include <type_traits>

namespace tocsin::detail {

/// Features where they are known at compile time, or `dynamic`.
template <class Model>
constexpr int static_features() noexcept {
    if constexpr (has_static_sizes<Model>) {
        return Model{}.features();
    } else {
        return dynamic;
    }
}

template <class Scalar, class Source>
constexpr stream_layout<Scalar> layout_of(const Source& source) noexcept {
    const index_t scalars = source.work_size() + source.features() + 1;
    const index_t doubles = index_t{source.vectors()} * source.vector_size() + source.vectors();
    return {source.state_size(), source.features(), source.kept_errors(),
            scalars * index_t{sizeof(Scalar)} + doubles * index_t{sizeof(double)}};
}

/// Bytes of a stream's memory where all sizes are known at compile time, or `dynamic`: a forecaster
/// must know its targets, a model of windows their length.
template <class Model, int Window>
constexpr index_t static_stream_bytes() noexcept {
    using source_type = error_source<Model>;
    if constexpr (has_static_sizes<Model>) {
        if constexpr (source_type::has_feature_view) {
            if constexpr (Window != dynamic) {
                detector_settings settings; // every step scored: the most memory
                settings.window = Window;
                return layout_of<typename Model::scalar_type>(source_type(Model{}, settings))
                    .bytes();
            } else {
                return dynamic;
            }
        } else if constexpr (Model{}.look_ahead() > 0) {
            return layout_of<typename Model::scalar_type>(source_type(Model{}, {})).bytes();
        } else {
            return dynamic;
        }
    } else {
        return dynamic;
    }
}

/// The parts of a detector, with what follows from them.
template <class Model, class Scaler, class Statistic, class Rule, class Alarm, int Window>
struct learned_parts {
    using scalar_type = typename Model::scalar_type;
    using model_type = Model;
    /// The same parts of a detector with another model.
    template <class Other>
    using with_model = learned_parts<Other, Scaler, Statistic, Rule, Alarm, Window>;
    static_assert(std::is_same_v<scalar_type, float> || std::is_same_v<scalar_type, double>,
                  "detector: the model's scalar_type must be float or double");
    static_assert(std::is_same_v<typename Scaler::scalar_type, scalar_type>,
                  "detector: model and scaler must have the same scalar_type");
    using source_type = error_source<Model>;
    using views_type = error_views<Statistic, Window>;
    using rule_type = Rule;
    using learning_type = stream_learning<Model, views_type, Rule>;
    static constexpr int views = source_type::has_feature_view ? 2 : 1;

    using memory_type =
        stream_memory<scalar_type, static_stream_bytes<Model, Window>(), Alarm, learning_type>;

    Model model{};
    detector_settings settings{};
    Scaler scaler{};
    views_type errors{};
    threshold_pair<Rule, views> thresholds;
    Alarm alarm{};
    model_weights<Model> weights{};
    /// Of the training data, scaled: what missing_value::mean reads.
    column<scalar_type, static_features<Model>()> mean =
        column<scalar_type, static_features<Model>()>::Zero(std::max(static_features<Model>(), 0));
    int warm_up = 0; ///< samples after a start that are not scored
    reset_by_move<detector_phase> phase = detector_phase::created;
    std::uint64_t identity = 0;          ///< changes with everything above
    emptied_by_move<detector_tag> tag{}; ///< changes with what the states of streams depend on

    source_type source{};
    double stream_threshold = 0; ///< by which streams are judged
    stream_layout<scalar_type> layout{};

    int features() const noexcept { return model.features(); }
    /// The view by which streams are judged.
    error_view view() const noexcept {
        return source_type::has_feature_view ? settings.view : error_view::per_step;
    }
    /// The memory of a stream at its start. Allocates where sizes are dynamic.
    memory_type make_stream() const { return {tag, layout, alarm}; }
    /// Bytes on the heap of a stream that does not learn.
    std::size_t heap_bytes_of_stream() const noexcept {
        return static_stream_bytes<Model, Window>() == dynamic
                   ? static_cast<std::size_t>(layout.bytes())
                   : 0;
    }
    /// Names the first setting of detector or model that is out of range.
    status check() const noexcept {
        if (const status usable = settings.check(); !usable.ok()) {
            return usable;
        }
        if (Window != dynamic && settings.window != Window) {
            return status::error(error_code::invalid_argument, "detector: window ", settings.window,
                                 " of a detector for windows of ", Window);
        }
        if (const status usable = check_alarm(alarm); !usable.ok()) {
            return usable;
        }
        return model.check();
    }
    /// Sizes what follows from model and settings, which must be usable. Allocates where sizes are
    /// dynamic.
    void prepare() {
        source = source_type(model, settings);
        layout = layout_of<scalar_type>(source);
        mean.setZero(features());
    }
};

/// See detector::set_alarm_control().
/// @param settle `settle(learned)`, which takes over what follows
template <class Learned, class Alarm, class Settle>
status set_alarm(Learned& learned, const Alarm& alarm, Settle&& settle) {
    if (const status usable = check_alarm(alarm); !usable.ok()) {
        return usable;
    }
    learned.alarm = alarm;
    settle(learned);
    return {};
}

} // namespace tocsin::detail
