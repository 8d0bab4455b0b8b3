/// @file model_description.hpp
/// @brief The contents of a model file, as names with values.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "model_file.hpp"

namespace tocsin_cli {

/// Adds the phase, the model's shape, the detector's settings and what was learned, up to its
/// phase.
void describe_model(const model_file& model, nlohmann::ordered_json& result);

} // namespace tocsin_cli
