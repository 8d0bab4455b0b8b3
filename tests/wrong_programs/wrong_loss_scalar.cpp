// A loss of doubles for a model of floats.
#include <span>
#include <tocsin/models/autoencoder.hpp>
#include <tocsin/training/fit.hpp>

struct double_loss {
    double operator()(std::span<const double>, std::span<const double>,
                      std::span<double>) const noexcept {
        return 0;
    }
};

tocsin::status train(const tocsin::autoencoder<float>& model, const tocsin::windows<float>& windows,
                     tocsin::training_state<float>& state) {
    tocsin::trainer<double_loss> trainer;
    return trainer.fit(model, windows, {}, state); // unsatisfied: loss_function
}
