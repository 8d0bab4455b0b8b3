/// @file float_window_stream.hpp
/// @brief Forecasters of windows in float.
#pragma once

#include "tocsin/firmware/float_layers.hpp"
#include "tocsin/firmware/window_stream.hpp"

namespace tocsin::firmware {

/// A forecaster of windows in float; see detail::window_stream.
/// @tparam Model a generated model whose numbers are floats
template <class Model>
class float_window_stream : public detail::window_stream<Model, detail::float_numbers<Model>,
                                                         detail::float_layers<Model>> {};

} // namespace tocsin::firmware
