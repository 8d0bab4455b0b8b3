/// @file stream_learning.hpp
/// @brief What a stream has of its own where it goes on learning.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/detect/model_weights.hpp"
#include "tocsin/detect/online_trainer.hpp"
#include "tocsin/errors/error_statistic.hpp"
#include "tocsin/threshold/threshold_rule.hpp"

#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>

namespace tocsin {

/// How a stream goes on learning from its samples; see detector::enable_learning().
struct learning_settings {
    /// Samples after which a sample weighs half as much in the error statistic, at least 1;
    /// infinity: the statistic stays as it is. Statistics without `adapt()` never change.
    double half_life = 10000;
    /// Whether the threshold rule learns from the scores; rules without `push()` never change.
    bool rule = false;
    /// How the model goes on learning; none: it does not.
    std::optional<online_training_settings> model = std::nullopt;

    /// Names the first setting that is out of range.
    status check() const noexcept {
        if (!(half_life >= 1)) {
            return status::error(error_code::invalid_argument, "enable_learning: half-life ",
                                 half_life, " must be at least 1 sample");
        }
        return model ? model->check() : status{};
    }
    template <class Archive>
    void exchange(Archive& archive) {
        archive.real("half_life", half_life);
        archive.integer("rule", rule);
        bool trains = model.has_value();
        archive.integer("trains", trains);
        if (!trains) {
            model.reset();
            return;
        }
        online_training_settings how = model.value_or(online_training_settings{});
        archive.integer("every", how.every, 1, 1 << 30);
        archive.integer("steps", how.steps, 1, 1 << 24);
        archive.real("learning_rate", how.learning_rate);
        archive.real("clip_norm", how.clip_norm);
        model = how;
    }
};

namespace detail {

/// A stream's copies of what it adapts, and what it needs to adapt them.
template <class Model, class Views, class Rule>
struct stream_learning {
    using scalar_type = typename Model::scalar_type;

    typename Views::step_statistic statistic;
    Rule rule;
    bool rule_learns = false;
    double weight = 0; ///< of a sample in the statistic; 0: it stays as it is
    std::optional<online_trainer<Model>> trainer{};
    model_weights<Model> weights{}; ///< only with a trainer
    std::int64_t learned_at = -1;   ///< position of the last sample that the trainer took

    /// Takes in a normal sample. Never allocates.
    /// @param inputs `[features]`, scaled, none missing
    /// @param first  whether the stream has (re)started with it: no sample before is its neighbour
    void learn_normal(const Model& model, std::span<const double> errors,
                      std::span<const scalar_type> inputs, std::int64_t position,
                      bool first) noexcept {
        if constexpr (adapting_statistic<typename Views::step_statistic>) {
            if (weight > 0 && !errors.empty()) {
                statistic.adapt(errors, weight);
            }
        }
        if (trainer) {
            if (first || position != learned_at + 1) {
                trainer->interrupt();
            }
            learned_at = position;
            const vector_view<const scalar_type> sample(inputs.data(),
                                                        static_cast<index_t>(inputs.size()));
            if (trainer->push(model, weights.owned_parameters(), sample)) {
                weights.repack(model);
            }
        }
    }
    void learn_score(double score) noexcept {
        if constexpr (adapting_rule<Rule>) {
            if (rule_learns) {
                rule.push(score);
            }
        }
    }

    /// How this came about, to make it anew before it is loaded.
    learning_settings settings() const noexcept {
        return {.half_life = weight > 0 ? -1 / std::log2(1 - weight)
                                        : std::numeric_limits<double>::infinity(),
                .rule = rule_learns,
                .model = trainer ? std::optional(trainer->settings()) : std::nullopt};
    }
    template <class Archive>
    void exchange(Archive& archive) {
        archive.real("weight", weight);
        archive.object("statistic", statistic);
        archive.object("rule", rule);
        archive.integer("learned_at", learned_at);
        if (trainer) {
            archive.object("trainer", *trainer);
            archive.array("parameters", weights.owned_parameters());
        }
    }
};

} // namespace detail
} // namespace tocsin
