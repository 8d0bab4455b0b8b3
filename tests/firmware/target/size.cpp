// The smallest program with a watcher, for its size. Without MODEL: what it is compared with.
#include <stdint.h>

volatile float input[16];
volatile uint32_t output;
volatile uint32_t ticks;

#ifdef MODEL_HEADER
#include MODEL_HEADER

#ifdef TOCSIN_TARGET_TIMED
#include "tocsin/firmware/timed_watcher.hpp"

static constinit tocsin::firmware::timed_watcher<MODEL::model, 1000> watch;
#else
static constinit tocsin::firmware::watcher<MODEL::model> watch;
#endif

template <class Watcher>
void learn(Watcher& watcher) {
    if constexpr (requires { watcher.learn(); }) {
        watcher.learn();
    }
}

template <class Watcher>
void explain(const Watcher& watcher) {
    if constexpr (requires(float(&out)[unsigned{MODEL::model_type::features}]) {
                      watcher.shares(out);
                  }) {
        float shares[MODEL::model_type::features];
        watcher.shares(shares);
        input[0] = shares[0];
    }
}
#endif

int main() {
#ifdef MODEL_HEADER
    for (;;) {
        float sample[MODEL::model_type::features];
        for (int f = 0; f < MODEL::model_type::features; ++f) {
            sample[f] = input[f];
        }
        const uint32_t time = ticks;
#ifdef TOCSIN_TARGET_TIMED
        output = static_cast<uint32_t>(watch.push(sample, time).kind);
#else
        static_cast<void>(time);
        output = static_cast<uint32_t>(watch.push(sample).kind);
#endif
        learn(watch);
        explain(watch);
    }
#else
    for (;;) {
        const uint32_t time = ticks;
        static_cast<void>(time);
        output = static_cast<uint32_t>(input[0] > 0);
    }
#endif
}
