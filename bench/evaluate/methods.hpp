/// @file methods.hpp
/// @brief Ways to score the rows of a recording, with a common interface.
#pragma once

#include "tocsin/core/status.hpp"

#include <nlohmann/json.hpp>

#include "scoring_task.hpp"
#include <functional>
#include <string>
#include <vector>

namespace evaluate {

/// Learns from the training rows and gives each row a number, farther from 0 = more anomalous, NaN
/// if it has none. Forecasts of one target return measured minus expected, all others nothing
/// negative. Rows are in order of time; methods that look ahead are documented as such.
struct method {
    std::string name;
    bool seeded = false; ///< whether results depend on the seed
    nlohmann::ordered_json settings;
    std::function<tocsin::result<std::vector<double>>(const scoring_task&)> errors;
};

inline constexpr const char* autoregression_name = "linear autoregression";
inline constexpr const char* window_pca_name = "PCA of windows, Q";

/// The simple ones: last value, seasonal last value, autoregression, PCA of windows, z-score.
std::vector<method> comparators();
/// Forecasts whose residuals are charted: autoregression of the changes, with commands; of the
/// values alone; the last value; the mean.
std::vector<method> linear_forecasts();
method lstm_forecaster();
/// The same inputs and training, from a fixed number of rows.
method feed_forward_network();
/// Stateful training, each row forecast several times, judged by the Mahalanobis distance of those
/// errors (Singh 2017, for the ECG).
method several_steps_forecaster();
/// A state for each time of the period, which carries over from period to period (also Singh 2017,
/// for the power demand, where one batch is a week).
method periodic_forecaster();
method lstm_encoder_decoder();
/// Gaussian process regression on the last rows, with the exact cost of its training rows: for
/// small series.
method gaussian_process_forecaster();
/// A one-class SVM on the hidden states of the LSTM forecaster; none without libsvm.
std::vector<method> support_vectors_of_states();

} // namespace evaluate
