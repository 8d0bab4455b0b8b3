// The smallest program with a watcher, for its size. Without MODEL: what it is compared with.
#include <stdint.h>

volatile float input[16];
volatile uint32_t output;

#ifdef MODEL_HEADER
#include MODEL_HEADER

static constinit tocsin::firmware::watcher<MODEL::model> watch;

template <class Watcher>
void learn(Watcher& watcher) {
    if constexpr (requires { watcher.learn(); }) {
        watcher.learn();
    }
}

template <class Watcher>
void explain(const Watcher& watcher) {
    if constexpr (requires(float(&out)[MODEL::model_type::features]) { watcher.shares(out); }) {
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
        output = static_cast<uint32_t>(watch.push(sample).kind);
        learn(watch);
        explain(watch);
    }
#else
    for (;;) {
        output = static_cast<uint32_t>(input[0] > 0);
    }
#endif
}
