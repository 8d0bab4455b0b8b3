/// @file compiled_encoder_decoder.cpp
/// @brief Detectors with encoder_decoder<float> in tocsin::compiled.
#include "tocsin/compiled.hpp"

namespace tocsin {

TOCSIN_COMPILED_DETECTOR(template, encoder_decoder<float>)

} // namespace tocsin
