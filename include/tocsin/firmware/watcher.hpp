/// @file watcher.hpp
/// @brief A detector's stream on a microcontroller.
#pragma once

#include "tocsin/firmware/adaptive_errors.hpp"
#include "tocsin/firmware/alarm_control.hpp"
#include "tocsin/firmware/arithmetic.hpp"
#include "tocsin/firmware/error_shares.hpp"
#include "tocsin/firmware/forecast_ring.hpp"
#include "tocsin/firmware/missing_sensors.hpp"
#include "tocsin/firmware/model_sizes.hpp"
#include "tocsin/firmware/peaks_over_threshold.hpp"
#include "tocsin/firmware/verdict.hpp"

namespace tocsin::firmware {

/// Watches one stream by a model that io/firmware_export.hpp has written:
///
///     constinit tocsin::firmware::watcher<pump::model> pump_watcher;
///     const auto verdict = pump_watcher.push(sample);
///
/// The model is a template argument: nothing of it is copied to RAM and no pointer is kept. What
/// the stream remembers is the watcher, all of whose bytes are 0 at the start. It judges as
/// detector::push() does on the host, and gives the same bits on every target. It needs no heap, no
/// exceptions and no library but the compiler's own; docs/firmware.md has the stack that it takes.
/// @tparam Model the object `model` of a generated header
template <const auto& Model>
class watcher {
    using model = typename detail::without_const<decltype(Model)>::type;
    static_assert(model::format_version == model_format_version,
                  "tocsin: this model was exported for another version of the firmware headers");
    using stream = typename model::template stream<model>;
    using value = typename stream::value_type;
    static constexpr bool takes_missing = model::missing != missing_policy::none;
    static constexpr int ahead = model::look_ahead;
    static constexpr bool has_alarm_control = requires { typename model::alarm_control; };
    static constexpr bool learns_errors = requires { model::learning_weight; };
    static constexpr bool learns_threshold = requires { model::peak_capacity; };
    static constexpr bool keeps_errors = requires { model::keeps_errors; };

  public:
    static constexpr int features = model::features;
    static constexpr float threshold = model::threshold; ///< as exported
    /// Samples after a start that are not scored.
    static constexpr int warm_up =
        model::warm_up > stream::shortest_warm_up ? model::warm_up : stream::shortest_warm_up;
    static_assert(warm_up < 0xFFFF);

    /// Takes the newest sample and judges it.
    /// @param sample `[features]` in original units; NaN where a value is missing
    verdict push(const float (&sample)[model::features]) noexcept { return take(sample, warm_up); }
    /// The same from a place in memory with as many floats.
    template <class Pointer>
        requires(__is_same(Pointer, const float*) || __is_same(Pointer, float*))
    verdict push(const Pointer& sample) noexcept {
        return take(sample, warm_up);
    }

    /// Whether there is an alarm: what alarm control makes of the verdicts so far.
    bool alarm() const noexcept
        requires has_alarm_control
    {
        return alarm_.alarm();
    }
    /// Moves what was exported to learn by the newest sample where that is complete: the statistic
    /// towards a normal one, the threshold by any score; each sample once. Call it after push() for
    /// samples to learn from; see detector::learn() on the host.
    void learn() noexcept
        requires(learns_errors || learns_threshold)
    {
        if constexpr (learns_errors) {
            errors_.learn();
        }
        if constexpr (learns_threshold) {
            peaks_.learn();
        }
    }
    /// What the next score is compared with.
    float learned_threshold() const noexcept
        requires learns_threshold
    {
        return peaks_.threshold();
    }
    /// What each feature accounts for in the last score: at least 0 with the sum 1, 0 for one that
    /// was missing or is not forecast; all 0 after no score or 0.
    /// @param out `[features]`
    void shares(float (&out)[model::features]) const noexcept
        requires keeps_errors
    {
        shares_.write(errors_, out);
    }

    /// Forgets the past. Alarm control and what was learned stay.
    void restart() noexcept {
        restart_network();
        missing_.restart();
        forget_sample();
    }

    /// Checks the numbers in flash, then scores the samples that were exported with the model and
    /// compares every bit. Forgets everything: for the start of a program.
    self_test_result self_test() noexcept {
        using alarm = detail::alarm_state<model>;
        if (alarm::checksum(detail::peaks_over_threshold<model>::checksum(stream::checksum())) !=
            model::checksum) {
            return self_test_result::wrong_checksum;
        }
        *this = {};
        bool same = true;
        constexpr int samples = detail::count_of(model::self_test_scores);
        for (int k = 0; k < samples; ++k) {
            const verdict found =
                take(model::self_test_samples + k * features, stream::shortest_warm_up);
            const float expected = model::self_test_scores[k]; // below 0: none
            same = same && found.scored() == (expected >= 0) &&
                   (expected < 0 || (detail::bits_of(found.score) == detail::bits_of(expected) &&
                                     found.is_anomaly() == (expected > threshold)));
        }
        *this = {};
        return same ? self_test_result::passed : self_test_result::wrong_score;
    }

  protected:
    /// What is said of a sample that is ignored because of its time.
    verdict ignore() noexcept {
        forget_sample();
        return finished({verdict_kind::invalid_sample, sample_reason::out_of_order});
    }
    /// Forgets the samples before a pause.
    void restart_after_pause() noexcept {
        restart_network();
        if constexpr (takes_missing) {
            missing_.blind = 0;
        }
    }

  private:
    /// @param first samples since the start that are not scored
    [[gnu::noinline]] verdict take(const float* sample, int first) noexcept {
        verdict outcome;
        value local[unsigned{features}];
        value* const observed = local;
        forget_sample();
        if constexpr (takes_missing) {
            if (!take_values(sample, observed, outcome)) {
                return finished(outcome);
            }
        } else {
            for (int f = 0; f < features; ++f) {
                if (!detail::is_finite(sample[f])) {
                    detail::refuse<features>(sample, outcome);
                    return finished(outcome);
                }
                observed[f] = stream::scale(f, sample[f]);
            }
        }
        if constexpr (stream::judges_what_it_read) {
            network_.read(observed);
        }
        if (seen_ >= first && outcome.kind != verdict_kind::invalid_sample) {
            judge(observed, outcome);
        }
        if constexpr (takes_missing && stream::reads_replacements) {
            network_.read(missing_.inputs);
        } else if constexpr (!stream::judges_what_it_read) {
            network_.read(observed);
        }
        if constexpr (ahead > 1) {
            forecasts_.newest =
                static_cast<uint16_t>(forecasts_.newest + 1 < ahead ? forecasts_.newest + 1 : 0);
            network_.forecast(forecasts_.values[forecasts_.newest]);
        }
        if (seen_ < warm_up) {
            ++seen_;
        }
        return finished(outcome);
    }

    /// Apart, so that what it needs of the stack is free again when the network runs.
    [[gnu::noinline]] void judge(const value* observed, verdict& outcome) noexcept {
        value deviations[stream::outputs];
        if constexpr (ahead == 1) {
            network_.forecast(deviations);
        }
        bool some = false;
        bool none = true;
        for (int before = 0; before < ahead; ++before) {
            for (int f = 0; f < model::targets; ++f) {
                value& deviation = deviations[before * model::targets + f];
                if constexpr (ahead > 1) {
                    const int made = static_cast<int>(forecasts_.newest) - before;
                    deviation =
                        forecasts_
                            .values[made < 0 ? made + ahead : made][before * model::targets + f];
                }
                if (takes_missing && stream::is_missing(observed[f])) {
                    deviation = stream::missing();
                    some = true;
                } else {
                    deviation =
                        stream::deviation(before * model::targets + f, observed[f], deviation);
                    none = false;
                }
            }
        }
        if (takes_missing && none) { // what was observed is not forecast
            outcome.kind = verdict_kind::invalid_sample;
            outcome.reason = sample_reason::missing_value;
            return;
        }
        const auto score = [&] {
            if constexpr (learns_errors) {
                return errors_.score(deviations, some);
            } else {
                return stream::score(deviations, some);
            }
        }();
        outcome.score = stream::score_as_float(score);
        outcome.reason = sample_reason::scored;
        outcome.kind = exceeds(score) ? verdict_kind::anomaly : verdict_kind::normal;
        if constexpr (learns_errors) {
            errors_.allow(outcome.kind == verdict_kind::normal && outcome.missing == 0);
        }
        if constexpr (keeps_errors) {
            shares_.keep(deviations);
        }
        if constexpr (learns_threshold) {
            if (outcome.missing == 0) {
                peaks_.allow(outcome.score);
            }
        }
    }
    template <class Score>
    TOCSIN_FIRMWARE_INLINE bool exceeds(Score score) const noexcept {
        if constexpr (learns_threshold) {
            return score > peaks_.threshold();
        } else {
            return stream::exceeds(score);
        }
    }
    /// There is nothing to learn or to explain until the next score.
    TOCSIN_FIRMWARE_INLINE void forget_sample() noexcept {
        if constexpr (learns_errors) {
            errors_.allow(false);
        }
        if constexpr (learns_threshold) {
            peaks_.disallow();
        }
        if constexpr (keeps_errors) {
            shares_.forget();
        }
    }

    /// Scales the values that are there and finds replacements for the others.
    /// @return whether the network has to read the sample
    bool take_values(const float* sample, value* observed, verdict& outcome) noexcept {
        bool infinite = false;
        int missing = 0;
        int lost = 0;
        for (int f = 0; f < features; ++f) {
            if (detail::is_finite(sample[f])) {
                observed[f] = stream::scale(f, sample[f]);
                missing_.runs[f] = 0;
                continue;
            }
            infinite = infinite || !detail::is_nan(sample[f]);
            observed[f] = stream::missing();
            ++missing;
            if (missing_.runs[f] < 0xFFFF) {
                ++missing_.runs[f];
            }
            lost += missing_.runs[f] >= model::lost_after ? 1 : 0;
        }
        if constexpr (stream::reads_replacements) {
            replace(observed, missing > 0);
        }
        outcome.missing = detail::as_byte(missing);
        outcome.lost = detail::as_byte(lost);
        if (missing < features) {
            missing_.blind = 0;
            return true;
        }
        outcome.kind = verdict_kind::invalid_sample;
        outcome.reason = infinite ? sample_reason::not_finite : sample_reason::missing_value;
        if (missing_.blind <= model::longest_gap) {
            ++missing_.blind;
        }
        if (missing_.blind > model::longest_gap && seen_ > 0) {
            restart_network();
            if constexpr (stream::reads_replacements) {
                for (value& input : missing_.inputs) {
                    input = {};
                }
            }
        }
        return seen_ > 0; // a stream begins with a value
    }
    /// What the network reads of a sample.
    void replace(const value* observed, bool some) noexcept {
        value expected[stream::outputs];
        const bool forecast = some && seen_ > 0 && model::missing == missing_policy::forecast;
        if (forecast) {
            if constexpr (ahead == 1) {
                network_.forecast(expected);
            } else {
                for (int k = 0; k < model::targets; ++k) {
                    expected[k] = forecasts_.values[forecasts_.newest][k];
                }
            }
        }
        for (int f = 0; f < features; ++f) {
            if (!stream::is_missing(observed[f])) {
                missing_.inputs[f] = observed[f];
            } else if (forecast && f < model::targets) {
                missing_.inputs[f] = stream::without_mean_error(f, expected[f]);
            } else if (seen_ == 0 || model::missing == missing_policy::mean) {
                missing_.inputs[f] = stream::mean(f);
            } // else the value before it stays
        }
    }

    TOCSIN_FIRMWARE_INLINE verdict finished(verdict outcome) noexcept {
        if (takes_missing && outcome.lost > 0 && outcome.kind != verdict_kind::anomaly) {
            outcome.kind = verdict_kind::sensor_lost;
        }
        if constexpr (has_alarm_control) {
            alarm_.push(pieces_, outcome.scored(), outcome.is_anomaly(),
                        takes_missing && outcome.lost > 0, outcome.score);
        }
        return outcome;
    }
    void restart_network() noexcept {
        network_.restart();
        forecasts_ = {};
        seen_ = 0;
    }

    stream network_{};
    [[no_unique_address]] detail::alarm_pieces<model> pieces_{};
    [[no_unique_address]] detail::adaptive_errors<model, stream> errors_{};
    [[no_unique_address]] detail::peaks_over_threshold<model> peaks_{};
    [[no_unique_address]] detail::error_shares<model, stream> shares_{};
    [[no_unique_address]] detail::forecast_ring<value, stream::outputs, ahead> forecasts_{};
    [[no_unique_address]] detail::missing_sensors<model, stream> missing_{};
    uint16_t seen_ = 0; ///< samples read since the start, up to the length of the warm-up
    [[no_unique_address]] detail::alarm_state<model> alarm_{};
};

} // namespace tocsin::firmware
