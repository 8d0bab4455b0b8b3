/// @file classifier_detector.hpp
/// @brief A classifier of windows with its scaler and threshold, for recordings and streams.
#pragma once

#include "tocsin/core/bounded.hpp"
#include "tocsin/core/checked_size.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/core/storage.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/detect/classifier_archive.hpp"
#include "tocsin/detect/classifier_stream.hpp"
#include "tocsin/detect/classifier_windows.hpp"
#include "tocsin/detect/identity.hpp"
#include "tocsin/detect/sample_view.hpp"
#include "tocsin/detect/sample_window.hpp"
#include "tocsin/detect/verdict.hpp"
#include "tocsin/models/logits.hpp"
#include "tocsin/series/labelled_windows.hpp"
#include "tocsin/series/scaler.hpp"
#include "tocsin/series/scalers/robust_scaler.hpp"
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

/// Learns from labelled rows and says of each sample of a stream how likely the window that ends
/// with it is anomalous. Where labels are few or the next fault may be of another kind, a
/// `detector`, which learns what is normal, is the safer choice: see docs/choosing.md.
///
/// A value that is missing (NaN, infinite) is replaced by the last one of its sensor, by the centre
/// of the scaler when there was none. What is learned is const in push(): any number of threads can
/// share it, each with its own streams. save_detector (io/detector_file.hpp) and save_stream
/// (io/stream_file.hpp) save it and them.
/// @tparam Network a `sequential` with one logit (or two) for a window
template <class Network, scaler Scaler = robust_scaler<typename Network::scalar_type>>
class classifier_detector {
  public:
    using scalar_type = typename Network::scalar_type;
    /// Samples, `[features x time]`.
    using samples_view = matrix_view<const scalar_type>;
    static constexpr const char* kind = "classifier_detector";
    static constexpr int version = 1;

    /// What is remembered of one stream.
    using stream_type = classifier_stream<scalar_type>;

    /// One to load into.
    classifier_detector() : classifier_detector(Network{}) {}
    /// Settings that cannot work are reported by every phase.
    explicit classifier_detector(Network network, classifier_detector_settings settings = {},
                                 Scaler scaling = {})
        : network_{std::move(network)}, settings_{settings}, scaler_{std::move(scaling)} {
        settle();
    }

    /// The shape of the network.
    const Network& network() const noexcept { return network_; }
    int features() const noexcept { return network_.features(); }
    /// A hash of everything that is learned and set; tells its streams from others.
    std::uint64_t identity() const noexcept { return identity_; }
    /// The scaler, fitted by train().
    const Scaler& scaling() const noexcept { return scaler_; }
    const classifier_detector_settings& settings() const noexcept { return settings_; }
    /// Of the best epoch, or of set_weights(); empty before.
    std::span<const scalar_type> parameters() const noexcept { return parameters_; }
    /// The record of training.
    const std::vector<classification_record>& history() const noexcept { return history_; }
    /// Whether there are weights.
    bool trained() const noexcept { return !parameters_.empty(); }
    /// Probability above which a window is anomalous; 1/2 until tune() or set_threshold().
    double threshold() const noexcept { return threshold_; }
    /// @param probability in [0, 1], else `invalid_argument`
    status set_threshold(double probability) noexcept {
        if (!(probability >= 0 && probability <= 1)) {
            return status::error(error_code::invalid_argument, "classifier_detector: threshold ",
                                 probability, " is not a probability");
        }
        threshold_ = probability;
        settle();
        return {};
    }

    /// Fits the scaler to the training rows and trains the network. Allocates. Both recordings are
    /// in order of time; split them by date (split_at_times), not by window.
    /// @param values     `[features x samples]`; missing values are NaN
    /// @param labels     one per sample, nonzero = anomalous
    /// @param validation decides which epoch is the best; empty if the trainer needs none
    /// @param trainer    a classifier_trainer
    template <class Trainer, class... Callbacks>
    status train(samples_view values, std::span<const std::uint8_t> labels, samples_view validation,
                 std::span<const std::uint8_t> validation_labels, const Trainer& trainer,
                 Callbacks&&... callbacks) {
        if (const status usable = check(values); !usable.ok()) {
            return usable;
        }
        Scaler scaling = scaler_;
        const auto rows = make_windows(values, 1);
        if (const status fitted = rows.ok() ? scaling.fit(*rows) : rows.error(); !fitted.ok()) {
            return fitted;
        }
        const Scaler before = std::exchange(scaler_, std::move(scaling));
        const matrix<scalar_type> scaled = detail::scale_and_hold<scalar_type>(scaler_, values);
        const matrix<scalar_type> judged = detail::scale_and_hold<scalar_type>(scaler_, validation);
        auto training = detail::label_windows(scaled, labels, settings_);
        auto state =
            classifier_state<scalar_type>::fresh(network_, trainer.optimiser, trainer.seed);
        status outcome = training.ok() ? status{} : training.error();
        labelled_windows<scalar_type> validating;
        if (outcome.ok() && validation.cols() > 0) {
            auto windows = detail::label_windows(judged, validation_labels, settings_);
            outcome = windows.ok() ? status{} : windows.error();
            if (windows.ok()) {
                validating = std::move(*windows);
            }
        }
        if (outcome.ok()) {
            outcome = trainer.fit(network_, *training, validating, state, callbacks...);
        }
        if (outcome.ok()) {
            parameters_ = std::move(state.best_parameters);
            history_ = std::move(state.history);
            settle();
        } else {
            scaler_ = before;
        }
        return outcome;
    }

    /// Chooses the threshold by the probabilities of a labelled recording that was not trained on.
    /// @param rule such as f_beta_threshold; its threshold must be a probability
    template <threshold_rule Rule>
    status tune(samples_view values, std::span<const std::uint8_t> labels, Rule rule) {
        auto outcome = probabilities(values);
        if (!outcome.ok()) {
            return outcome.error();
        }
        const matrix<scalar_type> shape = matrix<scalar_type>::Zero(1, values.cols());
        const auto windows = make_windows(shape, settings_.window);
        const auto classes = classes_of_windows(*windows, labels, settings_.label);
        if (!classes.ok()) {
            return classes.error();
        }
        std::vector<double> scores;
        std::vector<std::uint8_t> truth;
        for (std::size_t k = 0; k < classes->size(); ++k) {
            const double p = (*outcome)[k + static_cast<std::size_t>(settings_.window) - 1];
            if (!std::isnan(p)) {
                scores.push_back(p);
                truth.push_back(static_cast<std::uint8_t>((*classes)[k]));
            }
        }
        const status fitted = rule.fit(scores, truth);
        return fitted.ok() ? set_threshold(rule.threshold()) : fitted;
    }

    /// Takes over weights and a scaler that were trained elsewhere, such as a converted model's. A
    /// failure leaves the detector as it was. Allocates.
    /// @param parameters  in the network's layout
    /// @param data_scaler fitted, of the network's features
    /// @return `invalid_argument` where a size is not the network's or a weight is not finite
    status set_weights(std::span<const scalar_type> parameters, const Scaler& data_scaler) {
        status usable = detail::check_classifier(network_, settings_);
        usable = usable.ok() ? detail::check_weights(network_, parameters, data_scaler) : usable;
        if (!usable.ok()) {
            return usable;
        }
        parameters_.assign(parameters.begin(), parameters.end());
        scaler_ = data_scaler;
        history_.clear();
        settle();
        return {};
    }

    /// What push() says of each sample: the probability that the window that ends with it is
    /// anomalous. NaN for the first `window - 1` samples and where every value is missing.
    /// Allocates.
    result<std::vector<double>> probabilities(samples_view values) const {
        if (!trained()) {
            return status::error(error_code::not_ready, "classifier_detector: train it first");
        }
        if (const status usable = check(values); !usable.ok()) {
            return usable;
        }
        const matrix<scalar_type> scaled = detail::scale_and_hold<scalar_type>(scaler_, values);
        const auto windows = make_windows(scaled, settings_.window);
        if (!windows.ok()) {
            return windows.error();
        }
        std::vector<double> outcome(static_cast<std::size_t>(values.cols()),
                                    std::numeric_limits<double>::quiet_NaN());
        predict_logits(network_, std::span<const scalar_type>(parameters_), *windows, 64,
                       [&](index_t k, std::span<const scalar_type> logits) {
                           const index_t row = k + settings_.window - 1;
                           if (values.col(row).array().isFinite().any()) {
                               outcome[static_cast<std::size_t>(row)] = anomaly_probability(logits);
                           }
                       });
        return outcome;
    }

    /// A stream that has seen nothing. Allocates all that push() and explain() need.
    stream_type make_stream() const {
        return {features(), settings_.window, network_.infer_work_size(1, settings_.window)};
    }

    /// Takes in the next sample and judges the window that ends with it: the score of the verdict
    /// is its probability of being anomalous. Never allocates.
    /// @param to     made by make_stream() of this detector, after train(); else `not_ready`
    /// @param sample `[features]`, else `wrong_size`; NaN where a value is missing
    verdict push(stream_type& to, sample_view<scalar_type> sample) const noexcept {
        verdict outcome;
        outcome.threshold = threshold_;
        if (!can_judge(to)) {
            return outcome;
        }
        count_up(to.position_);
        if (static_cast<int>(sample.size()) != network_.features()) {
            outcome.kind = verdict_kind::invalid_sample;
            outcome.reason = sample_reason::wrong_size;
            return outcome;
        }
        bool infinite = false;
        column_view scaled(to.hidden_.data(), network_.features());
        std::copy_n(sample.data(), sample.size(), scaled.data());
        scaler_.transform(scaled);
        for (index_t k = 0; k < scaled.size(); ++k) {
            const scalar_type given = sample[k];
            if (std::isfinite(given) && std::isfinite(scaled[k])) {
                to.held_[k] = readable(scaled[k]);
            } else {
                infinite = infinite || !std::isnan(given);
                ++outcome.missing;
            }
        }
        to.window_.push(to.held_);
        if (outcome.missing == network_.features()) {
            outcome.kind = verdict_kind::invalid_sample;
            outcome.reason = infinite ? sample_reason::not_finite : sample_reason::missing_value;
        } else if (!to.window_.full()) {
            outcome.kind = verdict_kind::warming_up;
            outcome.reason = sample_reason::warming_up;
        } else {
            outcome.score = anomaly_probability(logits_of(to, to.window_.view().data()));
            outcome.reason = sample_reason::scored;
            outcome.kind =
                outcome.score > threshold_ ? verdict_kind::anomaly : verdict_kind::normal;
        }
        return outcome;
    }

    /// Which sensors the last judgement rests on, by occlusion: how much the logit falls when a
    /// sensor stays at the centre of the scaler for the whole window (Zeiler and Fergus, ECCV 2014).
    /// One more pass per sensor. Never allocates.
    /// @param shares `[features]`, overwritten: at least 0, with the sum 1; all 0 when no sensor
    ///               speaks for an anomaly, the window is not full, or their number is another one
    void explain(stream_type& of, std::span<double> shares) const noexcept {
        TOCSIN_ASSERT(static_cast<int>(shares.size()) == network_.features(),
                      "classifier_detector: one share for each feature");
        std::fill(shares.begin(), shares.end(), 0.0);
        if (!can_judge(of) || !of.window_.full() ||
            static_cast<int>(shares.size()) != network_.features()) {
            return;
        }
        const auto view = of.window_.view();
        const double whole = anomaly_log_odds(logits_of(of, view.data()));
        matrix_view<scalar_type> hidden(of.hidden_.data(), view.rows(), view.cols());
        double sum = 0;
        for (index_t k = 0; k < view.rows(); ++k) {
            hidden = view;
            hidden.row(k).setZero();
            const double fall = whole - anomaly_log_odds(logits_of(of, hidden.data()));
            shares[static_cast<std::size_t>(k)] = std::max(fall, 0.0);
            sum += std::max(fall, 0.0);
        }
        for (double& share : shares) {
            share = sum > 0 ? share / sum : 0.0;
        }
    }

    /// Describes the detector to an archive, without the history. A failed load is not trained.
    template <class Archive>
    void exchange(Archive& archive) {
        if constexpr (Archive::loading) {
            parameters_.clear();
            history_.clear();
        }
        parts().exchange(archive);
        if constexpr (Archive::loading) {
            settle();
        }
    }
    /// Describes a stream of this detector to an archive.
    template <class Archive>
    void exchange_stream(Archive& archive, stream_type& stream) const {
        stream.exchange(archive);
    }

  private:
    using parts_type = detail::classifier_parts<Network, Scaler>;
    using column_view = vector_view<scalar_type>;

    status check(samples_view values) const noexcept {
        if (const status usable = detail::check_classifier(network_, settings_); !usable.ok()) {
            return usable;
        }
        if (values.rows() != network_.features()) {
            return status::error(error_code::invalid_argument, "classifier_detector: samples have ",
                                 values.rows(), " features, the network has ", network_.features());
        }
        return {};
    }

    /// Whether a stream was made for this network and window.
    bool can_judge(const stream_type& stream) const noexcept {
        return trained() && stream.has_sizes(network_.features(), settings_.window,
                                             network_.infer_work_size(1, settings_.window));
    }
    parts_type parts() noexcept { return {network_, settings_, scaler_, parameters_, threshold_}; }
    /// Takes over what follows from the rest; call it after each change.
    void settle() noexcept {
        detail::hash_archive archive;
        parts().exchange(archive);
        identity_ = archive.value();
    }

    std::span<const scalar_type> logits_of(const stream_type& of,
                                           const scalar_type* window) const noexcept {
        const auto logits = network_.infer(
            parameters_, {window, network_.features(), 1, settings_.window}, of.work_);
        return logits.span();
    }

    Network network_;
    classifier_detector_settings settings_;
    Scaler scaler_;
    aligned_vector<scalar_type> parameters_;
    std::vector<classification_record> history_;
    double threshold_ = 0.5;
    std::uint64_t identity_ = 0;
};

} // namespace tocsin
