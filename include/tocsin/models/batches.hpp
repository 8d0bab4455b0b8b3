/// @file batches.hpp
/// @brief Copies windows into batches, and predicts all windows batch by batch.
#pragma once

#include "tocsin/core/storage.hpp"
#include "tocsin/models/predictor.hpp"
#include "tocsin/models/sequence_model.hpp"
#include "tocsin/series/windows.hpp"

#include <algorithm>
#include <span>
#include <utility>
#include <vector>

namespace tocsin {

/// Copies windows next to each other into `batch`, `[features x (batch * time)]`.
/// @param order which windows, one per batch item
/// @param first time step of the windows that becomes step 0 of the batch
template <class Scalar>
void gather_batch(const windows<Scalar>& source, std::span<const index_t> order,
                  sequence_view<Scalar> batch, int first = 0) noexcept {
    for (int b = 0; b < batch.batch(); ++b) {
        const auto window = source.window(order[static_cast<std::size_t>(b)]);
        for (int t = 0; t < batch.time(); ++t) {
            batch.step(t).col(b) = window.col(first + t);
        }
    }
}

/// Predicts every window in batches and calls `visit(k, window, prediction)` for each, in order,
/// with both as `[features x length]`. Allocates its buffers once per call.
/// @param batch_size windows predicted at once, at least 1
template <sequence_model Model, class Visit>
void predict_windows(const Model& model, std::span<const typename Model::scalar_type> parameters,
                     const windows<typename Model::scalar_type>& source, int batch_size,
                     Visit&& visit) {
    using scalar = typename Model::scalar_type;
    const int features = source.features();
    const int length = source.length();
    const auto widest = static_cast<int>(std::min<index_t>(batch_size, source.count()));
    const index_t samples = index_t{features} * length;
    aligned_vector<scalar> inputs(static_cast<std::size_t>(samples * widest));
    aligned_vector<scalar> outputs(inputs.size());
    predictor<Model> predicting(model, widest, length);
    predicting.prepare(model, parameters);
    std::vector<index_t> order(static_cast<std::size_t>(widest));
    matrix<scalar> prediction(features, length);

    for (index_t first = 0; first < source.count(); first += widest) {
        const auto batch = static_cast<int>(std::min<index_t>(widest, source.count() - first));
        for (int b = 0; b < batch; ++b) {
            order[static_cast<std::size_t>(b)] = first + b;
        }
        const sequence_view<scalar> input(inputs.data(), features, batch, length);
        const sequence_view<scalar> output(outputs.data(), features, batch, length);
        gather_batch<scalar>(source, order, input);
        predicting.predict(model, parameters, input, output);
        for (int b = 0; b < batch; ++b) {
            for (int t = 0; t < length; ++t) {
                prediction.col(t) = output.step(t).col(b);
            }
            visit(first + b, source.window(first + b), std::as_const(prediction));
        }
    }
}

} // namespace tocsin
