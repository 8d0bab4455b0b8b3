/// @file anomaly_likelihood.hpp
/// @brief Rolling anomaly likelihood: how unusual recent scores are compared with a long history.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/series/moving_window.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numbers>

namespace tocsin {

/// Settings of anomaly_likelihood.
struct anomaly_likelihood_settings {
    int long_rows = 8000;          ///< rows of the long window, 2 to 2^24
    int short_rows = 10;           ///< rows of the short window, 1 to long_rows
    int warm_up = 300;             ///< rows before the first likelihood, 2 to long_rows
    double least_deviation = 1e-6; ///< lower bound for standard deviations; positive

    status check() const noexcept {
        const auto refuse = [](const char* name, auto value, const char* expected) {
            return status::error(error_code::invalid_argument, "anomaly_likelihood: ", name, ' ',
                                 value, " must ", expected);
        };
        if (long_rows < 2 || long_rows > detail::largest_ring) {
            return refuse("long_rows", long_rows, "lie in [2, 2^24]");
        }
        if (short_rows < 1 || short_rows > long_rows) {
            return refuse("short_rows", short_rows, "lie in [1, long_rows]");
        }
        if (warm_up < 2 || warm_up > long_rows) {
            return refuse("warm_up", warm_up, "lie in [2, long_rows]");
        }
        if (!(least_deviation > 0) || !std::isfinite(least_deviation)) {
            return refuse("least_deviation", least_deviation, "be finite and positive");
        }
        return {};
    }
};

/// Turns scores into the probability that they are unusual for the stream (Lavin and Ahmad,
/// "Evaluating real-time anomaly detection algorithms - the Numenta anomaly benchmark", ICMLA
/// 2015):
///
///     likelihood = 1 - Q((mean of the short window - mean) / standard deviation),
///
/// mean and standard deviation being those of the long window, which includes the newest score, and
/// Q the upper tail of the normal distribution. A noisy stream thus needs a larger change than a
/// quiet one. The usual alarm is likelihood >= 1 - 1e-5, that is, z() >= 4.26.
///
/// Scores of a mean over several rows vary less than single ones, so that the likelihood is
/// conservative for independent scores; the definition above is the paper's.
///
/// Scores count as at most largest_input in size (see moving_window); whatever came, the likelihood
/// is right again 2 * long_rows finite scores later.
class anomaly_likelihood {
  public:
    /// `invalid_argument` for settings out of range. Allocates.
    static result<anomaly_likelihood> make(const anomaly_likelihood_settings& settings = {}) {
        if (status usable = settings.check(); !usable) {
            return usable;
        }
        return anomaly_likelihood(settings);
    }

    const anomaly_likelihood_settings& settings() const noexcept { return settings_; }

    /// Adds a score and returns the likelihood, in [0, 1]; NaN during the warm-up. A score that is
    /// not finite changes nothing and is counted in rejected(): NaN gives NaN, infinity 1, minus
    /// infinity 0. O(1), never allocates.
    double push(double score) noexcept {
        if (!std::isfinite(score)) {
            long_.push(score); // counts it
            return std::isnan(score) ? score : score > 0 ? 1 : 0;
        }
        long_.push(score);
        short_.push(score);
        return 1 - upper_tail(z());
    }

    /// Distance of the short mean from the long one in standard deviations; NaN during the warm-up.
    /// Unlike the likelihood, it still distinguishes large values.
    double z() const noexcept {
        if (long_.count() < settings_.warm_up) {
            return std::numeric_limits<double>::quiet_NaN();
        }
        return (short_.mean() - long_.mean()) /
               std::max(std::sqrt(long_.variance()), settings_.least_deviation);
    }
    /// Scores that were not finite.
    std::int64_t rejected() const noexcept { return long_.rejected(); }

    /// Upper tail Q(z) of the normal distribution; NaN for NaN.
    static double upper_tail(double z) noexcept { return 0.5 * std::erfc(z / std::numbers::sqrt2); }

    void reset() noexcept {
        long_.reset();
        short_.reset();
    }

    static constexpr const char* kind = "anomaly_likelihood";
    static constexpr int version = 1;
    template <class Archive>
    void exchange(Archive& archive) {
        archive.integer("warm_up", settings_.warm_up);
        archive.number("least_deviation", settings_.least_deviation);
        {
            const auto inner = archive.scope("long");
            long_.exchange(archive);
        }
        {
            const auto inner = archive.scope("short");
            short_.exchange(archive);
        }
        if constexpr (Archive::loading) {
            settings_.long_rows = long_.rows();
            settings_.short_rows = short_.rows();
            if (archive.outcome().ok()) {
                archive.fail(valid());
            }
        }
    }

    /// Whether make() and push() can have led here; `format_error` with what is impossible.
    status valid() const noexcept {
        if (status usable = settings_.check(); !usable) {
            return usable;
        }
        if (short_.count() != std::min(long_.count(), short_.rows())) {
            return status::error(error_code::format_error, "anomaly_likelihood: ", short_.count(),
                                 " scores in the short window, ", long_.count(),
                                 " in the long one");
        }
        if (status usable = long_.valid(); !usable) {
            return usable;
        }
        return short_.valid();
    }

  private:
    explicit anomaly_likelihood(const anomaly_likelihood_settings& settings)
        : settings_{settings}, long_(settings.long_rows), short_(settings.short_rows) {}

    anomaly_likelihood_settings settings_;
    moving_window long_;
    moving_window short_;
};

} // namespace tocsin
