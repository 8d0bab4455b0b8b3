/// @file mean_baseline.hpp
/// @brief What a model must beat: the mean of the training data.
#pragma once

#include "tocsin/detect/scaled_training.hpp"
#include "tocsin/metrics/regression.hpp"
#include "tocsin/models/forecasting_model.hpp"
#include "tocsin/series/windows.hpp"

namespace tocsin {

/// RMSE, in scaled units, of predicting what a model predicts by the mean of the training data. A
/// model whose own RMSE is not below that has learned nothing. What a forecaster copies (the first
/// sample of a window, features beyond its targets) counts as predicted without error, as in its own
/// RMSE. NaN without a finite sample. Allocates.
/// @param data_scaler fitted
template <class Model, class Scaler, class Scalar>
double rmse_of_mean(const Model& model, const Scaler& data_scaler, const windows<Scalar>& training,
                    const windows<Scalar>& judged) {
    const column<Scalar> mean = detail::mean_of(data_scaler, training);
    matrix<Scalar> window(judged.features(), judged.length());
    matrix<Scalar> predicted(judged.features(), judged.length());
    regression_errors errors;
    for (index_t k = 0; k < judged.count(); ++k) {
        window = judged.window(k);
        data_scaler.transform(window);
        predicted = mean.replicate(1, window.cols());
        if constexpr (forecasting_model<Model>) {
            const index_t copied = window.rows() - model.targets();
            predicted.leftCols(1) = window.leftCols(1);
            predicted.bottomRows(copied) = window.bottomRows(copied);
        }
        for (index_t t = 0; t < window.cols(); ++t) {
            errors.add(window.col(t), predicted.col(t));
        }
    }
    return errors.rmse();
}

} // namespace tocsin
