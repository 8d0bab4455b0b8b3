/// @file predictor.hpp
/// @brief Buffers for a model's predictions: packed weights, if the model packs them, and scratch.
#pragma once

#include "tocsin/core/storage.hpp"
#include "tocsin/models/sequence_model.hpp"

#include <span>

namespace tocsin {

/// Holds what `Model::predict` needs for batches of one size, so that predicting does not allocate.
/// The caller keeps the model and its parameters.
template <sequence_model Model>
class predictor {
  public:
    using scalar_type = typename Model::scalar_type;

    predictor() = default;
    /// Allocates.
    /// @param batch,time the largest batch, and the length of its windows
    predictor(const Model& model, int batch, int time)
        : work_(static_cast<std::size_t>(model.predict_work_size(batch, time))) {
        if constexpr (packable_model<Model>) {
            packed_.resize(static_cast<std::size_t>(model.packed_size()));
        }
    }

    /// Packs the parameters. Call it before the first prediction and after each change of them.
    /// Never allocates.
    void prepare(const Model& model, std::span<const scalar_type> parameters) noexcept {
        if constexpr (packable_model<Model>) {
            model.pack(parameters, std::span<scalar_type>(packed_));
        }
    }

    /// @param parameters  as passed to prepare()
    /// @param windows     `[features x (batch * time)]`, at most the batch of the constructor
    /// @param predictions the same shape, overwritten
    void predict(const Model& model, [[maybe_unused]] std::span<const scalar_type> parameters,
                 sequence_view<const scalar_type> windows,
                 sequence_view<scalar_type> predictions) noexcept {
        const std::span<scalar_type> work(work_);
        if constexpr (packable_model<Model>) {
            model.predict(packed_weights<scalar_type>{packed_}, windows, predictions, work);
        } else {
            model.predict(parameters, windows, predictions, work);
        }
    }

  private:
    aligned_vector<scalar_type> packed_;
    aligned_vector<scalar_type> work_;
};

} // namespace tocsin
