/// @file logits.hpp
/// @brief The output of a network for windows: logits, and the probabilities of classes.
#pragma once

#include "tocsin/core/storage.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/models/batches.hpp"
#include "tocsin/series/windows.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <span>
#include <vector>

namespace tocsin {

/// Calls `visit(k, logits)` for each window in order, with the logits of inference
/// `[outputs x batch item]` as a span. Allocates its buffers once per call.
/// @param batch_size windows predicted at once, at least 1
template <class Network, class Visit>
void predict_logits(const Network& network,
                    std::span<const typename Network::scalar_type> parameters,
                    const windows<typename Network::scalar_type>& source, int batch_size,
                    Visit&& visit) {
    using scalar = typename Network::scalar_type;
    const auto widest = static_cast<int>(std::min<index_t>(batch_size, source.count()));
    aligned_vector<scalar> inputs(
        static_cast<std::size_t>(index_t{source.features()} * source.length() * widest));
    aligned_vector<scalar> work(
        static_cast<std::size_t>(network.infer_work_size(widest, source.length())));
    std::vector<index_t> order(static_cast<std::size_t>(source.count()));
    std::iota(order.begin(), order.end(), index_t{0});
    for (index_t first = 0; first < source.count(); first += widest) {
        const auto batch = static_cast<int>(std::min<index_t>(widest, source.count() - first));
        const sequence_view<scalar> input(inputs.data(), source.features(), batch, source.length());
        gather_batch<scalar>(source, slice(std::span<const index_t>(order), first, batch), input);
        const auto logits = network.infer(parameters, input, work);
        const auto outputs = static_cast<std::size_t>(logits.features());
        for (int b = 0; b < batch; ++b) {
            visit(first + b, std::span<const scalar>(logits.span())
                                 .subspan(static_cast<std::size_t>(b) * outputs, outputs));
        }
    }
}

/// Probability of each class from the logits of one item: one logit is the anomalous class of two.
/// Never allocates.
/// @param probabilities at least 2, and as many as logits; overwritten
template <class Scalar>
void class_probabilities(std::span<const Scalar> logits, std::span<double> probabilities) noexcept {
    if (logits.size() == 1) {
        const auto z = static_cast<double>(logits[0]);
        const double small = std::exp(-std::abs(z));
        probabilities[1] = (z >= 0 ? 1 : small) / (1 + small);
        probabilities[0] = (z >= 0 ? small : 1) / (1 + small);
        return;
    }
    double largest = -std::numeric_limits<double>::infinity();
    for (const Scalar z : logits) {
        largest = std::max(largest, static_cast<double>(z));
    }
    double total = 0;
    for (std::size_t k = 0; k < logits.size(); ++k) {
        probabilities[k] = std::exp(static_cast<double>(logits[k]) - largest);
        total += probabilities[k];
    }
    for (std::size_t k = 0; k < logits.size(); ++k) {
        probabilities[k] /= total;
    }
}

/// Probability of the anomalous one of two classes. Never allocates.
/// @param logits one or two
template <class Scalar>
double anomaly_probability(std::span<const Scalar> logits) noexcept {
    double each[2] = {};
    class_probabilities(logits, std::span<double>(each));
    return each[1];
}
/// Logarithm of its odds. Never allocates.
/// @param logits one or two
template <class Scalar>
double anomaly_log_odds(std::span<const Scalar> logits) noexcept {
    return static_cast<double>(logits.size() == 1 ? logits[0] : logits[1] - logits[0]);
}

} // namespace tocsin
