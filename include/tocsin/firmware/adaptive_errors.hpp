/// @file adaptive_errors.hpp
/// @brief Mean and variance of each error that follow a stream.
#pragma once

#include "tocsin/firmware/elementary.hpp"
#include "tocsin/firmware/float_network.hpp"
#include "tocsin/firmware/model_sizes.hpp"
#include "tocsin/firmware/verdict.hpp"

namespace tocsin::firmware::detail {

/// Squared deviation that is learned as it is, for each element; see tocsin::learning_settings.
inline constexpr float largest_learned_element = 100.0F;

/// The statistic of a stream that learns, in float; see tocsin::diagonal_gaussian::adapt() for the
/// equations. Nothing where a model has no `learning_weight`.
/// @tparam Model  a generated model with a diagonal statistic, a `learning_weight` from 1e-7 to 0.5
///                and a `relative_ridge`
/// @tparam Stream the stream of the model, such as float_stream
template <class Model, class Stream, bool On = requires { Model::learning_weight; }>
class adaptive_errors {
    using arithmetic = typename Model::arithmetic;
    static constexpr int size = Stream::outputs;
    static constexpr float largest = largest_learned_element * size;
    static_assert(Model::statistic == statistic_kind::diagonal);

  public:
    /// The score of deviations from the exported means, which learn() then sees.
    /// @param some whether some of them are missing (NaN); not all
    float score(const float* deviations, bool some) noexcept {
        for (int k = 0; k < size; ++k) {
            deviations_[k] = deviations[k];
        }
        return own_ ? distance(1) : Stream::score(deviations, some);
    }
    /// What is to become of the sample: learn() takes in none but complete normal ones, once.
    void allow(bool normal) noexcept { learnable_ = normal; }
    /// Moves mean and variances towards the sample scored last. One that is far out counts as
    /// largest_learned_element in each element.
    void learn() noexcept {
        if (!learnable_) {
            return;
        }
        learnable_ = false;
        if (!own_) {
            own_ = true;
            for (int k = 0; k < size; ++k) {
                variance_[k] = 1 / Model::inverse_variance[k];
            }
        }
        const float found = distance(1);
        float factor = 1;
        if (found > largest) {
            factor = square_root(largest / found);
            if (!(distance(factor) <= 2 * largest)) { // a distance has overflown
                return;
            }
        }
        adapt(factor);
    }

    /// What learn() has made of the mean of an error, less the exported one.
    float mean(int k) const noexcept { return mean_[k]; }
    /// The inverse of what it has made of the variance.
    float inverse_variance(int k) const noexcept {
        return own_ ? 1 / variance_[k] : Model::inverse_variance[k];
    }

  private:
    /// Sum of the squares over the variances of `factor` times what deviates from the mean.
    float distance(float factor) const noexcept {
        float sum = 0;
        for (int k = 0; k < size; ++k) {
            const float d = arithmetic::multiply(factor, deviations_[k] - mean_[k]);
            if (!is_nan(d)) {
                sum += arithmetic::multiply(d, d) / variance_[k];
            }
        }
        return sum <= __FLT_MAX__ ? sum : __FLT_MAX__;
    }
    void adapt(float factor) noexcept {
        constexpr float weight = Model::learning_weight;
        float total = 0;
        for (int k = 0; k < size; ++k) {
            const float d = arithmetic::multiply(factor, deviations_[k] - mean_[k]);
            mean_[k] = arithmetic::multiply_add(weight, d, mean_[k]);
            // (1 - w) (v + w d^2) as what is added to v: 1 - w would be rounded to a float.
            const float square = arithmetic::multiply(d, d);
            const float change = arithmetic::multiply_add(-weight, square, square) - variance_[k];
            variance_[k] = arithmetic::multiply_add(weight, change, variance_[k]);
            total += variance_[k];
        }
        const float ridge = arithmetic::multiply(Model::relative_ridge, total / size);
        const float floor = ridge > __FLT_MIN__ ? ridge : __FLT_MIN__;
        for (float& variance : variance_) {
            variance = variance > floor ? variance : floor;
        }
    }

    float deviations_[unsigned{size}]{}; // of the sample scored last, from the exported means
    float mean_[unsigned{size}]{};       // less the exported one
    float variance_[unsigned{size}]{};   // once it learns
    bool own_ = false;                   // whether it does
    bool learnable_ = false;
};
template <class Model, class Stream>
class adaptive_errors<Model, Stream, false> {};

} // namespace tocsin::firmware::detail
