/// @file compiled_forecaster.cpp
/// @brief Detectors with forecaster<float> in tocsin::compiled.
#include "tocsin/compiled.hpp"

namespace tocsin {

TOCSIN_COMPILED_DETECTOR(template, forecaster<float>)

} // namespace tocsin
