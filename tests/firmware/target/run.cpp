// Runs a generated model on a target: its self-test, a hash of 10 000 scores, verdicts and shares, the
// instructions and the stack of a push().
#include MODEL_HEADER

#include "semihosting.hpp"
#ifdef TOCSIN_TARGET_TIMED
#include "tocsin/firmware/timed_watcher.hpp"
#endif
#ifdef TOCSIN_TARGET_COUNTS
#include "instruction_counter.hpp"
#endif

namespace {

using model = MODEL::model_type;
#ifdef TOCSIN_TARGET_TIMED
/// Gives samples the times of a counter that wraps around. Among the first 10 000 some come late, after a
/// pause, or at another rate.
class troubled_watcher : public tocsin::firmware::timed_watcher<MODEL::model, 1000> {
    using base = tocsin::firmware::timed_watcher<MODEL::model, 1000>;

  public:
    auto push(const float (&sample)[base::features]) noexcept { return at_next_time(sample); }
    template <class Pointer>
        requires(__is_same(Pointer, const float*))
    auto push(const Pointer& sample) noexcept {
        return at_next_time(sample);
    }

  private:
    tocsin::firmware::verdict at_next_time(const float* sample) noexcept {
        constexpr uint32_t troubled = 10'000;
        const uint32_t count = ++count_ < troubled ? count_ : 0;
        time_ += count % 4000 < 2000 ? 1000 + count % 7 : 23'000;
        time_ += count % 700 == 699 ? 600'000 : 0;
        return base::push(sample, time_ - 400'000 - (count % 90 == 89 ? 50'000U : 0U));
    }

    uint32_t time_ = 0;
    uint32_t count_ = 0;
};
constinit troubled_watcher watch;
#else
constinit tocsin::firmware::watcher<MODEL::model> watch;
#endif

constexpr bool missing_values = model::missing != tocsin::firmware::missing_policy::none;
constexpr int samples = 10'000;
/// What a scaled value of 1 is.
constexpr float unit =
    __is_same(typename model::template stream<model>::value_type, float) ? 1.0F : 65536.0F;

/// Samples that are the same everywhere: integers of a linear congruential generator (Numerical
/// Recipes) as floats.
class sample_source {
  public:
    void next(float (&sample)[model::features]) {
        for (int f = 0; f < model::features; ++f) {
            state_ = 1664525U * state_ + 1013904223U;
            const auto steps = static_cast<int32_t>(state_ >> 20U) - 2048; // 12 bits
            // About what the model was trained on: its offset, plus or minus 4 spreads; now and
            // then a value far out, and a missing one.
            level_[f] += (steps - level_[f]) / 8;
            // Divided, because a product could be fused with the sum.
            float value = static_cast<float>(level_[f]) / 512.0F;
            if ((state_ >> 12U) % 1024 == 0) {
                value = value * 1024.0F;
            }
            sample[f] = model::input_offset[f] + value / (model::input_factor[f] / unit);
            if (missing_values && (state_ >> 10U) % 64 == 0) {
                sample[f] = __builtin_nanf("");
            }
        }
        if (missing_values && (++count_ & 511U) > 503) { // a gap
            for (float& value : sample) {
                value = __builtin_nanf("");
            }
        }
    }

  private:
    uint32_t state_ = 1;
    uint32_t count_ = 0;
    int32_t level_[model::features]{};
};

[[maybe_unused]] bool all_there(const float (&sample)[model::features]) {
    bool all = true;
    for (const float value : sample) {
        all = all && value == value;
    }
    return all;
}

/// What a watcher with more than verdicts has to say after a sample.
template <class Watcher>
uint32_t after_push(Watcher& watcher) {
    uint32_t alarm = 0;
    if constexpr (requires { watcher.alarm(); }) {
        alarm = watcher.alarm() ? 0x80U : 0U;
    }
    if constexpr (requires { watcher.learn(); }) {
        watcher.learn();
    }
    return alarm;
}

/// A hash continued by whether the clock was set anew, where samples have times.
template <class Watcher>
uint32_t with_clock(const Watcher& watcher, uint32_t hash) {
    if constexpr (requires { watcher.clock_reset(); }) {
        return tocsin::firmware::detail::add_to_crc(hash, watcher.clock_reset() ? 1U : 0U);
    } else {
        return hash;
    }
}

/// A hash continued by the shares of a watcher that has them.
template <class Watcher>
uint32_t with_shares(const Watcher& watcher, uint32_t hash) {
    if constexpr (requires(float(&out)[unsigned{model::features}]) { watcher.shares(out); }) {
        float shares[model::features];
        watcher.shares(shares);
        for (const float share : shares) {
            hash = tocsin::firmware::detail::add_to_crc(hash, __builtin_bit_cast(uint32_t, share));
        }
    }
    return hash;
}

/// A hash continued by what a watcher has learned to compare scores with.
template <class Watcher>
uint32_t with_threshold(const Watcher& watcher, uint32_t hash) {
    if constexpr (requires { watcher.learned_threshold(); }) {
        return tocsin::firmware::detail::add_to_crc(
            hash, __builtin_bit_cast(uint32_t, watcher.learned_threshold()));
    } else {
        return hash;
    }
}

void show_hash() {
    sample_source source;
    float sample[model::features];
    uint32_t hash = 0;
    uint32_t counts[5]{};
    watch.restart();
    for (int k = 0; k < samples; ++k) {
        source.next(sample);
        const auto verdict = watch.push(sample);
        hash =
            tocsin::firmware::detail::add_to_crc(hash, __builtin_bit_cast(uint32_t, verdict.score));
        hash = tocsin::firmware::detail::add_to_crc(
            hash, static_cast<uint32_t>(verdict.kind) | after_push(watch) |
                      static_cast<uint32_t>(verdict.reason) << 8U |
                      static_cast<uint32_t>(verdict.missing) << 16U |
                      static_cast<uint32_t>(verdict.lost) << 24U);
        hash = with_clock(watch, with_shares(watch, hash));
        ++counts[static_cast<int>(verdict.kind)];
    }
    put_line("hash", with_threshold(watch, hash), true);
    for (int kind = 0; kind < 5; ++kind) {
        put_line(to_string(static_cast<tocsin::firmware::verdict_kind>(kind)), counts[kind]);
    }
}

#ifdef TOCSIN_TARGET_COUNTS
/// Of a push() that is scored: the average of 256.
uint32_t count_instructions() {
    constexpr int runs = 256;
    static float inputs[8][model::features];
    sample_source source;
    for (auto& sample : inputs) {
        do {
            source.next(sample);
        } while (!all_there(sample));
    }
    watch.restart();
    for (int k = 0; k < watch.warm_up; ++k) {
        watch.push(inputs[k % 8]);
    }
    return instructions_of([] {
               for (int k = 0; k < runs; ++k) {
                   watch.push(inputs[k % 8]);
               }
           }) /
           runs;
}
/// Of the longest learn() among 2000, such as one that fits a threshold anew.
template <class Watcher>
void show_learning(Watcher& watcher) {
    if constexpr (requires { watcher.learn(); }) {
        const uint64_t million = ticks_of_a_million();
        sample_source source;
        float sample[model::features];
        uint32_t longest = 0;
        watcher.restart();
        for (int k = 0; k < 2000; ++k) {
            source.next(sample);
            watcher.push(sample);
            const uint32_t begin = counter();
            watcher.learn();
            const uint32_t ticks = ticks_since(begin);
            longest = ticks > longest ? ticks : longest;
        }
        put_line("learning", static_cast<uint32_t>(uint64_t{1'000'000} * longest / million));
    }
}
#endif

#ifdef TOCSIN_TARGET_STACK
[[gnu::noinline]] uint32_t used_stack(const float* sample) {
    constexpr uint32_t words = 1024;
    constexpr uint32_t pattern = 0xA5C35A3CU;
    uint32_t here = 0;
    asm volatile("mov %0, sp" : "=r"(here));
    auto* const top = reinterpret_cast<volatile uint32_t*>(here);
    for (uint32_t k = 1; k <= words; ++k) {
        top[-static_cast<int>(k)] = pattern;
    }
    watch.push(sample);
    uint32_t untouched = words;
    while (untouched > 0 && top[-static_cast<int>(untouched)] == pattern) {
        --untouched;
    }
    return 4 * untouched;
}
#endif

} // namespace

int main() {
    const auto outcome = watch.self_test();
    put_line("self_test", static_cast<uint32_t>(outcome));
    show_hash();
#ifdef TOCSIN_TARGET_COUNTS
    put_line("instructions", count_instructions());
    show_learning(watch);
#endif
#ifdef TOCSIN_TARGET_STACK
    sample_source source;
    float sample[model::features];
    do {
        source.next(sample);
    } while (!all_there(sample));
    uint32_t stack = used_stack(sample);
    if (missing_values) {
        sample[0] = __builtin_nanf("");
        const uint32_t more = used_stack(sample);
        stack = more > stack ? more : stack;
    }
    put_line("stack", stack);
#endif
    leave(outcome == tocsin::firmware::self_test_result::passed ? 0 : 1);
}
