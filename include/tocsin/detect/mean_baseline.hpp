/// @file mean_baseline.hpp
/// @brief What a model must beat: the mean of the training data.
#pragma once

#include "tocsin/detect/scaled_training.hpp"
#include "tocsin/metrics/regression.hpp"
#include "tocsin/series/windows.hpp"

namespace tocsin {

/// RMSE, in scaled units, of predicting every sample of `judged` by the mean of the training data.
/// A model whose own RMSE is not below that has learned nothing. NaN without a finite sample.
/// Allocates.
/// @param data_scaler fitted
template <class Scaler, class Scalar>
double rmse_of_mean(const Scaler& data_scaler, const windows<Scalar>& training,
                    const windows<Scalar>& judged) {
    const column<Scalar> mean = detail::mean_of(data_scaler, training);
    matrix<Scalar> window(judged.features(), judged.length());
    regression_errors errors;
    for (index_t k = 0; k < judged.count(); ++k) {
        window = judged.window(k);
        data_scaler.transform(window);
        for (index_t t = 0; t < window.cols(); ++t) {
            errors.add(window.col(t), mean);
        }
    }
    return errors.rmse();
}

} // namespace tocsin
