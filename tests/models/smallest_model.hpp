/// @file smallest_model.hpp
/// @brief The smallest sequence model: exactly what the concept requires.
#pragma once

#include "tocsin/models/sequence_model.hpp"

namespace tocsin_test {

/// Has no parameters and predicts twice its input.
struct echo_model {
    using scalar_type = float;
    int width = 1;

    tocsin::status check() const { return {}; }
    int features() const { return width; }
    tocsin::index_t parameter_count() const { return 0; }
    tocsin::index_t predict_work_size(int, int) const { return 0; }
    tocsin::index_t training_work_size(int, int) const { return 0; }
    void initialise(std::span<float>, tocsin::random_generator&) const {}
    template <class Visit>
    void for_each_parameter_block(Visit&&) const {}
    void predict(std::span<const float>, tocsin::sequence_view<const float> windows,
                 tocsin::sequence_view<float> predictions, std::span<float>) const noexcept {
        predictions.flat() = 2 * windows.flat();
    }
    template <class Loss>
    double loss_and_gradient(std::span<const float>, tocsin::sequence_view<const float>,
                             const Loss&, std::span<float>, tocsin::random_generator&,
                             std::span<float>) const {
        return 0;
    }
};

} // namespace tocsin_test
