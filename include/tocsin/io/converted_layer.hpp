/// @file converted_layer.hpp
/// @brief A layer as a file of tocsin-convert describes it.
#pragma once

#include "tocsin/io/number_text.hpp"

#include <map>
#include <string>
#include <vector>

namespace tocsin::detail {

/// What a layer computes, apart from its weights: `conv1d` with its sizes and zeros, `relu`.
struct converted_layer {
    std::string kind;
    std::map<std::string, double> numbers = {};

    friend bool operator==(const converted_layer&, const converted_layer&) = default;
    /// For messages: `batch_norm (channels 4, epsilon 0.001)`.
    std::string text() const {
        std::string all;
        number_text digits;
        for (const auto& [name, number] : numbers) {
            all += (all.empty() ? " (" : ", ") + name + ' ';
            all += format_number(number, digits);
        }
        return kind + (all.empty() ? "" : all + ')');
    }
};
using converted_layers = std::vector<converted_layer>;

} // namespace tocsin::detail
