/// @file fixed_window_stream.hpp
/// @brief Forecasters of windows in integers.
#pragma once

#include "tocsin/firmware/fixed_layers.hpp"
#include "tocsin/firmware/window_stream.hpp"

namespace tocsin::firmware {

/// A forecaster of windows in integers; see detail::window_stream.
/// @tparam Model a generated model whose numbers are integers
template <class Model>
class fixed_window_stream : public detail::window_stream<Model, detail::fixed_numbers<Model>,
                                                         detail::fixed_layers<Model>> {};

} // namespace tocsin::firmware
