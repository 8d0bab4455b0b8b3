/// @file detector.hpp
/// @brief The composition: scaler, sequence model, error statistics, threshold rule.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/core/storage.hpp"
#include "tocsin/detect/detector_phase.hpp"
#include "tocsin/detect/detector_settings.hpp"
#include "tocsin/detect/error_views.hpp"
#include "tocsin/detect/parameter_archive.hpp"
#include "tocsin/detect/sample_window.hpp"
#include "tocsin/detect/scaled_training.hpp"
#include "tocsin/detect/threshold_pair.hpp"
#include "tocsin/detect/verdict.hpp"
#include "tocsin/errors/mahalanobis.hpp"
#include "tocsin/errors/residual.hpp"
#include "tocsin/models/batches.hpp"
#include "tocsin/models/predictor.hpp"
#include "tocsin/models/sequence_model.hpp"
#include "tocsin/series/scalers/scaler.hpp"
#include "tocsin/series/scalers/standard_scaler.hpp"
#include "tocsin/threshold/quantile_threshold.hpp"
#include "tocsin/threshold/threshold_rule.hpp"
#include "tocsin/training/fit.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace tocsin {

/// Finds anomalies with a model that reconstructs normal data: what it cannot reconstruct, as
/// measured by an error statistic, is anomalous (Malhotra et al. 2016).
///
/// Order of calls: train(), fit_errors(), tune(), then score() and push(). The absolute
/// reconstruction errors of a window are seen in two views, each with its own statistic and
/// threshold: per time step (vectors of `features`) and per feature (vectors of `window`, all
/// features pooled). push() uses the first. All data goes in and comes out in original units.
///
/// score() and push() allocate nothing and are noexcept. They use buffers of the detector: one
/// detector per thread (copies are independent).
/// @tparam Model     concept sequence_model
/// @tparam Scaler    concept scaler
/// @tparam Statistic concept error_statistic, constructible from a dimension
/// @tparam Rule      concept threshold_rule
template <sequence_model Model, scaler Scaler = standard_scaler<typename Model::scalar_type>,
          error_statistic<double> Statistic = mahalanobis<>,
          threshold_rule Rule = quantile_threshold>
class detector {
  public:
    using scalar_type = typename Model::scalar_type;
    using window_list = windows<scalar_type>;

    /// A detector that waits to be loaded.
    detector() = default;
    /// Allocates all buffers. Settings that cannot work are reported by check() and every phase.
    explicit detector(Model model, detector_settings settings = {}, Scaler data_scaler = {},
                      Rule rule = Rule{})
        : model_{std::move(model)}, settings_{settings}, scaler_{std::move(data_scaler)},
          thresholds_{rule} {
        if (check().ok()) {
            allocate();
        }
    }

    const Model& model() const noexcept { return model_; }
    const detector_settings& settings() const noexcept { return settings_; }
    const Scaler& data_scaler() const noexcept { return scaler_; }
    const Statistic& step_statistic() const noexcept { return views_.per_step(); }
    const Statistic& feature_statistic() const noexcept { return views_.per_feature(); }
    const Rule& step_rule() const noexcept { return thresholds_.per_step(); }
    const Rule& feature_rule() const noexcept { return thresholds_.per_feature(); }
    detector_phase phase() const noexcept { return phase_; }
    int features() const noexcept { return model_.features(); }
    /// The model's parameters, in its layout; none before train().
    std::span<const scalar_type> parameters() const noexcept { return parameters_; }
    /// Threshold of the largest distance per time step; infinity before tune().
    double step_threshold() const noexcept { return thresholds_.step_threshold(); }
    /// Threshold of the largest distance per feature; infinity before tune().
    double feature_threshold() const noexcept { return thresholds_.feature_threshold(); }

    /// Names the first setting of detector or model that is out of range.
    status check() const noexcept {
        const status settings = settings_.check();
        return settings.ok() ? model_.check() : settings;
    }

    // ---- phases -----------------------------------------------------------------------------

    /// Fits the scaler to the training windows, then the model; keeps the best weights.
    /// @param training   windows of normal data in original units, all finite
    /// @param validation windows that decide which epoch is best; may be empty
    /// @param how        trainer with its policies
    /// @param callbacks  see trainer::fit
    /// A failure leaves the detector as it was. Allocates.
    template <class Trainer, class... Callbacks>
    status train(const window_list& training, const window_list& validation, const Trainer& how,
                 Callbacks&&... callbacks) {
        if (const status ready = check(); !ready.ok()) {
            return ready;
        }
        auto state = training_state<scalar_type>::fresh(model_, how.optimiser, how.seed);
        return train_from(state, training, validation, how, callbacks...);
    }
    /// The same from a state of the caller: made by training_state::fresh, or a checkpoint with
    /// which training goes on as if it had never stopped. On return it holds the end of the run.
    template <class Trainer, class... Callbacks>
    status train_from(training_state<scalar_type>& state, const window_list& training,
                      const window_list& validation, const Trainer& how, Callbacks&&... callbacks) {
        status ready = check();
        for (const window_list* part : {&training, &validation}) {
            if (ready.ok() && !(part->empty() && part == &validation)) {
                ready = detail::check_windows("train", *part, features(), settings_.window);
            }
        }
        if (!ready.ok()) {
            return ready;
        }
        Scaler fitted = scaler_;
        if (const status trained =
                detail::fit_scaled(model_, fitted, training, validation, how, state, callbacks...);
            !trained.ok()) {
            return trained;
        }
        scaler_ = std::move(fitted);
        parameters_ = state.best_parameters;
        predictor_.prepare(model_, parameters());
        phase_ = detector_phase::trained;
        window_.clear();
        thresholds_.forget_tuned();
        return {};
    }

    /// Fits both error statistics to the reconstruction errors of normal windows, which should not
    /// be those trained on. Replaces an earlier fit; thresholds must be tuned again (those of
    /// override_thresholds() stay). A failure leaves the detector as it was. Allocates.
    status fit_errors(const window_list& normal) {
        if (const status ready = require("fit_errors", detector_phase::trained, normal);
            !ready.ok()) {
            return ready;
        }
        error_views<Statistic> views(features(), settings_.window, settings_.scored);
        for_each_error(normal,
                       [&](index_t, const matrix<double>& errors) { views.accumulate(errors); });
        if (const status fitted = views.fit(); !fitted.ok()) {
            return fitted;
        }
        views_ = std::move(views);
        thresholds_.forget_tuned();
        phase_ = phase_with_thresholds();
        return {};
    }

    /// Fits both threshold rules to the scores of windows.
    /// @param labels one per window, 1 = anomalous; empty: all windows are normal
    /// A failure leaves the thresholds as they were. Allocates.
    status tune(const window_list& tuning, std::span<const std::uint8_t> labels = {}) {
        if (const status ready = require("tune", detector_phase::errors_fitted, tuning);
            !ready.ok()) {
            return ready;
        }
        std::vector<double> step_scores;
        std::vector<double> feature_scores;
        if (const status scored = scores(tuning, step_scores, feature_scores); !scored.ok()) {
            return scored;
        }
        if (const status fitted = thresholds_.fit(step_scores, feature_scores, labels);
            !fitted.ok()) {
            return fitted;
        }
        phase_ = detector_phase::tuned;
        return {};
    }

    /// Puts another rule in place of both, which tune() fits; the thresholds they had are gone.
    void set_rule(const Rule& rule) {
        thresholds_.set_rule(rule);
        if (phase_ >= detector_phase::errors_fitted) {
            phase_ = phase_with_thresholds();
        }
    }

    /// Puts the caller's thresholds in place of the tuned ones; nothing puts the tuned ones back.
    /// Two thresholds make a detector with fitted errors ready without tune(); taking them away
    /// undoes that. Infinity keeps a view from flagging anything, and so does NaN.
    void override_thresholds(std::optional<double> per_step,
                             std::optional<double> per_feature) noexcept {
        thresholds_.override_with(per_step, per_feature);
        if (phase_ >= detector_phase::errors_fitted) {
            phase_ = phase_with_thresholds();
        }
    }

    /// Sequence scores of windows in both views, in order of the windows: the largest distance of
    /// each. NaN for a window with a value that is not finite; infinity for finite values so far
    /// out that their errors overflow. Allocates.
    status scores(const window_list& scored, std::vector<double>& per_step,
                  std::vector<double>& per_feature) {
        if (const status ready = require("scores", detector_phase::errors_fitted, scored);
            !ready.ok()) {
            return ready;
        }
        per_step.assign(static_cast<std::size_t>(scored.count()), 0);
        per_feature = per_step;
        for_each_error(scored, [&](index_t k, const matrix<double>& errors) {
            views_.measure(errors);
            const bool valid = scored.window(k).allFinite();
            per_step[static_cast<std::size_t>(k)] = views_.step_score(valid);
            per_feature[static_cast<std::size_t>(k)] = views_.feature_score(valid);
        });
        return {};
    }

    /// Reconstructs windows in batches and calls `visit(k, window, reconstruction)` for each, both
    /// `[features x window]` in original units. Allocates.
    template <class Visit>
    status reconstruct(const window_list& source, Visit&& visit) const {
        if (const status ready = require("reconstruct", detector_phase::trained, source);
            !ready.ok()) {
            return ready;
        }
        matrix<scalar_type> original(features(), settings_.window);
        for_each_prediction(source,
                            [&](index_t k, const auto&, const matrix<scalar_type>& prediction) {
                                original = prediction;
                                scaler_.inverse(original);
                                visit(k, source.window(k), std::as_const(original));
                            });
        return {};
    }

    // ---- scoring: no heap, no exception, no lock --------------------------------------------

    /// Judges one window. Never allocates.
    /// @param window `[features x window]`, original units; NaN makes the verdict not `valid`
    template <class Derived>
    window_verdict<scalar_type> score(const Eigen::MatrixBase<Derived>& window) noexcept {
        TOCSIN_ASSERT(window.rows() == features() && window.cols() == settings_.window,
                      "detector: score() needs a window of [features x window]");
        window_verdict<scalar_type> outcome{.reconstruction = view(prediction_)};
        if (phase_ < detector_phase::errors_fitted) {
            return outcome;
        }
        scaled_ = window;
        scaler_.transform(scaled_);
        predict_scaled(scaled_.data());
        absolute_residual(scaled_, prediction_, errors_);
        views_.measure(errors_);
        scaler_.inverse(prediction_);
        outcome.valid = window.allFinite();
        outcome.step_score = views_.step_score(outcome.valid);
        outcome.feature_score = views_.feature_score(outcome.valid);
        outcome.flagged_by_step = outcome.valid && exceeds(outcome.step_score, step_threshold());
        outcome.flagged_by_feature =
            outcome.valid && exceeds(outcome.feature_score, feature_threshold());
        outcome.step_distances = views_.step_distances();
        outcome.feature_distances = views_.feature_distances();
        return outcome;
    }

    /// Takes the newest sample of a stream and judges the window that ends with it. Never
    /// allocates.
    /// @param sample `[features]`, original units. One that is not finite is reported as
    ///               `invalid_sample` and left out: the window goes on with the next sample.
    verdict push(std::span<const scalar_type> sample) noexcept {
        TOCSIN_ASSERT(static_cast<int>(sample.size()) == features(),
                      "detector: push() needs one value per feature");
        verdict outcome;
        outcome.threshold = step_threshold();
        if (phase_ < detector_phase::errors_fitted) {
            return outcome;
        }
        newest_ = vector_view<const scalar_type>(sample.data(), features());
        if (!newest_.allFinite()) {
            outcome.kind = verdict_kind::invalid_sample;
            return outcome;
        }
        scaler_.transform(newest_);
        window_.push(newest_);
        if (!window_.full()) {
            outcome.kind = verdict_kind::warming_up;
            return outcome;
        }
        const auto window = window_.view();
        predict_scaled(window.data());
        absolute_residual(window, prediction_, errors_);
        views_.measure_steps(errors_);
        outcome.score = views_.step_score(true);
        outcome.shares = views_.shares(errors_, window);
        outcome.kind = exceeds(outcome.score, outcome.threshold) ? verdict_kind::anomaly
                                                                 : verdict_kind::normal;
        return outcome;
    }

    /// Forgets the samples pushed so far: the next verdicts are `warming_up`. For a gap in a
    /// stream.
    void restart_stream() noexcept { window_.clear(); }

    // ---- persistence ------------------------------------------------------------------------

    /// Describes the detector, as far as it has come, to an archive; see io/detector_file.hpp.
    template <class Archive>
    void exchange(Archive& archive) {
        if constexpr (requires { model_.exchange_kind(archive, "model_kind"); }) {
            model_.exchange_kind(archive, "model_kind"); // a model chosen at run time
        } else {
            archive.expect("model_kind", Model::kind);
        }
        archive.expect("scalar_type", sizeof(scalar_type) == sizeof(float) ? "float" : "double");
        archive.object("settings", settings_);
        archive.object("model", model_);
        archive.integer("phase", phase_, detector_phase::created, detector_phase::tuned);
        if constexpr (Archive::loading) {
            archive.fail(check());
            check_declared_sizes(archive);
            if (!archive.outcome().ok()) {
                return;
            }
            allocate();
            parameters_.resize(static_cast<std::size_t>(
                phase_ >= detector_phase::trained ? model_.parameter_count() : 0));
        }
        if (phase_ >= detector_phase::trained) {
            detail::exchange_trained(archive, model_, scaler_, std::span<scalar_type>(parameters_));
            if constexpr (Archive::loading) {
                predictor_.prepare(model_, parameters());
            }
        }
        if (phase_ >= detector_phase::errors_fitted) {
            if constexpr (Archive::loading) {
                views_ = error_views<Statistic>(features(), settings_.window, settings_.scored);
            }
            archive.object("errors", views_);
        }
        archive.object("thresholds", thresholds_);
    }

  private:
    static Eigen::Map<const matrix<scalar_type>> view(const matrix<scalar_type>& values) noexcept {
        return {values.data(), values.rows(), values.cols()};
    }
    static bool exceeds(double score, double threshold) noexcept { return score > threshold; }

    /// How far a detector with fitted errors has come.
    detector_phase phase_with_thresholds() const noexcept {
        return thresholds_.available() ? detector_phase::tuned : detector_phase::errors_fitted;
    }

    void allocate() {
        const int window = settings_.window;
        predictor_ = predictor<Model>(model_, 1, window);
        scaled_.setZero(features(), window);
        prediction_ = scaled_;
        errors_.setZero(features(), window);
        newest_.setZero(features());
        window_ = sample_window<scalar_type>(features(), window);
    }

    /// Refuses sizes that the rest of the file does not bear out, before memory is taken for them.
    template <class Archive>
    void check_declared_sizes(Archive& archive) const {
        constexpr index_t largest_window = index_t{1} << 26;
        if (!archive.outcome().ok()) {
            return;
        }
        if (const index_t values = index_t{features()} * settings_.window;
            values > largest_window) {
            archive.fail(status::error(error_code::format_error, "a window of ", values,
                                       " values is larger than ", largest_window));
        }
        if (phase_ >= detector_phase::trained) {
            detail::check_parameter_shapes(archive, model_);
        }
    }

    status require(const char* caller, detector_phase needed,
                   const window_list& given) const noexcept {
        return detail::require_phase(*this, caller, needed, given, settings_.window);
    }

    void predict_scaled(const scalar_type* window) noexcept {
        const int time = settings_.window;
        predictor_.predict(model_, parameters(),
                           sequence_view<const scalar_type>(window, features(), 1, time),
                           sequence_view<scalar_type>(prediction_.data(), features(), 1, time));
    }
    /// Calls `visit(k, window, prediction)` for each window, both in scaled units.
    template <class Visit>
    void for_each_prediction(const window_list& source, Visit&& visit) const {
        matrix<scalar_type> scaled = source.values();
        scaler_.transform(scaled);
        predict_windows(model_, parameters(), source.over(view(scaled)), settings_.batch_size,
                        visit);
    }
    /// Calls `visit(k, errors)` with the absolute errors of each window in scaled units.
    template <class Visit>
    void for_each_error(const window_list& source, Visit&& visit) {
        for_each_prediction(source, [&](index_t k, const auto& window, const auto& prediction) {
            absolute_residual(window, prediction, errors_);
            visit(k, std::as_const(errors_));
        });
    }

    Model model_;
    detector_settings settings_;
    Scaler scaler_;
    error_views<Statistic> views_;
    threshold_pair<Rule> thresholds_;
    detector_phase phase_ = detector_phase::created;

    aligned_vector<scalar_type> parameters_;
    sample_window<scalar_type> window_;

    // Buffers of score() and push(), sized once.
    predictor<Model> predictor_;
    matrix<scalar_type> scaled_;
    matrix<scalar_type> prediction_;
    matrix<double> errors_;
    column<scalar_type> newest_;
};

} // namespace tocsin
