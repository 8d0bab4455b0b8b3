/// @file stream_clock.hpp
/// @brief Whether the time of a sample follows from the samples before, by a counter of ticks.
#pragma once

#include "tocsin/firmware/usual_interval.hpp"

#include <stdint.h>

namespace tocsin::firmware::detail {

/// What the clock makes of the time of a sample.
enum class clock_step : uint8_t {
    follows, ///< the sample follows the one before
    refused, ///< it does not, and too few samples agree with it so far
    reset    ///< it does not, but enough samples in a row agree: their time is taken over
};

/// tocsin::stream_clock in ticks. A time less than 2^31 ticks after another, modulo 2^32, is later
/// than that: the counter may wrap around.
/// @tparam Longest   ticks of the longest pause; 0: by the usual interval, which the clock learns
/// @tparam Agreement samples in a row after which their time is taken over
template <uint32_t Longest, int Agreement>
class stream_clock {
  public:
    /// Compares the time of a sample with those before.
    clock_step advance(uint32_t time) noexcept {
        if (!known_) {
            known_ = true;
            last_ = time;
            return clock_step::follows;
        }
        const uint32_t interval = time - last_;
        if (is_after(interval) && is_short(interval)) {
            learn(interval);
            last_ = time;
            agreeing_ = 0;
            return clock_step::follows;
        }
        const uint32_t since = time - candidate_;
        const bool agrees = agreeing_ > 0 && is_after(since) &&
                            (is_short(since) || agreeing_ == 1 ||
                             static_cast<float>(since) <=
                                 intervals_of_a_pause * static_cast<float>(candidate_interval_));
        agreeing_ = static_cast<uint16_t>(agrees ? agreeing_ + 1 : 1);
        candidate_ = time;
        candidate_interval_ = agrees ? since : 0;
        if (agreeing_ < Agreement) {
            return clock_step::refused;
        }
        if (agrees && (!is_short(since) || is_far_below(static_cast<float>(since), interval_))) {
            interval_ = static_cast<float>(since); // slower now, or a wrong stamp was learned
        } else if (!agrees && is_after(interval)) {
            learn(interval);
        }
        last_ = time;
        agreeing_ = 0;
        return clock_step::reset;
    }

  private:
    static bool is_after(uint32_t interval) noexcept {
        return interval > 0 && interval <= 0x7FFFFFFFU;
    }
    bool is_short(uint32_t interval) const noexcept {
        if constexpr (Longest > 0) {
            return interval <= Longest;
        } else {
            return interval_ == 0 ||
                   static_cast<float>(interval) <= intervals_of_a_pause * interval_;
        }
    }
    void learn(uint32_t ticks) noexcept {
        const auto interval = static_cast<float>(ticks);
        interval_ = interval_ == 0 ? interval : next_usual_interval(interval_, interval);
    }

    uint32_t last_ = 0;
    uint32_t candidate_ = 0;          // of the last refused sample
    uint32_t candidate_interval_ = 0; // between the last two of those that agree
    float interval_ = 0;              // between samples, usually; 0: not known
    uint16_t agreeing_ = 0;           // refused samples in a row that follow each other
    bool known_ = false;              // whether there was a time
};

} // namespace tocsin::firmware::detail
