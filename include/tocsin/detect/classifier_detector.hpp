/// @file classifier_detector.hpp
/// @brief A classifier of windows with its scaler and threshold, for recordings and streams.
#pragma once

#include "tocsin/alarm/alarm_control.hpp"
#include "tocsin/alarm/no_alarm_control.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/detect/classifier_archive.hpp"
#include "tocsin/detect/classifier_learned.hpp"
#include "tocsin/detect/classifier_settings.hpp"
#include "tocsin/detect/classifier_windows.hpp"
#include "tocsin/detect/detector_stream.hpp"
#include "tocsin/detect/push.hpp"
#include "tocsin/detect/push_group.hpp"
#include "tocsin/detect/sample_view.hpp"
#include "tocsin/detect/stream_clock.hpp"
#include "tocsin/detect/verdict.hpp"
#include "tocsin/series/scaler.hpp"
#include "tocsin/series/scalers/robust_scaler.hpp"
#include "tocsin/tail/alarm_rate.hpp"
#include "tocsin/threshold/threshold_rule.hpp"
#include "tocsin/training/classifier_state.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <utility>
#include <vector>

namespace tocsin {

/// Learns from labelled samples, and returns for each sample of a stream how likely the window that
/// ends with it is anomalous. Where labels are few or the next fault may be of another kind, a
/// `detector`, which learns what is normal, is the safer choice: see docs/choosing.md.
///
/// Time, missing values, lost sensors and alarms are handled as by a `detector`, by the same code;
/// the network reads the last value of a sensor where one is missing. What is learned is const in
/// push(): any number of threads can share it, each with its own streams. save_detector
/// (io/detector_file.hpp) and save_stream (io/stream_file.hpp) save it and them.
/// @tparam Network a `sequential` with one logit (or two) for a window
/// @tparam Alarm   alarm control, such as an alarm_chain; every stream has a copy
template <class Network, scaler Scaler = robust_scaler<typename Network::scalar_type>,
          alarm_piece Alarm = no_alarm_control>
class classifier_detector {
    using learned_type = detail::classifier_parts<Network, Scaler, Alarm>;

  public:
    using scalar_type = typename Network::scalar_type;
    /// Samples, `[features x time]`.
    using samples_view = matrix_view<const scalar_type>;
    /// Samples with labels.
    using samples_type = labelled_samples<scalar_type>;
    /// What is remembered of one stream.
    using stream_type = detector_stream<typename learned_type::memory_type>;
    static constexpr const char* kind = "classifier_detector";
    /// Since 2, files have the settings of streams; since 3, what is expected of false alarms.
    static constexpr int version = 3;

    /// One to load into.
    classifier_detector() : classifier_detector(Network{}) {}
    /// Settings that cannot work are reported by check() and every phase.
    explicit classifier_detector(Network network, classifier_detector_settings settings = {},
                                 Scaler scaling = {}, Alarm alarm = Alarm{})
        : parts_{.model = std::move(network),
                 .given = settings,
                 .scaler = std::move(scaling),
                 .alarm = std::move(alarm)} {
        if (check().ok()) {
            parts_.prepare();
        }
        detail::settle_classifier(parts_);
    }

    /// The shape of the network.
    const Network& network() const noexcept { return parts_.model; }
    int features() const noexcept { return parts_.features(); }
    /// A hash of everything that is learned and set; tells its streams from others.
    std::uint64_t identity() const noexcept { return parts_.identity; }
    /// The scaler, fitted by train().
    const Scaler& data_scaler() const noexcept { return parts_.scaler; }
    const classifier_detector_settings& settings() const noexcept { return parts_.given; }
    const Alarm& alarm_control() const noexcept { return parts_.alarm; } ///< streams have copies
    /// Of the best epoch, or of set_weights(); empty before.
    std::span<const scalar_type> parameters() const noexcept { return parts_.weights; }
    /// The record of training.
    const std::vector<classification_record>& history() const noexcept { return history_; }
    /// Whether there are weights.
    bool trained() const noexcept { return parts_.trained(); }
    /// Names the first setting of detector, network or alarm control that is out of range.
    status check() const noexcept { return parts_.check(); }
    /// Probability above which a window is anomalous; 1/2 until tune() or set_threshold().
    double threshold() const noexcept { return parts_.stream_threshold; }
    /// @param probability in [0, 1], else `invalid_argument`
    status set_threshold(double probability) {
        if (!(probability >= 0 && probability <= 1)) {
            return status::error(error_code::invalid_argument, "classifier_detector: threshold ",
                                 probability, " is not a probability");
        }
        parts_.stream_threshold = probability;
        detail::settle_classifier(parts_);
        return {};
    }
    /// See detector::set_alarm_control().
    status set_alarm_control(const Alarm& alarm) {
        return detail::set_alarm(parts_, alarm, detail::settle_classifier<learned_type>);
    }

    // ---- phases -----------------------------------------------------------------------------
    /// Fits the scaler to the training samples and trains the network on the windows that a stream
    /// would judge: none spans two recordings or a gap. A failure leaves the detector as it was.
    /// Allocates. Samples are in order of time; split them by date (split_at_times), not by window.
    /// @param validation decides which epoch is the best; empty if the trainer needs none
    /// @param trainer    a classifier_trainer
    /// @param callbacks  see classifier_trainer::fit
    template <class Trainer, classifier_callback<scalar_type>... Callbacks>
    status train(const samples_type& training, const samples_type& validation,
                 const Trainer& trainer, Callbacks&&... callbacks) {
        if (const status usable = check(); !usable.ok()) {
            return usable;
        }
        auto state =
            classifier_state<scalar_type>::fresh(network(), trainer.optimiser, trainer.seed);
        return train_from(state, training, validation, trainer, callbacks...);
    }
    /// The same with one recording each.
    template <class Trainer, classifier_callback<scalar_type>... Callbacks>
    status train(samples_view values, std::span<const std::uint8_t> labels, samples_view validation,
                 std::span<const std::uint8_t> validation_labels, const Trainer& trainer,
                 Callbacks&&... callbacks) {
        return train(samples_type{values, labels}, samples_type{validation, validation_labels},
                     trainer, callbacks...);
    }
    /// The same from a state of the caller: made by classifier_state::fresh, or a checkpoint, from
    /// which training continues as if it had never stopped. On return it holds the end of the run.
    template <class Trainer, classifier_callback<scalar_type>... Callbacks>
    status train_from(classifier_state<scalar_type>& state, const samples_type& training,
                      const samples_type& validation, const Trainer& trainer,
                      Callbacks&&... callbacks) {
        status ready = check();
        ready = ready.ok() ? training.check(features()) : ready;
        if (!ready.ok()) {
            return ready;
        }
        learned_type next = parts_;
        next.prepare();
        const auto rows = make_windows(training.values, 1);
        ready = rows.ok() ? next.scaler.fit(*rows) : rows.error();
        if (!ready.ok()) {
            return ready;
        }
        const auto learned = detail::of_both_classes(
            detail::labelled_windows_of_stream(next, training, settings().stride));
        result judged{detail::labelled_judged_windows<scalar_type>{}};
        if (validation.values.cols() > 0) {
            judged = detail::labelled_windows_of_stream(next, validation, settings().stride);
        }
        if (!learned.ok() || !judged.ok()) {
            return learned.ok() ? judged.error() : learned.error();
        }
        const int window = settings().window;
        ready =
            trainer.fit(network(), {learned->windows.view(window), learned->classes, {}},
                        {judged->windows.view(window), judged->classes, {}}, state, callbacks...);
        if (ready.ok()) {
            next.weights = state.best_parameters;
            next.false_alarms = {};
            parts_ = std::move(next);
            history_ = state.history;
            detail::settle_classifier(parts_);
        }
        return ready;
    }

    /// Chooses the threshold by the probabilities of samples that were not trained on.
    /// @param rule such as f_beta_threshold; its threshold must be a probability
    template <threshold_rule Rule>
    status tune(const samples_type& samples, Rule rule) {
        if (const status ready = require_trained(); !ready.ok()) {
            return ready;
        }
        const auto judged = detail::labelled_windows_of_stream(parts_, samples, 1);
        if (!judged.ok()) {
            return judged.error();
        }
        std::vector<double> scores;
        std::vector<std::uint8_t> truth;
        detail::for_each_probability(parts_, judged->windows, [&](std::size_t k, double score) {
            if (!std::isnan(score)) {
                scores.push_back(score);
                truth.push_back(static_cast<std::uint8_t>(judged->classes[k]));
            }
        });
        const status fitted = rule.fit(scores, truth);
        return fitted.ok() ? set_threshold(rule.threshold()) : fitted;
    }
    /// The same with one recording.
    template <threshold_rule Rule>
    status tune(samples_view values, std::span<const std::uint8_t> labels, Rule rule) {
        return tune(samples_type{values, labels}, std::move(rule));
    }

    /// Learns how high the probabilities of normal windows are, from samples that were not trained
    /// on: verdicts then have expected_false_alarms, as those of a detector by alarm_rate, which an
    /// ensemble needs. The threshold stays. train() and set_weights() forget it. Allocates.
    /// @param samples in order of time; anomalous windows are left out
    /// @param rule    of the tail of the log-odds of their probabilities
    /// @return `invalid_data` for fewer normal windows than the rule's settings need (fewest_scores())
    status fit_false_alarms(const samples_type& samples, alarm_rate rule = {}) {
        if (const status ready = require_trained(); !ready.ok()) {
            return ready;
        }
        const status fitted = detail::fit_false_alarms(parts_, samples, std::move(rule));
        if (fitted.ok()) {
            detail::settle_classifier(parts_);
        }
        return fitted;
    }
    /// The same with one recording.
    status fit_false_alarms(samples_view values, std::span<const std::uint8_t> labels,
                            alarm_rate rule = {}) {
        return fit_false_alarms(samples_type{values, labels}, std::move(rule));
    }
    /// What fit_false_alarms() has learned.
    const alarm_rate& false_alarms() const noexcept { return parts_.false_alarms; }
    /// Whether verdicts have expected_false_alarms, which an ensemble requires.
    bool knows_false_alarms() const noexcept { return parts_.false_alarms.fitted(); }

    /// Takes over weights and a scaler that were trained elsewhere, such as a converted model's. A
    /// failure leaves the detector as it was. Allocates.
    /// @param parameters  in the network's layout
    /// @param data_scaler fitted, of the network's features
    /// @return `invalid_argument` where a size is not the network's or a weight is not finite
    status set_weights(std::span<const scalar_type> parameters, const Scaler& data_scaler) {
        status usable = check();
        usable = usable.ok() ? parts_.check_weights(parameters, data_scaler) : usable;
        if (usable.ok()) {
            parts_.prepare();
            parts_.weights.assign(parameters.begin(), parameters.end());
            parts_.scaler = data_scaler;
            parts_.false_alarms = {};
            history_.clear();
            detail::settle_classifier(parts_);
        }
        return usable;
    }

    // ---- recorded data ----------------------------------------------------------------------
    /// The scores that push() gives a stream of these samples, up to rounding: the probability that
    /// the window that ends with a sample is anomalous, NaN for one without a score. Allocates.
    /// @param times of the samples; none: not known
    result<std::vector<double>> probabilities(samples_view values,
                                              std::span<const double> times = {}) const {
        if (const status ready = require_trained(); !ready.ok()) {
            return ready;
        }
        if (values.rows() != features() ||
            (!times.empty() && static_cast<index_t>(times.size()) != values.cols())) {
            return status::error(error_code::invalid_argument, "classifier_detector: samples have ",
                                 values.rows(), " features and ", times.size(), " times for ",
                                 values.cols(), " samples, the network has ", features(),
                                 " features");
        }
        std::vector<double> found(static_cast<std::size_t>(values.cols()),
                                  std::numeric_limits<double>::quiet_NaN());
        const auto judged = detail::windows_of_stream(parts_, values, {}, times, 1);
        detail::for_each_probability(parts_, judged, [&](std::size_t k, double score) {
            found[static_cast<std::size_t>(judged.last_rows[k])] = score;
        });
        return found;
    }

    // ---- streams: no heap, no exception, no lock --------------------------------------------
    /// A stream that has seen nothing. Allocates all that push() and explain() need.
    stream_type make_stream() const { return stream_type(parts_.make_stream()); }
    /// Bytes of a stream by make_stream(), all told.
    std::size_t stream_size() const noexcept {
        return static_cast<std::size_t>(parts_.layout.bytes()) + sizeof(stream_type);
    }

    /// Takes the newest sample of a stream and judges the window that ends with it: the score of
    /// the verdict is its probability of being anomalous. Never allocates.
    /// @param stream made by make_stream() of this detector, after train(); else `not_ready`
    /// @param sample `[features]`, else `wrong_size`; NaN where a value is missing
    /// @param time   of the sample, in any unit; NaN: not known
    verdict push(stream_type& stream, sample_view<scalar_type> sample,
                 double time = unknown_time) const noexcept TOCSIN_NONBLOCKING {
        return detail::push_one(parts_, stream.memory_, sample, time);
    }

    /// What push_all() needs, one per thread. Allocates.
    /// @param group streams whose windows are judged together, at least 1
    fleet_workspace<scalar_type> make_fleet_workspace(int group = 8) const {
        return fleet_workspace<scalar_type>(parts_, std::max(group, 1));
    }
    /// Takes one sample of each of many streams. Scores agree with push() within rounding: the
    /// network reads many windows at once, which adds in another order.
    /// Spans of another number are a broken precondition; release builds leave out what is missing.
    /// @param samples  `[features x streams]`
    /// @param verdicts one per stream, overwritten; `not_ready` for a workspace of other sizes
    /// @param times    one per stream; none: not known
    void push_all(std::span<stream_type> streams, samples_view samples, std::span<verdict> verdicts,
                  fleet_workspace<scalar_type>& workspace,
                  std::span<const double> times = {}) const noexcept TOCSIN_NONBLOCKING {
        workspace.push_all(
            parts_, streams.size(), [&](std::size_t k) -> auto& { return streams[k].memory_; },
            samples, verdicts, times);
    }

    /// Which sensors the last score of a stream rests on, by occlusion: how much the logit falls
    /// when a sensor stays at the centre of the scaler for the whole window (Zeiler and Fergus, ECCV
    /// 2014). One more pass per sensor. Never allocates.
    /// @param shares `[features]`, overwritten: at least 0, with the sum 1; all 0 when no sensor
    ///               speaks for an anomaly, the last sample has no score, or their number is another
    void explain(stream_type& stream, std::span<double> shares) const noexcept {
        TOCSIN_ASSERT(static_cast<int>(shares.size()) == features(),
                      "classifier_detector: one share for each feature");
        detail::occlusion_shares(parts_, stream.memory_, shares);
    }

    // ---- persistence ------------------------------------------------------------------------
    /// Describes the detector to an archive, without the history. A failed load is not trained.
    template <class Archive>
    void exchange(Archive& archive) {
        if constexpr (Archive::loading) {
            history_.clear();
        }
        detail::exchange_learned_classifier(archive, parts_);
    }
    /// Describes a stream of this detector to an archive of bytes.
    template <class Archive>
    void exchange_stream(Archive& archive, stream_type& stream) const {
        detail::exchange_classifier_stream(archive, parts_, stream.memory_);
    }

  private:
    status require_trained() const noexcept {
        return trained()
                   ? check()
                   : status::error(error_code::not_ready, "classifier_detector: train it first");
    }

    learned_type parts_;
    std::vector<classification_record> history_;
};

} // namespace tocsin
