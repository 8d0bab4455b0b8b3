/// @file tocsin.hpp
/// @brief Everything for the host: training, detection, files.
///
/// Files (io/) need nlohmann/json for the header of safetensors; where it is missing, model files and
/// checkpoints are left out and all else is there.
#pragma once

#include "tocsin/core/config.hpp"
#include "tocsin/core/extents.hpp"
#include "tocsin/core/random.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/core/storage.hpp"
#include "tocsin/core/views.hpp"

#include "tocsin/series/augmentation.hpp"
#include "tocsin/series/generator.hpp"
#include "tocsin/series/scaler.hpp"
#include "tocsin/series/series.hpp"
#include "tocsin/series/split.hpp"
#include "tocsin/series/windows.hpp"

#include "tocsin/layers/concepts.hpp"
#include "tocsin/layers/dense.hpp"
#include "tocsin/layers/dense_head.hpp"
#include "tocsin/layers/dropout.hpp"
#include "tocsin/layers/lstm.hpp"
#include "tocsin/layers/lstm_stack.hpp"

#include "tocsin/models/autoencoder.hpp"
#include "tocsin/models/batches.hpp"
#include "tocsin/models/encoder_decoder.hpp"
#include "tocsin/models/sequence_model.hpp"

#include "tocsin/metrics/confusion.hpp"
#include "tocsin/metrics/regression.hpp"
#include "tocsin/metrics/roc.hpp"

#include "tocsin/training/adam.hpp"
#include "tocsin/training/callbacks.hpp"
#include "tocsin/training/fit.hpp"
#include "tocsin/training/gradient_check.hpp"
#include "tocsin/training/losses.hpp"
#include "tocsin/training/schedules.hpp"
#include "tocsin/training/stopping.hpp"

#include "tocsin/errors/diagonal_gaussian.hpp"
#include "tocsin/errors/error_statistic.hpp"
#include "tocsin/errors/mahalanobis.hpp"
#include "tocsin/errors/moments.hpp"
#include "tocsin/errors/residual.hpp"

#include "tocsin/threshold/f_beta_grid.hpp"
#include "tocsin/threshold/f_beta_sweep.hpp"
#include "tocsin/threshold/f_beta_threshold.hpp"
#include "tocsin/threshold/manual_threshold.hpp"
#include "tocsin/threshold/quantile_threshold.hpp"
#include "tocsin/threshold/sequence_score.hpp"
#include "tocsin/threshold/sigma_threshold.hpp"
#include "tocsin/threshold/threshold_rule.hpp"

#include "tocsin/detect/detector.hpp"
#include "tocsin/detect/detector_settings.hpp"
#include "tocsin/detect/verdict.hpp"
#include "tocsin/detect/window_labels.hpp"

#include "tocsin/io/csv.hpp"
#include "tocsin/io/delimited_sequences.hpp"
#if __has_include(<nlohmann/json.hpp>)
#include "tocsin/io/checkpoint.hpp"
#include "tocsin/io/detector_file.hpp"
#endif
