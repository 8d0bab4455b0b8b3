/// @file forecast_ring.hpp
/// @brief Forecasts of several samples ahead, until they are compared.
#pragma once

#include <stdint.h>

namespace tocsin::firmware::detail {

/// The forecasts that still wait for their samples; none where the next sample alone is forecast.
template <class Value, int Outputs, int Ahead>
struct forecast_ring {
    Value values[unsigned{Ahead}][unsigned{Outputs}]{}; ///< by sample
    uint16_t newest = 0;
};
template <class Value, int Outputs>
struct forecast_ring<Value, Outputs, 1> {};

} // namespace tocsin::firmware::detail
