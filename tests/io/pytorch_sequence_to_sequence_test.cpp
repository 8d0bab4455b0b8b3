#include "tocsin/io/pytorch.hpp"
#include "tocsin/layers/bidirectional_encoder.hpp"
#include "tocsin/models/predictor.hpp"
#include "tocsin/models/sequence_to_sequence.hpp"

#include <doctest/doctest.h>

#include "pytorch_checks.hpp"
#include "support/fixture_directory.hpp"
#include "support/reference_values.hpp"
#include "temporary_directory.hpp"
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

using tocsin::index_t;
using tocsin::pytorch_module;
using tocsin_test::reference_values;
using tocsin_test::temporary_directory;

namespace {

std::filesystem::path fixture(const std::string& name) {
    return tocsin_test::fixture_directory() / "pytorch" / (name + ".safetensors");
}

const std::vector<pytorch_module> modules{{"encoder", "encoder"},
                                          {"decoder", "decoder"},
                                          {"head", "linear"},
                                          {"bridge.hidden", "to_hidden"},
                                          {"bridge.cell", "to_cell"}};

template <class Scalar>
tocsin::sequence_to_sequence<Scalar> model_of(int decoder) {
    return tocsin::make_sequence_to_sequence<Scalar>(2, {.encoder = 3, .decoder = decoder});
}

template <class Scalar>
tocsin::aligned_vector<Scalar> loaded(const std::filesystem::path& path, int decoder) {
    const auto model = model_of<Scalar>(decoder);
    tocsin::aligned_vector<Scalar> parameters(static_cast<std::size_t>(model.parameter_count()));
    const auto outcome = tocsin::load_pytorch(path, model, std::span<Scalar>(parameters), modules);
    REQUIRE_MESSAGE(outcome.ok(), outcome.message());
    return parameters;
}

std::string refusal(const std::string& name, int decoder,
                    const std::vector<pytorch_module>& given = modules) {
    const auto model = model_of<float>(decoder);
    std::vector<float> parameters(static_cast<std::size_t>(model.parameter_count()), 7.0F);
    const auto outcome =
        tocsin::load_pytorch(fixture(name), model, std::span<float>(parameters), given);
    CHECK_FALSE(outcome.ok());
    CHECK(std::all_of(parameters.begin(), parameters.end(), [](float p) { return p == 7.0F; }));
    return outcome.message();
}
void has(const std::string& text, const char* part) {
    CAPTURE(text);
    CAPTURE(std::string(part));
    CHECK(text.find(part) != std::string::npos);
}

} // namespace

TEST_SUITE("io") {
    TEST_CASE_TEMPLATE("pytorch: a sequence_to_sequence computes what PyTorch computes, and back",
                       Scalar, float, double) {
        const double tolerance = std::is_same_v<Scalar, float> ? 2e-6 : 1e-13;
        for (const int decoder : {6, 4}) {
            const std::string name =
                decoder == 6 ? "sequence_to_sequence" : "sequence_to_sequence_bridge";
            CAPTURE(name);
            const auto model = model_of<Scalar>(decoder);
            const auto parameters = loaded<Scalar>(fixture(name), decoder);
            const reference_values reference("pytorch/" + name);
            const auto input = reference.as<Scalar>("input");
            const auto& expected = reference["output"];
            REQUIRE(expected.size() == input.size());
            const int time = static_cast<int>(input.size() / 2);
            tocsin::aligned_vector<Scalar> output(input.size());
            tocsin::predictor<tocsin::sequence_to_sequence<Scalar>> predictor(model, 1, time);
            predictor.prepare(model, parameters);
            predictor.predict(model, parameters, {input.data(), 2, 1, time},
                              {output.data(), 2, 1, time});
            double largest = 0;
            for (std::size_t k = 0; k < output.size(); ++k) {
                largest = std::max(largest, std::abs(static_cast<double>(output[k]) - expected[k]));
            }
            CHECK(largest < tolerance);

            const temporary_directory directory;
            const auto path = directory / "saved.safetensors";
            const auto saved =
                tocsin::save_pytorch(path, model, std::span<const Scalar>(parameters), modules);
            REQUIRE_MESSAGE(saved.ok(), saved.message());
            CHECK(loaded<Scalar>(path, decoder) == parameters);
            tocsin_test::check_same_tensors(path, fixture(name));
        }
    }

    TEST_CASE("pytorch: an encoder of both directions alone, and one module per direction") {
        const tocsin::bidirectional_encoder<double> encoder(2, 3);
        std::vector<double> alone(static_cast<std::size_t>(encoder.parameter_count()));
        const auto outcome =
            tocsin::load_pytorch_lstm(fixture("sequence_to_sequence"), "encoder", encoder,
                                      std::span<double>(alone), {.allow_left_over = true});
        REQUIRE_MESSAGE(outcome.ok(), outcome.message());
        const auto whole = loaded<double>(fixture("sequence_to_sequence"), 6);
        CHECK(std::equal(alone.begin(), alone.end(), whole.begin()));

        const temporary_directory directory;
        const auto path = directory / "two.safetensors";
        const std::vector<pytorch_module> two{{"forward.weights", "ahead"},
                                              {"backward.weights", "behind"}};
        REQUIRE(tocsin::save_pytorch(path, encoder, std::span<const double>(alone), two).ok());
        const auto file = tocsin::safetensors_reader::open(path);
        REQUIRE(file.has_value());
        CHECK(file->find("ahead.weight_ih_l0") != nullptr);
        CHECK(file->find("behind.weight_hh_l0") != nullptr);
        std::vector<double> again(alone.size());
        REQUIRE(tocsin::load_pytorch(path, encoder, std::span<double>(again), two).ok());
        CHECK(again == alone);
    }

    TEST_CASE("pytorch: a sequence_to_sequence that does not fit is refused by name") {
        has(refusal("sequence_to_sequence", 4), "'to_hidden.weight' is missing");
        const auto file = tocsin::safetensors_reader::open(fixture("sequence_to_sequence"));
        REQUIRE(file.has_value());
        const auto lines = tocsin::pytorch_mismatches(*file, model_of<float>(4), modules);
        CHECK(lines.size() == 9);
        CHECK(std::count(lines.begin(), lines.end(),
                         "'linear.weight' has shape [2, 6], expected [2, 4]") == 1);
        has(refusal("sequence_to_sequence_bridge", 6),
            "'decoder.weight_hh_l0' has shape [16, 4], expected [24, 6]");
        has(refusal("encoder_decoder", 6), "'encoder.weight_ih_l0_reverse' is missing");
        has(refusal("sequence_to_sequence_bridge", 4, {{"encoder", "encoder"}}),
            "no module is given for 'bridge.cell.weights'");
    }
}
