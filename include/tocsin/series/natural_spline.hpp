/// @file natural_spline.hpp
/// @brief Natural cubic spline through evenly spaced knots.
#pragma once

#include "tocsin/core/config.hpp"

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

namespace tocsin {

/// The cubic spline with continuous first and second derivatives and zero second derivative at both
/// ends. Knot `k` is at position `k` (de Boor, "A Practical Guide to Splines", 1978, chapter 4).
class natural_spline {
  public:
    /// Allocates.
    /// @param knots values at positions 0, 1, ...; at least one (checked in debug builds).
    explicit natural_spline(std::span<const double> knots)
        : knots_(knots.begin(), knots.end()), curvatures_(knots.size(), 0.0) {
        TOCSIN_ASSERT(!knots.empty(), "natural_spline: needs at least one knot");
        // The second derivatives m solve m[k-1] + 4 m[k] + m[k+1] = 6 (y[k-1] - 2 y[k] + y[k+1]) at
        // the inner knots. This tridiagonal system is diagonally dominant, so elimination needs no
        // pivoting.
        const std::size_t count = knots_.size();
        std::vector<double> upper(count, 0.0);
        for (std::size_t k = 1; k + 1 < count; ++k) {
            const double pivot = 4 - upper[k - 1];
            const double right = 6 * (knots_[k - 1] - 2 * knots_[k] + knots_[k + 1]);
            upper[k] = 1 / pivot;
            curvatures_[k] = (right - curvatures_[k - 1]) / pivot;
        }
        for (std::size_t k = count - 1; k > 1; --k) {
            curvatures_[k - 1] -= upper[k - 1] * curvatures_[k];
        }
    }

    /// Value at a position in [0, knots - 1]; positions outside are clamped. Never allocates.
    double operator()(double position) const noexcept {
        if (knots_.size() == 1) {
            return knots_[0];
        }
        const double last = static_cast<double>(knots_.size() - 1);
        position = std::clamp(position, 0.0, last);
        const std::size_t k = std::min(static_cast<std::size_t>(position), knots_.size() - 2);
        const double right = position - static_cast<double>(k);
        const double left = 1 - right;
        return left * knots_[k] + right * knots_[k + 1] +
               ((left * left * left - left) * curvatures_[k] +
                (right * right * right - right) * curvatures_[k + 1]) /
                   6;
    }

  private:
    std::vector<double> knots_;
    std::vector<double> curvatures_; // second derivative at each knot
};

} // namespace tocsin
