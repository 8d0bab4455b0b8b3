/// @file period.hpp
/// @brief The period of a series, from its autocorrelation.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/series/autocorrelation.hpp"

#include <algorithm>
#include <vector>

namespace tocsin {

/// The lag of the highest local maximum of the autocorrelation of one feature: its period, where it
/// has one. A series of noise has local maxima, too, so look at the autocorrelation there before
/// you build on it. O(samples * longest), allocates.
/// @param values   `[1 x samples]`, finite (else `invalid_data`)
/// @param shortest first lag that may be a period, at least 2
/// @param longest  last lag that may be one, at least `shortest`; lags of more than half of the
///                 samples are not looked at
/// @return samples per period; 0 when there is no local maximum
template <class Derived>
result<int> dominant_period(const Eigen::MatrixBase<Derived>& values, int shortest = 4,
                            int longest = 400) {
    if (values.rows() != 1) {
        return status::error(error_code::invalid_argument, "dominant_period: got ", values.rows(),
                             " features, one at a time has a period");
    }
    if (shortest < 2 || longest < shortest) {
        return status::error(error_code::invalid_argument, "dominant_period: lags from ", shortest,
                             " to ", longest, " must start at 2 or above and not be empty");
    }
    auto samples = values.row(0).transpose().template cast<double>().eval();
    if (!samples.allFinite()) {
        return status::error(error_code::invalid_data,
                             "dominant_period: a value is NaN or infinite");
    }
    if (samples.size() > 0) {
        samples.array() -= samples.mean();
    }
    const index_t last = std::min<index_t>(longest, samples.size() / 2);
    const auto product = [&](index_t lag) {
        return samples.head(samples.size() - lag).dot(samples.tail(samples.size() - lag));
    };
    index_t best_lag = 0;
    double best = 0;
    double before = last >= shortest ? product(shortest - 1) : 0;
    double here = last >= shortest ? product(shortest) : 0;
    for (index_t lag = shortest; lag <= last; ++lag) {
        const double after = product(lag + 1);
        if (here > before && here > after && (best_lag == 0 || here > best)) {
            best_lag = lag;
            best = here;
        }
        before = here;
        here = after;
    }
    return static_cast<int>(best_lag);
}

} // namespace tocsin
