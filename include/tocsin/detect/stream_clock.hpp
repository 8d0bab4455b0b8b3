/// @file stream_clock.hpp
/// @brief Whether the time of a sample follows from the samples before.
#pragma once

#include "tocsin/core/keep_if.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/detect/detector_settings.hpp"
#include "tocsin/firmware/usual_interval.hpp"

#include <cmath>
#include <cstdint>
#include <limits>

namespace tocsin {

/// A time that is not known.
inline constexpr double unknown_time = std::numeric_limits<double>::quiet_NaN();

/// What the clock makes of the time of a sample.
enum class clock_step : std::uint8_t {
    follows, ///< the sample follows the one before, or its time is not known
    refused, ///< it does not, and too few samples agree with it so far
    reset    ///< it does not, but enough samples in a row agree: their time is taken over
};

/// The clock of one stream. A time that lies before the last one, or a pause after it, is refused
/// until `clock_agreement` samples in a row follow each other at about the same interval, which may
/// be a new one; then the stream takes over their time. So one wrong stamp costs one sample, and a
/// clock that is set anew, or a stream that becomes slower, `clock_agreement` less one.
class stream_clock {
  public:
    /// Compares the time of a sample with those before. O(1), never allocates.
    /// @param time of the sample; NaN: not known. An infinite one is refused, until
    ///             `clock_agreement` of them in a row show that the clock has failed; then the
    ///             stream continues as without times.
    clock_step advance(double time, const detector_settings& settings) noexcept {
        if (std::isnan(time)) {
            return clock_step::follows;
        }
        if (!std::isfinite(time)) {
            return advance_without_time(time, settings.clock_agreement);
        }
        if (std::isnan(last_)) {
            last_ = time;
            agreeing_ = 0;
            return clock_step::follows;
        }
        const double longest = longest_pause(settings);
        // A difference of two finite times may be infinite.
        if (const double interval = time - last_;
            interval > 0 && interval <= longest && std::isfinite(interval)) {
            learn(interval);
            last_ = time;
            agreeing_ = 0;
            return clock_step::follows;
        }
        const double interval = time - candidate_;
        const bool agrees = agreeing_ > 0 && interval > 0 && std::isfinite(interval) &&
                            (interval <= longest || agreeing_ == 1 ||
                             interval <= intervals_of_a_pause * candidate_interval_);
        agreeing_ = agrees ? agreeing_ + 1 : 1;
        candidate_ = time;
        candidate_interval_ = agrees ? interval : unknown_time;
        if (agreeing_ < settings.clock_agreement) {
            return clock_step::refused;
        }
        if (agrees && (interval > longest || firmware::detail::is_far_below(interval, interval_))) {
            interval_ = interval; // the stream has become slower, or a wrong stamp was learned
        } else if (const double pause = time - last_;
                   !agrees && pause > 0 && std::isfinite(pause)) {
            learn(pause);
        }
        last_ = time;
        agreeing_ = 0;
        return clock_step::reset;
    }
    /// Forgets all times.
    void clear() noexcept { *this = {}; }

    /// Time of the last sample that was not refused; NaN where none is known.
    double last() const noexcept { return last_; }

    template <class Archive>
    void exchange(Archive& archive) {
        archive.real("last_time", last_);
        archive.real("candidate_time", candidate_);
        archive.real("candidate_interval", candidate_interval_);
        archive.real("interval", interval_);
        archive.integer("agreeing", agreeing_, 0, 1 << 30);
        if constexpr (Archive::loading) {
            detail::keep_if(archive, valid());
        }
    }
    /// Whether advance() can have led here; `format_error` with what is impossible.
    status valid() const noexcept {
        const auto is_interval = [](double value) {
            return std::isnan(value) || (value > 0 && std::isfinite(value));
        };
        if (std::isinf(last_) || !is_interval(interval_) || !is_interval(candidate_interval_)) {
            return status::error(error_code::format_error, "stream: a clock at ", last_,
                                 " with intervals of ", interval_, " and ", candidate_interval_);
        }
        return {};
    }

  private:
    static constexpr double intervals_of_a_pause{firmware::detail::intervals_of_a_pause};

    clock_step advance_without_time(double time, std::int32_t agreement) noexcept {
        const bool agrees = agreeing_ > 0 && std::isinf(candidate_);
        if (agrees && agreeing_ >= agreement) {
            return clock_step::follows;
        }
        agreeing_ = agrees ? agreeing_ + 1 : 1;
        candidate_ = time;
        candidate_interval_ = unknown_time;
        return agreeing_ < agreement ? clock_step::refused : clock_step::reset;
    }

    double longest_pause(const detector_settings& settings) const noexcept {
        if (!std::isnan(settings.longest_pause)) {
            return settings.longest_pause;
        }
        return std::isnan(interval_) ? std::numeric_limits<double>::infinity()
                                     : intervals_of_a_pause * interval_;
    }
    void learn(double interval) noexcept {
        interval_ = std::isnan(interval_)
                        ? interval
                        : firmware::detail::next_usual_interval(interval_, interval);
    }

    double last_ = unknown_time;
    double candidate_ = unknown_time;          // of the last refused sample
    double candidate_interval_ = unknown_time; // between the last two of those that agree
    double interval_ = unknown_time;           // between samples, usually
    std::int32_t agreeing_ = 0;                // refused samples in a row that follow each other
};

} // namespace tocsin
