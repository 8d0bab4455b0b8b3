/// @file peaks_over_threshold.hpp
/// @brief A threshold that follows the scores of a stream: peaks over threshold in float, with a fixed
/// number of peaks.
#pragma once

#include "tocsin/firmware/pareto_tail.hpp"

namespace tocsin::firmware {

/// An excess over the level above which scores are peaks.
struct peak {
    float excess; ///< positive; negated if it is only known that the score was above the threshold
    uint32_t age; ///< scores since it came
};

namespace detail {

/// The rule tocsin::spot_threshold_by_moments on a stream, see basic_spot_threshold for what it does;
/// nothing where a model has no `peak_capacity`. Takes 8 bytes for each peak. A score below the peaks
/// costs a comparison; a peak, two passes over all of them.
/// @tparam Model has `threshold`, `peak_level`, `peaks[]` in ascending order of their excesses,
///               `peak_capacity`, `peak_tail` (their distribution) and `remembered_scores` in which
///               they came, `false_alarm_rate`, `alarm_separation`, `alarm_wait`,
///               `learns_expected_alarms`
template <class Model, bool On = requires { Model::peak_capacity; }>
class peaks_over_threshold {
    using arithmetic = separate_arithmetic;
    static constexpr int capacity = Model::peak_capacity;
    static constexpr int exported = static_cast<int>(sizeof(Model::peaks) / sizeof(peak));
    static_assert(exported >= 10 && exported <= capacity && capacity <= 0xFFFF);

  public:
    /// What scores are compared with.
    float threshold() const noexcept { return own_ ? threshold_ : Model::threshold; }
    /// What is to become of a score: learn() takes in none but those allowed, once.
    void allow(float score) noexcept {
        score_ = score;
        learnable_ = true;
    }
    void disallow() noexcept { learnable_ = false; }
    /// Moves the threshold by the score allowed last.
    void learn() noexcept {
        if (learnable_) {
            learnable_ = false;
            push(score_);
        }
    }

    /// Continues a checksum over the numbers in flash.
    static constexpr uint32_t checksum(uint32_t crc) noexcept {
        for (const peak& each : Model::peaks) {
            crc = add_to_crc(add_to_crc(crc, bits_of(each.excess)), each.age);
        }
        crc = add_to_crc(add_to_crc(crc, bits_of(Model::peak_level)), Model::remembered_scores);
        crc = add_to_crc(add_to_crc(crc, bits_of(Model::peak_tail.shape)),
                         bits_of(Model::peak_tail.scale));
        crc = add_to_crc(crc, bits_of(Model::false_alarm_rate));
        return add_to_crc(add_to_crc(crc, Model::alarm_separation), Model::alarm_wait);
    }

  private:
    [[gnu::noinline]] void push(float score) noexcept {
        if (!own_) {
            start();
        }
        wait_ -= wait_ > 0 ? 1 : 0;
        if (score <= Model::peak_level) {
            count();
            return;
        }
        if (score <= threshold_) {
            count();
            add({score - Model::peak_level, time_});
        } else if (Model::learns_expected_alarms && wait_ == 0 && is_expected_alarm()) {
            count();
            wait_ = Model::alarm_separation;
            add({-tail_.expected_beyond(threshold_ - Model::peak_level), time_});
        } else {
            return;
        }
        refit();
    }
    /// From what was exported.
    void start() noexcept {
        own_ = true;
        threshold_ = Model::threshold;
        tail_ = Model::peak_tail;
        time_ = Model::remembered_scores;
        wait_ = Model::alarm_wait;
        for (const peak& each : Model::peaks) {
            censored_ = static_cast<uint16_t>(censored_ + (each.excess < 0 ? 1 : 0));
            peaks_[size_++] = {each.excess, time_ - each.age};
        }
    }
    /// One more score during which the peaks came; of more than 2^32 no more are counted.
    void count() noexcept { time_ += remembered() < ~uint32_t{0} ? 1U : 0U; }
    uint32_t remembered() const noexcept { return time_ - forgotten_; }
    float scores() const noexcept { return static_cast<float>(remembered()); }

    struct arrived_peak {
        float excess;     // sorted by its absolute value; negative: censored
        uint32_t arrival; // the count of scores then
    };
    [[gnu::noinline]] void add(arrived_peak found) noexcept {
        if (size_ == capacity) {
            forget_oldest();
        }
        censored_ = static_cast<uint16_t>(censored_ + (found.excess < 0 ? 1 : 0));
        int at = size_++;
        for (; at > 0 && __builtin_fabsf(peaks_[at - 1].excess) > __builtin_fabsf(found.excess);
             --at) {
            peaks_[at] = peaks_[at - 1];
        }
        peaks_[at] = found;
    }
    void forget_oldest() noexcept {
        int oldest = 0;
        for (int k = 1; k < size_; ++k) {
            // Differences, because the count may have passed its end.
            oldest = time_ - peaks_[k].arrival > time_ - peaks_[oldest].arrival ? k : oldest;
        }
        forgotten_ = peaks_[oldest].arrival;
        censored_ = static_cast<uint16_t>(censored_ - (peaks_[oldest].excess < 0 ? 1 : 0));
        --size_;
        for (int k = oldest; k < size_; ++k) {
            peaks_[k] = peaks_[k + 1];
        }
    }

    bool is_expected_alarm() const noexcept {
        float variance = tail_.log_variance(size_, threshold_ - Model::peak_level);
        variance = variance < 0.25F ? variance : 0.25F;
        const float more = arithmetic::multiply_add(0.5F, variance, square_root(variance));
        const float expected =
            arithmetic::multiply(arithmetic::multiply(Model::false_alarm_rate, scores()),
                                 exponential_less_one(more) + 1);
        const float most = arithmetic::multiply_add(3, square_root(expected), expected) + 1;
        return static_cast<float>(censored_) < most && 4 * int32_t{censored_} < size_;
    }
    [[gnu::noinline]] void refit() noexcept {
        float a0 = 0;
        float a1 = 0;
        for (int k = 0; k < size_; ++k) {
            const float excess = __builtin_fabsf(peaks_[k].excess);
            a0 += excess;
            a1 = arithmetic::multiply_add(excess, static_cast<float>(size_ - 1 - k), a1);
        }
        const auto size = static_cast<float>(size_);
        a0 = a0 / size;
        a1 = a1 / arithmetic::multiply(size, size - 1);
        const pareto_tail found = pareto_tail::from_moments(a0, a1);
        if (found.scale > 0 && found.scale <= __FLT_MAX__) {
            tail_ = found;
        }
        // One false alarm in 1 + separation * q comes too soon after another one to be counted.
        constexpr float counted = Model::learns_expected_alarms ? 1.05F : 1.0F;
        const float wanted_tail =
            arithmetic::multiply(Model::false_alarm_rate / counted, scores()) / size;
        const float depth = -logarithm(wanted_tail);
        const float uncertainty = tail_.log_variance(size_, tail_.quantile(depth));
        const float wanted =
            Model::peak_level + tail_.quantile(arithmetic::multiply_add(0.5F, uncertainty, depth));
        if (wanted <= threshold_) {
            threshold_ = wanted;
        } else if (wanted <= __FLT_MAX__) {
            // No higher than for a tail of shape 1 through the median of the excesses.
            const float median = __builtin_fabsf(peaks_[size_ / 2].excess);
            const float highest =
                arithmetic::multiply_add(median, 1 / wanted_tail - 1, Model::peak_level);
            const float risen = wanted < highest ? wanted : highest;
            threshold_ = risen > threshold_ ? risen : threshold_;
        }
    }

    arrived_peak peaks_[unsigned{capacity}]{};
    pareto_tail tail_{};
    float threshold_ = 0;
    float score_ = 0; // of the sample judged last
    uint32_t time_ = 0;
    uint32_t forgotten_ = 0; // when the last peak came that is no longer kept
    uint32_t wait_ = 0;      // scores before the next alarm that may be learned from
    uint16_t size_ = 0;
    uint16_t censored_ = 0;
    bool own_ = false;
    bool learnable_ = false;
};
template <class Model>
class peaks_over_threshold<Model, false> {
  public:
    static constexpr uint32_t checksum(uint32_t crc) noexcept { return crc; }
};

} // namespace detail
} // namespace tocsin::firmware
