#include "tocsin/io/converted_detector_model.hpp"
#include "tocsin/io/converted_network.hpp"

#include <doctest/doctest.h>

#include "converted_fixture.hpp"
#include "temporary_directory.hpp"
#include <array>
#include <cstddef>
#include <filesystem>
#include <string>
#include <utility>
#include <variant>
#include <vector>

using namespace tocsin;
using tocsin_test::changed;
using tocsin_test::check_says;
using tocsin_test::converted;
using tocsin_test::temporary_directory;

namespace {

constexpr auto as_it_is = [](const auto&...) { return true; };

status refusal(const std::filesystem::path& path, int targets = 0) {
    const auto made = load_converted_detector_model<float>(path, targets);
    return made ? status{} : made.error();
}

/// A forecaster with these sizes, and the weights that the network of the file has.
void check_forecaster(const char* name, int features, const std::vector<int>& hidden,
                      const std::vector<int>& head, int targets) {
    CAPTURE(name);
    // Weights are F32 in the file and were double in what computed the probe.
    const auto made = load_converted_detector_model<float>(converted(name), 0, {.tolerance = 3e-6});
    REQUIRE_MESSAGE(made.has_value(), made.error().message());
    const auto* const model = std::get_if<forecaster<float>>(&made->model);
    REQUIRE(model != nullptr);
    CHECK(model->features() == features);
    CHECK(model->targets() == targets);
    CHECK(model->look_ahead() == 1);
    REQUIRE(model->stack().layers() == static_cast<int>(hidden.size()));
    for (std::size_t k = 0; k < hidden.size(); ++k) {
        CHECK(model->stack().hidden_size(static_cast<int>(k)) == hidden[k]);
    }
    CHECK(model->head().layers() == static_cast<int>(head.size()));
    CHECK(made->window == 0);
    const auto network = load_converted_network<float>(converted(name));
    REQUIRE(network.has_value());
    CHECK(made->parameters == network->parameters);
    CHECK(made->layers == network->layers);
}

} // namespace

TEST_SUITE("io") {
    TEST_CASE("converted detector model: a forecaster has the sizes and the weights of the file") {
        check_forecaster("keras_every_step", 3, {5, 4}, {3}, 3);
        check_forecaster("keras_last_step", 2, {6}, {4, 2}, 2);
        check_forecaster("onnx_every_step", 3, {5}, {2}, 2);
    }

    TEST_CASE("converted detector model: RepeatVector makes an autoencoder, and its window") {
        for (const auto& [name, encoders] :
             {std::pair{"keras_encoder_decoder", 1}, {"onnx_repeated_state", 2}}) {
            CAPTURE(name);
            const auto made =
                load_converted_detector_model<float>(converted(name), 0, {.tolerance = 3e-6});
            REQUIRE_MESSAGE(made.has_value(), made.error().message());
            const auto* const model = std::get_if<autoencoder<float>>(&made->model);
            REQUIRE(model != nullptr);
            CHECK(model->features() == 3);
            CHECK(model->encoder().layers() == encoders);
            CHECK(model->embedding_size() == 5);
            CHECK(model->decoder().hidden_size(0) == 4);
            CHECK(made->window == 14);
            const auto network = load_converted_network<float>(converted(name));
            REQUIRE(network.has_value());
            CHECK(made->parameters == network->parameters);
            const auto differs =
                load_converted_detector_model<float>(converted(name), 0, {.tolerance = 0});
            REQUIRE(!differs);
            check_says(differs.error(), "the networks differ");
        }
    }

    TEST_CASE("converted detector model: one changed weight of an autoencoder is noticed") {
        const temporary_directory directory;
        for (const char* name : {"0.weight_ih_l0", "1.weight_hh_l0", "4.bias_ih_l0", "5.weight"}) {
            CAPTURE(name);
            const auto path = changed(directory, "onnx_repeated_state",
                                      [&](const std::string& tensor, std::vector<double>& values,
                                          std::vector<index_t>& /*shape*/) {
                                          values[values.size() / 2] += tensor == name ? 0.5 : 0;
                                          return true;
                                      });
            check_says(refusal(path), "changed.safetensors: output");
        }
    }

    TEST_CASE("converted detector model: more outputs than features look further ahead") {
        const temporary_directory directory;
        // onnx_every_step reads 3 features and has 2 outputs; here the rows of its dense layer
        // are repeated.
        const auto with_outputs = [&](index_t outputs) {
            return changed(directory, "onnx_every_step",
                           [&](const std::string& tensor, std::vector<double>& values,
                               std::vector<index_t>& shape) {
                               const bool dense = tensor == "1.weight" || tensor == "1.bias";
                               if (dense || tensor == "probe.output") {
                                   const index_t given = dense ? shape[0] : shape[1];
                                   const index_t steps = dense ? 1 : shape[0];
                                   const index_t row =
                                       static_cast<index_t>(values.size()) / given / steps;
                                   std::vector<double> more;
                                   for (index_t t = 0; t < steps; ++t) {
                                       for (index_t k = 0; k < outputs; ++k) {
                                           const auto from =
                                               values.begin() + (t * given + k % given) * row;
                                           more.insert(more.end(), from, from + row);
                                       }
                                   }
                                   values = std::move(more);
                                   shape[dense ? 0 : 1] = outputs;
                               }
                               return true;
                           },
                           {"\"outputs\":2", "\"outputs\":" + std::to_string(outputs)});
        };
        const auto six = with_outputs(6);
        for (const auto& [given, targets, look_ahead] :
             {std::array{0, 3, 2}, {2, 2, 3}, {1, 1, 6}}) {
            const auto made = load_converted_detector_model<float>(six, given);
            REQUIRE_MESSAGE(made.has_value(), made.error().message());
            const auto& model = std::get<forecaster<float>>(made->model);
            CHECK(model.targets() == targets);
            CHECK(model.look_ahead() == look_ahead);
        }
        check_says(refusal(six, 4), "4 targets must be from 1 to the 3 features");
        check_says(refusal(with_outputs(4)), "the network has 4 outputs for 3 features");
        check_says(refusal(with_outputs(4), 3), "4 outputs of the head are no multiple of 3");
        check_says(refusal(converted("keras_encoder_decoder"), 2), "an autoencoder has none");
    }

    TEST_CASE("converted detector model: other networks are refused by the layer") {
        const auto refused = [](const char* name, const char* reason) {
            CAPTURE(name);
            check_says(refusal(converted(name)), reason);
        };
        refused("keras_causal_convolutions", "layer 0 is conv1d (");
        refused("keras_hard_sigmoid", "layer 0 is lstm (divisor 6, hidden 5, inputs 3)");
        refused("keras_leaky_relu", "layer 2 is leaky_relu (below 0.1) after dense");
        refused("keras_bidirectional_classifier", "layer 0 is bidirectional_lstm (");
        refused("keras_deep_encoder_decoder",
                "layer 3 is dense (inputs 4, outputs 3) after lstm; an autoencoder repeats");
        refused("onnx_repeated_directions", "layer 0 is bidirectional_lstm (");
        refused("absent", "absent.safetensors");
    }

    TEST_CASE("converted detector model: sizes of a damaged file are refused") {
        const temporary_directory directory;
        const auto refused = [&](const char* name, const char* from, const char* to,
                                 const char* reason) {
            CAPTURE(to);
            check_says(refusal(changed(directory, name, as_it_is, {from, to})), reason);
        };
        refused("keras_every_step", "\"hidden\":5", "\"hidden\":5.5",
                "layer 0, lstm (hidden 5.5, inputs 3) has hidden 5.5, expected a whole number");
        // No memory is taken for it: the tensors are smaller.
        refused("keras_every_step", "\"hidden\":5", "\"hidden\":60000", "has shape");
        refused("keras_encoder_decoder", "\"times\":14", "\"times\":0", "has times 0");
        refused("keras_encoder_decoder", "\"hidden\":5", "\"hidden\":6",
                "encoder outputs and decoder inputs: 6 and 5 differ");
        refused("keras_every_step", "\"dense\"", "\"relu\"", "layer 2 is relu");
    }
}
