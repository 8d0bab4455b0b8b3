/// @file autocorrelation.hpp
/// @brief How much a feature resembles itself some samples later.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/core/views.hpp"

#include <limits>
#include <vector>

namespace tocsin {

/// Sample autocorrelation of each feature at one lag,
///
///     r = sum over t of (x_t - m)(x_{t+lag} - m) / sum over t of (x_t - m)^2,
///
/// the biased estimate, which lies in [-1, 1] (Box, Jenkins, Reinsel, "Time Series Analysis",
/// section 2.1). Near 1, the samples hold few independent values and their range says little about
/// the range to come. Sums in double. Allocates.
/// @param values `[features x samples]`
/// @param lag    samples, at least 0; `invalid_argument` unless it is less than the samples
/// @return one value per feature: 0 for one that is constant, which resembles nothing; NaN for one
///         with a NaN or infinite value
template <class Derived>
result<std::vector<double>> autocorrelations(const Eigen::MatrixBase<Derived>& values,
                                             index_t lag) {
    if (lag < 0 || lag >= values.cols()) {
        return status::error(error_code::invalid_argument, "autocorrelations: lag ", lag,
                             " must be at least 0 and less than the ", values.cols(), " samples");
    }
    std::vector<double> coefficients;
    coefficients.reserve(static_cast<std::size_t>(values.rows()));
    for (index_t feature = 0; feature < values.rows(); ++feature) {
        auto samples = values.row(feature).transpose().template cast<double>().eval();
        if (!samples.allFinite()) {
            coefficients.push_back(std::numeric_limits<double>::quiet_NaN());
            continue;
        }
        if ((samples.array() == samples(0)).all()) { // its mean may have a rounding error
            coefficients.push_back(0);
            continue;
        }
        samples.array() -= samples.mean();
        const index_t pairs = samples.size() - lag;
        coefficients.push_back(samples.head(pairs).dot(samples.tail(pairs)) /
                               samples.squaredNorm());
    }
    return coefficients;
}

} // namespace tocsin
