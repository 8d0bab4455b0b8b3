/// @file converted_file.hpp
/// @brief What a file of tocsin-convert holds beside weights: its layers, and a probe.
#pragma once

#include "tocsin/core/status.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/io/architecture_parser.hpp"
#include "tocsin/io/converted_layer.hpp"
#include "tocsin/io/load_from_file.hpp"
#include "tocsin/io/load_options.hpp"
#include "tocsin/io/number_text.hpp"
#include "tocsin/io/safetensors.hpp"
#include "tocsin/layers/sizes.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tocsin {

/// How load_converted() compares.
struct converted_options {
    load_options file = {}; ///< limits of the file
    /// Largest difference between an output of the replay and the one in the file, relative to the
    /// larger of 1 and the latter; at least 0. Weights are stored as F32, and rounding adds up over
    /// steps.
    double tolerance = 1e-4;
};

namespace detail {

/// Names in a file that both sides know.
inline constexpr const char* converted_format_key = "tocsin_convert";
inline constexpr const char* converted_format = "1";
inline constexpr const char* architecture_key = "architecture";
inline constexpr const char* probe_prefix = "probe.";
inline constexpr const char* probe_input = "probe.input";
inline constexpr const char* probe_output = "probe.output";

/// The numbers of a layer in a file, each checked as it is read.
class layer_numbers {
  public:
    explicit layer_numbers(const converted_layer& layer) noexcept : layer_{layer} {}

    /// A whole number within bounds; the least one, with a refusal, where it is not.
    int whole(const char* name, int least, int most) {
        const double number = real(name);
        if (!(number >= least && number <= most) || number != std::floor(number)) {
            refuse("has ", name, ' ', number, ", expected a whole number from ", least, " to ",
                   most);
            return least;
        }
        return static_cast<int>(number);
    }
    int size(const char* name) { return whole(name, 1, maximum_layer_size); }
    /// A number that must be there.
    double real(const char* name) {
        const auto found = layer_.numbers.find(name);
        if (found == layer_.numbers.end()) {
            refuse("has no ", name);
            return 0;
        }
        return found->second;
    }
    /// The divisor of a hard sigmoid: 5 or 6.
    int divisor() { return whole("divisor", 5, 6); }
    bool has(const char* name) const { return layer_.numbers.contains(name); }
    template <class... Reasons>
    void refuse(const Reasons&... reasons) {
        if (outcome_.ok()) {
            outcome_ = status::error(error_code::format_error, layer_.text(), ' ', reasons...);
        }
    }
    const status& outcome() const noexcept { return outcome_; }

  private:
    const converted_layer& layer_;
    status outcome_;
};

/// Refuses a file whose architecture may mean something else.
inline status check_converted_format(const safetensors_reader& file) {
    const auto found = file.metadata().find(converted_format_key);
    const bool given = found != file.metadata().end();
    if (given && found->second == converted_format) {
        return {};
    }
    return status::error(error_code::format_error, '\'', converted_format_key,
                         given ? "' is '" + found->second.substr(0, 20) + '\'' : "' is missing",
                         ", expected '", converted_format,
                         "': the file was not written by this version of tocsin-convert");
}

/// The layers in the metadata of a file, in their order.
inline result<converted_layers> read_architecture(const safetensors_reader& file) {
    constexpr std::size_t longest = std::size_t{1} << 16; // bounds the number of layers
    const auto found = file.metadata().find(architecture_key);
    if (found == file.metadata().end()) {
        return status::error(error_code::format_error, '\'', architecture_key,
                             "' is missing: the file was not written by tocsin-convert");
    }
    if (const status known = check_converted_format(file); !known.ok()) {
        return known;
    }
    const auto refuse = [](const auto&... why) {
        return status::error(error_code::format_error, '\'', architecture_key, "': ", why...);
    };
    if (found->second.size() > longest) {
        return refuse(found->second.size(), " bytes; at most ", longest);
    }
    architecture_parser parser;
    if (!nlohmann::json::sax_parse(found->second, &parser)) {
        return refuse(parser.reason());
    }
    return std::move(parser).layers();
}

/// The inverse of read_architecture().
inline std::string architecture_text(index_t inputs, const converted_layers& layers) {
    nlohmann::ordered_json all;
    all["inputs"] = inputs;
    all["layers"] = nlohmann::ordered_json::array();
    for (const converted_layer& layer : layers) {
        nlohmann::ordered_json one;
        one["kind"] = layer.kind;
        for (const auto& [name, number] : layer.numbers) {
            const auto whole = static_cast<index_t>(number);
            if (static_cast<double>(whole) == number) {
                one[name] = whole;
            } else {
                one[name] = number;
            }
        }
        all["layers"].push_back(std::move(one));
    }
    return all.dump();
}

/// A tensor `[steps, size]` of doubles.
struct probe_tensor {
    std::vector<double> values;
    index_t steps = 0;
    index_t size = 0;
};

inline result<probe_tensor> read_probe(const safetensors_reader& file, const char* name,
                                       index_t size) {
    const tensor_entry* const stored = file.find(name);
    if (stored == nullptr) {
        return status::error(error_code::format_error, '\'', name,
                             "' is missing: the file was not written by tocsin-convert");
    }
    if (!is_real(stored->type) || stored->shape.size() != 2 || stored->shape[1] != size ||
        stored->shape[0] < 1) {
        return status::error(error_code::format_error, '\'', name, "' has shape ",
                             shape_text(stored->shape), ", expected [steps, ", size, "]");
    }
    probe_tensor probe{std::vector<double>(static_cast<std::size_t>(stored->count())),
                       stored->shape[0], size};
    file.copy_converted(*stored, std::span(probe.values));
    return probe;
}

/// Compares the outputs of a step with those of the probe.
/// @param first_step what the message calls the probe's first step
template <class Scalar>
status compare_with_probe(const probe_tensor& probe, index_t step, std::span<const Scalar> computed,
                          double tolerance, index_t first_step = 0) {
    for (index_t k = 0; k < probe.size; ++k) {
        const double expected = probe.values[static_cast<std::size_t>(step * probe.size + k)];
        const auto here = static_cast<double>(computed[static_cast<std::size_t>(k)]);
        if (!std::isfinite(expected) ||
            !(std::abs(here - expected) <= tolerance * std::max(1.0, std::abs(expected)))) {
            return status::error(error_code::format_error, "output ", k, " of step ",
                                 first_step + step, " of the probe is ", here, " here and ",
                                 expected, " in the file: the networks differ");
        }
    }
    return {};
}

/// Opens a file and calls `load(file, layers)`; a failure of either names the file. An allocation that
/// is refused meanwhile is the status `out_of_memory`. A tolerance that is negative or NaN is
/// `invalid_argument` before a file is opened.
template <class Load>
status load_converted_file(const std::filesystem::path& path, const converted_options& options,
                           const Load& load) {
    if (!(options.tolerance >= 0)) {
        return status::error(error_code::invalid_argument, "converted_options: tolerance ",
                             options.tolerance, " must be at least 0");
    }
    return load_from_file(path, options.file, [&](const safetensors_reader& file) {
        const auto layers = read_architecture(file);
        return layers ? load(file, *layers) : layers.error();
    });
}

} // namespace detail
} // namespace tocsin
