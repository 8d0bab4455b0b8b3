// A callback whose result nobody would read.
#include <tocsin/models/autoencoder.hpp>
#include <tocsin/training/fit.hpp>

tocsin::status train(const tocsin::autoencoder<float>& model, const tocsin::windows<float>& windows,
                     tocsin::training_state<float>& state) {
    const auto callback = [](const auto&) { return 1; };
    const tocsin::trainer<> trainer;
    return trainer.fit(model, windows, {}, state, callback); // unsatisfied: training_callback
}
