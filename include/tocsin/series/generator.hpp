/// @file generator.hpp
/// @brief Generator of noisy sinusoids with labelled anomalies.
#pragma once

#include "tocsin/core/random.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/series/series.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <span>
#include <utility>
#include <vector>

namespace tocsin {

/// Range [low, high) of uniform random numbers; `low == high` is a constant.
struct uniform_range {
    double low = 0;  ///< the smallest value
    double high = 1; ///< the largest value
};

/// Normal behaviour: `sin(t * frequency[k] * factor + phase) * amplitude[k] + U(0, noise)` for
/// feature `k` at time step `t = 0, 1, ...`.
struct sinusoid_settings {
    int features = 5;                        ///< features of a sequence
    int length = 30;                         ///< time steps in a sequence
    uniform_range frequency = {1, 2};        ///< radians per step, drawn once per feature
    uniform_range amplitude = {1, 2};        ///< drawn once per feature
    double noise = 1;                        ///< width of the uniform noise, at least 0
    bool random_phase = false;               ///< a phase per sequence, common to all features
    uniform_range frequency_factor = {1, 1}; ///< drawn per sequence; {0.85, 1.15} varies it
};

/// Kind of anomaly. All but `phase` change the last steps only.
enum class sinusoid_anomaly : std::uint8_t {
    amplitude, ///< each value of all features is multiplied by a factor of random sign
    mild,      ///< one feature is multiplied by one small factor
    frozen,    ///< one feature keeps its last normal value, noise included
    frequency, ///< one feature oscillates faster, without a jump in its phase
    phase      ///< one feature is out of phase over the whole sequence
};

/// How an anomalous sequence differs from a normal one.
struct anomaly_settings {
    sinusoid_anomaly kind = sinusoid_anomaly::amplitude; ///< what is wrong
    int anomalous_steps = 9;                  ///< at the end of the sequence, 1 to its length
    uniform_range amplitude_factor = {8, 20}; ///< absolute value, drawn for each value
    uniform_range mild_factor = {1.2, 1.8};   ///< drawn per sequence
    double frequency_factor = 1.35;           ///< positive
    /// Radians, drawn per sequence.
    uniform_range phase_shift = {0.5 * std::numbers::pi, 1.5 * std::numbers::pi};
};

/// Draws normal and anomalous sequences around fixed frequencies and amplitudes.
template <class Scalar>
class sinusoid_generator {
  public:
    using scalar_type = Scalar;

    /// Draws frequency and amplitude of each feature from `random`. `invalid_argument` for a
    /// setting out of range. Allocates.
    static result<sinusoid_generator> make(const sinusoid_settings& settings,
                                           random_generator& random) {
        if (settings.features < 1 || settings.length < 1) {
            return status::error(error_code::invalid_argument, "generator: ", settings.features,
                                 " features and length ", settings.length,
                                 " must both be at least 1");
        }
        if (!(settings.noise >= 0) || !std::isfinite(settings.noise)) {
            return status::error(error_code::invalid_argument, "generator: noise ", settings.noise,
                                 " must be finite, at least 0");
        }
        for (const auto& [name, range] :
             {std::pair{"frequency", settings.frequency},
              std::pair{"amplitude", settings.amplitude},
              std::pair{"frequency_factor", settings.frequency_factor}}) {
            if (auto outcome = check(name, range); !outcome) {
                return outcome;
            }
        }
        sinusoid_generator generator;
        generator.settings_ = settings;
        for (int k = 0; k < settings.features; ++k) {
            generator.frequencies_.push_back(draw(settings.frequency, random));
            generator.amplitudes_.push_back(draw(settings.amplitude, random));
        }
        return generator;
    }

    const sinusoid_settings& settings() const noexcept { return settings_; }
    /// Radians per step of each feature.
    std::span<const double> frequencies() const noexcept { return frequencies_; }
    /// Amplitude of each feature.
    std::span<const double> amplitudes() const noexcept { return amplitudes_; }

    /// `count` normal sequences, without labels. `invalid_argument` when `count` is negative.
    result<sequence_set<Scalar>> normal(index_t count, random_generator& random) const {
        auto set = mixed(count, 0, {.anomalous_steps = 1}, random);
        if (set) {
            set->labels.clear();
        }
        return set;
    }
    /// `count` anomalous sequences, all labelled 1. Errors as mixed().
    result<sequence_set<Scalar>> anomalous(index_t count, const anomaly_settings& anomaly,
                                           random_generator& random) const {
        return mixed(0, count, anomaly, random);
    }
    /// Normal and anomalous sequences in random order with labels. `invalid_argument` when a count
    /// is negative or a setting out of range. Allocates.
    result<sequence_set<Scalar>> mixed(index_t normal_count, index_t anomalous_count,
                                       const anomaly_settings& anomaly,
                                       random_generator& random) const {
        if (normal_count < 0 || anomalous_count < 0) {
            return status::error(error_code::invalid_argument, "generator: ", normal_count,
                                 " normal and ", anomalous_count,
                                 " anomalous sequences; neither may be negative");
        }
        if (auto outcome = check(anomaly); !outcome) {
            return outcome;
        }
        const index_t count = normal_count + anomalous_count;
        sequence_set<Scalar> set;
        set.length = settings_.length;
        set.values.resize(settings_.features, count * settings_.length);
        set.labels.assign(static_cast<std::size_t>(count), 0);
        std::fill_n(set.labels.begin(), anomalous_count, std::uint8_t{1});
        if (normal_count > 0 && anomalous_count > 0) {
            shuffle(std::span<std::uint8_t>{set.labels}, random);
        }
        for (index_t k = 0; k < count; ++k) {
            const bool is_anomalous = set.labels[static_cast<std::size_t>(k)] != 0;
            write(set.sequence(k), is_anomalous ? &anomaly : nullptr, random);
        }
        return set;
    }

  private:
    sinusoid_generator() = default;

    static double draw(const uniform_range& range, random_generator& random) noexcept {
        return range.low == range.high ? range.low : random.uniform(range.low, range.high);
    }
    static status check(const char* name, const uniform_range& range) noexcept {
        if (std::isfinite(range.low) && std::isfinite(range.high) && range.low <= range.high) {
            return {};
        }
        return status::error(error_code::invalid_argument, "generator: ", name, " range ",
                             range.low, " to ", range.high, " must be finite, not decreasing");
    }
    status check(const anomaly_settings& anomaly) const noexcept {
        if (anomaly.anomalous_steps < 1 || anomaly.anomalous_steps > settings_.length) {
            return status::error(error_code::invalid_argument, "generator: anomalous_steps ",
                                 anomaly.anomalous_steps, " must be 1 to the length ",
                                 settings_.length);
        }
        if (!(anomaly.frequency_factor > 0) || !std::isfinite(anomaly.frequency_factor)) {
            return status::error(error_code::invalid_argument, "generator: frequency_factor ",
                                 anomaly.frequency_factor, " must be positive");
        }
        for (const auto& [name, range] : {std::pair{"amplitude_factor", anomaly.amplitude_factor},
                                          std::pair{"mild_factor", anomaly.mild_factor},
                                          std::pair{"phase_shift", anomaly.phase_shift}}) {
            if (auto outcome = check(name, range); !outcome) {
                return outcome;
            }
        }
        return {};
    }

    /// Fills one sequence `[features x length]`; `anomaly` is null for a normal one.
    void write(matrix_view<Scalar> values, const anomaly_settings* anomaly,
               random_generator& random) const noexcept {
        using kinds = sinusoid_anomaly;
        const double phase = settings_.random_phase ? random.uniform(0, 2 * std::numbers::pi) : 0.0;
        const double factor = draw(settings_.frequency_factor, random);
        int affected = -1; // the only affected feature, where there is one
        int onset = settings_.length;
        double mild_factor = 1;
        double shift = 0;
        if (anomaly != nullptr) {
            onset -= anomaly->anomalous_steps;
            affected =
                static_cast<int>(random.below(static_cast<std::uint64_t>(settings_.features)));
            mild_factor = draw(anomaly->mild_factor, random);
            shift = draw(anomaly->phase_shift, random);
        }
        const int last_normal = std::max(onset - 1, 0);
        for (int t = 0; t < settings_.length; ++t) {
            for (int k = 0; k < settings_.features; ++k) {
                const auto feature = static_cast<std::size_t>(k);
                const double frequency = frequencies_[feature] * factor;
                const bool differs = anomaly != nullptr && k == affected;
                double angle = t * frequency + phase;
                if (differs && anomaly->kind == kinds::phase) {
                    angle += shift;
                }
                if (differs && anomaly->kind == kinds::frequency && t >= onset) {
                    angle += (t - last_normal) * frequency * (anomaly->frequency_factor - 1);
                }
                double value =
                    std::sin(angle) * amplitudes_[feature] + settings_.noise * random.uniform();
                if (t >= onset && anomaly->kind == kinds::amplitude) {
                    const double sign = random.below(2) == 0 ? 1 : -1;
                    value *= sign * draw(anomaly->amplitude_factor, random);
                }
                if (t >= onset && differs && anomaly->kind == kinds::mild) {
                    value *= mild_factor;
                }
                if (t > last_normal && differs && anomaly->kind == kinds::frozen) {
                    values(k, t) = values(k, last_normal);
                    continue;
                }
                values(k, t) = static_cast<Scalar>(value);
            }
        }
    }

    sinusoid_settings settings_;
    std::vector<double> frequencies_;
    std::vector<double> amplitudes_;
};

} // namespace tocsin
