/// @file model_description.hpp
/// @brief What a model file holds, as names with values.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "model_file.hpp"

namespace tocsin_cli {

/// Adds the phase, the model's shape, the detector's settings and what was learned, as far as the
/// model has come.
void describe_model(const model_file& model, nlohmann::ordered_json& result);

} // namespace tocsin_cli
