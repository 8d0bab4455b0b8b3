#include "tocsin/detect/classifier_detector.hpp"
#include "tocsin/io/converted_network.hpp"
#include "tocsin/models/classifiers.hpp"
#include "tocsin/series/windows.hpp"

#include <doctest/doctest.h>

#include "support/fixture_directory.hpp"
#include "temporary_directory.hpp"
#include <filesystem>
#include <string>
#include <vector>

using namespace tocsin;
using tocsin_test::temporary_directory;

namespace {

std::filesystem::path fixture(const std::string& name) {
    return tocsin_test::fixture_directory() / "converted" / (name + ".safetensors");
}

/// A copy of a file with another architecture, without some tensors.
std::filesystem::path changed(const temporary_directory& directory, const std::string& name,
                              const std::string& architecture, const std::string& without = {}) {
    const auto original = safetensors_reader::open(fixture(name));
    REQUIRE(original.has_value());
    safetensors_writer copy;
    for (const auto& tensor : original->tensors()) {
        std::vector<double> values(static_cast<std::size_t>(tensor.count()));
        original->copy_converted(tensor, std::span<double>(values));
        if (tensor.name != without) {
            REQUIRE(
                copy.add_tensor(tensor.name, std::span<const double>(values), tensor.shape).ok());
        }
    }
    REQUIRE(copy.add_metadata("tocsin_convert", "1").ok());
    REQUIRE(copy.add_metadata("architecture", architecture).ok());
    auto path = directory / "changed.safetensors";
    REQUIRE(copy.write(path).ok());
    return path;
}

/// What a network makes of some samples.
template <class Network, class Parameters>
auto outputs_of(const Network& network, const Parameters& parameters, int time) {
    using scalar = typename Network::scalar_type;
    random_generator random{8};
    aligned_vector<scalar> inputs(static_cast<std::size_t>(network.features() * time));
    for (scalar& value : inputs) {
        value = static_cast<scalar>(random.normal());
    }
    aligned_vector<scalar> work(static_cast<std::size_t>(network.infer_work_size(1, time)));
    const auto all = network.infer(parameters, {inputs.data(), network.features(), 1, time}, work);
    return std::vector<scalar>(all.data(), all.data() + all.size());
}

} // namespace

TEST_SUITE("io") {
    TEST_CASE_TEMPLATE("converted network: every file is a network that replays its probe", Scalar,
                       float, double) {
        int loaded = 0;
        for (const auto& entry :
             std::filesystem::directory_iterator(tocsin_test::fixture_directory() / "converted")) {
            CAPTURE(entry.path().filename().string());
            const auto made = load_converted_network<Scalar>(entry.path(), {.tolerance = 1e-5});
            REQUIRE_MESSAGE(made.has_value(), made.error().message());
            CHECK(made->layers.size() == made->network.layers().size());
            ++loaded;
        }
        CHECK(loaded >= 28);
    }

    TEST_CASE_TEMPLATE("converted network: the bits of the sequential that is known beforehand",
                       Scalar, float, double) {
        const auto check = [](const char* name, const auto& network) {
            aligned_vector<Scalar> weights(static_cast<std::size_t>(network.parameter_count()));
            const auto outcome = load_converted(fixture(name), network, std::span<Scalar>(weights));
            REQUIRE_MESSAGE(outcome.ok(), outcome.message());
            const auto made = load_converted_network<Scalar>(fixture(name));
            REQUIRE_MESSAGE(made.has_value(), made.error().message());
            CHECK(made->parameters == weights);
            CHECK(outputs_of(made->network, made->parameters, 14) ==
                  outputs_of(network, weights, 14));
        };
        check("keras_encoder_decoder",
              sequential(lstm<Scalar>(3, 5), pooling<Scalar, last_step>(5), repeat<Scalar>(5, 14),
                         lstm<Scalar>(5, 4), dense<Scalar>(4, 3)));
        check("keras_bidirectional_classifier_logits",
              bidirectional_lstm_classifier<Scalar>(3, 1, {.hidden = 4, .dense = 5}));
        using hard = lstm<Scalar, dynamic, dynamic, hard_sigmoid_precision<6>>;
        auto norm = batch_norm_settings::keras();
        norm.epsilon = 1e-3;
        check("keras_hard_sigmoid", sequential(hard(3, 5), batch_norm<Scalar>(5, norm), hard(5, 4),
                                               pooling<Scalar, last_step>(4),
                                               batch_norm<Scalar>(4, norm), dense<Scalar>(4, 2)));
    }

    TEST_CASE("converted network: what save_converted writes is loaded without its type") {
        const temporary_directory directory;
        const auto path = directory / "saved.safetensors";
        const sequential network(lstm_stack<float>({2, 4, 3}), dense<float, tanh_activation>(3, 2));
        aligned_vector<float> weights(static_cast<std::size_t>(network.parameter_count()));
        random_generator random{5};
        network.initialise(weights, random);
        REQUIRE(save_converted(path, network, std::span<const float>(weights)).ok());
        const auto made = load_converted_network(path, {.tolerance = 1e-6});
        REQUIRE_MESSAGE(made.has_value(), made.error().message());
        CHECK(made->layers == std::vector<std::string>{"lstm (hidden 4, inputs 2)",
                                                       "lstm (hidden 3, inputs 4)",
                                                       "dense (inputs 3, outputs 2)", "tanh"});
        CHECK(made->parameters == weights);
    }

    TEST_CASE("converted network: a classifier of any layers judges a stream") {
        const auto made = load_converted_network(fixture("keras_bidirectional_classifier_logits"));
        REQUIRE_MESSAGE(made.has_value(), made.error().message());
        const matrix<float> training = matrix<float>::Random(3, 60);
        standard_scaler<float> scaling;
        REQUIRE(scaling.fit(make_windows(training, 1).value()).ok());
        const auto push_all = [&](auto detector) {
            REQUIRE(detector.set_weights(made->parameters, scaling).ok());
            auto stream = detector.make_stream();
            std::vector<double> scores;
            for (index_t t = 0; t < training.cols(); ++t) {
                scores.push_back(detector.push(stream, training.col(t)).score);
            }
            return scores;
        };
        const auto known = bidirectional_lstm_classifier<float>(3, 1, {.hidden = 4, .dense = 5});
        using known_type = std::remove_const_t<decltype(known)>;
        const auto expected = push_all(
            classifier_detector<known_type, standard_scaler<float>>(known, {.window = 20}));
        const auto computed =
            push_all(classifier_detector<dynamic_sequential<float>, standard_scaler<float>>(
                made->network, {.window = 20}));
        CHECK(computed == expected);
        CHECK(computed.back() > 0);
    }

    TEST_CASE("converted network: files that do not say what to compute are refused by name") {
        const temporary_directory directory;
        const std::string name = "onnx_every_step";
        const auto says = [&](const std::filesystem::path& path, const char* part) {
            const auto made = load_converted_network(path);
            REQUIRE_FALSE(made.has_value());
            CAPTURE(std::string(made.error().message()));
            CHECK(std::string(made.error().message()).find(part) != std::string::npos);
        };
        const auto described = [&](const std::string& layers, const char* part) {
            says(changed(directory, name, R"({"layers":[)" + layers + "]}"), part);
        };
        const std::string lstm = R"({"kind":"lstm","inputs":3,"hidden":5})";
        const std::string dense = R"({"kind":"dense","inputs":5,"outputs":2})";
        const auto good = load_converted_network(
            changed(directory, name, R"({"layers":[)" + lstm + ',' + dense + "]}"));
        REQUIRE_MESSAGE(good.has_value(), good.error().message());

        described(lstm, "'probe.output' has shape [12, 2], expected [steps, 5]");
        described(lstm + ',' + dense + R"(,{"kind":"gru"})",
                  "layer 2, gru is not a layer of tocsin");
        described(R"({"kind":"lstm","inputs":3})", "layer 0, lstm (inputs 3) has no hidden");
        described(R"({"kind":"lstm","inputs":3,"hidden":5.5})",
                  "has hidden 5.5, expected a whole number from 1 to 65536");
        described(R"({"kind":"lstm","inputs":3,"hidden":-5})", "has hidden -5");
        described(R"({"kind":"lstm","inputs":3,"hidden":1e12})", "has hidden");
        described(R"({"kind":"lstm","inputs":3,"hidden":5,"divisor":7})", "has divisor 7");
        described(R"({"kind":"lstm","inputs":3,"hidden":5,"stride":2})",
                  "is read as lstm (hidden 5, inputs 3)");
        described(R"({"kind":"lstm","inputs":65536,"hidden":65536})",
                  "is too large: at most 536870912 weights are possible");
        described(R"({"kind":"lstm","inputs":4,"hidden":2})",
                  "the first layer reads 4 values, the samples of the probe have 3");
        described(R"({"kind":"lstm","inputs":3,"hidden":65536})",
                  "is too large: at most 536870912 weights are possible");
        described(R"({"kind":"lstm","inputs":3,"hidden":6})", "has shape");
        described(lstm + R"(,{"kind":"dense","inputs":6,"outputs":2})",
                  "layer 1 reads 6 features, the one before gives 5");
        described(R"({"kind":"last_step_of_both_directions"})",
                  "reads 3 values, an odd number cannot be two halves");
        described(R"({"kind":"leaky_relu"})", "has no below");
        described(R"({"kind":"repeat","times":0})", "has times 0");
        described(lstm + R"(,{"kind":"repeat","times":65536},{"kind":"repeat","times":65536})",
                  "too long");
        described(lstm + R"(,{"kind":"repeat","times":65536},{"kind":"repeat","times":1000})",
                  "'replay' needs ");
        described(R"({"kind":"conv1d","inputs":3,"outputs":2,"kernel":3,"dilation":1,"before":2,)"
                  R"("after":1})",
                  "neither those of valid, same nor causal");
        described(R"({"kind":"conv1d","inputs":3,"outputs":2,"kernel":32768,"dilation":1000000,)"
                  R"("before":0,"after":0})",
                  "is too large: at most 1048576 steps of reach, 1048576 inputs times kernel and "
                  "536870912 weights are possible");
        described(R"({"kind":"conv1d","inputs":3,"outputs":2,"kernel":50,"dilation":1,"before":0,)"
                  R"("after":0})",
                  "too short");
        described(R"({"kind":"batch_norm","channels":3,"epsilon":0})", "epsilon 0");
        described("", "has no layers");
        says(changed(directory, name, R"({"layers":[)" + lstm + ',' + dense + "]}", "probe.input"),
             "'probe.input' is missing");
        says(changed(directory, name, R"({"layers":[)" + lstm + ',' + dense + "]}",
                     "0.weight_hh_l0"),
             "'0.weight_hh_l0' is missing");
        says(changed(directory, name,
                     R"({"layers":[)" + lstm + ',' + dense + R"(,{"kind":"relu"}]})"),
             "the networks differ");
        says(fixture("absent"), "absent.safetensors");
    }
}
