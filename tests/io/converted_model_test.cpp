#include "tocsin/io/converted_model.hpp"
#include "tocsin/models/forecaster.hpp"

#include <doctest/doctest.h>

#include "converted_fixture.hpp"
#include "temporary_directory.hpp"
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

using tocsin::index_t;
using tocsin_test::changed;
using tocsin_test::check_says;
using tocsin_test::converted;
using tocsin_test::temporary_directory;

namespace {

template <class Scalar>
tocsin::forecaster<Scalar> network(const std::vector<int>& lstm, const std::vector<int>& head) {
    return {tocsin::lstm_stack<Scalar>{typename tocsin::lstm_stack<Scalar>::sizes_type(lstm)},
            tocsin::dense_head<Scalar>{typename tocsin::dense_head<Scalar>::sizes_type(head)},
            head.back()};
}

template <class Scalar>
tocsin::status load(const std::filesystem::path& path, const tocsin::forecaster<Scalar>& model,
                    const tocsin::converted_options& options = {}) {
    std::vector<Scalar> parameters(static_cast<std::size_t>(model.parameter_count()), Scalar(7));
    auto outcome = tocsin::load_converted(path, model, std::span<Scalar>(parameters), options);
    const bool untouched = std::all_of(parameters.begin(), parameters.end(),
                                       [](Scalar value) { return value == Scalar(7); });
    CHECK(untouched == !outcome.ok());
    return outcome;
}

} // namespace

TEST_SUITE("io") {
    TEST_CASE_TEMPLATE("converted model: files of Keras and ONNX replay their probe", Scalar, float,
                       double) {
        // Weights are F32 in the file and were double in what computed the probe.
        const tocsin::converted_options close{.tolerance = 3e-6};
        CHECK(load(converted("keras_every_step"), network<Scalar>({3, 5, 4}, {4, 3}), close).ok());
        CHECK(load(converted("keras_last_step"), network<Scalar>({2, 6}, {6, 4, 2}), close).ok());
        CHECK(load(converted("onnx_every_step"), network<Scalar>({3, 5}, {5, 2}), close).ok());
        check_says(
            load(converted("onnx_every_step"), network<Scalar>({3, 5}, {5, 2}), {.tolerance = 0}),
            "the networks differ");
    }

    TEST_CASE("converted model: one changed weight is noticed") {
        const temporary_directory directory;
        const auto model = network<float>({3, 5, 4}, {4, 3});
        for (const char* name : {"0.weight_ih_l0", "1.weight_hh_l0", "0.bias_hh_l0", "2.weight",
                                 "2.bias", "probe.input", "probe.output"}) {
            CAPTURE(name);
            const auto path = changed(directory, "keras_every_step",
                                      [&](const std::string& tensor, std::vector<double>& values,
                                          std::vector<index_t>& /*shape*/) {
                                          if (tensor == name) {
                                              values[values.size() / 2] += 0.5;
                                          }
                                          return true;
                                      });
            check_says(load(path, model), "changed.safetensors: output");
            check_says(load(path, model), "the networks differ");
        }
    }

    TEST_CASE("converted model: what does not fit is refused with the reason") {
        const temporary_directory directory;
        const auto model = network<float>({3, 5, 4}, {4, 3});
        check_says(load(converted("keras_every_step"), network<float>({3, 5, 5}, {5, 3})),
                   "'1.weight_hh_l0' has shape [16, 4], expected [20, 5]");
        check_says(load(converted("keras_every_step"), network<float>({2, 5, 4}, {4, 3})),
                   "'probe.input' has shape [12, 3], expected [steps, 2]");
        check_says(load(converted("keras_every_step"), network<float>({3, 5}, {5, 3})),
                   "is left over");
        check_says(load(converted("absent"), model), "absent.safetensors");
        const auto without = [&](const char* name) {
            return changed(directory, "keras_every_step",
                           [&](const std::string& tensor, const std::vector<double>& /*values*/,
                               const std::vector<index_t>& /*shape*/) { return tensor != name; });
        };
        check_says(load(without("probe.output"), model),
                   "'probe.output' is missing: the file was not written by tocsin-convert");
        check_says(load(without("2.weight"), model), "'2.weight' is missing");
        check_says(
            load(converted("keras_convolution_then_lstm"), network<float>({3, 5}, {5, 3})),
            "layer 0 is conv1d (after 1, before 1, dilation 1, inputs 3, kernel 3, outputs 4); "
            "a forecaster has LSTM layers");
        check_says(load(converted("keras_hard_sigmoid"), network<float>({3, 5}, {5, 2})),
                   "layer 0 is lstm (divisor 6, hidden 5, inputs 3)");
        check_says(load(converted("keras_leaky_relu"), network<float>({3, 3}, {3, 2})),
                   "layer 2 is leaky_relu (below 0.1) after dense");
        const auto longer = changed(directory, "keras_every_step",
                                    [&](const std::string& tensor, std::vector<double>& values,
                                        std::vector<index_t>& shape) {
                                        if (tensor == "probe.input") {
                                            values.resize(6);
                                            shape = {2, 3};
                                        }
                                        return true;
                                    });
        check_says(load(longer, model), "the probe has 2 steps of input and 12 of output");
        const auto endless = changed(directory, "keras_every_step",
                                     [&](const std::string& tensor, std::vector<double>& values,
                                         std::vector<index_t>& /*shape*/) {
                                         if (tensor == "probe.output") {
                                             values[0] = HUGE_VAL;
                                         }
                                         return true;
                                     });
        check_says(load(endless, model), "the networks differ");
    }
}
