/// @file alarm_control.hpp
/// @brief What stands between verdicts and an alarm: the pieces of alarm/alarm_control.hpp with their
/// settings as template arguments, a word of memory each.
#pragma once

#include "tocsin/firmware/arithmetic.hpp"

#include <stdint.h>

namespace tocsin::firmware {

/// At least M flags among the last N samples; see tocsin::m_of_n.
template <int M, int N>
class m_of_n {
    static_assert(M >= 1 && M <= N && N <= 64);

  public:
    /// Takes the next flag.
    /// @return whether at least M of the last N were set
    bool push(bool flag) noexcept {
        uint32_t carry = flag ? 1U : 0U;
        int set = 0;
        for (int word = 0; word < words; ++word) {
            const uint32_t out = last_[word] >> 31U;
            last_[word] = last_[word] << 1U | carry;
            carry = out;
            last_[word] &= word + 1 < words ? ~uint32_t{0} : ~uint32_t{0} >> (32 * words - N);
            for (uint32_t bits = last_[word]; bits != 0; bits &= bits - 1) {
                ++set;
            }
        }
        return set >= M;
    }

  private:
    static constexpr int words = N > 32 ? 2 : 1;
    uint32_t last_[unsigned{words}]{}; // flags, the newest in bit 0
};

/// A flag must last for Samples samples in a row; see tocsin::minimum_duration.
template <uint32_t Samples>
class minimum_duration {
    static_assert(Samples >= 1);

  public:
    /// Takes the next flag.
    /// @return whether it and enough before it were set without a break
    bool push(bool flag) noexcept {
        run_ = !flag ? 0 : run_ < Samples ? run_ + 1 : run_;
        return flag && run_ >= Samples;
    }

  private:
    uint32_t run_ = 0;
};

/// No other alarm for Samples samples after one; see tocsin::suppression.
template <uint32_t Samples>
class suppression {
    static constexpr uint32_t active = ~uint32_t{0};
    static_assert(Samples < active);

  public:
    /// Takes the next flag.
    /// @return whether it belongs to an alarm that is not suppressed
    bool push(bool flag) noexcept {
        if (silence_ == active) {
            silence_ = flag ? active : Samples; // this sample is the first of them
        }
        if (flag && (silence_ == active || silence_ == 0)) {
            silence_ = active;
            return true;
        }
        silence_ -= silence_ > 0 ? 1 : 0;
        return false;
    }

  private:
    uint32_t silence_ = 0; // remaining samples of it, or that an alarm stands
};

/// One alarm for all that follows within Samples samples; see tocsin::refractory_period.
template <uint32_t Samples>
class refractory_period {
  public:
    /// Takes the next flag.
    /// @return whether it is the first one after the period
    bool push(bool flag) noexcept {
        if (remaining_ > 0) {
            --remaining_;
            return false;
        }
        remaining_ = flag ? Samples : 0;
        return flag;
    }

  private:
    uint32_t remaining_ = 0;
};

/// Pieces in sequence: each sees the flags that the one before it passed.
template <class... Pieces>
class alarm_chain {
  public:
    /// Takes the next flag through all pieces.
    /// @return what the last one says
    static bool push(bool flag) noexcept { return flag; }
};
/// Pieces in the order in which flags pass them.
template <class First, class... Rest>
class alarm_chain<First, Rest...> {
  public:
    /// Takes the next flag through all pieces.
    /// @return what the last one says
    bool push(bool flag) noexcept { return rest_.push(first_.push(flag)); }

  private:
    First first_;
    [[no_unique_address]] alarm_chain<Rest...> rest_;
};

/// What becomes of samples without a score, where no sensor is lost.
enum class unscored_samples : uint8_t {
    hold, ///< the alarm stays as it is, and the pieces do not see the sample, as in a detector
    /// The pieces see a sample without a flag, or with one while hysteresis holds an alarm, as in
    /// the command line.
    count
};

namespace detail {

/// The pieces of a model's alarm control; nothing where it has none.
template <class Model, bool On = requires { typename Model::alarm_control; }>
struct alarm_pieces {
    typename Model::alarm_control chain{};
};
template <class Model>
struct alarm_pieces<Model, false> {};

/// Whether there is an alarm; nothing where a model has no alarm control.
/// @tparam Model has `alarm_control`, `unscored`, and `alarm_ends_below`: the score below which an
///               alarm ends; infinity for the threshold
template <class Model, bool On = requires { typename Model::alarm_control; }>
class alarm_state {
    static constexpr bool has_hysteresis = Model::alarm_ends_below <= Model::threshold;

  public:
    bool alarm() const noexcept { return alarm_; }
    /// Continues a checksum over the number in flash.
    static constexpr uint32_t checksum(uint32_t crc) noexcept {
        return add_to_crc(crc, bits_of(Model::alarm_ends_below));
    }
    /// @param above whether the score is above the threshold
    /// @param lost  whether a sensor is, which counts as an anomaly
    void push(alarm_pieces<Model>& pieces, bool scored, bool above, bool lost,
              float score) noexcept {
        if (scored || lost) {
            held_ = lost || above || (has_hysteresis && held_ && score >= Model::alarm_ends_below);
        } else if (Model::unscored == unscored_samples::hold) {
            return; // nothing is known that would end one
        }
        alarm_ = pieces.chain.push(scored || lost || has_hysteresis ? held_ : false);
    }

  private:
    bool alarm_ = false;
    bool held_ = false; // by hysteresis
};
template <class Model>
class alarm_state<Model, false> {
  public:
    static constexpr uint32_t checksum(uint32_t crc) noexcept { return crc; }
};

} // namespace detail
} // namespace tocsin::firmware
