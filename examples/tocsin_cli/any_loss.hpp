/// @file any_loss.hpp
/// @brief Training loss that is chosen at run time.
#pragma once

#include "tocsin/training/losses.hpp"

#include <span>

namespace tocsin_cli {

enum class loss_kind : std::uint8_t { mse, l1 };

/// One of the library's losses (concept tocsin::loss_function).
struct any_loss {
    loss_kind kind = loss_kind::mse;

    template <class Scalar>
    double operator()(std::span<const Scalar> predictions, std::span<const Scalar> targets,
                      std::span<Scalar> gradient) const noexcept {
        return kind == loss_kind::mse
                   ? tocsin::mean_squared_error{}(predictions, targets, gradient)
                   : tocsin::mean_absolute_error{}(predictions, targets, gradient);
    }
};

static_assert(tocsin::loss_function<any_loss>);

} // namespace tocsin_cli
