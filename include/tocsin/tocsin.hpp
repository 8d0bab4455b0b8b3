/// @file tocsin.hpp
/// @brief What a program needs that trains a detector and watches a stream with it.
///
/// Left out, to keep it quick to compile, are files (io.hpp) and, each with headers of its own:
/// - other models: the linear forecaster, classifiers, `sequential`, BiGAN, comparators/
/// - other thresholds: tail/ (peaks over threshold, alarm_rate), dynamic/; alarm control in alarm/,
///   charts/, novelty/, and detect/ensemble.hpp
/// - training on several threads (training/data_parallel.hpp) or processes, search/, cross_fit
///   (detect/held_out.hpp), online_trainer, classifiers
/// - calendars, filling, resampling in series/; the metrics of benchmarks in metrics/; firmware/
#pragma once

#include "tocsin/core/config.hpp"
#include "tocsin/core/extents.hpp"
#include "tocsin/core/random.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/core/storage.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/detect/detector.hpp"
#include "tocsin/detect/detector_settings.hpp"
#include "tocsin/detect/verdict.hpp"
#include "tocsin/detect/window_labels.hpp"
#include "tocsin/errors/diagonal_gaussian.hpp"
#include "tocsin/errors/error_statistic.hpp"
#include "tocsin/errors/gaussian_log_density.hpp"
#include "tocsin/errors/mahalanobis.hpp"
#include "tocsin/errors/moments.hpp"
#include "tocsin/layers/concepts.hpp"
#include "tocsin/layers/dense.hpp"
#include "tocsin/layers/dense_head.hpp"
#include "tocsin/layers/dropout.hpp"
#include "tocsin/layers/lstm.hpp"
#include "tocsin/layers/lstm_stack.hpp"
#include "tocsin/layers/precision.hpp"
#include "tocsin/metrics/confusion.hpp"
#include "tocsin/metrics/precision_recall.hpp"
#include "tocsin/metrics/regression.hpp"
#include "tocsin/metrics/roc.hpp"
#include "tocsin/models/autoencoder.hpp"
#include "tocsin/models/batches.hpp"
#include "tocsin/models/encoder_decoder.hpp"
#include "tocsin/models/feed_forward.hpp"
#include "tocsin/models/forecaster.hpp"
#include "tocsin/models/predictor.hpp"
#include "tocsin/models/sequence_model.hpp"
#include "tocsin/series/augmentation.hpp"
#include "tocsin/series/autocorrelation.hpp"
#include "tocsin/series/generator.hpp"
#include "tocsin/series/moving_window.hpp"
#include "tocsin/series/period.hpp"
#include "tocsin/series/scaler.hpp"
#include "tocsin/series/series.hpp"
#include "tocsin/series/smoothing.hpp"
#include "tocsin/series/split.hpp"
#include "tocsin/series/windows.hpp"
#include "tocsin/threshold/f_beta_grid.hpp"
#include "tocsin/threshold/f_beta_sweep.hpp"
#include "tocsin/threshold/f_beta_threshold.hpp"
#include "tocsin/threshold/manual_threshold.hpp"
#include "tocsin/threshold/quantile_threshold.hpp"
#include "tocsin/threshold/sigma_threshold.hpp"
#include "tocsin/threshold/threshold_rule.hpp"
#include "tocsin/training/adam.hpp"
#include "tocsin/training/callbacks.hpp"
#include "tocsin/training/fit.hpp"
#include "tocsin/training/gradient_check.hpp"
#include "tocsin/training/losses.hpp"
#include "tocsin/training/schedules.hpp"
#include "tocsin/training/stopping.hpp"

#ifdef TOCSIN_COMPILED
#include "tocsin/compiled.hpp"
#endif
