/// @file tocsin_jobs.hpp
/// @brief tocsin's job for every case.
#pragma once

#include "competitor.hpp"

namespace tocsin_bench {

enum class sizes_known { at_compile_time, at_run_time };

/// Null for sizes that are not compiled.
job_pointer tocsin_step(const step_problem& problem, sizes_known sizes);
/// 16-bit weights, arithmetic in float.
job_pointer tocsin_bfloat16_step(const step_problem& problem);
job_pointer tocsin_dense(const dense_problem& problem);
job_pointer tocsin_window(const window_problem& problem);
job_pointer tocsin_training(const training_problem& problem);
job_pointer tocsin_activation(const activation_problem& problem);
job_pointer tocsin_adam(const adam_problem& problem);
job_pointer tocsin_moments(const statistics_problem& problem);
job_pointer tocsin_mahalanobis(const statistics_problem& problem);

/// Scores with labels (nonzero: anomalous).
struct scores_problem {
    const double* scores;
    const std::uint8_t* labels;
    int count;
};
/// All thresholds and the best of them; the outputs are that threshold and its F1.
job_pointer tocsin_f_beta_sweep(const scores_problem& problem);
/// Counts all scores at `thresholds` thresholds; the outputs are the best of them and its F1.
job_pointer tocsin_f_beta_grid(const scores_problem& problem, int thresholds);

/// The text of a CSV file: a header, then a row per sample.
struct csv_problem {
    const std::string* text;
};
/// The outputs are all values.
job_pointer tocsin_csv(const csv_problem& problem);

/// A detector with an LSTM encoder-decoder, one layer on each side, takes one sample.
struct detector_problem {
    int features;
    int hidden;
    int window;
};
job_pointer tocsin_detector_push(const detector_problem& problem);

} // namespace tocsin_bench
