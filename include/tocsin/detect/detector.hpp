/// @file detector.hpp
/// @brief The composition: scaler, model, error statistics, threshold rule, alarm control.
#pragma once

#include "tocsin/alarm/no_alarm_control.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/detect/borrow.hpp"
#include "tocsin/detect/detector_archive.hpp"
#include "tocsin/detect/detector_stream.hpp"
#include "tocsin/detect/fitting.hpp"
#include "tocsin/detect/held_out_fit.hpp"
#include "tocsin/detect/learn.hpp"
#include "tocsin/detect/push_group.hpp"
#include "tocsin/detect/scaled_training.hpp"
#include "tocsin/detect/stream_answers.hpp"
#include "tocsin/detect/tuning_scores.hpp"
#include "tocsin/detect/window_workspace.hpp"
#include "tocsin/errors/mahalanobis.hpp"
#include "tocsin/series/scalers/standard_scaler.hpp"
#include "tocsin/threshold/quantile_threshold.hpp"
#include "tocsin/training/fit.hpp"

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>

namespace tocsin {

/// Finds anomalies with a model of normal data: what the model cannot reconstruct or forecast, as
/// measured by an error statistic, is anomalous (Malhotra et al. 2015 and 2016; Singh 2017).
///
/// A model that reconstructs windows gives their absolute errors, seen per time step and per feature
/// (error_view), each with a statistic and a threshold of its own. A forecaster gives for each
/// sample one vector, `[targets * look_ahead]`, of sample minus forecast.
///
/// train(), fit_errors() and tune() make the detector, in this order. After that every function is
/// const and can be called by any number of threads; a stream by make_stream() remembers what belongs
/// to it alone. Samples and expected values are in original units, errors scaled; NaN: missing.
/// @tparam Model     concept detector_model: encoder_decoder, autoencoder, forecaster, ...
/// @tparam Scaler    concept scaler
/// @tparam Statistic concept error_statistic, constructible from a dimension
/// @tparam Rule      concept threshold_rule
/// @tparam Alarm     alarm control, such as an alarm_chain; every stream has a copy
/// @tparam Window    window length at compile time, in place of 30 in the settings; or `dynamic`
template <detector_model Model, scaler Scaler = standard_scaler<typename Model::scalar_type>,
          error_statistic Statistic = mahalanobis<>, threshold_rule Rule = quantile_threshold,
          alarm_piece Alarm = no_alarm_control, int Window = dynamic>
class detector {
    using learned_type = detail::learned_parts<Model, Scaler, Statistic, Rule, Alarm, Window>;

  public:
    using scalar_type = typename Model::scalar_type;
    using window_list = windows<scalar_type>;
    using stream_type = detector_stream<typename learned_type::memory_type>;
    /// Whether the model reconstructs windows; otherwise it forecasts.
    static constexpr bool reconstructs = learned_type::views == 2;
    static constexpr bool expects_false_alarms = rule_with_expectation<Rule>; ///< for ensembles

    /// A detector that waits to be loaded.
    detector()
        requires std::default_initializable<Scaler> && std::default_initializable<Rule> &&
                 std::default_initializable<Alarm>
        : detector(Model{}) {}
    /// Settings that cannot work are reported by check() and every phase.
    explicit detector(Model model, detector_settings settings = {}, Scaler data_scaler = {},
                      Rule rule = Rule{}, Alarm alarm = Alarm{})
        : parts_{.model = std::move(model),
                 .settings = settings,
                 .scaler = std::move(data_scaler),
                 .thresholds = threshold_pair<Rule, learned_type::views>(rule),
                 .alarm = std::move(alarm)} {
        if (settings.window == detector_settings{}.window && Window != dynamic) {
            parts_.settings.window = Window;
        }
        if (check().ok()) {
            parts_.prepare();
            detail::settle(parts_);
        }
    }

    const Model& model() const noexcept { return parts_.model; }
    const detector_settings& settings() const noexcept { return parts_.settings; }
    const Scaler& data_scaler() const noexcept { return parts_.scaler; }
    const auto& step_statistic() const noexcept { return parts_.errors.per_step(); }
    const auto& feature_statistic() const noexcept
        requires reconstructs
    {
        return parts_.errors.per_feature();
    }
    const Rule& rule(error_view view = error_view::per_step) const noexcept {
        return parts_.thresholds.rule(view);
    }
    const Alarm& alarm_control() const noexcept { return parts_.alarm; } ///< streams have copies
    detector_phase phase() const noexcept { return parts_.phase; }
    int features() const noexcept { return parts_.features(); }
    /// The model's parameters, in its layout; none before train().
    std::span<const scalar_type> parameters() const noexcept { return parts_.weights.parameters(); }
    const auto& training_mean() const noexcept { return parts_.mean; } ///< `[features]`, scaled
    /// What scores are compared with; infinity before tune(). A forecaster has one for both views.
    double threshold(error_view view = error_view::per_step) const noexcept {
        return parts_.thresholds.threshold(view);
    }
    /// Samples after a start that a stream does not score.
    int warm_up() const noexcept { return parts_.warm_up; }
    /// A hash of everything learned: saved streams belong to the detector with the same.
    std::uint64_t identity() const noexcept { return parts_.identity; }
    /// Names the first setting of detector or model that is out of range.
    status check() const noexcept { return parts_.check(); }

    // ---- phases -----------------------------------------------------------------------------
    /// Fits the scaler to the training windows, then the model; keeps the best weights.
    /// A failure leaves the detector as it was. Allocates.
    /// @param training   windows of normal data; NaN where a value is missing, nothing infinite
    /// @param validation windows that decide which epoch is best; may be empty
    /// @param trainer    with its policies
    /// @param callbacks  see trainer::fit
    template <class Trainer, training_callback<scalar_type>... Callbacks>
    status train(const window_list& training, const window_list& validation, const Trainer& trainer,
                 Callbacks&&... callbacks) {
        if (const status ready = check(); !ready.ok()) {
            return ready;
        }
        auto state = training_state<scalar_type>::fresh(model(), trainer.optimiser, trainer.seed);
        return train_from(state, training, validation, trainer, callbacks...);
    }
    /// The same from a state of the caller: made by training_state::fresh, or a checkpoint, from
    /// which training continues as if it had never stopped. On return it holds the end of the run.
    template <class Trainer, training_callback<scalar_type>... Callbacks>
    status train_from(training_state<scalar_type>& state, const window_list& training,
                      const window_list& validation, const Trainer& trainer,
                      Callbacks&&... callbacks) {
        status ready = check();
        ready = ready.ok() ? detail::train_observed(parts_, state, training, validation, trainer,
                                                    window_steps(), callbacks...)
                           : ready;
        return detail::finish_phase(parts_, detector_phase::trained, ready);
    }
    /// Takes over a scaler and weights that were trained elsewhere: they stay in memory of the
    /// caller, such as flash or a mapped file, which must outlive the detector and its copies.
    /// @param mean of the training data, `[features]`, original units
    /// @return `invalid_argument` where a size is not the model's or a value is not finite. A failure
    ///         leaves the detector as it was.
    status borrow(const borrowed_weights<scalar_type>& weights, const Scaler& data_scaler,
                  sample_view<scalar_type> mean) {
        status taken = check();
        taken = taken.ok() ? detail::borrow_weights(parts_, weights, data_scaler, mean) : taken;
        return detail::finish_phase(parts_, detector_phase::trained, taken);
    }
    /// The same of weights that it has already, bit for bit: what was fitted stays, its own copy goes.
    /// @return `not_ready` without weights; `invalid_argument` for others, which are not taken
    status borrow(const borrowed_weights<scalar_type>& weights) {
        return detail::borrow_same_weights(parts_, weights);
    }
    /// Fits the error statistics to the errors of normal windows, which should not be those trained
    /// on, and finds out how long a forecaster warms up. Windows of a forecaster may have any
    /// length; each starts afresh. Tuned thresholds are gone; those of override_thresholds() stay.
    /// A failure leaves the detector as it was. Allocates.
    status fit_errors(const window_list& normal) {
        status fitted = require("fit_errors", detector_phase::trained, normal);
        fitted = fitted.ok() ? detail::fit_error_views(parts_, normal) : fitted;
        return detail::finish_phase(parts_, detector_phase::errors_fitted, fitted);
    }
    /// Fits the threshold rules to the scores of windows; what has no score is left out. The windows
    /// of fit_errors() themselves are recognised, and scored as if the statistics had not seen them.
    /// A failure leaves the thresholds as they were. Allocates.
    /// @param labels one per window, or, for a forecaster, one per sample, window by window: nonzero
    ///               = anomalous; empty: all are normal
    status tune(const window_list& tuning, std::span<const std::uint8_t> labels = {}) {
        const status ready = require("tune", detector_phase::errors_fitted, tuning);
        return ready.ok() ? detail::tune_parts(parts_, tuning, labels) : ready;
    }

    /// All phases: trains on all windows, fits statistics and thresholds to errors of other models in
    /// windows that those have not learned from. A failure leaves the detector as it was. Allocates.
    /// @param data normal windows, or what held_out_data says; NaN where a value is missing
    /// @param plan cross_fit{} (with a mean_of_models, its models stay) or, for drift, rolling_origin{}
    template <class Trainer, held_out_plan Plan, training_callback<scalar_type>... Callbacks>
    status fit(const held_out_data<scalar_type>& data, const Trainer& trainer, const Plan& plan,
               Callbacks&&... callbacks) {
        const status ok = check();
        return !ok.ok() ? ok
                        : detail::fit_observed(parts_, data, trainer, plan, window_steps(),
                                               callbacks...);
    }

    /// Puts another rule in place of all, which tune() fits; the thresholds they had are gone.
    void set_rule(const Rule& rule) {
        parts_.thresholds.set_rule(rule);
        detail::settle(parts_);
    }
    /// Puts another alarm control in place; streams that were made before keep theirs.
    /// @return `invalid_argument` for one whose settings are unusable, which is not taken
    status set_alarm_control(const Alarm& alarm) {
        return detail::set_alarm(parts_, alarm, detail::settle<learned_type>);
    }
    /// Puts the caller's thresholds in place of the tuned ones, which are gone. With one for every
    /// view a detector with fitted errors needs no tune(); taking them away undoes that. Infinity
    /// keeps a view from flagging anything, and so does NaN.
    void override_thresholds(std::optional<double> per_step) {
        detail::override_thresholds(parts_, per_step, std::nullopt);
    }
    /// The same of both views of a model that reconstructs.
    void override_thresholds(std::optional<double> per_step, std::optional<double> per_feature)
        requires reconstructs
    {
        detail::override_thresholds(parts_, per_step, per_feature);
    }

    // ---- recorded data ----------------------------------------------------------------------
    /// Scores of windows, in order; see detector_scores. Allocates.
    /// @param execution such as `data_parallel{.threads = 8}`, for the same bits sooner
    template <shared_memory_execution Execution = serial_execution>
    result<detector_scores> scores(const window_list& scored,
                                   const Execution& execution = {}) const {
        const status ready = require("scores", detector_phase::errors_fitted, scored);
        return ready.ok() ? detail::checked_scores(parts_, scored, execution) : ready;
    }

    /// Reconstructs windows in batches and calls `visit(k, window, reconstruction)` for each, both
    /// `[features x window]` in original units. Allocates.
    template <class Visit>
        requires reconstructs
    status reconstruct(const window_list& source, Visit&& visit) const {
        if (const status ready = require("reconstruct", detector_phase::trained, source);
            !ready.ok()) {
            return ready;
        }
        detail::for_each_reconstruction(parts_, source, visit);
        return {};
    }

    /// What score() needs, one per thread. Allocates.
    window_workspace<scalar_type> make_workspace() const
        requires reconstructs
    {
        return window_workspace<scalar_type>(parts_);
    }
    /// Judges one window. Never allocates.
    /// @param window    `[features x window]`; of another shape or before fit_errors() there is no
    ///                  score, and the verdict says why
    /// @param workspace by make_workspace(); holds the details afterwards
    template <class Derived>
        requires reconstructs
    window_verdict
    score(const Eigen::MatrixBase<Derived>& window,
          window_workspace<scalar_type>& workspace) const noexcept TOCSIN_NONBLOCKING {
        return workspace.score(parts_, window);
    }

    // ---- streams: no heap, no exception, no lock --------------------------------------------
    /// A stream at its start. Allocates where sizes are dynamic.
    stream_type make_stream() const { return stream_type(parts_.make_stream()); }
    /// Bytes of a stream by make_stream(), all told.
    std::size_t stream_size() const noexcept {
        return parts_.heap_bytes_of_stream() + sizeof(stream_type);
    }

    /// Takes the newest sample of a stream and judges it. Never allocates.
    /// @param sample `[features]`; NaN where a value is missing. Those are left out of the score, and
    ///               the model reads a replacement (detector_settings::missing).
    /// @param time   of the sample, in any unit; NaN: not known
    verdict push(stream_type& stream, sample_view<scalar_type> sample,
                 double time = unknown_time) const noexcept TOCSIN_NONBLOCKING {
        return detail::push_one(parts_, stream.memory_, sample, time);
    }

    /// What push_all() needs, one per thread. Allocates.
    /// @param group streams whose models run together; a group should fit the second-level cache
    fleet_workspace<scalar_type> make_fleet_workspace(int group = 64) const {
        return fleet_workspace<scalar_type>(parts_, std::max(group, 1));
    }
    /// Takes one sample of each of many streams. Scores agree with push() within 1e-5 of
    /// the larger of score and threshold: the model runs for many streams at once, which adds in
    /// another order. Never allocates.
    /// Spans of another number are a broken precondition; release builds leave out what is missing.
    /// @param samples  `[features x streams]`
    /// @param verdicts one per stream, overwritten; `not_ready` for a workspace of other sizes
    /// @param times    one per stream; none: not known
    void push_all(std::span<stream_type> streams, matrix_view<const scalar_type> samples,
                  std::span<verdict> verdicts, fleet_workspace<scalar_type>& workspace,
                  std::span<const double> times = {}) const noexcept TOCSIN_NONBLOCKING {
        workspace.push_all(
            parts_, streams.size(), [&](std::size_t k) -> auto& { return streams[k].memory_; },
            samples, verdicts, times);
    }
    /// The same from a matrix.
    void push_all(std::span<stream_type> streams, const matrix<scalar_type>& samples,
                  std::span<verdict> verdicts, fleet_workspace<scalar_type>& workspace,
                  std::span<const double> times = {}) const noexcept TOCSIN_NONBLOCKING {
        push_all(streams, detail::view_of(samples), verdicts, workspace, times);
    }
    /// What each feature accounts for in the last score of a stream: non-negative with sum 1, 0 for
    /// a feature that was missing or is not forecast; all 0 after no score or 0. Never allocates.
    /// @param out `[features]`
    void shares(const stream_type& stream, std::span<double> out) const noexcept {
        detail::feature_shares(parts_, stream.memory_, out);
    }
    /// The newest forecast of a stream, `[targets x look_ahead]` in original units, the next sample
    /// first; NaN before the first sample. Allocates.
    matrix<scalar_type> forecast(const stream_type& stream) const
        requires(!reconstructs)
    {
        return detail::newest_forecast(parts_, stream.memory_);
    }

    // ---- learning on a stream ---------------------------------------------------------------
    /// Gives a stream its own copies of what adapts; they are saved with it. Allocates. A
    /// failure leaves the stream as it was.
    /// @return `not_ready` before fit_errors(); `invalid_argument` for unusable settings and, with
    ///         a finite half-life, for a model of windows unless it scores the newest step alone,
    ///         per step
    status enable_learning(stream_type& stream, const learning_settings& settings) const {
        return detail::enable_learning(parts_, stream.memory_, settings);
    }
    /// Learns from the sample that push() took last; call it after each. Leaves out samples without a
    /// score or with missing values and, except for the rule, anomalies. Never allocates.
    void learn(stream_type& stream) const noexcept TOCSIN_NONBLOCKING {
        detail::learn(parts_, stream.memory_);
    }

    // ---- persistence ------------------------------------------------------------------------
    static constexpr int version = 1;
    /// Describes the detector, as far as it has come, to an archive; see io/detector_file.hpp.
    template <class Archive>
    void exchange(Archive& archive) {
        detail::exchange_learned(archive, parts_);
    }
    /// Describes a stream to an archive of bytes; see io/stream_file.hpp.
    template <class Archive>
    void exchange_stream(Archive& archive, stream_type& stream) const {
        detail::exchange_stream(archive, parts_, stream.memory_);
    }

  private:
    /// Steps that a window must have; 0: any number.
    int window_steps() const noexcept { return reconstructs ? settings().window : 0; }
    status require(const char* caller, detector_phase needed,
                   const window_list& given) const noexcept {
        return detail::require_phase(*this, caller, needed, given, window_steps());
    }
    learned_type parts_;
};

} // namespace tocsin
