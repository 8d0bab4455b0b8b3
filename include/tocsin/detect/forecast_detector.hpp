/// @file forecast_detector.hpp
/// @brief The composition for forecasts: scaler, forecaster, error statistic, threshold rule.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/core/storage.hpp"
#include "tocsin/detect/detector_phase.hpp"
#include "tocsin/detect/forecast_stream.hpp"
#include "tocsin/detect/online_trainer.hpp"
#include "tocsin/detect/parameter_archive.hpp"
#include "tocsin/detect/scaled_training.hpp"
#include "tocsin/detect/verdict.hpp"
#include "tocsin/errors/error_statistic.hpp"
#include "tocsin/errors/mahalanobis.hpp"
#include "tocsin/models/forecaster.hpp"
#include "tocsin/series/scalers/scaler.hpp"
#include "tocsin/series/scalers/standard_scaler.hpp"
#include "tocsin/threshold/quantile_threshold.hpp"
#include "tocsin/threshold/threshold_rule.hpp"
#include "tocsin/training/fit.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace tocsin {

/// Finds anomalies with a model that forecasts normal data: what it could not foresee, as measured
/// by an error statistic, is anomalous (Malhotra et al. 2015; Singh 2017). Each sample is forecast
/// `look_ahead` times; the statistic judges the vector of those errors, `[targets * look_ahead]`.
///
/// Order of calls: train(), fit_errors(), tune(), then push(). Data is in original units. Windows
/// may be of any length, also whole recordings: each is a stream of its own, from a zero state.
///
/// push() costs the same for every sample, allocates nothing and is noexcept. learn() is apart from
/// it, so that whoever pushes decides which samples are learned from. One detector per stream and
/// thread (copies are independent).
/// @tparam Model     forecaster, or what has its functions
/// @tparam Scaler    concept scaler
/// @tparam Statistic concept error_statistic, constructible from a dimension
/// @tparam Rule      concept threshold_rule
template <class Model, scaler Scaler = standard_scaler<typename Model::scalar_type>,
          error_statistic<double> Statistic = mahalanobis<>,
          threshold_rule Rule = quantile_threshold>
class forecast_detector {
  public:
    using scalar_type = typename Model::scalar_type;
    using window_list = windows<scalar_type>;

    /// A detector that waits to be loaded.
    forecast_detector() = default;
    /// Allocates all buffers. Settings that cannot work are reported by check() and every phase.
    explicit forecast_detector(Model model, forecast_stream_settings settings = {},
                               Scaler data_scaler = {}, Rule rule = Rule{})
        : model_{std::move(model)}, settings_{settings}, scaler_{std::move(data_scaler)},
          rule_{std::move(rule)} {
        if (check().ok()) {
            allocate();
        }
    }

    const Model& model() const noexcept { return model_; }
    const forecast_stream_settings& settings() const noexcept { return settings_; }
    const Scaler& data_scaler() const noexcept { return scaler_; }
    const Statistic& statistic() const noexcept { return statistic_; }
    const Rule& rule() const noexcept { return rule_; }
    detector_phase phase() const noexcept { return phase_; }
    int features() const noexcept { return model_.features(); }
    /// The model's parameters, in its layout; none before train().
    std::span<const scalar_type> parameters() const noexcept { return parameters_; }
    /// Infinity before tune().
    double threshold() const noexcept { return rule_.threshold(); }

    /// Names the first setting of detector or model that is out of range.
    status check() const noexcept {
        const status settings = settings_.check();
        return settings.ok() ? model_.check() : settings;
    }

    // ---- phases -----------------------------------------------------------------------------

    /// Fits the scaler to the training windows, then the model; keeps the best weights.
    /// @param training   windows of normal data in original units, all finite
    /// @param validation windows that decide which epoch is best; may be empty
    /// A failure leaves the detector as it was. Allocates.
    template <class Trainer, class... Callbacks>
    status train(const window_list& training, const window_list& validation, const Trainer& how,
                 Callbacks&&... callbacks) {
        if (const status ready = require("train", detector_phase::created, training); !ready.ok()) {
            return ready;
        }
        Scaler fitted = scaler_;
        auto state = training_state<scalar_type>::fresh(model_, how.optimiser, how.seed);
        if (const status trained =
                detail::fit_scaled(model_, fitted, training, validation, how, state, callbacks...);
            !trained.ok()) {
            return trained;
        }
        scaler_ = std::move(fitted);
        set_parameters(std::move(state.best_parameters));
        return {};
    }

    /// Fits the error statistic to the forecast errors of normal windows, which should not be those
    /// trained on. The threshold must be tuned again. A failure leaves the detector as it was.
    /// Allocates.
    status fit_errors(const window_list& normal) {
        if (const status ready = require("fit_errors", detector_phase::trained, normal);
            !ready.ok()) {
            return ready;
        }
        Statistic fitted(static_cast<int>(model_.forecast_size(1)));
        matrix<double> block(model_.forecast_size(1), block_columns);
        index_t filled = 0;
        const auto take = [&] {
            fitted.accumulate(block.leftCols(filled));
            filled = 0;
        };
        for_each_sample(normal, [&](sample_outcome outcome, const column<double>& errors) {
            if (outcome == sample_outcome::scored) {
                block.col(filled++) = errors;
            }
            if (filled == block_columns) {
                take();
            }
        });
        take();
        if (const status outcome = fitted.fit(); !outcome.ok()) {
            return outcome;
        }
        statistic_ = std::move(fitted);
        static_cast<void>(rule_.fit({}, {})); // no threshold any more
        phase_ = phase_with_threshold();
        return {};
    }

    /// Fits the threshold rule to the scores of all samples of windows that have one.
    /// @param labels one per sample, window by window, 1 = anomalous; empty: all are normal
    /// A failure leaves the threshold as it was. Allocates.
    status tune(const window_list& tuning, std::span<const std::uint8_t> labels = {}) {
        std::vector<double> all;
        if (const status scored = scores(tuning, all); !scored.ok()) {
            return scored;
        }
        if (!labels.empty() && labels.size() != all.size()) {
            return status::error(error_code::invalid_argument, "tune: ", all.size(),
                                 " samples but ", labels.size(), " labels");
        }
        std::vector<double> usable;
        std::vector<std::uint8_t> usable_labels;
        for (std::size_t k = 0; k < all.size(); ++k) {
            if (std::isfinite(all[k])) {
                usable.push_back(all[k]);
                if (!labels.empty()) {
                    usable_labels.push_back(labels[k]);
                }
            }
        }
        Rule fitted = rule_;
        if (const status outcome = fitted.fit(usable, usable_labels); !outcome.ok()) {
            return outcome;
        }
        rule_ = std::move(fitted);
        phase_ = detector_phase::tuned;
        return {};
    }

    /// Puts another rule in place, which tune() fits; the threshold there was is gone.
    void set_rule(const Rule& rule) {
        rule_ = rule;
        if (phase_ >= detector_phase::errors_fitted) {
            phase_ = phase_with_threshold();
        }
    }

    /// Scores of all samples, window by window: squared distances, NaN where a sample has none
    /// (start of a window, missing values). Allocates.
    status scores(const window_list& scored, std::vector<double>& all) const {
        if (const status ready = require("scores", detector_phase::errors_fitted, scored);
            !ready.ok()) {
            return ready;
        }
        all.clear();
        all.reserve(static_cast<std::size_t>(scored.count() * scored.length()));
        Statistic statistic = statistic_; // it has scratch of its own
        for_each_sample(scored, [&](sample_outcome outcome, const column<double>& errors) {
            all.push_back(outcome == sample_outcome::scored ? score_of(statistic, errors)
                                                            : not_scored);
        });
        return {};
    }

    // ---- scoring: no heap, no exception, no lock --------------------------------------------

    /// Takes the newest sample of a stream and judges it. Never allocates.
    /// @param sample `[features]`, original units; NaN where a value is missing: the verdict is
    ///               `invalid_sample`, the model reads a replacement (forecast_stream_settings)
    /// @param time   of the sample; NaN: not known. One that is not after the time before makes the
    ///               verdict `invalid_sample`, and the sample is ignored.
    verdict push(std::span<const scalar_type> sample,
                 double time = std::numeric_limits<double>::quiet_NaN()) noexcept {
        TOCSIN_ASSERT(static_cast<int>(sample.size()) == features(),
                      "forecast_detector: push() needs one value per feature");
        verdict outcome;
        outcome.threshold = threshold();
        if (phase_ < detector_phase::errors_fitted) {
            return outcome;
        }
        newest_ = vector_view<const scalar_type>(sample.data(), features());
        scaler_.transform(newest_);
        last_ = stream_.push(model_, packed_weights<scalar_type>{packed_},
                             std::span<const scalar_type>(newest_.data(), sample.size()), time);
        ++pushed_;
        switch (last_) {
        case sample_outcome::out_of_order:
        case sample_outcome::incomplete:
            outcome.kind = verdict_kind::invalid_sample;
            break;
        case sample_outcome::warming_up:
            outcome.kind = verdict_kind::warming_up;
            break;
        case sample_outcome::scored:
            outcome.score = score_of(statistic_, stream_.errors());
            outcome.shares = shares();
            outcome.kind =
                outcome.score > outcome.threshold ? verdict_kind::anomaly : verdict_kind::normal;
            break;
        }
        return outcome;
    }
    /// Prepares learn(): the error statistic forgets, and, where wanted, the model goes on
    /// learning. What was learned is saved with the detector, these settings are not. Allocates.
    /// @param half_life samples after which a sample weighs half as much in the error statistic, at
    ///                  least 1; statistics without `adapt()` never change
    /// @param model     how the model goes on learning; none: it does not
    status enable_learning(double half_life,
                           std::optional<online_training_settings> model = std::nullopt) {
        if (phase_ < detector_phase::errors_fitted) {
            return status::error(error_code::not_ready, "enable_learning: call fit_errors() first");
        }
        if (!(half_life >= 1)) {
            return status::error(error_code::invalid_argument, "enable_learning: half-life ",
                                 half_life, " must be at least 1 sample");
        }
        if (model) {
            if (const status usable = model->check(); !usable.ok()) {
                return usable;
            }
            if (model->steps < model_.shortest_window()) {
                return status::error(error_code::invalid_argument, "enable_learning: updates of ",
                                     model->steps, " samples are shorter than the ",
                                     model_.shortest_window(), " that the model needs");
            }
            learner_.emplace(model_, *model);
        } else {
            learner_.reset();
        }
        forgetting_ = 1 - std::exp2(-1 / half_life);
        return {};
    }
    /// Learns from the sample that push() took last. Call it after each push() whose verdict does
    /// not forbid it, and not while an alarm is on: what is anomalous now must not become normal.
    /// Does nothing before enable_learning(). Never allocates.
    void learn() noexcept {
        if (forgetting_ == 0 || last_ == sample_outcome::out_of_order ||
            last_ == sample_outcome::incomplete) {
            return;
        }
        if constexpr (requires { statistic_.adapt(stream_.errors(), forgetting_); }) {
            if (last_ == sample_outcome::scored) {
                statistic_.adapt(stream_.errors(), forgetting_);
            }
        }
        if (learner_) {
            if (pushed_ != learned_ + 1) {
                learner_->interrupt();
            }
            learned_ = pushed_;
            if (learner_->push(model_, std::span<scalar_type>(parameters_), newest_)) {
                model_.pack(parameters(), std::span<scalar_type>(packed_));
            }
        }
    }

    /// The newest forecast, `[features x look_ahead]` in original units, the next sample first;
    /// features that are not forecast are 0 in scaled units. Allocates.
    matrix<scalar_type> forecast() const {
        matrix<scalar_type> values = matrix<scalar_type>::Zero(features(), model_.look_ahead());
        const auto newest = stream_.forecast();
        values.topRows(model_.targets()) =
            matrix_view<const scalar_type>(newest.data(), model_.targets(), model_.look_ahead());
        scaler_.inverse(values);
        return values;
    }
    /// Forgets the samples pushed so far.
    void restart_stream() noexcept { stream_.restart(); }

    // ---- persistence ------------------------------------------------------------------------

    /// Describes the detector, as far as it has come, to an archive; see io/detector_file.hpp. The
    /// stream itself is not saved.
    template <class Archive>
    void exchange(Archive& archive) {
        archive.expect("model_kind", Model::kind);
        archive.expect("scalar_type", sizeof(scalar_type) == sizeof(float) ? "float" : "double");
        archive.object("stream", settings_);
        archive.object("model", model_);
        archive.integer("phase", phase_, detector_phase::created, detector_phase::tuned);
        if constexpr (Archive::loading) {
            archive.fail(check());
            if (archive.outcome().ok() && phase_ >= detector_phase::trained) {
                detail::check_parameter_shapes(archive, model_);
            }
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
                model_.pack(parameters(), std::span<scalar_type>(packed_));
            }
        }
        if (phase_ >= detector_phase::errors_fitted) {
            archive.object("errors", statistic_);
        }
        archive.object("threshold", rule_);
    }

  private:
    static constexpr index_t block_columns = 256;
    static constexpr double not_scored = std::numeric_limits<double>::quiet_NaN();

    /// How far a detector with fitted errors has come.
    detector_phase phase_with_threshold() const noexcept {
        return std::isfinite(threshold()) ? detector_phase::tuned : detector_phase::errors_fitted;
    }
    /// Infinity where a sample is so far out that its errors overflow.
    static double score_of(Statistic& statistic, const column<double>& errors) noexcept {
        const double distance = statistic.squared_distance(errors);
        return std::isnan(distance) ? std::numeric_limits<double>::infinity() : distance;
    }

    void allocate() {
        packed_.assign(static_cast<std::size_t>(model_.packed_size()), scalar_type(0));
        newest_.setZero(features());
        error_shares_.assign(static_cast<std::size_t>(model_.forecast_size(1)), 0);
        shares_.assign(static_cast<std::size_t>(features()), 0);
        stream_ = forecast_stream<scalar_type>(model_, settings_);
        statistic_ = Statistic(static_cast<int>(model_.forecast_size(1)));
    }
    void set_parameters(aligned_vector<scalar_type> parameters) {
        parameters_ = std::move(parameters);
        model_.pack(this->parameters(), std::span<scalar_type>(packed_));
        phase_ = detector_phase::trained;
        stream_.restart();
        static_cast<void>(rule_.fit({}, {}));
    }

    status require(const char* caller, detector_phase needed,
                   const window_list& given) const noexcept {
        return detail::require_phase(*this, caller, needed, given);
    }

    /// Calls `visit(outcome, errors)` for each sample of each window.
    template <class Visit>
    void for_each_sample(const window_list& source, Visit&& visit) const {
        forecast_stream<scalar_type> stream(model_, settings_);
        for (index_t k = 0; k < source.count(); ++k) {
            stream.restart();
            matrix<scalar_type> scaled = source.window(k);
            scaler_.transform(scaled);
            for (index_t t = 0; t < scaled.cols(); ++t) {
                const std::span<const scalar_type> sample(scaled.col(t).data(),
                                                          static_cast<std::size_t>(features()));
                const sample_outcome outcome =
                    stream.push(model_, packed_weights<scalar_type>{packed_}, sample);
                visit(outcome, stream.errors());
            }
        }
    }

    /// Each feature's share: the sum of those of its errors over the steps ahead.
    std::span<const double> shares() noexcept {
        statistic_.shares(stream_.errors(), error_shares_);
        std::fill(shares_.begin(), shares_.end(), 0);
        const auto targets = static_cast<std::size_t>(model_.targets());
        for (std::size_t k = 0; k < error_shares_.size(); ++k) {
            shares_[k % targets] += error_shares_[k];
        }
        return shares_;
    }

    Model model_;
    forecast_stream_settings settings_;
    Scaler scaler_;
    Statistic statistic_{};
    Rule rule_;
    detector_phase phase_ = detector_phase::created;

    aligned_vector<scalar_type> parameters_;
    aligned_vector<scalar_type> packed_;
    forecast_stream<scalar_type> stream_;
    column<scalar_type> newest_;
    std::optional<online_trainer<Model>> learner_;
    double forgetting_ = 0; // weight of a sample in the error statistic; 0: learn() does nothing
    sample_outcome last_ = sample_outcome::incomplete; // of the last push()
    std::int64_t pushed_ = 0;                          // samples so far
    std::int64_t learned_ = 0;                         // the last one that was learned from
    std::vector<double> error_shares_;
    std::vector<double> shares_;
};

} // namespace tocsin
