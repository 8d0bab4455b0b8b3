/// @file shrinkage.hpp
/// @brief Shrinks a covariance towards its diagonal where there are few samples.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/errors/hotelling_law.hpp"
#include "tocsin/errors/ridge.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace tocsin::detail {

/// Fewer samples per dimension than this, and a covariance is shrunk: there its inverse is mostly
/// noise, and its distances have no exact law or one without any power.
inline constexpr double fewest_samples_per_dimension = 1.2;

/// How many elements vary, at least 1. Others are constant up to rounding: they add nothing to the
/// distance of a normal vector, so laws do not count them.
/// @param covariance of samples, without the ridge
/// @param least      variance that an element must exceed: the ridge
template <class Covariance>
int varying_elements(const Covariance& covariance, double least) noexcept {
    return std::max(static_cast<int>((covariance.diagonal().array() > least).count()), 1);
}

inline bool needs_shrinkage(int dimension, std::int64_t samples) noexcept {
    return dimension > 1 && static_cast<double>(samples) < fewest_samples_per_dimension * dimension;
}

/// The best share of the identity in the correlations R of samples: Ledoit and Wolf, "A
/// well-conditioned estimator for large-dimensional covariance matrices", Journal of Multivariate
/// Analysis 88, 2004, in the form that needs the second moments alone, which is also the more
/// accurate one for Gaussian samples (Rao-Blackwell: Chen, Wiesel, Eldar and Hero, "Shrinkage
/// algorithms for MMSE covariance estimation", IEEE Transactions on Signal Processing 58, 2010,
/// equation 17). With f = samples - 1 degrees of freedom and t = trace(R) = d:
///     min(1, ((f - 2) / f trace(R^2) + t^2) / ((f + 2) (trace(R^2) - t^2 / d))).
/// Correlations, not covariances, so that units do not matter. A constant element has none.
/// @param least variance that an element of these exceeds
template <class Matrix>
double shrinkage_intensity(const Matrix& covariance, std::int64_t samples,
                           double least = 0) noexcept {
    const index_t size = covariance.rows();
    double squares = 0; // trace(R^2)
    double trace = 0;
    for (index_t col = 0; col < size; ++col) {
        if (!(covariance(col, col) > least)) {
            continue;
        }
        trace += 1;
        for (index_t row = 0; row < size; ++row) {
            if (covariance(row, row) > least) {
                const double root =
                    std::sqrt(covariance(row, row)) * std::sqrt(covariance(col, col));
                const double correlation = covariance(row, col) / root;
                squares += correlation * correlation;
            }
        }
    }
    const double freedom = std::max(static_cast<double>(samples) - 1, 1.0);
    const double above = std::max(freedom - 2, 0.0) / freedom * squares + trace * trace;
    const double below = (freedom + 2) * (squares - trace);
    return below > above ? above / below : 1.0;
}

/// Multiplies what is off the diagonal by 1 - intensity.
template <class Matrix>
void shrink(Matrix& covariance, double intensity) noexcept {
    for (index_t col = 0; col < covariance.cols(); ++col) {
        for (index_t row = 0; row < covariance.rows(); ++row) {
            covariance(row, col) *= row == col ? 1 : 1 - intensity;
        }
    }
}

/// Shrinks the covariance of samples if there are few of them for the elements that vary, and puts the
/// ridge on its diagonal. Returns the intensity, 0 where nothing was shrunk.
template <class Matrix>
double shrink_and_ridge(Matrix& covariance, std::int64_t samples, double relative_ridge) noexcept {
    const double added = ridge(covariance.diagonal().mean(), relative_ridge);
    double intensity = 0;
    if (needs_shrinkage(varying_elements(covariance, added), samples)) {
        intensity = shrinkage_intensity(covariance, samples, added);
        shrink(covariance, intensity);
    }
    covariance.diagonal().array() += added;
    return intensity;
}

/// The intensity by which a covariance was shrunk, found by comparison with the samples' covariance.
template <class Matrix>
double intensity_between(const Matrix& shrunk, const Matrix& of_samples) noexcept {
    double product = 0;
    double square = 0;
    for (index_t col = 0; col < shrunk.cols(); ++col) {
        for (index_t row = col + 1; row < shrunk.rows(); ++row) {
            product += shrunk(row, col) * of_samples(row, col);
            square += of_samples(row, col) * of_samples(row, col);
        }
    }
    const double intensity = square > 0 ? std::clamp(1 - product / square, 0.0, 1.0) : 0.0;
    return intensity < 1e-9 ? 0 : intensity;
}

/// Saves or loads the intensity where samples are few. Whether the archive holds it: bytes of streams
/// and older files do not, and identities, which follow from the covariance, stay as they were.
template <class Archive>
bool exchange_intensity(Archive& archive, bool few, double& intensity) {
    if constexpr (requires { archive.scalar(intensity); } || requires { archive.value(); }) {
        return false;
    } else {
        if (!few || !archive.contains("intensity")) {
            return false;
        }
        archive.number("intensity", intensity);
        if (!(intensity >= 0 && intensity <= 1)) {
            archive.fail(status::error(error_code::format_error, "mahalanobis: intensity ",
                                       intensity, " of the shrinkage must lie in [0, 1]"));
        }
        return true;
    }
}

/// The law of distances by a covariance.
/// Mean and variance for a shrunk one follow Chen et al. (2011), section 2: with the
/// correlations R of C = (1 - a) R_samples + a I, l = a / (1 - a), g = d / (n - 1),
/// m = trace(Q) / d and m2 = trace(Q^2) / d of Q = (R_samples + l I)^-1, and h = 1 - l m,
///     mean / d = h / (1 - g h),   variance / (2 d) = h / (1 - g h)^3 - l (m - l m2) / (1 - g h)^4,
/// for distances by Q, which are (1 - a) times those by C. O(size^3), allocates for a dynamic size.
/// @param covariance C, with the ridge
/// @param whitening  W, C = (W^T W)^-1, `[at least size x size]`
/// @param dimension  d, varying_elements()
/// @param ridge      on the diagonal of C
template <class Matrix, class Whitening>
hotelling_law law_of(const Matrix& covariance, const Whitening& whitening, int dimension,
                     double ridge, std::int64_t samples, double intensity) {
    const index_t size = covariance.rows();
    const auto n = static_cast<double>(samples);
    const auto d = static_cast<double>(dimension);
    if (intensity == 0) {
        return n > d ? hotelling_law(dimension, n) : hotelling_law();
    }
    double mean = 1;
    double variance = 1;
    if (intensity < 1) {
        double trace = 0;
        double squares = 0;
        const auto varies = [&](index_t at) { return covariance(at, at) > 2 * ridge; };
        for (index_t a = 0; a < size; ++a) {
            for (index_t b = 0; b <= a && varies(a); ++b) {
                if (!varies(b)) {
                    continue;
                }
                double element = 0; // of C^-1, then of R^-1
                for (index_t row = a; row < size; ++row) {
                    element += whitening(row, a) * whitening(row, b);
                }
                element *= std::sqrt(covariance(a, a)) * std::sqrt(covariance(b, b));
                trace += a == b ? element : 0;
                squares += (a == b ? 1 : 2) * element * element;
            }
        }
        const double rest = 1 - intensity;
        const double l = intensity / rest;
        const double m = rest * trace / d;
        const double m2 = rest * rest * squares / d;
        const double h = 1 - l * m;
        const double g = 1 - d / (n - 1) * h;
        if (h > 0 && g > 0) {
            mean = h / g / rest;
            variance =
                std::max((h / (g * g * g) - l * (m - l * m2) / (g * g * g * g)) / (rest * rest),
                         1e-6 * mean * mean);
        }
    }
    return {n, intensity, d * mean * (1 + 1 / n), 2 * variance / (d * mean * mean)};
}
/// The same for the samples that the covariance comes from. Allocates.
template <class Matrix, class Whitening, class Moments>
hotelling_law law_of(const Matrix& covariance, const Whitening& whitening, const Moments& samples,
                     double relative_ridge, double intensity) {
    const auto of_samples = samples.covariance();
    const double added = ridge(of_samples.diagonal().mean(), relative_ridge);
    return law_of(covariance, whitening, varying_elements(of_samples, added), added,
                  samples.count(), intensity);
}

} // namespace tocsin::detail
