/// @file edge.hpp
/// @brief What runs next to firmware: models, distances, verdicts; no training, no files, no heap.
///
/// Models with compile-time sizes keep nothing on the heap: their work areas are arrays of the
/// caller, sized by constexpr functions such as `model.packed_size()` and
/// `model.predict_work_size(1, window)`. xsimd is used where the target has it; define
/// TOCSIN_NO_XSIMD for the whole program to leave it out.
#pragma once

#include "tocsin/alarm/alarm_control.hpp"
#include "tocsin/core/config.hpp"
#include "tocsin/core/extents.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/core/storage.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/detect/verdict.hpp"
#include "tocsin/errors/diagonal_gaussian.hpp"
#include "tocsin/errors/mahalanobis.hpp"
#include "tocsin/layers/dense.hpp"
#include "tocsin/layers/dense_head.hpp"
#include "tocsin/layers/lstm.hpp"
#include "tocsin/layers/lstm_stack.hpp"
#include "tocsin/models/autoencoder.hpp"
#include "tocsin/models/encoder_decoder.hpp"
#include "tocsin/models/sequence_model.hpp"
#include "tocsin/threshold/manual_threshold.hpp"
