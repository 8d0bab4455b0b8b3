/// @file dropout.hpp
/// @brief Inverted dropout with a mask that the caller keeps.
#pragma once

#include "tocsin/core/random.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/core/views.hpp"

#include <span>

namespace tocsin {

/// Sets each output to zero with probability `rate` and scales the others by 1 / (1 - rate), so
/// inference needs no change (Srivastava et al. 2014, "inverted" form). The mask is drawn once
/// before the forward pass and multiplied in both directions, so backward is the same function.
struct dropout {
    double rate = 0; ///< in [0, 1); 0 turns it off

    /// Whether anything is dropped.
    bool active() const noexcept { return rate > 0; }
    /// Names a rate outside [0, 1) (NaN included).
    status check() const noexcept {
        if (!(rate >= 0 && rate < 1)) {
            return status::error(error_code::invalid_argument, "dropout: rate ", rate,
                                 " is outside [0, 1)");
        }
        return {};
    }
    /// Fills a mask with 0 or 1 / (1 - rate). Never allocates.
    template <class Scalar>
    void draw(std::span<Scalar> mask, random_generator& random) const noexcept {
        const auto kept = static_cast<Scalar>(1 / (1 - rate));
        for (auto& factor : mask) {
            factor = random.uniform() < rate ? Scalar(0) : kept;
        }
    }
};

} // namespace tocsin
