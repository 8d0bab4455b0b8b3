#include "tocsin/io/pytorch_sequential.hpp"
#include "tocsin/layers/activation_layer.hpp"
#include "tocsin/layers/dropout_layer.hpp"
#include "tocsin/layers/pooling.hpp"
#include "tocsin/models/classifiers.hpp"

#include <doctest/doctest.h>

#include "pytorch_checks.hpp"
#include "support/fixture_directory.hpp"
#include "support/reference_values.hpp"
#include "temporary_directory.hpp"
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

using tocsin::index_t;
using tocsin_test::reference_values;
using tocsin_test::temporary_directory;

namespace {

std::filesystem::path fixture(const std::string& name) {
    return tocsin_test::fixture_directory() / "pytorch" / (name + ".safetensors");
}

template <class Scalar>
auto convolutional() {
    using relu = tocsin::activation_layer<Scalar, tocsin::relu_activation>;
    const auto settings = tocsin::batch_norm_settings::pytorch();
    return tocsin::sequential(
        tocsin::conv1d<Scalar>(2, 4, {.kernel = 8}), tocsin::batch_norm<Scalar>(4, settings),
        relu(4), tocsin::conv1d<Scalar>(4, 3, {.kernel = 3}),
        tocsin::batch_norm<Scalar>(3, settings), relu(3), tocsin::global_average_pooling<Scalar>(3),
        tocsin::dense<Scalar>(3, 2));
}
const std::vector<std::string> convolutional_modules{"first", "first_norm", "second", "second_norm",
                                                     "logits"};
template <class Scalar>
auto bidirectional() {
    return tocsin::bidirectional_lstm_classifier<Scalar>(3, 1, {.hidden = 4, .dense = 5});
}
const std::vector<std::string> bidirectional_modules{"lstm", "hidden", "logits"};

const std::vector<std::string> two_layers{"lstm", "lstm", "linear"};

template <class Network>
auto loaded(const std::string& name, const Network& network,
            const std::vector<std::string>& modules, const tocsin::pytorch_options& options = {}) {
    using scalar = typename Network::scalar_type;
    tocsin::aligned_vector<scalar> parameters(static_cast<std::size_t>(network.parameter_count()));
    const auto outcome = tocsin::load_pytorch(fixture(name), network, std::span<scalar>(parameters),
                                              modules, options);
    REQUIRE_MESSAGE(outcome.ok(), outcome.message());
    return parameters;
}

/// Largest difference to what PyTorch computed.
template <class Network, class Parameters>
double difference(const std::string& name, const Network& network, const Parameters& parameters) {
    using scalar = typename Network::scalar_type;
    const reference_values reference("pytorch/" + name);
    const auto input = reference.as<scalar>("input");
    const int time = static_cast<int>(input.size()) / network.features();
    tocsin::aligned_vector<scalar> work(static_cast<std::size_t>(network.infer_work_size(1, time)));
    const auto outputs =
        network.infer(parameters, {input.data(), network.features(), 1, time}, work);
    const auto& expected = reference["output"];
    REQUIRE(outputs.span().size() == expected.size());
    double largest = 0;
    for (std::size_t k = 0; k < expected.size(); ++k) {
        largest = std::max(largest, std::abs(static_cast<double>(outputs.span()[k]) - expected[k]));
    }
    return largest;
}

template <class Network>
void check_refused(const std::string& name, const Network& network,
                   const std::vector<std::string>& modules, const char* part) {
    std::vector<float> parameters(static_cast<std::size_t>(network.parameter_count()), 7.0F);
    const auto outcome =
        tocsin::load_pytorch(fixture(name), network, std::span<float>(parameters), modules);
    CAPTURE(std::string(outcome.message()));
    CHECK_FALSE(outcome.ok());
    CHECK(std::string(outcome.message()).find(part) != std::string::npos);
    CHECK(std::all_of(parameters.begin(), parameters.end(), [](float p) { return p == 7.0F; }));
}

} // namespace

TEST_SUITE("io") {
    TEST_CASE_TEMPLATE("pytorch: convolutions, batch normalisation, both directions of an LSTM",
                       Scalar, float, double) {
        const double tolerance = std::is_same_v<Scalar, float> ? 3e-6 : 1e-13;
        const auto convolution = convolutional<Scalar>();
        CHECK(difference("convolutional", convolution,
                         loaded("convolutional", convolution, convolutional_modules,
                                {.missing_bias_is_zero = true})) < tolerance);
        const auto both = bidirectional<Scalar>();
        CHECK(difference("bidirectional_classifier", both,
                         loaded("bidirectional_classifier", both, bidirectional_modules)) <
              tolerance);
    }

    TEST_CASE_TEMPLATE("pytorch: the layers of one nn.LSTM, as a stack or as layers of their own",
                       Scalar, float, double) {
        using tocsin::dense;
        using tocsin::lstm;
        using tocsin::sequential;
        using stack = tocsin::lstm_stack<Scalar>;
        using both = tocsin::bidirectional_lstm<Scalar>;
        const double tolerance = std::is_same_v<Scalar, float> ? 1e-6 : 1e-14;
        const auto check = [&](const char* name, const auto& network,
                               const std::vector<std::string>& modules) {
            CAPTURE(name);
            CHECK(difference(name, network, loaded(name, network, modules)) < tolerance);
        };
        check("stacked", sequential(stack({3, 5, 5}, 0.3), dense<Scalar>(5, 2)), two_layers);
        check("stacked",
              sequential(lstm<Scalar>(3, 5), tocsin::dropout_layer<Scalar>(5, 0.3),
                         lstm<Scalar>(5, 5), dense<Scalar>(5, 2)),
              two_layers);
        const std::vector<std::string> three_layers{"lstm", "lstm", "lstm", "linear"};
        check("stacked_three", sequential(stack({2, 4, 4, 4}), dense<Scalar>(4, 1)), three_layers);
        check("stacked_three",
              sequential(lstm<Scalar>(2, 4), stack({4, 4, 4}), dense<Scalar>(4, 1)), three_layers);
        check("stacked_bidirectional", sequential(both(3, 4), both(8, 4), dense<Scalar>(8, 2)),
              two_layers);
        check("cell_then_lstm",
              sequential(lstm<Scalar>(2, 4), tocsin::batch_norm<Scalar>(4), stack({4, 3, 3}),
                         tocsin::pooling<Scalar, tocsin::last_step>(3), dense<Scalar>(3, 2)),
              {"cell", "norm", "lstm", "lstm", "linear"});
        check("two_modules", sequential(stack({2, 5, 3})), {"lower", "upper"});
    }

    TEST_CASE("pytorch: a bidirectional layer alone") {
        const tocsin::bidirectional_lstm<double> layer(2, 3);
        std::vector<double> parameters(static_cast<std::size_t>(layer.parameter_count()));
        const auto outcome = tocsin::load_pytorch_lstm(fixture("bidirectional"), "lstm", layer,
                                                       std::span<double>(parameters));
        REQUIRE_MESSAGE(outcome.ok(), outcome.message());
        const tocsin::sequential whole(layer);
        CHECK(difference("bidirectional", whole, parameters) < 1e-14);
    }

    TEST_CASE("pytorch: sequential models that are saved are loaded with the same bits") {
        const temporary_directory directory;
        const auto network = convolutional<float>();
        const auto parameters =
            loaded("convolutional", network, convolutional_modules, {.missing_bias_is_zero = true});
        const auto path = directory / "saved.safetensors";
        REQUIRE(tocsin::save_pytorch(path, network, std::span<const float>(parameters),
                                     convolutional_modules)
                    .ok());
        std::vector<float> again(parameters.size());
        REQUIRE(tocsin::load_pytorch(path, network, std::span<float>(again), convolutional_modules)
                    .ok());
        CHECK(std::equal(again.begin(), again.end(), parameters.begin()));
        const auto file = tocsin::safetensors_reader::open(path);
        REQUIRE(file.has_value());
        REQUIRE(file->find("first.weight") != nullptr);
        CHECK(file->find("first.weight")->shape == std::vector<index_t>{4, 2, 8});
        CHECK(file->find("first_norm.running_var")->shape == std::vector<index_t>{4});
    }

    TEST_CASE("pytorch: stacks are saved with the names and bits of PyTorch") {
        const temporary_directory directory;
        const auto path = directory / "saved.safetensors";
        const auto check = [&](const char* name, const auto& network,
                               const std::vector<std::string>& modules) {
            CAPTURE(name);
            const auto parameters = loaded(name, network, modules);
            const auto saved =
                tocsin::save_pytorch(path, network, std::span<const float>(parameters), modules);
            REQUIRE_MESSAGE(saved.ok(), saved.message());
            tocsin_test::check_same_tensors(path, fixture(name));
            std::vector<float> again(parameters.size());
            REQUIRE(tocsin::load_pytorch(path, network, std::span<float>(again), modules).ok());
            CHECK(std::equal(again.begin(), again.end(), parameters.begin()));
        };
        using tocsin::sequential;
        const tocsin::dense<float> linear(8, 2);
        check("stacked",
              sequential(tocsin::lstm_stack<float>({3, 5, 5}), tocsin::dense<float>(5, 2)),
              two_layers);
        check("stacked_bidirectional",
              sequential(tocsin::bidirectional_lstm<float>(3, 4),
                         tocsin::bidirectional_lstm<float>(8, 4), linear),
              two_layers);
    }

    TEST_CASE("pytorch: stacks that do not fit are refused with the reason") {
        using tocsin::sequential;
        const tocsin::dense<float> linear(5, 2);
        const sequential network(tocsin::lstm_stack<float>({3, 5, 5}), linear);
        check_refused("stacked", network, {"lstm", "linear"},
                      "2 modules are given for 3 layers with parameters");
        check_refused("stacked", network, {"lstm", "upper", "linear"},
                      "'upper.weight_ih_l0' is missing");
        check_refused("stacked", network, {"lstm", "upper", "linear"},
                      "'lstm.bias_hh_l1' is left over");
        check_refused("stacked", sequential(tocsin::lstm<float>(3, 5), linear), {"lstm", "linear"},
                      "'lstm.bias_hh_l1' is left over");
        check_refused("stacked", sequential(tocsin::lstm_stack<float>({3, 5, 5, 5}), linear),
                      {"lstm", "lstm", "lstm", "linear"}, "'lstm.weight_ih_l2' is missing");
        check_refused(
            "stacked_three",
            sequential(tocsin::lstm_stack<float>({2, 4, 4, 4}), tocsin::dense<float>(4, 2)),
            {"lstm", "lstm", "lstm", "linear"},
            "'linear.weight' has shape [1, 4], expected [2, 4]");
        check_refused("stacked_bidirectional",
                      sequential(tocsin::lstm_stack<float>({3, 4, 4}), tocsin::dense<float>(4, 2)),
                      two_layers, "'lstm.bias_hh_l0_reverse' is left over (of a bidirectional");
        check_refused("stacked", sequential(tocsin::lstm_stack<float>({3, 5, 4})), {"lstm", "lstm"},
                      "layers 0 and 1 of 'lstm' have 5 units in one direction and 4 units in one "
                      "direction: those of an nn.LSTM are equal");
        check_refused(
            "stacked",
            sequential(tocsin::lstm<float>(3, 5), tocsin::bidirectional_lstm<float>(5, 5)),
            {"lstm", "lstm"}, "5 units in one direction and 5 units in both directions");
        check_refused("stacked",
                      sequential(tocsin::lstm<float>(3, 5), linear, tocsin::lstm<float>(2, 5)),
                      {"lstm", "linear", "lstm"}, "'lstm.weight_ih_l0' is named twice");

        const temporary_directory directory;
        const sequential uneven(tocsin::lstm_stack<float>({3, 5, 4}));
        const std::vector<float> parameters(static_cast<std::size_t>(uneven.parameter_count()));
        const auto outcome = tocsin::save_pytorch(directory / "saved.safetensors", uneven,
                                                  std::span<const float>(parameters),
                                                  std::vector<std::string>{"lstm", "lstm"});
        CHECK_FALSE(outcome.ok());
        CHECK(directory.count() == 0);
    }

    TEST_CASE("pytorch: sequential models that do not fit are refused with the reason") {
        const auto network = convolutional<float>();
        check_refused("convolutional", network, convolutional_modules,
                      "'second.bias' is missing (see missing_bias_is_zero)");
        check_refused("convolutional", network, {"first", "first_norm", "second"},
                      "3 modules are given for 5 layers with parameters");
        check_refused("convolutional", network,
                      {"first", "first_norm", "second", "second_norm", "logits", "more"},
                      "6 modules are given for 5 layers with parameters");
        check_refused("bidirectional_classifier", network, convolutional_modules, "is missing");
        check_refused("bidirectional_classifier",
                      tocsin::bidirectional_lstm_classifier<float>(3, 1, {.hidden = 5, .dense = 5}),
                      bidirectional_modules, "has shape [16], expected [20]");
        const tocsin::sequential shorter(tocsin::conv1d<float>(2, 4, {.kernel = 7}));
        check_refused("convolutional", shorter, {"first"},
                      "'first.weight' has shape [4, 2, 8], expected [4, 2, 7]");
        std::vector<float> few(3);
        CHECK_FALSE(tocsin::load_pytorch(fixture("convolutional"), network, std::span<float>(few),
                                         convolutional_modules)
                        .ok());
    }

    TEST_CASE("pytorch: a negative variance is refused with its place") {
        const temporary_directory directory;
        const tocsin::sequential network(tocsin::batch_norm<float>(3));
        tocsin::safetensors_writer file;
        for (const char* name : {"weight", "bias", "running_mean", "running_var"}) {
            std::vector<float> values{1, 1, 1};
            if (std::string(name) == "running_var") {
                values[1] = -0.5F;
            }
            REQUIRE(file.add_tensor(std::string("norm.") + name, std::span<const float>(values),
                                    std::vector<index_t>{3})
                        .ok());
        }
        const auto path = directory / "norm.safetensors";
        REQUIRE(file.write(path).ok());
        std::vector<float> parameters(static_cast<std::size_t>(network.parameter_count()));
        const auto outcome = tocsin::load_pytorch(path, network, std::span<float>(parameters),
                                                  std::vector<std::string>{"norm"});
        CHECK_FALSE(outcome.ok());
        CHECK(std::string(outcome.message())
                  .find("'norm.running_var' has -0.5 at [1, 0], which is a negative variance") !=
              std::string::npos);
    }
}
