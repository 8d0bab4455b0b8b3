/// @file train_classifier.hpp
/// @brief 'train --model classifier': learns from rows with labels, and chooses the threshold.
#pragma once

#include "any_classifier.hpp"
#include "console.hpp"
#include "input.hpp"
#include "model_file.hpp"
#include <string>

namespace tocsin_cli {

/// Where the labelled rows are, and how to learn from them.
struct classifier_request {
    classifier_settings settings;
    std::string model_path;
    std::string validation_path;
    double validation_fraction = 0; ///< of the rows, the last ones; 0: none
    input_options input;
    std::string checkpoint; ///< file for the state of training; empty: none
    int checkpoint_every = 1;
    bool resume = false;
    bool log = false;
};

/// Trains, writes the model file and reports the result; fails if rows have no labels.
/// @param model with everything but the classifier
void train_classifier(const classifier_request& request, const input_data& data, model_file& model,
                      const console& out);

} // namespace tocsin_cli
