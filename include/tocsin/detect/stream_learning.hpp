/// @file stream_learning.hpp
/// @brief What a stream has of its own where it keeps learning.
#pragma once

#include "tocsin/core/checked_size.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/detect/model_weights.hpp"
#include "tocsin/detect/online_trainer.hpp"
#include "tocsin/errors/error_statistic.hpp"
#include "tocsin/threshold/threshold_rule.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <vector>

namespace tocsin {

/// What has become of the samples that a stream has judged since it began to learn: the rate of
/// anomalies that it really has, by which somebody can see that learning went wrong.
struct learning_report {
    std::int64_t scored = 0;    ///< samples with a score that learn() has seen
    std::int64_t anomalies = 0; ///< scored samples above the threshold
    /// Share of anomalies among the newest scored samples, in [0, 1]: an average over all of the
    /// first 1000, then with weights that fall by a factor e every 1000 samples.
    double recent_rate = 0;
    std::int64_t clipped = 0; ///< samples too far out to be learned as they were
    std::int64_t updates = 0; ///< training steps of the model

    template <class Archive>
    void exchange(Archive& archive) {
        archive.integer("scored", scored, std::int64_t{0}, largest_count);
        archive.integer("anomalies", anomalies, std::int64_t{0}, largest_count);
        archive.number("recent_rate", recent_rate);
        archive.integer("clipped", clipped, std::int64_t{0}, largest_count);
        archive.integer("updates", updates, std::int64_t{0}, largest_count);
        if constexpr (Archive::loading) {
            if (archive.outcome().ok() && (anomalies > scored || clipped > scored ||
                                           !(recent_rate >= 0 && recent_rate <= 1))) {
                archive.fail(status::error(error_code::format_error, "learning: ", anomalies,
                                           " anomalies and ", clipped, " clipped of ", scored,
                                           " samples, rate ", recent_rate));
            }
        }
    }
};

/// How a stream keeps learning from its samples; see detector::enable_learning().
struct learning_settings {
    /// Samples after which a sample weighs half as much in the error statistic, at least 1;
    /// infinity: the statistic stays as it is. Statistics without `adapt()` never change.
    double half_life = 10000;
    /// Whether the threshold rule learns from the scores; rules without `push()` never change. Where
    /// the model learns, so does a rule that can: scores of another model are other scores.
    bool rule = false;
    /// How the model keeps learning; none: it does not.
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
        online_training_settings updates = model.value_or(online_training_settings{});
        archive.integer("every", updates.every, 1, 1 << 30);
        archive.integer("steps", updates.steps, 1, online_training_settings::largest_steps);
        archive.real("learning_rate", updates.learning_rate);
        archive.real("clip_norm", updates.clip_norm);
        model = updates;
    }
};

namespace detail {

/// Largest score that is learned as it is, for each element of an error vector: ten standard deviations
/// in every one of them. What is further out counts as this far out, so that one sample changes a
/// variance by a factor of at most `1 + 100 * elements * weight`.
inline constexpr double largest_learned_score = 100;
/// The same for samples that the model learns from, a hundred standard deviations: a signal that has
/// changed is far out at first, and clipping of gradients bounds what one sample does.
inline constexpr double largest_trained_score = 1e4;
/// Samples that learning_report::recent_rate is about.
inline constexpr std::int64_t watched_samples = 1000;

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
    learning_report report{};
    std::vector<double> clipped{}; ///< scratch of adapt()

    /// Counts a sample that has a score.
    void watch(bool anomaly) noexcept {
        count_up(report.scored);
        if (anomaly) {
            count_up(report.anomalies);
        }
        const auto samples = static_cast<double>(std::min(report.scored, watched_samples));
        report.recent_rate += ((anomaly ? 1.0 : 0.0) - report.recent_rate) / samples;
        report.recent_rate = std::clamp(report.recent_rate, 0.0, 1.0);
    }

    /// Whether a sample is near enough for the model to learn from it.
    /// @param elements of the error vectors that the score is of
    static bool is_trainable(double score, int elements) noexcept {
        return !is_beyond(largest_trained_score, score, elements);
    }
    /// Takes in a normal sample. Never allocates.
    /// @param score  of the errors, where there are any
    /// @param trains whether the model learns from it, too
    /// @param inputs `[features]`, scaled, none missing
    /// @param first  whether the stream has (re)started with it: no sample before is its neighbour
    void learn_normal(const Model& model, std::span<const double> errors, double score, bool trains,
                      std::span<const scalar_type> inputs, std::int64_t position,
                      bool first) noexcept {
        const bool far_out =
            !errors.empty() && is_beyond(largest_learned_score, score, statistic.dimension());
        if (far_out) {
            count_up(report.clipped);
        }
        if constexpr (adapting_statistic<typename Views::step_statistic>) {
            if (weight > 0 && !errors.empty()) {
                adapt(errors, score, far_out);
            }
        }
        if (trainer && trains) {
            if (first || position != learned_at + 1) {
                trainer->interrupt();
            }
            learned_at = position;
            const vector_view<const scalar_type> sample(inputs.data(),
                                                        static_cast<index_t>(inputs.size()));
            if (trainer->push(model, weights.owned_parameters(), sample)) {
                weights.repack(model);
                report.updates = trainer->updates();
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
    /// Whether a stream that has seen so many samples can have learned from as many.
    status check(std::int64_t position) const noexcept {
        if (report.scored > position || learned_at > position) {
            return status::error(error_code::format_error, "learning: ", report.scored,
                                 " samples scored, the last one learned number ", learned_at,
                                 " of ", position);
        }
        return {};
    }
    template <class Archive>
    void exchange(Archive& archive) {
        const bool adapts = weight > 0;
        archive.real("weight", weight);
        if constexpr (Archive::loading) { // a half-life of one sample weighs a half
            if (archive.outcome().ok() &&
                (!(weight >= 0 && weight <= 0.5) || (weight > 0) != adapts)) {
                archive.fail(status::error(error_code::format_error, "learning: weight ", weight,
                                           " of a sample does not follow from the half-life"));
            }
        }
        archive.object("statistic", statistic);
        archive.object("rule", rule);
        archive.integer("learned_at", learned_at, std::int64_t{-1}, largest_count);
        bool has_report = true;
        if constexpr (requires { archive.format(); }) {
            has_report = archive.format() >= 2; // in streams as bytes
        }
        if (has_report) {
            archive.object("report", report);
        }
        if (trainer) {
            archive.object("trainer", *trainer);
            archive.array("parameters", weights.owned_parameters());
            if constexpr (Archive::loading) {
                const auto loaded = weights.owned_parameters();
                if (!std::all_of(loaded.begin(), loaded.end(),
                                 [](auto value) { return std::isfinite(value); })) {
                    archive.fail(status::error(error_code::format_error,
                                               "learning: a parameter is not finite"));
                }
            }
        }
    }

  private:
    using statistic_type = typename Views::step_statistic;
    /// A score that is a squared distance from a mean, whose average on normal data is the dimension.
    static constexpr bool is_distance = requires(const statistic_type& fitted) {
        fitted.mean()[0];
        fitted.covariance();
    } || requires(const statistic_type& fitted) {
        fitted.mean()[0];
        fitted.variance();
    };

    double largest_score() const noexcept { return largest_learned_score * statistic.dimension(); }
    /// Scores of other statistics have scales of their own, and their adapt() bounds itself.
    /// @param largest for each element
    static bool is_beyond(double largest, double score, int elements) noexcept {
        return is_distance && !(score <= largest * elements);
    }
    void adapt(std::span<const double> errors, double score, bool far_out) noexcept {
        if (!far_out) {
            statistic.adapt(errors, weight);
            return;
        }
        if constexpr (is_distance) {
            if (clipped.size() != errors.size()) {
                return;
            }
            const double factor = std::sqrt(largest_score() / score);
            for (std::size_t k = 0; k < errors.size(); ++k) {
                const double mean = statistic.mean()[static_cast<index_t>(k)];
                clipped[k] = mean + factor * (errors[k] - mean);
            }
            // Not so where a distance has overflown.
            if (statistic.score(std::span<const double>(clipped)) <= 2 * largest_score()) {
                statistic.adapt(clipped, weight);
            }
        }
    }
};

} // namespace detail
} // namespace tocsin
