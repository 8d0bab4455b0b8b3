/// @file scaler.hpp
/// @brief Includes every scaler.
#pragma once

#include "tocsin/series/scalers/identity_scaler.hpp"
#include "tocsin/series/scalers/min_max_scaler.hpp"
#include "tocsin/series/scalers/robust_scaler.hpp"
#include "tocsin/series/scalers/scaler.hpp"
#include "tocsin/series/scalers/standard_scaler.hpp"
