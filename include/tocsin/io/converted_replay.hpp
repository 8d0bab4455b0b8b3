/// @file converted_replay.hpp
/// @brief Weights of a file for a network, which must then compute what the original did.
#pragma once

#include "tocsin/core/checked_size.hpp"
#include "tocsin/core/random.hpp"
#include "tocsin/core/status.hpp"
#include "tocsin/core/storage.hpp"
#include "tocsin/core/views.hpp"
#include "tocsin/io/converted_file.hpp"
#include "tocsin/io/load_options.hpp"
#include "tocsin/io/pytorch.hpp"

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace tocsin::detail {

/// A network that makes outputs of a series, which can be compared with a probe's.
template <class Network>
concept series_network = requires(const Network& network, int time) {
    { network.features() } -> std::convertible_to<int>;
    { network.output_size() } -> std::convertible_to<int>;
    { network.output_time(time) } -> std::convertible_to<int>;
    { network.infer_work_size(1, time) } -> std::convertible_to<index_t>;
};

/// Most steps of a probe.
inline constexpr int longest_probe = 1 << 20;

/// A random input, long enough for an output; `invalid_argument` where none is.
template <class Network>
result<probe_tensor> random_probe(const Network& network) {
    constexpr int fewest = 12;
    int steps = fewest;
    while (network.output_time(steps) < 1) {
        if (steps == longest_probe) {
            return status::error(error_code::invalid_argument, "no series of up to ", longest_probe,
                                 " steps is long enough for an output of the model");
        }
        steps = std::min(2 * steps, longest_probe);
    }
    probe_tensor input{{}, steps, network.features()};
    random_generator random{0};
    input.values.resize(static_cast<std::size_t>(input.steps * input.size));
    std::generate(input.values.begin(), input.values.end(), [&] { return random.normal(); });
    return input;
}

/// What a network makes of a probe's input, `[outputs x output_time]`.
template <class Network>
auto run_probe(const Network& network, std::span<const typename Network::scalar_type> parameters,
               const probe_tensor& input) {
    using scalar = typename Network::scalar_type;
    aligned_vector<scalar> series(input.values.begin(), input.values.end());
    const int time = static_cast<int>(input.steps);
    aligned_vector<scalar> work(static_cast<std::size_t>(network.infer_work_size(1, time)));
    const auto outputs =
        network.infer(parameters, {series.data(), network.features(), 1, time}, work);
    return std::vector<scalar>(outputs.data(), outputs.data() + outputs.size());
}

/// The parameters of a network in a file, which must have exactly these tensors beside its probe.
/// @param problems what was noted about them before
template <class Scalar>
result<aligned_vector<Scalar>> read_converted(const safetensors_reader& file,
                                              const std::vector<pytorch_tensor>& tensors,
                                              std::vector<std::string> problems, index_t count) {
    // Before memory is taken: then it is in proportion to the file.
    note_mismatches(file, tensors, {.ignored_prefix = probe_prefix}, problems);
    if (!problems.empty()) {
        return status::error(error_code::format_error, joined(problems));
    }
    aligned_vector<Scalar> loaded(static_cast<std::size_t>(count));
    if (auto read = read_pytorch(file, tensors, problems, std::span<Scalar>(loaded)); !read.ok()) {
        return read;
    }
    return loaded;
}

/// Refuses a probe whose replay takes more memory than objects of the file may: a small file could
/// ask for any by a long probe or by repetitions.
template <class Network>
status check_replay(const safetensors_reader& file, const Network& network, index_t steps) {
    using scalar = typename Network::scalar_type;
    if (steps > longest_probe || network.output_time(static_cast<int>(steps)) < 1) {
        return status::error(error_code::format_error, "a probe of ", steps,
                             " steps is too short, or too long, for the layers");
    }
    const bool possible = network.memory_of_pass(steps).valid();
    load_budget budget = file.budget();
    return budget.take(
        "replay", possible ? checked_size(network.infer_work_size(1, static_cast<int>(steps))) *
                                 sizeof(scalar)
                           : checked_size(-1));
}

/// The parameters of a network in a file, once their outputs have been compared with its probe.
/// @param tensors  what the network reads of the file
/// @param problems what was noted about them before
template <class Network>
result<aligned_vector<typename Network::scalar_type>>
load_and_replay(const safetensors_reader& file, const Network& network,
                const std::vector<pytorch_tensor>& tensors, std::vector<std::string> problems,
                double tolerance) {
    using scalar = typename Network::scalar_type;
    const auto input = read_probe(file, probe_input, network.features());
    if (!input) {
        return input.error();
    }
    if (auto possible = check_replay(file, network, input->steps); !possible.ok()) {
        return possible;
    }
    const auto output = read_probe(file, probe_output, network.output_size());
    if (!output) {
        return output.error();
    }
    if (network.output_time(static_cast<int>(input->steps)) != output->steps) {
        return status::error(error_code::format_error, "the probe has ", input->steps,
                             " steps of input and ", output->steps, " of output");
    }
    auto read =
        read_converted<scalar>(file, tensors, std::move(problems), network.parameter_count());
    if (!read) {
        return read;
    }
    aligned_vector<scalar>& loaded = *read;
    const auto computed = run_probe(network, std::span<const scalar>(loaded), *input);
    for (index_t step = 0; step < output->steps; ++step) {
        const auto here = std::span(computed).subspan(static_cast<std::size_t>(step * output->size),
                                                      static_cast<std::size_t>(output->size));
        if (auto same = compare_with_probe(*output, step, here, tolerance); !same.ok()) {
            return same;
        }
    }
    return read;
}

} // namespace tocsin::detail
