// A training state for something that is no optimiser.
#include <tocsin/models/autoencoder.hpp>
#include <tocsin/training/fit.hpp>

int main() {
    const auto model = tocsin::autoencoder<float>::with_embedding(2, 3);
    using state = tocsin::training_state<float>;
    auto fresh = state::fresh(model, tocsin::trainer<>{}, 1); // unsatisfied: update_rule
}
