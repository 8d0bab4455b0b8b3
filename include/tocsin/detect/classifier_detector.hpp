/// @file classifier_detector.hpp
/// @brief A classifier of windows with its scaler and threshold, for recordings and streams.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/core/storage.hpp"
#include "tocsin/core/views.hpp"
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

/// Which windows a classifier_detector is trained on.
struct classifier_detector_settings {
    int window = 60; ///< samples of a window, at least 1
    int stride = 1;  ///< samples from one training window to the next, at least 1
    window_label label = window_label::any_row; ///< when a window counts as anomalous
};

/// Learns from labelled rows and says of each sample of a stream how likely the window that ends
/// with it is anomalous. Where labels are few or the next fault may be of another kind, a
/// `detector`, which learns what is normal, is the safer choice: see docs/choosing.md.
///
/// A value that is missing (NaN, infinite) is replaced by the last one of its sensor, by the centre
/// of the scaler when there was none. What is learned is const in push(): any number of threads can
/// share it, each with its own streams.
/// @tparam Network a `sequential` with one logit (or two) for a window
template <class Network, scaler Scaler = robust_scaler<typename Network::scalar_type>>
class classifier_detector {
  public:
    using scalar_type = typename Network::scalar_type;
    /// Samples, `[features x time]`.
    using samples_view = matrix_view<const scalar_type>;

    /// What is remembered of one stream.
    class stream {
        friend classifier_detector;
        sample_window<scalar_type> window_;
        column<scalar_type> held_;           // the newest scaled values
        aligned_vector<scalar_type> hidden_; // a copy of the window for explain()
        mutable aligned_vector<scalar_type> work_;
    };

    /// Settings that cannot work are reported by check() and every phase.
    explicit classifier_detector(Network network, classifier_detector_settings settings = {},
                                 Scaler scaling = {})
        : network_{std::move(network)}, settings_{settings}, scaler_{std::move(scaling)} {}

    /// The shape of the network.
    const Network& network() const noexcept { return network_; }
    /// The scaler, fitted by train().
    const Scaler& scaling() const noexcept { return scaler_; }
    const classifier_detector_settings& settings() const noexcept { return settings_; }
    /// Of the best epoch; empty before train().
    std::span<const scalar_type> parameters() const noexcept { return parameters_; }
    /// The record of training.
    const std::vector<classification_record>& history() const noexcept { return history_; }
    /// Whether train() has succeeded.
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
        return {};
    }

    /// Fits the scaler to the training rows and trains the network. Both recordings are in order of
    /// time; split them by date, not by window. Allocates.
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
        if (!rows.ok()) {
            return rows.error();
        }
        if (const status fitted = scaling.fit(*rows); !fitted.ok()) {
            return fitted;
        }
        const Scaler before = std::exchange(scaler_, std::move(scaling));
        const matrix<scalar_type> scaled = scale(values);
        const matrix<scalar_type> judged = scale(validation);
        auto training = label(scaled, labels, settings_.stride);
        auto state =
            classifier_state<scalar_type>::fresh(network_, trainer.optimiser, trainer.seed);
        status outcome = training.ok() ? status{} : training.error();
        labelled_windows<scalar_type> validating;
        if (outcome.ok() && validation.cols() > 0) {
            auto windows = label(judged, validation_labels, settings_.stride);
            outcome = windows.ok() ? status{} : windows.error();
            if (windows.ok()) {
                validating = std::move(*windows);
            }
        }
        if (outcome.ok()) {
            outcome = trainer.fit(network_, *training, validating, state, callbacks...);
        }
        if (!outcome.ok()) {
            scaler_ = before;
            return outcome;
        }
        parameters_ = std::move(state.best_parameters);
        history_ = std::move(state.history);
        return {};
    }

    /// Chooses the threshold by the probabilities of a labelled recording that was not trained on.
    /// @param rule such as f_beta_threshold; its threshold must be a probability
    template <threshold_rule Rule>
    status tune(samples_view values, std::span<const std::uint8_t> labels, Rule rule) {
        auto said = probabilities(values);
        if (!said.ok()) {
            return said.error();
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
            const double p = (*said)[k + static_cast<std::size_t>(settings_.window) - 1];
            if (!std::isnan(p)) {
                scores.push_back(p);
                truth.push_back(static_cast<std::uint8_t>((*classes)[k]));
            }
        }
        const status fitted = rule.fit(scores, truth);
        return fitted.ok() ? set_threshold(rule.threshold()) : fitted;
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
        const matrix<scalar_type> scaled = scale(values);
        const auto windows = make_windows(scaled, settings_.window);
        if (!windows.ok()) {
            return windows.error();
        }
        std::vector<double> said(static_cast<std::size_t>(values.cols()),
                                 std::numeric_limits<double>::quiet_NaN());
        predict_logits(network_, std::span<const scalar_type>(parameters_), *windows, 64,
                       [&](index_t k, std::span<const scalar_type> logits) {
                           const index_t row = k + settings_.window - 1;
                           if (values.col(row).array().isFinite().any()) {
                               said[static_cast<std::size_t>(row)] = probability(logits);
                           }
                       });
        return said;
    }

    /// A stream that has seen nothing. Allocates all that push() and explain() need.
    stream make_stream() const {
        stream made;
        const int features = network_.features();
        made.window_ = sample_window<scalar_type>(features, settings_.window);
        made.held_ = column<scalar_type>::Zero(features);
        made.hidden_.resize(static_cast<std::size_t>(index_t{features} * settings_.window));
        made.work_.resize(static_cast<std::size_t>(network_.infer_work_size(1, settings_.window)));
        return made;
    }

    /// Takes in the next sample and judges the window that ends with it: the score of the verdict
    /// is its probability of being anomalous. Never allocates.
    /// @param sample `[features]`, else `wrong_size`; NaN where a value is missing
    verdict push(stream& to, std::span<const scalar_type> sample) const noexcept {
        verdict said;
        said.threshold = threshold_;
        if (!trained() || to.window_.features() != network_.features()) {
            return said;
        }
        if (static_cast<int>(sample.size()) != network_.features()) {
            said.kind = verdict_kind::invalid_sample;
            said.reason = sample_reason::wrong_size;
            return said;
        }
        bool infinite = false;
        column_view scaled(to.hidden_.data(), network_.features());
        std::copy(sample.begin(), sample.end(), scaled.data());
        scaler_.transform(scaled);
        for (index_t k = 0; k < scaled.size(); ++k) {
            const scalar_type given = sample[static_cast<std::size_t>(k)];
            if (std::isfinite(given) && std::isfinite(scaled[k])) {
                to.held_[k] = scaled[k];
            } else {
                infinite = infinite || !std::isnan(given);
                ++said.missing;
            }
        }
        to.window_.push(to.held_);
        if (said.missing == network_.features()) {
            said.kind = verdict_kind::invalid_sample;
            said.reason = infinite ? sample_reason::not_finite : sample_reason::missing_value;
        } else if (!to.window_.full()) {
            said.kind = verdict_kind::warming_up;
            said.reason = sample_reason::warming_up;
        } else {
            const auto view = to.window_.view();
            said.score = probability(logits_of(to, view.data()));
            said.reason = sample_reason::scored;
            said.kind = said.score > threshold_ ? verdict_kind::anomaly : verdict_kind::normal;
        }
        return said;
    }

    /// Which sensors the last judgement rests on, by occlusion: how much the logit falls when a
    /// sensor stays at the centre of the scaler for the whole window (Zeiler and Fergus, ECCV 2014).
    /// One more pass per sensor. Never allocates.
    /// @param shares `[features]`, overwritten: at least 0, with the sum 1; all 0 when no sensor
    ///               speaks for an anomaly or the window is not full
    void explain(stream& of, std::span<double> shares) const noexcept {
        TOCSIN_ASSERT(static_cast<int>(shares.size()) == network_.features(),
                      "classifier_detector: one share for each feature");
        std::fill(shares.begin(), shares.end(), 0.0);
        if (!trained() || !of.window_.full()) {
            return;
        }
        const auto view = of.window_.view();
        const double whole = anomalous_logit(logits_of(of, view.data()));
        matrix_view<scalar_type> hidden(of.hidden_.data(), view.rows(), view.cols());
        double sum = 0;
        for (index_t k = 0; k < view.rows(); ++k) {
            hidden = view;
            hidden.row(k).setZero();
            const double fall = whole - anomalous_logit(logits_of(of, hidden.data()));
            shares[static_cast<std::size_t>(k)] = std::max(fall, 0.0);
            sum += std::max(fall, 0.0);
        }
        for (double& share : shares) {
            share = sum > 0 ? share / sum : 0.0;
        }
    }

  private:
    using column_view = vector_view<scalar_type>;

    status check(samples_view values) const noexcept {
        if (network_.output_size() > 2) {
            return status::error(error_code::invalid_argument,
                                 "classifier_detector: ", network_.output_size(),
                                 " classes; there must be 2");
        }
        if (values.rows() != network_.features()) {
            return status::error(error_code::invalid_argument, "classifier_detector: samples have ",
                                 values.rows(), " features, the network has ", network_.features());
        }
        return {};
    }

    /// Scaled values, missing ones held, as push() does.
    matrix<scalar_type> scale(samples_view values) const {
        matrix<scalar_type> scaled = values;
        if (values.cols() > 0) {
            scaler_.transform(scaled);
        }
        for (index_t col = 0; col < scaled.cols(); ++col) {
            for (index_t row = 0; row < scaled.rows(); ++row) {
                if (!std::isfinite(values(row, col)) || !std::isfinite(scaled(row, col))) {
                    scaled(row, col) = col > 0 ? scaled(row, col - 1) : scalar_type(0);
                }
            }
        }
        return scaled;
    }
    result<labelled_windows<scalar_type>> label(const matrix<scalar_type>& scaled,
                                                std::span<const std::uint8_t> labels,
                                                int stride) const {
        auto sliding = make_windows(scaled, settings_.window, stride);
        if (!sliding.ok()) {
            return sliding.error();
        }
        auto classes = classes_of_windows(*sliding, labels, settings_.label);
        if (!classes.ok()) {
            return classes.error();
        }
        return labelled_windows<scalar_type>{std::move(*sliding), std::move(*classes), {}};
    }

    std::span<const scalar_type> logits_of(const stream& of,
                                           const scalar_type* window) const noexcept {
        const auto logits = network_.infer(
            parameters_, {window, network_.features(), 1, settings_.window}, of.work_);
        return logits.span();
    }
    static double probability(std::span<const scalar_type> logits) noexcept {
        double each[2] = {};
        class_probabilities(logits, std::span<double>(each));
        return each[1];
    }
    static double anomalous_logit(std::span<const scalar_type> logits) noexcept {
        return static_cast<double>(logits.size() == 1 ? logits[0] : logits[1] - logits[0]);
    }

    Network network_;
    classifier_detector_settings settings_;
    Scaler scaler_;
    aligned_vector<scalar_type> parameters_;
    std::vector<classification_record> history_;
    double threshold_ = 0.5;
};

} // namespace tocsin
