/// @file learn.hpp
/// @brief Learning on a stream: what it adapts are its own copies.
#pragma once

#include "tocsin/core/checked_size.hpp"
#include "tocsin/core/keep_if.hpp"
#include "tocsin/core/load_budget.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/detect/learned.hpp"
#include "tocsin/detect/push.hpp"
#include "tocsin/detect/stream_check.hpp"
#include "tocsin/detect/stream_learning.hpp"
#include "tocsin/layers/memory_bounds.hpp"

#include <cmath>
#include <cstddef>
#include <span>
#include <utility>

namespace tocsin::detail {

/// See detector::enable_learning().
template <class Learned, class Stream>
status enable_learning(const Learned& learned, Stream& stream, const learning_settings& settings) {
    using learning_type = typename Learned::learning_type;
    if (learned.phase < detector_phase::errors_fitted) {
        return status::error(error_code::not_ready, "enable_learning: call fit_errors() first");
    }
    if (!stream.made_by.fits(learned.tag)) {
        return status::error(error_code::invalid_argument,
                             "enable_learning: the stream belongs to another detector");
    }
    if (const status usable = settings.check(); !usable.ok()) {
        return usable;
    }
    constexpr bool can_adapt = adapting_statistic<typename Learned::views_type::step_statistic>;
    const bool adapts = can_adapt && std::isfinite(settings.half_life);
    if (adapts && (learned.source.vectors() != 1 || learned.view() != error_view::per_step)) {
        return status::error(error_code::invalid_argument,
                             "enable_learning: with a half-life the detector must score the newest "
                             "step alone, per step");
    }
    if (settings.rule && learned.thresholds.is_by_hand(learned.view())) {
        return status::error(error_code::invalid_argument,
                             "enable_learning: a threshold by hand takes the place of the rule, ",
                             learned.thresholds.threshold(learned.view()));
    }
    learning_type learning{.statistic = learned.errors.per_step(),
                           .rule = learned.thresholds.rule(learned.view())};
    learning.rule_learns =
        settings.rule || (settings.model && adapting_rule<typename Learned::rule_type> &&
                          !learned.thresholds.is_by_hand(learned.view()));
    learning.weight = adapts ? 1 - std::exp2(-1 / settings.half_life) : 0;
    if (adapts) {
        learning.clipped.resize(static_cast<std::size_t>(learning.statistic.dimension()));
    }
    if (settings.model) {
        if constexpr (requires { learned.model.shortest_window(); }) {
            if (settings.model->steps < learned.model.shortest_window()) {
                return status::error(error_code::invalid_argument, "enable_learning: updates of ",
                                     settings.model->steps, " samples are shorter than the ",
                                     learned.model.shortest_window(), " that the model needs");
            }
        }
        learning.trainer.emplace(learned.model, *settings.model);
        learning.weights.own(learned.model, learned.weights.parameters());
    }
    stream.learning.set(std::move(learning));
    return {};
}

/// Refuses updates whose samples do not follow in the bytes, or that take more memory than these may.
/// @param bytes  that follow
/// @param factor bytes of memory for each of them
template <class Model>
status check_update(const Model& model, int steps, std::size_t bytes, int factor) {
    using scalar = typename Model::scalar_type;
    if (!(checked_size(steps) * model.features() * sizeof(scalar)).is_at_most(bytes)) {
        return status::error(error_code::format_error, "stream: updates of ", steps,
                             " samples are larger than the bytes");
    }
    const bool possible = memory_of_pass(model, steps).valid();
    load_budget budget(bytes, factor);
    return budget.take("learning",
                       possible ? checked_size(model.training_work_size(1, steps)) * sizeof(scalar)
                                : checked_size(-1));
}

/// Saves or loads a stream with what it adapts.
template <class Archive, class Learned, class Stream>
void exchange_stream(Archive& archive, const Learned& learned, Stream& stream) {
    if (!stream.made_by.fits(learned.tag)) {
        archive.fail(status::error(error_code::invalid_argument,
                                   "stream: another detector made it, or it was moved from"));
        return;
    }
    archive.object("memory", stream);
    if constexpr (Archive::loading) {
        keep_if(archive, check_stream(learned, stream));
    }
    bool learns = stream.learning.get() != nullptr;
    archive.integer("learns", learns);
    if (!learns || !archive.outcome().ok()) {
        if constexpr (Archive::loading) {
            stream.learning.reset();
            complete_last(learned, stream);
        }
        return;
    }
    learning_settings settings;
    if constexpr (!Archive::loading) {
        settings = stream.learning.get()->settings();
    }
    settings.exchange(archive);
    if constexpr (Archive::loading) {
        if (settings.model && archive.outcome().ok()) {
            archive.fail(check_update(learned.model, settings.model->steps, archive.remaining(),
                                      archive.memory_factor()));
        }
        if (archive.outcome().ok()) {
            archive.fail(enable_learning(learned, stream, settings));
        }
    }
    if (archive.outcome().ok()) {
        archive.object("learning", *stream.learning.get());
        if constexpr (Archive::loading) {
            keep_if(archive, stream.learning.get()->check(stream.position));
            stream.learning.get()->weights.repack(learned.model);
            complete_last(learned, stream);
        }
    }
}

/// See detector::learn().
template <class Learned, class Stream>
void learn(const Learned& learned, Stream& stream) noexcept {
    auto* const learning = stream.learning.get();
    if (learning == nullptr || !stream.learnable || !can_judge(learned, stream)) {
        return;
    }
    const verdict& last = stream.last;
    if (!last.is_anomaly()) {
        // Of the view per feature a stream keeps scores, not errors.
        const bool has_errors = last.scored() && learned.view() == error_view::per_step;
        const std::span<const double> errors =
            has_errors ? std::span<const double>(stream.errors()) : std::span<const double>();
        // What has no score may be anything.
        const bool trains =
            last.scored() && learning->is_trainable(last.score, learned.source.vector_size());
        learning->learn_normal(learned.model, errors, last.score, trains, stream.inputs(),
                               stream.position, stream.seen == 1);
    }
    if (last.scored()) {
        learning->watch(last.is_anomaly());
        learning->learn_score(last.score);
    }
    stream.learnable = false; // each sample once
}

} // namespace tocsin::detail
