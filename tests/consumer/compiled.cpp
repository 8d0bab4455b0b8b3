// A user's program that takes its detector from tocsin::compiled.
#include <tocsin/tocsin.hpp>

#ifndef TOCSIN_COMPILED
#error "the target tocsin::compiled did not say so"
#endif

#include <cstdio>

int main() {
    tocsin::random_generator random{1};
    tocsin::matrix<float> values(2, 400);
    for (float& value : values.reshaped()) {
        value = static_cast<float>(random.normal());
    }
    tocsin::detector<tocsin::forecaster<float>> monitor(
        tocsin::forecaster<float>::with_layers(2, 2, {4}));
    const auto windows = tocsin::make_windows(values, 40, 20).value();
    const bool ready = monitor.train(windows, {}, tocsin::trainer<>{.epochs = 1}).ok() &&
                       monitor.fit_errors(windows).ok() && monitor.tune(windows).ok();
    std::puts(ready ? "works" : "is broken");
    return ready ? 0 : 1;
}
