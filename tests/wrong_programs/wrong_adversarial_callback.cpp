// A callback of a pair of networks that takes another argument than the event.
#include <tocsin/models/bigan.hpp>
#include <tocsin/training/fit_adversarial.hpp>

using model_type = decltype(tocsin::make_bigan<float>(3));

tocsin::status train(const model_type& model, const tocsin::windows<float>& windows,
                     tocsin::adversarial_state<float>& state) {
    const auto wrong = [](double) { return true; };
    const tocsin::adversarial_trainer<> trainer;
    return trainer.fit(model, windows, {}, state, wrong); // unsatisfied: adversarial_callback
}
