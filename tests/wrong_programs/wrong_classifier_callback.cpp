// A callback of a classifier that takes another argument than the event.
#include <tocsin/models/classifiers.hpp>
#include <tocsin/training/fit_classifier.hpp>

using network_type = decltype(tocsin::lstm_classifier<float>(3, 1));

tocsin::status train(const network_type& network, const tocsin::labelled_windows<float>& windows,
                     tocsin::classifier_state<float>& state) {
    const auto wrong = [](double) { return true; };
    const tocsin::classifier_trainer<> trainer;
    return trainer.fit(network, windows, {}, state, wrong); // unsatisfied: classifier_callback
}
