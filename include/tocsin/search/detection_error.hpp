/// @file detection_error.hpp
/// @brief Objective of a search: which inserted anomalies a detector misses, without any label.
#pragma once

#include "tocsin/core/random.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/detect/error_views.hpp"
#include "tocsin/metrics/confusion.hpp"
#include "tocsin/search/running_trial.hpp"
#include "tocsin/series/augmentation.hpp"
#include "tocsin/series/series.hpp"
#include "tocsin/series/windows.hpp"
#include "tocsin/tail/alarm_rate.hpp"
#include "tocsin/training/training_state.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>
#include <vector>

namespace tocsin {

/// What a trial trains and tunes, made of its values.
template <class Detector, class Trainer>
struct trial_detector {
    Detector detector; ///< whose rule can be made of an alarm_rate
    Trainer trainer;   ///< for its model
};
/// Deduces the types from what is given.
template <class Detector, class Trainer>
trial_detector(Detector, Trainer) -> trial_detector<Detector, Trainer>;

/// Normal windows for the phases of a detector; two phases should not share rows.
template <class Scalar>
struct detection_windows {
    windows<Scalar> training;   ///< to learn from
    windows<Scalar> validation; ///< say which epoch is best; may be empty
    /// For error statistics and threshold: with alarm_rate_settings::fewest_scores() scores, one for each
    /// window, or for each sample of a forecaster's.
    windows<Scalar> calibration;
    windows<Scalar> tested; ///< in which anomalies are inserted
};

/// How a detector is judged without labels.
struct detection_settings {
    alarm_rate_settings promise{};     ///< the rate of false alarms at which it is judged
    augmentation_settings anomalies{}; ///< what is inserted
    std::uint64_t seed = 0;            ///< of what is inserted
    int report_every = 0;              ///< epochs from one report to the next, for halving; 0: none
};

/// A search_objective: trains a detector, sets its threshold for the promised rate of false alarms, and
/// lets it judge each tested window with an artificial anomaly (fake_anomalies()) and without. The
/// value is the share of anomalies that is missed plus the share of normal windows that is flagged:
/// from 0 to 2; a detector that flags everything has 1, and so has one that flags nothing.
/// @tparam Make `make(const running_trial&)` gives a trial_detector; called from several threads
template <class Scalar, class Make>
class detection_error {
  public:
    /// Inserts the anomalies, the same for all trials. Allocates.
    /// @param data what the windows view must outlive the objective
    /// @return `invalid_argument` for a setting, `invalid_data` where no window is tested
    static result<detection_error> create(detection_windows<Scalar> data, Make make,
                                          const detection_settings& settings = {}) {
        if (const status usable = settings.promise.check(); !usable.ok()) {
            return usable;
        }
        if (settings.report_every < 0) {
            return status::error(error_code::invalid_argument, "detection_error: report_every ",
                                 settings.report_every, " must not be negative");
        }
        if (data.tested.empty()) {
            return status::error(error_code::invalid_data,
                                 "detection_error: there are no windows to be tested");
        }
        sequence_set<Scalar> normal;
        normal.length = data.tested.length();
        normal.values.resize(data.tested.features(), data.tested.count() * normal.length);
        for (index_t k = 0; k < data.tested.count(); ++k) {
            normal.sequence(k) = data.tested.window(k);
        }
        random_generator random(settings.seed);
        auto anomalous = fake_anomalies(normal, settings.anomalies, random);
        if (!anomalous) {
            return anomalous.error();
        }
        return detection_error(std::move(data), *std::move(anomalous), std::move(make), settings);
    }

    /// Trains, tunes and judges. Allocates.
    result<double> operator()(running_trial& trial) const {
        auto made = make_(std::as_const(trial));
        for (const status& usable : {made.detector.check(), made.trainer.check()}) {
            if (!usable.ok()) {
                return usable;
            }
        }
        auto state = training_state<Scalar>::fresh(made.detector.model(), made.trainer.optimiser,
                                                   made.trainer.seed);
        const int epochs = made.trainer.epochs;
        const int step = settings_.report_every > 0 ? settings_.report_every : epochs;
        result<double> value = status::error(error_code::invalid_argument,
                                             "detection_error: a trainer of ", epochs, " epochs");
        for (int before = -1; state.finished_epochs() < epochs;) {
            before = state.finished_epochs();
            made.trainer.epochs = std::min(before + step, epochs);
            const status trained =
                made.detector.train_from(state, data_.training, data_.validation, made.trainer);
            if (!trained.ok()) {
                return trained;
            }
            if (state.finished_epochs() == before) {
                break; // stopped early
            }
            value = judged(made.detector);
            if (!value) {
                return value;
            }
            if (settings_.report_every > 0 && !trial.report(state.finished_epochs(), *value)) {
                break;
            }
        }
        return value;
    }

  private:
    detection_error(detection_windows<Scalar> data, sequence_set<Scalar> anomalous, Make make,
                    const detection_settings& settings)
        : data_{std::move(data)}, anomalous_{std::move(anomalous)}, make_{std::move(make)},
          settings_{settings} {}

    template <class Detector>
    result<double> judged(Detector& detector) const {
        using rule_type = std::remove_cvref_t<decltype(detector.rule())>;
        detector.set_rule(rule_type{alarm_rate{settings_.promise}});
        if (const status fitted = detector.fit_errors(data_.calibration); !fitted.ok()) {
            return fitted;
        }
        if (const status tuned = detector.tune(data_.calibration); !tuned.ok()) {
            return tuned;
        }
        confusion_counts counts;
        for (const bool anomalous : {false, true}) {
            const auto scores = detector.scores(anomalous ? anomalous_.windows() : data_.tested);
            if (!scores) {
                return scores.error();
            }
            const auto count = static_cast<std::size_t>(data_.tested.count());
            const std::size_t each = scores->per_step.size() / count; // 1, or one per sample
            for (std::size_t k = 0; k < count; ++k) {
                const auto begin = scores->per_step.begin() + static_cast<std::ptrdiff_t>(k * each);
                bool flagged =
                    std::any_of(begin, begin + static_cast<std::ptrdiff_t>(each),
                                [&](double score) { return score > detector.threshold(); });
                if (k < scores->per_feature.size()) {
                    flagged = flagged ||
                              scores->per_feature[k] > detector.threshold(error_view::per_feature);
                }
                counts.add(flagged, anomalous);
            }
        }
        return counts.missed_alarm_rate() + counts.false_alarm_rate();
    }

    detection_windows<Scalar> data_;
    sequence_set<Scalar> anomalous_;
    Make make_;
    detection_settings settings_;
};

/// detection_error::create() without naming its types.
template <class Scalar, class Make>
result<detection_error<Scalar, Make>>
make_detection_error(detection_windows<Scalar> data, Make make,
                     const detection_settings& settings = {}) {
    return detection_error<Scalar, Make>::create(std::move(data), std::move(make), settings);
}

} // namespace tocsin
