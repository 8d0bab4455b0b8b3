/// @file matern_kernel.hpp
/// @brief The Matern 5/2 kernel with a length scale per dimension.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/core/views.hpp"

#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

namespace tocsin {

/// Covariance of the values of a function at two points (Rasmussen and Williams 2006, equation 4.17,
/// with one length scale per dimension as in Snoek, Larochelle and Adams 2012):
///     k(x, y) = variance (1 + sqrt(5) r + 5/3 r^2) exp(-sqrt(5) r),
///     r^2 = sum over d of ((x_d - y_d) / length_d)^2
struct matern_kernel {
    double variance = 1;    ///< of the function, positive
    column<double> lengths; ///< positive; one per dimension, or one per owner
    double noise = 1e-6;    ///< variance added to each value, not negative
    /// For each dimension the position of its length in `lengths`; empty: its own.
    std::vector<int> owners{};

    /// Position of the length of a dimension.
    index_t owner(index_t dimension) const noexcept {
        return owners.empty() ? dimension : owners[static_cast<std::size_t>(dimension)];
    }
    /// Length scale of a dimension.
    double length(index_t dimension) const noexcept { return lengths[owner(dimension)]; }

    /// Names the first hyperparameter that is out of range.
    /// @param dimensions of the points
    status check(index_t dimensions) const noexcept {
        const auto refuse = [](const auto&... parts) {
            return status::error(error_code::invalid_argument, "matern_kernel: ", parts...);
        };
        if (!(variance > 0) || !std::isfinite(variance) || !(noise >= 0) || !std::isfinite(noise)) {
            return refuse("variance ", variance, " must be positive and noise ", noise,
                          " not negative");
        }
        if (static_cast<index_t>(owners.empty() ? static_cast<std::size_t>(lengths.size())
                                                : owners.size()) != dimensions) {
            return refuse("length scales for ",
                          owners.empty() ? static_cast<std::size_t>(lengths.size()) : owners.size(),
                          " dimensions, points have ", dimensions);
        }
        for (const int which : owners) {
            if (which < 0 || which >= lengths.size()) {
                return refuse("there is no length scale ", which);
            }
        }
        for (const double one : lengths) {
            if (!(one > 0) || !std::isfinite(one)) {
                return refuse("length scale ", one, " must be positive");
            }
        }
        return {};
    }

    /// Covariance of two points, and what its slopes have in common,
    /// p = variance 5/3 (1 + sqrt(5) r) exp(-sqrt(5) r):
    ///     dk / dx_d = -p (x_d - y_d) / length_d^2
    ///     dk / dlog(length_d) = p (x_d - y_d)^2 / length_d^2
    struct covariance {
        double value = 0; ///< k
        double slope = 0; ///< p
    };
    /// The covariance of two points, each `[dimensions]`. Never allocates.
    template <class First, class Second>
    covariance at(const First& first, const Second& second) const noexcept {
        double square = 0;
        for (index_t d = 0; d < first.size(); ++d) {
            const double apart = (first[d] - second[d]) / length(d);
            square += apart * apart;
        }
        const double far = std::sqrt(5 * square);
        const double fall = variance * std::exp(-far);
        return {fall * (1 + far + 5.0 / 3 * square), fall * 5.0 / 3 * (1 + far)};
    }
};

} // namespace tocsin
