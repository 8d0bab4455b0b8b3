// A replay of a model of rows, which has no outputs of a series.
#include <span>
#include <string>
#include <tocsin/io/pytorch_replay.hpp>
#include <tocsin/models/dynamic_sequential.hpp>
#include <tocsin/models/row_autoencoder.hpp>
#include <vector>

using tocsin::load_pytorch_and_replay;

tocsin::status load(const tocsin::row_autoencoder<tocsin::dynamic_sequential<float>>& model,
                    std::span<float> weights, const std::vector<std::string>& names) {
    return load_pytorch_and_replay("file", model, weights, names); // unsatisfied: series_network
}
