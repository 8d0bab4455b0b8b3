/// @file precision_recall.hpp
/// @brief Precision and recall that are not computed from counts of rows, with their F-beta.
#pragma once

namespace tocsin {

/// Precision and recall in [0, 1], as defined by the function that returns them. For rows, use
/// confusion_counts. Nothing here allocates.
struct precision_recall {
    double precision = 0; ///< share of the flags that are right
    double recall = 0;    ///< share of the anomalies that are flagged

    /// (1 + beta^2) P R / (beta^2 P + R), the weighted harmonic mean (van Rijsbergen, 1979);
    /// 0 when both are 0.
    /// @param beta at least 0; infinity gives the recall, NaN gives NaN
    constexpr double f_beta(double beta) const noexcept {
        const double square = beta * beta;
        if (square > 1e30) { // beyond, the products could overflow
            return precision == 0 ? 0.0 : recall;
        }
        const double denominator = square * precision + recall;
        return denominator == 0 ? 0.0 : (1 + square) * precision * recall / denominator;
    }
};

} // namespace tocsin
