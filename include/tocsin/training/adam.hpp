/// @file adam.hpp
/// @brief Adam with optional decoupled weight decay (AdamW) or AMSGrad.
#pragma once

#include "tocsin/core/storage.hpp"
#include "tocsin/math/adam_kernel.hpp"
#include "tocsin/training/update_rule.hpp"

#include <cmath>
#include <cstdint>
#include <limits>
#include <span>

namespace tocsin {

/// Adam (Kingma and Ba 2015, algorithm 1), bias correction and epsilon as in PyTorch:
///
///     m = beta1 m + (1 - beta1) g          v = beta2 v + (1 - beta2) g^2
///     p = p - rate * weight_decay * p      (Loshchilov and Hutter 2019)
///     p = p - rate / (1 - beta1^step) * m / (sqrt(v / (1 - beta2^step)) + epsilon)
///
/// With AMSGrad (Reddi et al. 2018), the last line uses the largest v so far.
struct adam {
    static constexpr const char* kind = "adam";
    double learning_rate = 1e-3; ///< positive
    double beta1 = 0.9;          ///< in [0, 1)
    double beta2 = 0.999;        ///< in [0, 1)
    double epsilon = 1e-8;       ///< at least 1.18e-38
    double weight_decay = 0;     ///< not negative; decoupled from the gradient
    bool amsgrad = false; ///< whether the largest second moment so far is used (Reddi et al. 2018)

    status check() const noexcept {
        const auto refuse = [](const char* what, double value, const char* range) {
            return status::error(error_code::invalid_argument, "adam: ", what, " ", value,
                                 " must be ", range);
        };
        // Each condition is written so that NaN fails it.
        if (!(learning_rate > 0 && std::isfinite(learning_rate))) {
            return refuse("learning rate", learning_rate, "positive and finite");
        }
        if (!(beta1 >= 0 && beta1 < 1)) {
            return refuse("beta1", beta1, "in [0, 1)");
        }
        if (!(beta2 >= 0 && beta2 < 1)) {
            return refuse("beta2", beta2, "in [0, 1)");
        }
        // Less is 0 in single precision: a parameter without a gradient would become 0 / 0.
        if (!(epsilon >= std::numeric_limits<float>::min() && std::isfinite(epsilon))) {
            return refuse("epsilon", epsilon, "at least 1.18e-38 and finite");
        }
        if (!(weight_decay >= 0 && std::isfinite(weight_decay))) {
            return refuse("weight decay", weight_decay, "finite and not negative");
        }
        return {};
    }

    /// m, v and, with AMSGrad, the largest v, each as long as the parameters.
    index_t state_size(index_t parameter_count) const noexcept {
        return (amsgrad ? 3 : 2) * parameter_count;
    }

    /// Whether a state that was loaded can have come from update(): a second moment is a mean of
    /// squares. Names the first that is negative or NaN, with its value.
    template <class Scalar>
    status check_state(std::span<const Scalar> state) const noexcept {
        for (std::size_t k = state.size() / (amsgrad ? 3 : 2); k < state.size(); ++k) {
            if (!(state[k] >= 0)) {
                return status::error(error_code::format_error, "adam: value ", k,
                                     " of the state is ", static_cast<double>(state[k]),
                                     "; second moments must be at least 0");
            }
        }
        return {};
    }

    /// One step; see concept update_rule.
    template <class Scalar>
    void update(std::span<Scalar> parameters, std::span<const Scalar> gradients,
                std::span<Scalar> state, std::int64_t step, double rate_factor) const noexcept {
        const auto count = static_cast<index_t>(parameters.size());
        const auto first_moment = slice(state, 0, count);
        const auto second_moment = slice(state, count, count);
        const auto largest = amsgrad ? slice(state, 2 * count, count) : std::span<Scalar>{};
        const double rate = learning_rate * rate_factor;
        const auto steps = static_cast<double>(step);
        const adam_factors<Scalar> factors{
            .keep1 = static_cast<Scalar>(beta1),
            .take1 = static_cast<Scalar>(1 - beta1),
            .keep2 = static_cast<Scalar>(beta2),
            .take2 = static_cast<Scalar>(1 - beta2),
            .decay = static_cast<Scalar>(1 - rate * weight_decay),
            .step_size = static_cast<Scalar>(rate / (1 - std::pow(beta1, steps))),
            .root_correction = static_cast<Scalar>(1 / std::sqrt(1 - std::pow(beta2, steps))),
            .epsilon = static_cast<Scalar>(epsilon)};
        adam_update(factors, count, parameters.data(), gradients.data(), first_moment.data(),
                    second_moment.data(), largest.data());
    }
};

} // namespace tocsin
