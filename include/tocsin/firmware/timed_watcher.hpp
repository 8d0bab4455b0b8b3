/// @file timed_watcher.hpp
/// @brief A watcher of samples with times.
#pragma once

#include "tocsin/firmware/stream_clock.hpp"
#include "tocsin/firmware/watcher.hpp"

namespace tocsin::firmware {

/// A watcher that looks at the times of samples as detector::push() does on the host. A sample that is
/// not after the one before, or comes after a pause, is ignored as `out_of_order`. Once
/// `detector_settings::clock_agreement` of them in a row follow each other, their time is taken over,
/// and the stream restarts. It takes 20 bytes more than a watcher.
///
///     constinit tocsin::firmware::timed_watcher<pump::model, 1000> pump_watcher;
///     const auto verdict = pump_watcher.push(sample, millis());
///
/// @tparam Model        the object `model` of a generated header
/// @tparam TicksPerUnit ticks of the counter in one unit of the times that the detector was trained
///                      with: 1000 for milliseconds where those are seconds
template <const auto& Model, uint32_t TicksPerUnit>
class timed_watcher : public watcher<Model> {
    using base = watcher<Model>;
    using model = typename detail::without_const<decltype(Model)>::type;
    static constexpr double pause = double{model::longest_pause} * TicksPerUnit;
    static constexpr double most = 0x7FFFFFFF;
    static_assert(TicksPerUnit > 0 && (pause == 0 || pause >= 0.5),
                  "tocsin: the longest pause is less than a tick");

  public:
    using base::features;

    /// Takes the newest sample and judges it.
    /// @param sample `[features]` in original units; NaN where a value is missing
    /// @param time   of the sample in ticks of a counter that may wrap around
    verdict push(const float (&sample)[model::features], uint32_t time) noexcept {
        return take_at(sample, time);
    }
    /// The same from a place in memory with as many floats.
    template <class Pointer>
        requires(__is_same(Pointer, const float*) || __is_same(Pointer, float*))
    verdict push(const Pointer& sample, uint32_t time) noexcept {
        return take_at(sample, time);
    }
    /// Whether the last sample was the first of a time that was taken over.
    bool clock_reset() const noexcept { return clock_reset_; }

    /// Forgets the past, also the times. Alarm control and what was learned stay.
    void restart() noexcept {
        base::restart();
        forget_times();
    }
    /// See watcher::self_test().
    self_test_result self_test() noexcept {
        forget_times();
        return base::self_test();
    }

  private:
    verdict take_at(const float* sample, uint32_t time) noexcept {
        const detail::clock_step step = clock_.advance(time);
        clock_reset_ = step == detail::clock_step::reset;
        if (step == detail::clock_step::refused) {
            return this->ignore();
        }
        if (clock_reset_) {
            this->restart_after_pause();
        }
        return base::push(sample);
    }
    void forget_times() noexcept {
        clock_ = {};
        clock_reset_ = false;
    }

    [[no_unique_address]] detail::stream_clock<
        static_cast<uint32_t>(pause < most ? pause + 0.5 : most), model::clock_agreement> clock_{};
    bool clock_reset_ = false;
};

} // namespace tocsin::firmware
