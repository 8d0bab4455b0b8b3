/// @file charted_detector.hpp
/// @brief A detector of forecasts judged by monitoring charts of its residuals.
#pragma once

#include "tocsin/alarm/alarm_control.hpp"
#include "tocsin/alarm/check_alarm.hpp"
#include "tocsin/alarm/no_alarm_control.hpp"
#include "tocsin/charts/residual_charts.hpp"
#include "tocsin/core/emptied_by_move.hpp"
#include "tocsin/core/hash_archive.hpp"
#include "tocsin/core/keep_if.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/detect/chart_residuals.hpp"
#include "tocsin/detect/combination.hpp"
#include "tocsin/detect/detector_phase.hpp"
#include "tocsin/detect/detector_tag.hpp"
#include "tocsin/detect/held_out.hpp"
#include "tocsin/detect/sample_view.hpp"
#include "tocsin/detect/verdict.hpp"
#include "tocsin/detect/verdict_by_expectation.hpp"
#include "tocsin/tail/alarm_rate.hpp"
#include "tocsin/training/epoch_event.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <utility>

namespace tocsin {

/// Settings of a charted_detector.
struct charted_settings {
    /// Of the three families of charts. With second_smallest two must agree: fewer false alarms, but a
    /// sensor that goes quiet shows in one family only.
    combination combine = combination::bonferroni;
    double promised = 1; ///< false alarms per 10 000 rows; fewer expected ones are an anomaly

    status check() const noexcept { return detail::check_promised("charted_detector", promised); }
    static constexpr int version = 1;
    template <class Archive>
    void exchange(Archive& archive) {
        archive.integer("combine", combine, combination::bonferroni, combination::mean_log);
        archive.number("promised", promised);
        detail::keep_if(archive, check());
    }
};

/// Judges a stream by charts of a forecaster's signed residuals (residual_charts) instead of the size of
/// one error: slow drifts, small steps that stay, sensors that freeze or become noisy. The scores of
/// each family become expected false alarms (alarm_rate), and these are combined.
///
/// The detector answers for clock, missing and lost sensors, and warm-up; its own threshold is not
/// used. targets_with() says which charts are fitted. An ensemble can have a charted detector as a
/// member. It is const while it judges.
/// @tparam Detector of a model that forecasts
/// @tparam Alarm    alarm control (concept alarm_piece) over the verdicts; every stream has a copy
template <class Detector, alarm_piece Alarm = no_alarm_control>
class charted_detector {
    static constexpr std::size_t families = chart_scores::families;

  public:
    using scalar_type = typename Detector::scalar_type;
    static constexpr int version = 1;

    /// What is remembered of one stream: that of the detector, and the charts (some 300 residuals per
    /// target).
    class stream_type {
      public:
        stream_type() = default;
        /// Samples pushed so far.
        std::int64_t position() const noexcept { return inner_.position(); }
        /// The newest verdict.
        const verdict& last() const noexcept { return last_; }
        /// The stream's copy of the alarm control.
        const Alarm& alarm_control() const noexcept { return alarm_; }
        /// The charts' values for the newest sample, and where each was found.
        const chart_scores& scores() const noexcept { return scores_; }
        /// Forgets the past, as detector_stream::restart() does, and the charts.
        void restart() noexcept {
            inner_.restart();
            charts_.reset();
        }

      private:
        friend charted_detector;
        detail::emptied_by_move<detail::detector_tag> made_by_{};
        typename Detector::stream_type inner_{};
        residual_charts charts_{};
        Alarm alarm_{};
        chart_scores scores_{};
        verdict last_{};
    };

    /// Waits to be loaded.
    charted_detector() : charted_detector(Detector{}) {}
    /// @param detector with fitted errors
    explicit charted_detector(Detector detector, const charted_settings& settings = {},
                              Alarm alarm = {})
        : detector_{std::move(detector)}, settings_{settings}, alarm_{std::move(alarm)},
          tag_{identity()} {}

    /// What forecasts.
    const Detector& detector() const noexcept { return detector_; }
    const charted_settings& settings() const noexcept { return settings_; }
    int features() const noexcept { return detector_.features(); }
    bool fitted() const noexcept { return charts_.fitted(); }
    /// Targets that have a chart of this kind over so many rows, see residual_charts::targets_with():
    /// those that fit() had too few adjacent rows for are left out, and it succeeds without them.
    int targets_with(chart_family family, int rows) const noexcept {
        const bool has_rule = rules_[static_cast<std::size_t>(family)].fitted();
        return has_rule ? charts_.targets_with(family, rows) : 0;
    }
    /// Names settings or alarm control that cannot work: fit() refuses them, and nothing saves them.
    status check() const noexcept {
        return settings_.check().ok() ? detail::check_alarm(alarm_) : settings_.check();
    }
    /// Rows that end a cluster of false alarms: the most of the families (alarm_rate::gap()).
    std::int64_t gap() const noexcept {
        return std::max({rules_[0].gap(), rules_[1].gap(), rules_[2].gap()});
    }

    /// Fits the charts to the residuals of normal rows, and a rule per family to their values.
    /// @param rows  `[features x rows]` in order of time, which the model has not learned from; NaN
    ///              where a value is missing
    /// @param times one per row, or none: not known
    /// @return `not_ready` for a detector that cannot judge, `invalid_data` for too few rows, and
    ///         `invalid_argument`; the charts stay as they were then. Allocates.
    template <class Derived>
    status fit(const Eigen::MatrixBase<Derived>& rows, std::span<const double> times = {}) {
        if (status usable = check_rows(rows.rows(), rows.cols(), times.size()); !usable.ok()) {
            return usable;
        }
        detail::chart_residuals residuals(detector_.model().targets(), rows.cols());
        residuals.add_stream(detector_, matrix<scalar_type>(rows), times);
        return fit_charts(residuals);
    }

    /// Trains the detector, and fits the charts to residuals of other models in rows that those have
    /// not learned from; see detector::fit(). A failure leaves everything as it was. Allocates.
    /// @param data      the charts read the rows of its normal judged windows, each run of windows that
    ///                  overlap as one stream (recordings may touch); others leave only short charts
    /// @param plan      cross_fit{} or, for drift, rolling_origin{}
    /// @param callbacks see trainer::fit
    template <class Trainer, held_out_plan Plan, training_callback<scalar_type>... Callbacks>
    status fit(const held_out_data<scalar_type>& data, const Trainer& trainer, const Plan& plan,
               Callbacks&&... callbacks) {
        status usable = check();
        usable = usable.ok() ? detail::check_plan(plan, trainer) : usable;
        usable = usable.ok() ? data.check() : usable;
        if (!usable.ok()) {
            return usable;
        }
        charted_detector fitted = *this;
        const auto residuals = detail::held_out_residuals(fitted.detector_, detector_, data,
                                                          trainer, plan, callbacks...);
        const status done = residuals ? fitted.fit_charts(*residuals) : residuals.error();
        if (done.ok()) {
            *this = std::move(fitted);
        }
        return done;
    }

    stream_type make_stream() const { ///< allocates
        stream_type stream;
        stream.made_by_ = tag_;
        stream.inner_ = detector_.make_stream();
        stream.charts_ = charts_;
        stream.alarm_ = alarm_;
        return stream;
    }

    /// Takes the newest sample of a stream and judges it; see detector::push(). The score is -log10 of
    /// the false alarms expected in one row, the threshold the same of the promised. `not_ready`
    /// for a stream that was made before the charts were fitted anew. Never allocates.
    verdict push(stream_type& stream, sample_view<scalar_type> sample,
                 double time = unknown) const noexcept TOCSIN_NONBLOCKING {
        stream.scores_ = {};
        if (!stream.made_by_.fits(tag_)) {
            return {};
        }
        verdict outcome = detector_.push(stream.inner_, sample, time);
        double expected_alarms = unknown;
        if (outcome.scored()) {
            const auto targets = static_cast<std::size_t>(stream.charts_.targets());
            const std::span<const double> errors = stream.inner_.errors();
            if (fitted() && errors.size() >= targets) {
                stream.scores_ = stream.charts_.push(errors.first(targets));
                expected_alarms =
                    combined_false_alarms(expected(stream.scores_), settings_.combine);
            }
        } else if (detail::starts_charts(outcome)) {
            stream.charts_.reset();
        }
        const auto unjudged = fitted() ? sample_reason::warming_up : sample_reason::not_ready;
        detail::judge_by_expectation(outcome, expected_alarms, settings_.promised, unjudged);
        detail::control_alarm(stream.alarm_, stream.last_.alarm, outcome);
        stream.last_ = outcome;
        return outcome;
    }

    /// 1 for the feature whose chart finds the newest sample least normal, 0 for the others; all 0
    /// without a score. Never allocates. @param out `[features]`
    void shares(const stream_type& stream, std::span<double> out) const noexcept {
        std::fill(out.begin(), out.end(), 0.0);
        const auto each = expected(stream.scores_);
        std::size_t worst = 0;
        for (std::size_t k = 1; k < families; ++k) {
            worst = std::isnan(each[worst]) || each[k] < each[worst] ? k : worst;
        }
        const int target = stream.scores_.origins[worst].target;
        if (!std::isnan(each[worst]) && target >= 0 && target < static_cast<int>(out.size())) {
            out[static_cast<std::size_t>(target)] = 1;
        }
    }

    // ---- persistence ------------------------------------------------------------------------

    /// A hash of all parts: saved streams belong to the charted detector with the same.
    std::uint64_t identity() const noexcept {
        detail::hash_archive archive;
        archive.expect("detector", detector_.identity());
        archive.object("settings", settings_);
        archive.object("alarm", alarm_);
        archive.object("charts", charts_);
        for (const alarm_rate& rule : rules_) {
            archive.object("rule", rule);
        }
        return archive.value();
    }
    template <class Archive>
    void exchange(Archive& archive) {
        archive.object("detector", detector_);
        archive.object("settings", settings_);
        archive.object("alarm", alarm_);
        archive.object("charts", charts_);
        archive.object("magnitude", rules_[0]);
        archive.object("level", rules_[1]);
        archive.object("variance", rules_[2]);
        if constexpr (Archive::loading) {
            detail::keep_if(archive, check_loaded());
            tag_ = detail::detector_tag(identity());
        } else {
            archive.fail(check());
        }
    }
    /// See io/stream_file.hpp. The last verdict is not kept: after loading it belongs to no sample.
    template <class Archive>
    void exchange_stream(Archive& archive, stream_type& stream) const {
        if (!stream.made_by_.fits(tag_)) {
            archive.fail(status::error(error_code::invalid_argument,
                                       "stream: another charted detector made it, or this one "
                                       "before it was fitted anew, or it was moved from"));
            return;
        }
        detector_.exchange_stream(archive, stream.inner_);
        if (fitted()) { // charts of as many targets as make_stream() gave the stream
            archive.object("charts", stream.charts_);
            if (Archive::loading && !stream.charts_.same_fit(charts_)) {
                archive.fail(status::error(error_code::format_error,
                                           "stream: its charts were fitted to other residuals"));
            }
        }
        bool alarm = stream.last_.alarm;
        archive.integer("alarm", alarm);
        archive.object("alarm_control", stream.alarm_);
        if constexpr (Archive::loading) {
            stream.last_ = {};
            stream.last_.alarm = alarm;
            stream.scores_ = {};
        }
    }

  private:
    static constexpr double unknown = std::numeric_limits<double>::quiet_NaN();

    /// Fits the charts to residuals, and a rule per family to their values.
    status fit_charts(const detail::chart_residuals& residuals) {
        const status fitted = residuals.fit(charts_, rules_, settings_.promised);
        if (fitted.ok()) {
            tag_ = detail::detector_tag(identity());
        }
        return fitted;
    }
    status check_rows(index_t given_features, index_t rows, std::size_t times) const noexcept {
        if (status usable = check(); !usable.ok()) {
            return usable;
        }
        if (detector_.phase() < detector_phase::errors_fitted) {
            return status::error(error_code::not_ready,
                                 "charted_detector: the detector has no fitted errors yet");
        }
        if (given_features != features()) {
            return status::error(error_code::invalid_argument, "charted_detector: rows of ",
                                 given_features, " features, the detector has ", features());
        }
        if (times != 0 && static_cast<index_t>(times) != rows) {
            return status::error(error_code::invalid_argument, "charted_detector: ", times,
                                 " times for ", rows, " rows");
        }
        return {};
    }
    /// Charts are of the detector's targets, and some family has a rule, or nothing is fitted.
    status check_loaded() const {
        bool possible = charts_.at_start();
        bool any_rule = false;
        for (std::size_t k = 0; k < families; ++k) {
            const bool has_rule = rules_[k].fitted();
            any_rule = any_rule || has_rule;
            possible = possible && (!has_rule || charts_.has(static_cast<chart_family>(k)));
        }
        if (possible && any_rule == charts_.fitted() &&
            (!charts_.fitted() || (charts_.targets() == detector_.model().targets() &&
                                   detector_.phase() >= detector_phase::errors_fitted))) {
            return {};
        }
        return status::error(error_code::format_error, "charted_detector: charts of ",
                             charts_.targets(), " targets, ", any_rule ? "with" : "without",
                             " a rule, for a detector of ", detector_.model().targets(),
                             " targets; or they have seen rows, or none of the targets has one");
    }
    /// Expected false alarms of each family; NaN where it has no value or no rule.
    std::array<double, families> expected(const chart_scores& scores) const noexcept {
        std::array<double, families> each;
        for (std::size_t k = 0; k < families; ++k) {
            each[k] =
                rules_[k].fitted() ? rules_[k].expected_false_alarms(scores.values[k]) : unknown;
        }
        return each;
    }

    Detector detector_{};
    charted_settings settings_{};
    Alarm alarm_{};
    residual_charts charts_{};
    std::array<alarm_rate, families> rules_{};
    detail::detector_tag tag_{};
};

} // namespace tocsin
