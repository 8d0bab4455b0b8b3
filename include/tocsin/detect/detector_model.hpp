/// @file detector_model.hpp
/// @brief What a detector needs of its model.
#pragma once

#include "tocsin/models/forecasting_model.hpp"
#include "tocsin/models/sequence_model.hpp"

#include <concepts>

namespace tocsin {

/// A sequence model with a name for files. One that is a forecasting_model reads streams sample by
/// sample, and the detector judges its forecasts; any other reconstructs windows, and the detector
/// judges the reconstruction of the window that ends with a sample.
template <class Model>
concept detector_model = sequence_model<Model> && std::default_initializable<Model> && requires {
    { Model::kind } -> std::convertible_to<const char*>;
};

} // namespace tocsin
