#include "tocsin/io/converted_sequential.hpp"
#include "tocsin/layers/hard_sigmoid_precision.hpp"
#include "tocsin/layers/pooling.hpp"
#include "tocsin/models/classifiers.hpp"

#include <doctest/doctest.h>

#include "support/fixture_directory.hpp"
#include "temporary_directory.hpp"
#include <algorithm>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

using tocsin::index_t;
using tocsin_test::temporary_directory;

namespace {

std::filesystem::path fixture(const std::string& name) {
    return tocsin_test::fixture_directory() / "converted" / (name + ".safetensors");
}

/// Loads, and checks that a failure leaves the parameters as they were.
template <class Network>
tocsin::status load(const std::filesystem::path& path, const Network& network,
                    const tocsin::converted_options& options = {}) {
    using scalar = typename Network::scalar_type;
    std::vector<scalar> parameters(static_cast<std::size_t>(network.parameter_count()), scalar(7));
    auto outcome = tocsin::load_converted(path, network, std::span<scalar>(parameters), options);
    const bool untouched = std::all_of(parameters.begin(), parameters.end(),
                                       [](scalar value) { return value == scalar(7); });
    CHECK(untouched == !outcome.ok());
    return outcome;
}

void check_says(const tocsin::status& outcome, const char* part) {
    CAPTURE(std::string(outcome.message()));
    CHECK_FALSE(outcome.ok());
    CHECK(std::string(outcome.message()).find(part) != std::string::npos);
}

/// The layers of the fixtures.
template <class Scalar>
struct parts {
    using relu = tocsin::activation_layer<Scalar, tocsin::relu_activation>;
    using tanh = tocsin::activation_layer<Scalar, tocsin::tanh_activation>;
    using sigmoid = tocsin::activation_layer<Scalar, tocsin::sigmoid_activation>;
    using leaky = tocsin::activation_layer<Scalar, tocsin::leaky_relu_activation>;
    using softmax = tocsin::softmax_layer<Scalar>;
    using conv = tocsin::conv1d<Scalar>;
    using norm = tocsin::batch_norm<Scalar>;
    using dense = tocsin::dense<Scalar>;
    using lstm = tocsin::lstm<Scalar>;
    using both = tocsin::bidirectional_lstm<Scalar>;
    using mean = tocsin::global_average_pooling<Scalar>;
    using largest = tocsin::global_max_pooling<Scalar>;
    using last = tocsin::pooling<Scalar, tocsin::last_step>;
    using both_ends = tocsin::pooling<Scalar, tocsin::last_step_of_both_directions>;

    static norm keras_norm(int channels, double epsilon = 1e-3) {
        auto settings = tocsin::batch_norm_settings::keras();
        settings.epsilon = epsilon;
        return norm(channels, settings);
    }
    static auto fully_convolutional(double epsilon = 1e-3) {
        return tocsin::sequential(conv(2, 6, {.kernel = 8}), keras_norm(6, epsilon), relu(6),
                                  conv(6, 5, {.kernel = 5}), keras_norm(5), relu(5),
                                  conv(5, 4, {.kernel = 3}), keras_norm(4), relu(4), mean(4),
                                  dense(4, 2), softmax(2));
    }
    static auto causal() {
        const auto layer = [](int inputs, int dilation) {
            return conv(inputs, 4,
                        {.kernel = 2, .padding = tocsin::padding::causal, .dilation = dilation});
        };
        return tocsin::sequential(layer(3, 1), relu(4), layer(4, 2), relu(4), layer(4, 4), relu(4),
                                  dense(4, 3));
    }
    static auto valid() {
        using tocsin::padding;
        return tocsin::sequential(
            conv(3, 4, {.kernel = 4, .padding = padding::valid}), tanh(4),
            conv(4, 3, {.kernel = 3, .padding = padding::valid, .dilation = 2}));
    }
    static auto classifier() {
        return tocsin::sequential(both(3, 4), both_ends(8), tocsin::dropout_layer<Scalar>(8, 0.5),
                                  tocsin::dense<Scalar, tocsin::relu_activation>(8, 5),
                                  tocsin::dense<Scalar, tocsin::sigmoid_activation>(5, 1));
    }
    /// An encoder-decoder that reads `inputs` values and gives `outputs`, `steps` times.
    template <class Encoder, class Last>
    static auto repeated(const Encoder& encoder, const Last& code, int steps) {
        return tocsin::sequential(encoder, code, tocsin::repeat<Scalar>(code.output_size(), steps),
                                  lstm(code.output_size(), 4), dense(4, 3));
    }
    template <int Divisor>
    static auto hard_sigmoid() {
        using hard = tocsin::lstm<Scalar, tocsin::dynamic, tocsin::dynamic,
                                  tocsin::hard_sigmoid_precision<Divisor>>;
        return tocsin::sequential(tocsin::penalised(hard(3, 5), {0, 0.001}), keras_norm(5),
                                  hard(5, 4), last(4), keras_norm(4), dense(4, 2));
    }
};

/// A copy of a fixture with other metadata; what is empty is left out.
std::filesystem::path described_by(const temporary_directory& directory,
                                   const std::string& architecture,
                                   const std::string& version = "1") {
    const auto original = tocsin::safetensors_reader::open(fixture("keras_valid_convolutions"));
    REQUIRE(original.has_value());
    tocsin::safetensors_writer copy;
    for (const auto& tensor : original->tensors()) {
        std::vector<double> values(static_cast<std::size_t>(tensor.count()));
        original->copy_converted(tensor, std::span<double>(values));
        REQUIRE(copy.add_tensor(tensor.name, std::span<const double>(values), tensor.shape).ok());
    }
    if (!architecture.empty()) {
        REQUIRE(copy.add_metadata("architecture", architecture).ok());
    }
    if (!version.empty()) {
        REQUIRE(copy.add_metadata("tocsin_convert", version).ok());
    }
    auto path = directory / "described.safetensors";
    REQUIRE(copy.write(path).ok());
    return path;
}

} // namespace

TEST_SUITE("io") {
    TEST_CASE_TEMPLATE("converted sequential: networks of Keras and ONNX replay their probe",
                       Scalar, float, double) {
        using of = parts<Scalar>;
        using tocsin::sequential;
        // Weights are F32 in the file and were double in what computed the probe.
        const tocsin::converted_options close{.tolerance = 1e-5};
        const auto check = [&](const char* name, const auto& network) {
            const auto outcome = load(fixture(name), network, close);
            CHECK_MESSAGE(outcome.ok(), outcome.message());
        };
        check("keras_fully_convolutional", of::fully_convolutional());
        check("keras_bidirectional_classifier", of::classifier());
        check("keras_hard_sigmoid", of::template hard_sigmoid<6>());
        check("keras_2_hard_sigmoid", of::template hard_sigmoid<5>());
        check(
            "keras_two_bidirectional_layers",
            sequential(typename of::both(3, 3), typename of::both(6, 2), typename of::dense(4, 2)));
        check("keras_valid_convolutions", of::valid());
        check("keras_even_kernels",
              sequential(typename of::conv(3, 4, {.kernel = 2}), typename of::relu(4),
                         typename of::conv(4, 3, {.kernel = 6, .dilation = 2}),
                         typename of::mean(3)));
        check("keras_causal_convolutions", of::causal());
        check("keras_convolution_then_lstm",
              sequential(typename of::conv(3, 4, {.kernel = 3}), typename of::relu(4),
                         typename of::lstm(4, 5), of::keras_norm(5), typename of::largest(5),
                         of::keras_norm(5, 0.01), typename of::dense(5, 3),
                         typename of::softmax(3)));
        check("keras_leaky_relu",
              sequential(typename of::lstm(3, 3), typename of::dense(3, 4),
                         typename of::leaky(4, {0.1}), typename of::dense(4, 4),
                         typename of::leaky(4, {0.2}),
                         tocsin::dense<Scalar, tocsin::hard_sigmoid_activation<6>>(4, 3),
                         typename of::lstm(3, 2), typename of::last(2)));
        check("keras_last_step", sequential(typename of::lstm(2, 6), typename of::last(6),
                                            tocsin::dense<Scalar, tocsin::relu_activation>(6, 4),
                                            typename of::dense(4, 2)));
        check("onnx_bidirectional", sequential(typename of::both(3, 5), typename of::dense(10, 2)));
        check("onnx_bidirectional_last_states",
              sequential(typename of::both(3, 5), typename of::both(10, 5),
                         typename of::both_ends(10), typename of::dense(10, 2)));
        check("onnx_fully_convolutional",
              sequential(typename of::conv(3, 6, {.kernel = 8}), of::keras_norm(6),
                         typename of::relu(6), typename of::conv(6, 5, {.kernel = 5}),
                         of::keras_norm(5), typename of::relu(5), typename of::mean(5),
                         typename of::dense(5, 2), typename of::softmax(2)));
        check("onnx_normalised_first",
              sequential(of::keras_norm(3), typename of::conv(3, 4, {.kernel = 3}),
                         typename of::leaky(4, {0.05}), typename of::tanh(4), of::keras_norm(4),
                         typename of::sigmoid(4), typename of::largest(4),
                         typename of::dense(4, 3)));
        check(
            "onnx_causal",
            sequential(typename of::conv(
                           3, 4, {.kernel = 3, .padding = tocsin::padding::causal, .dilation = 2}),
                       typename of::relu(4)));
        // Written by save_converted() on another day.
        check("saved_by_tocsin",
              tocsin::bidirectional_lstm_classifier<Scalar>(3, 2, {.hidden = 4, .dense = 5}));
        // The known classifiers give logits, which `tocsin-convert --logits` makes.
        check("keras_fully_convolutional_logits",
              tocsin::fully_convolutional_classifier<Scalar>(2, 2, {.filters = {6, 5, 4}}));
        check("keras_bidirectional_classifier_logits",
              tocsin::bidirectional_lstm_classifier<Scalar>(3, 1, {.hidden = 4, .dense = 5}));
    }

    TEST_CASE("converted sequential: a model with another layer is refused by name") {
        using of = parts<float>;
        using tocsin::sequential;
        const auto fully = fixture("keras_fully_convolutional");
        check_says(load(fully, of::fully_convolutional(1e-5)),
                   "layer 1 is batch_norm (channels 6, epsilon 0.001) in the file and batch_norm "
                   "(channels 6, epsilon 1e-05) in the model");
        check_says(
            load(fully, sequential(of::conv(2, 6, {.kernel = 7}))),
            "layer 0 is conv1d (after 4, before 3, dilation 1, inputs 2, kernel 8, outputs 6) "
            "in the file and conv1d (after 3, before 3, dilation 1, inputs 2, kernel 7");
        check_says(load(fully, sequential(of::conv(2, 6, {.kernel = 8}), of::keras_norm(6))),
                   "layer 2 is relu in the file and not there in the model");
        check_says(load(fixture("keras_valid_convolutions"),
                        sequential(of::conv(3, 4, {.kernel = 4, .padding = tocsin::padding::valid}),
                                   of::relu(4))),
                   "layer 1 is tanh in the file and relu in the model");
        check_says(
            load(fixture("keras_hard_sigmoid"), of::hard_sigmoid<5>()),
            "layer 0 is lstm (divisor 6, hidden 5, inputs 3) in the file and lstm (divisor 5");
        check_says(
            load(fixture("keras_bidirectional_classifier"),
                 sequential(of::both(3, 4), of::last(8))),
            "layer 1 is last_step_of_both_directions in the file and last_step in the model");
        check_says(load(fixture("keras_leaky_relu"),
                        sequential(of::lstm(3, 3), of::dense(3, 4), of::leaky(4))),
                   "leaky_relu (below 0.1) in the file and leaky_relu (below 0.01) in the model");
        check_says(load(fixture("keras_two_bidirectional_layers"), sequential(of::lstm(3, 6))),
                   "layer 0 is bidirectional_lstm (hidden 3, inputs 3) in the file and lstm");
        check_says(load(fixture("keras_bidirectional_classifier_logits"), of::classifier()),
                   "layer 5 is not there in the file and sigmoid in the model");
        check_says(
            load(fixture("keras_causal_convolutions"), sequential(of::conv(3, 4, {.kernel = 2}))),
            "before 1, dilation 1, inputs 3, kernel 2, outputs 4) in the file");
        check_says(load(fixture("onnx_every_step"), sequential(of::lstm(3, 5), of::dense(5, 3))),
                   "layer 1 is dense (inputs 5, outputs 2) in the file");
        check_says(load(fixture("onnx_causal"), sequential(of::conv(3, 4, {.kernel = 0}))),
                   "conv1d: kernel 0");
        check_says(load(fixture("absent"), of::causal()), "absent.safetensors");
        std::vector<float> few(3);
        check_says(tocsin::load_converted(fully, of::fully_convolutional(), std::span<float>(few)),
                   "3 parameters given");
    }

    TEST_CASE_TEMPLATE("converted sequential: encoder-decoders with a repeated code", Scalar, float,
                       double) {
        using of = parts<Scalar>;
        using tocsin::repeat;
        using tocsin::sequential;
        using stack = tocsin::lstm_stack<Scalar>;
        const tocsin::converted_options close{.tolerance = 1e-5};
        const auto check = [&](const char* name, const auto& network) {
            const auto outcome = load(fixture(name), network, close);
            CHECK_MESSAGE(outcome.ok(), outcome.message());
        };
        const auto plain = of::repeated(typename of::lstm(3, 5), typename of::last(5), 14);
        check("keras_encoder_decoder", plain);
        check("keras_encoder_decoder_h5", plain);
        check("onnx_repeated_state", of::repeated(stack({3, 5, 5}), typename of::last(5), 14));
        check("onnx_repeated_directions",
              of::repeated(typename of::both(3, 5), typename of::both_ends(10), 7));
        check("keras_functional_encoder_decoder",
              sequential(typename of::both(3, 4), typename of::both_ends(8), repeat<Scalar>(8, 14),
                         typename of::lstm(8, 5), typename of::dense(5, 3)));
        check("keras_deep_encoder_decoder",
              sequential(stack({3, 6, 4}), typename of::last(4), typename of::dense(4, 3),
                         typename of::relu(3), repeat<Scalar>(3, 9), typename of::lstm(3, 4),
                         of::keras_norm(4), typename of::lstm(4, 6), typename of::dense(6, 2)));
        check("keras_upsampling",
              sequential(typename of::conv(3, 4, {.kernel = 3}), typename of::relu(4),
                         repeat<Scalar>(4, 3), typename of::conv(4, 3, {.kernel = 5})));
        check_says(load(fixture("keras_encoder_decoder"),
                        of::repeated(typename of::lstm(3, 5), typename of::last(5), 15)),
                   "layer 2 is repeat (times 14) in the file and repeat (times 15) in the model");
    }

    TEST_CASE("converted sequential: a damaged description is refused with the reason") {
        const temporary_directory directory;
        const auto network = parts<float>::valid();
        const auto says = [&](const std::string& architecture, const char* part) {
            check_says(load(described_by(directory, architecture), network), part);
        };
        says("", "'architecture' is missing");
        says("{", "no JSON at byte 2");
        says("{}", "is no object with an array 'layers'");
        says("null", "is no object with an array 'layers'");
        says("{\"inputs\":2,\"note\":{}}", "'note' is neither a number nor a text");
        says("[]", "is no object with an array 'layers'");
        says("{\"layers\":3}", "is no object with an array 'layers'");
        says("{\"layers\":[3]}", "layer 0 is not a kind and numbers");
        says("{\"layers\":[{\"kind\":\"relu\"},{\"inputs\":3}]}",
             "layer 1 is not a kind and numbers");
        says("{\"layers\":[{\"kind\":\"relu\",\"below\":[1]}]}",
             "layer 0 is not a kind and numbers");
        for (const char* twice : {"\"kind\":\"relu\",\"kind\":\"relu\"",
                                  "\"kind\":\"relu\",\"inputs\":3,\"inputs\":4"}) {
            says(std::string("{\"layers\":[{") + twice + "}]}",
                 "layer 0 is not a kind and numbers");
        }
        says("{\"layers\":[]}", "layer 0 is not there in the file");
        says(std::string(70'000, '['), "70000 bytes; at most 65536");
    }

    TEST_CASE("converted sequential: a file of another version is refused") {
        const temporary_directory directory;
        const auto original = tocsin::safetensors_reader::open(fixture("keras_valid_convolutions"));
        REQUIRE(original.has_value());
        const std::string architecture = original->metadata().at("architecture");
        const auto network = parts<float>::valid();
        const auto outcome = load(described_by(directory, architecture), network);
        CHECK_MESSAGE(outcome.ok(), outcome.message());
        check_says(load(described_by(directory, architecture, "2"), network),
                   "'tocsin_convert' is '2', expected '1'");
        check_says(load(described_by(directory, architecture, ""), network),
                   "'tocsin_convert' is missing, expected '1'");
    }

    TEST_CASE_TEMPLATE("converted sequential: what is saved is loaded with the same bits", Scalar,
                       float, double) {
        using of = parts<Scalar>;
        const temporary_directory directory;
        const auto path = directory / "saved.safetensors";
        const auto check = [&](const auto& network) {
            std::vector<Scalar> parameters(static_cast<std::size_t>(network.parameter_count()));
            tocsin::random_generator random{4};
            network.initialise(std::span<Scalar>(parameters), random);
            REQUIRE(
                tocsin::save_converted(path, network, std::span<const Scalar>(parameters)).ok());
            std::vector<Scalar> again(parameters.size());
            const auto outcome =
                tocsin::load_converted(path, network, std::span<Scalar>(again), {.tolerance = 0});
            CHECK_MESSAGE(outcome.ok(), outcome.message());
            CHECK(again == parameters);
        };
        check(of::fully_convolutional());
        check(of::classifier());
        check(of::causal());
        check(of::repeated(typename of::lstm(3, 5), typename of::last(5), 14));
        check(of::template hard_sigmoid<5>());
        check(tocsin::sequential(
            typename of::conv(2, 3, {.kernel = 40, .padding = tocsin::padding::valid})));
    }

    TEST_CASE_TEMPLATE("converted sequential: a stack is as many layers of a file", Scalar, float,
                       double) {
        using of = parts<Scalar>;
        using stack = tocsin::lstm_stack<Scalar>;
        const temporary_directory directory;
        const auto path = directory / "saved.safetensors";
        const tocsin::sequential stacked(stack({3, 5, 4}, 0.2), typename of::last(4),
                                         typename of::dense(4, 2));
        const tocsin::sequential apart(typename of::lstm(3, 5), typename of::lstm(5, 4),
                                       typename of::last(4), typename of::dense(4, 2));
        std::vector<Scalar> parameters(static_cast<std::size_t>(stacked.parameter_count()));
        tocsin::random_generator random{4};
        stacked.initialise(std::span<Scalar>(parameters), random);
        const auto saved =
            tocsin::save_converted(path, stacked, std::span<const Scalar>(parameters));
        REQUIRE_MESSAGE(saved.ok(), saved.message());
        const auto check = [&](const auto& network) {
            std::vector<Scalar> again(parameters.size());
            const auto outcome = tocsin::load_converted(path, network, std::span<Scalar>(again),
                                                        {.tolerance = 1e-6});
            CHECK_MESSAGE(outcome.ok(), outcome.message());
            CHECK(again == parameters);
        };
        check(stacked);
        check(apart);
        check_says(load(path, tocsin::sequential(stack({3, 5, 4, 4}))),
                   "layer 2 is last_step in the file and lstm (hidden 4, inputs 4) in the model");
    }

    TEST_CASE("converted sequential: what cannot be saved is refused") {
        const temporary_directory directory;
        const auto path = directory / "saved.safetensors";
        const auto network = parts<float>::valid();
        std::vector<float> parameters(static_cast<std::size_t>(network.parameter_count()), 0.1F);
        parameters[5] = std::numeric_limits<float>::infinity();
        check_says(tocsin::save_converted(path, network, std::span<const float>(parameters)),
                   "save_converted: '0.weight' has inf at ");
        parameters.pop_back();
        check_says(tocsin::save_converted(path, network, std::span<const float>(parameters)),
                   "save_converted: 90 parameters given");
        CHECK_FALSE(std::filesystem::exists(path));
    }

    TEST_CASE("converted sequential: a model whose outputs are not finite is refused") {
        const temporary_directory directory;
        const auto path = directory / "saved.safetensors";
        const auto check = [&](const auto& network) {
            const std::vector<float> parameters(static_cast<std::size_t>(network.parameter_count()),
                                                3e38F);
            const auto refused =
                tocsin::save_converted(path, network, std::span<const float>(parameters));
            CHECK(refused.code() == tocsin::error_code::invalid_argument);
            check_says(refused, "the output of the model for random samples is not finite");
            CHECK_FALSE(std::filesystem::exists(path));
        };
        using dense = parts<float>::dense;
        check(tocsin::sequential(dense(2, 2), dense(2, 1)));
        check(tocsin::sequential(parts<float>::lstm(2, 3)));
    }

    TEST_CASE("converted sequential: a tolerance that is negative or NaN is refused") {
        for (const double bad : {-1.0, std::numeric_limits<double>::quiet_NaN()}) {
            const auto refused = load(fixture("keras_valid_convolutions"), parts<float>::valid(),
                                      {.tolerance = bad});
            CHECK(refused.code() == tocsin::error_code::invalid_argument);
            check_says(refused, "converted_options: tolerance ");
        }
    }

    TEST_CASE("converted sequential: a model that never has an output is refused") {
        using of = parts<float>;
        const temporary_directory directory;
        const auto path = directory / "saved.safetensors";
        const auto save = [&](int times) {
            const tocsin::sequential network(
                of::lstm(2, 3), of::last(3), tocsin::repeat<float>(3, times),
                of::conv(3, 1, {.kernel = 4, .padding = tocsin::padding::valid}));
            const std::vector<float> parameters(static_cast<std::size_t>(network.parameter_count()),
                                                0.1F);
            return tocsin::save_converted(path, network, std::span<const float>(parameters));
        };
        const auto refused = save(2);
        CHECK(refused.code() == tocsin::error_code::invalid_argument);
        check_says(refused, "save_converted: no series of up to 1048576 steps is long enough");
        CHECK_FALSE(std::filesystem::exists(path));
        const auto saved = save(4);
        CHECK_MESSAGE(saved.ok(), saved.message());
    }
}
