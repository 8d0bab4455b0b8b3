#include "tocsin/io/pytorch.hpp"
#include "tocsin/layers/lstm.hpp"
#include "tocsin/layers/lstm_stack.hpp"
#include "tocsin/models/encoder_decoder.hpp"
#include "tocsin/models/forecaster.hpp"
#include "tocsin/models/predictor.hpp"

#include <doctest/doctest.h>

#include "support/fixture_directory.hpp"
#include "support/reference_values.hpp"
#include "temporary_directory.hpp"
#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

using tocsin::index_t;
using tocsin::pytorch_module;
using tocsin_test::reference_values;
using tocsin_test::temporary_directory;

namespace {

std::filesystem::path fixture(const std::string& name) {
    return tocsin_test::fixture_directory() / "pytorch" / (name + ".safetensors");
}

/// Largest difference between what PyTorch computed and `next(sample) -> outputs`, step by step.
template <class Scalar, class Next>
double largest_difference(const std::string& name, int features, int outputs, Next&& next) {
    const reference_values reference("pytorch/" + name);
    const auto input = reference.as<Scalar>("input");
    const auto& expected = reference["output"];
    const auto steps = input.size() / static_cast<std::size_t>(features);
    REQUIRE(expected.size() == steps * static_cast<std::size_t>(outputs));
    double largest = 0;
    for (std::size_t t = 0; t < steps; ++t) {
        const tocsin::matrix_view<const Scalar> sample(
            input.data() + t * static_cast<std::size_t>(features), features, 1);
        const auto computed = next(sample);
        for (index_t k = 0; k < outputs; ++k) {
            const double wanted =
                expected[t * static_cast<std::size_t>(outputs) + static_cast<std::size_t>(k)];
            largest = std::max(largest, std::abs(static_cast<double>(computed(k, 0)) - wanted));
        }
    }
    return largest;
}

template <class Model>
auto packed_for(const Model& model,
                const tocsin::aligned_vector<typename Model::scalar_type>& parameters) {
    tocsin::aligned_vector<typename Model::scalar_type> packed(
        static_cast<std::size_t>(model.packed_size()));
    model.pack(parameters, packed);
    return packed;
}

/// Loads a stack and runs it over the fixture's input.
template <class Scalar>
double stack_difference(const std::string& name, const std::vector<int>& sizes,
                        const std::vector<pytorch_module>& modules,
                        const tocsin::pytorch_options& options = {}) {
    using stack_type = tocsin::lstm_stack<Scalar>;
    const stack_type stack{typename stack_type::sizes_type(sizes)};
    tocsin::aligned_vector<Scalar> parameters(static_cast<std::size_t>(stack.parameter_count()));
    const auto loaded =
        tocsin::load_pytorch(fixture(name), stack, std::span<Scalar>(parameters), modules, options);
    REQUIRE_MESSAGE(loaded.ok(), loaded.message());
    const auto packed = packed_for(stack, parameters);
    std::vector<Scalar> state(static_cast<std::size_t>(stack.state_size(1)));
    std::vector<Scalar> work(static_cast<std::size_t>(stack.step_work_size(1)));
    return largest_difference<Scalar>(name, sizes.front(), sizes.back(), [&](const auto& sample) {
        stack.step(tocsin::packed_weights<Scalar>{packed}, sample, state, work);
        return stack.top_hidden(std::span<const Scalar>(state), 1);
    });
}

const std::vector<pytorch_module> everything_in_lstm{{"", "lstm"}};

/// Loads a file into an LSTM of these sizes and gives the refusal.
std::string refusal(const std::filesystem::path& path, const std::vector<int>& sizes,
                    const std::vector<pytorch_module>& modules = everything_in_lstm,
                    const tocsin::pytorch_options& options = {}) {
    const tocsin::lstm_stack<float> stack{tocsin::lstm_stack<float>::sizes_type(sizes)};
    std::vector<float> parameters(static_cast<std::size_t>(stack.parameter_count()), 7.0F);
    const auto outcome =
        tocsin::load_pytorch(path, stack, std::span<float>(parameters), modules, options);
    CHECK_FALSE(outcome.ok());
    CHECK(std::all_of(parameters.begin(), parameters.end(), [](float p) { return p == 7.0F; }));
    return outcome.message();
}
bool has(const std::string& text, const char* part) {
    const bool found = text.find(part) != std::string::npos;
    CHECK_MESSAGE(found, "'" << part << "' in '" << text << "'");
    return found;
}

/// A file of one LSTM with 2 inputs and 3 hidden units; `change` edits a tensor by name.
template <class Change>
std::filesystem::path written(const temporary_directory& directory, Change&& change) {
    tocsin::safetensors_writer file;
    for (const auto& [name, shape] :
         std::vector<std::pair<std::string, std::vector<index_t>>>{{"lstm.weight_ih_l0", {12, 2}},
                                                                   {"lstm.weight_hh_l0", {12, 3}},
                                                                   {"lstm.bias_ih_l0", {12}},
                                                                   {"lstm.bias_hh_l0", {12}}}) {
        index_t count = 1;
        for (const index_t size : shape) {
            count *= size;
        }
        std::vector<double> values(static_cast<std::size_t>(count), 0.5);
        change(file, name, values, shape);
    }
    auto path = directory / "weights.safetensors";
    REQUIRE(file.write(path).ok());
    return path;
}
const auto as_it_is = [](auto& file, const std::string& name, std::vector<double>& values,
                         const std::vector<index_t>& shape) {
    REQUIRE(file.add_tensor(name, std::span<const double>(values), shape).ok());
};

} // namespace

TEST_SUITE("io") {
    TEST_CASE_TEMPLATE("pytorch: LSTMs of every shape and type compute what PyTorch computes",
                       Scalar, float, double) {
        const double tolerance = std::is_same_v<Scalar, float> ? 1e-6 : 1e-14;
        const auto check = [&](const char* name, const std::vector<int>& sizes,
                               const std::vector<pytorch_module>& modules = everything_in_lstm,
                               const tocsin::pytorch_options& options = {}) {
            CAPTURE(name);
            CHECK(stack_difference<Scalar>(name, sizes, modules, options) < tolerance);
        };
        check("one_layer", {3, 4});
        check("two_layers", {2, 5, 5});
        check("three_layers", {1, 7, 7, 7});
        check("odd_sizes", {9, 1});
        check("seventeen", {1, 17});
        check("no_bias", {2, 3}, everything_in_lstm, {.missing_bias_is_zero = true});
        check("half", {2, 6});
        check("brain_half", {2, 6});
        check("bare", {2, 4}, {{"", ""}});
        check("two_modules", {2, 5, 3}, {{"lstm.0", "lower"}, {"lstm.1", "upper"}});
    }

    TEST_CASE("pytorch: a single layer is loaded by its prefix") {
        const tocsin::lstm<double> layer{3, 4};
        std::vector<double> one(static_cast<std::size_t>(layer.parameter_count()));
        REQUIRE(
            tocsin::load_pytorch_lstm(fixture("one_layer"), "lstm", layer, std::span<double>(one))
                .ok());
        const tocsin::lstm_stack<double> stack{{3, 4}};
        std::vector<double> all(one.size());
        REQUIRE(
            tocsin::load_pytorch_lstm(fixture("one_layer"), "lstm", stack, std::span<double>(all))
                .ok());
        CHECK(one == all);
    }

    TEST_CASE_TEMPLATE("pytorch: a forecaster with a head of one or more layers", Scalar, float,
                       double) {
        const double tolerance = std::is_same_v<Scalar, float> ? 1e-6 : 1e-14;
        const auto check = [&](const char* name, const std::vector<int>& lstm,
                               const std::vector<int>& head) {
            CAPTURE(name);
            using model_type = tocsin::forecaster<Scalar>;
            const model_type model{
                tocsin::lstm_stack<Scalar>{typename tocsin::lstm_stack<Scalar>::sizes_type(lstm)},
                tocsin::dense_head<Scalar>{typename tocsin::dense_head<Scalar>::sizes_type(head)},
                head.back()};
            REQUIRE(model.check().ok());
            tocsin::aligned_vector<Scalar> parameters(
                static_cast<std::size_t>(model.parameter_count()));
            const auto loaded = tocsin::load_pytorch(
                fixture(name), model, std::span<Scalar>(parameters),
                std::vector<pytorch_module>{{"stack", "lstm"}, {"head", "head"}});
            REQUIRE_MESSAGE(loaded.ok(), loaded.message());
            const auto packed = packed_for(model, parameters);
            std::vector<Scalar> state(static_cast<std::size_t>(model.state_size(1)));
            std::vector<Scalar> work(static_cast<std::size_t>(model.step_work_size(1)));
            tocsin::matrix<Scalar> forecasts(head.back(), 1);
            const double difference = largest_difference<Scalar>(
                name, lstm.front(), head.back(), [&](const auto& sample) {
                    model.step(tocsin::packed_weights<Scalar>{packed}, sample, state,
                               tocsin::matrix_view<Scalar>(forecasts.data(), head.back(), 1), work);
                    return forecasts;
                });
            CHECK(difference < tolerance);
        };
        check("forecaster", {3, 6, 6}, {6, 3});
        check("deep_head", {2, 4}, {4, 5, 3, 2});
    }

    TEST_CASE("pytorch: an encoder-decoder whose decoder is an LSTMCell, and back") {
        using model_type = tocsin::encoder_decoder<double>;
        const auto model = model_type::with_layers(2, {4});
        const std::vector<pytorch_module> modules{
            {"encoder", "encoder"}, {"decoder", "decoder"}, {"head", "linear"}};
        std::vector<double> parameters(static_cast<std::size_t>(model.parameter_count()));
        const auto loaded = tocsin::load_pytorch(fixture("encoder_decoder"), model,
                                                 std::span<double>(parameters), modules);
        REQUIRE_MESSAGE(loaded.ok(), loaded.message());

        const reference_values reference("pytorch/encoder_decoder");
        const auto input = reference.as<double>("input");
        const int time = static_cast<int>(input.size() / 2);
        std::vector<double> output(input.size());
        tocsin::predictor<model_type> predictor(model, 1, time);
        predictor.prepare(model, parameters);
        predictor.predict(model, parameters, {input.data(), 2, 1, time},
                          {output.data(), 2, 1, time});
        for (std::size_t k = 0; k < output.size(); ++k) {
            CHECK(output[k] == doctest::Approx(reference["output"][k]).epsilon(1e-12));
        }

        // What is saved is loaded again, with the same bits.
        const temporary_directory directory;
        const auto path = directory / "saved.safetensors";
        const auto saved =
            tocsin::save_pytorch(path, model, std::span<const double>(parameters), modules);
        REQUIRE_MESSAGE(saved.ok(), saved.message());
        std::vector<double> again(parameters.size());
        REQUIRE(tocsin::load_pytorch(path, model, std::span<double>(again), modules).ok());
        CHECK(again == parameters);
        // An LSTMCell has no layer in its names; written is a whole nn.LSTM.
        const auto file = tocsin::safetensors_reader::open(path);
        REQUIRE(file.has_value());
        REQUIRE(file->find("encoder.weight_ih_l0") != nullptr);
        CHECK(file->find("encoder.weight_ih_l0")->shape == std::vector<index_t>{16, 2});
        CHECK(file->find("linear.weight")->shape == std::vector<index_t>{2, 4});
    }

    TEST_CASE("pytorch: what the model does not compute is refused by name") {
        has(refusal(fixture("projection"), {2, 4}),
            "'lstm.weight_hr_l0' is left over (a projection, proj_size > 0, is not supported)");
        has(refusal(fixture("bidirectional"), {2, 3}),
            "_reverse' is left over (of a bidirectional LSTM");
        has(refusal(fixture("gru"), {2, 4}, {{"", ""}}),
            "'weight_ih_l0' has shape [12, 2], expected [16, 2] (three gates: a GRU");
        has(refusal(fixture("no_bias"), {2, 3}),
            "'lstm.bias_ih_l0' is missing (see missing_bias_is_zero)");
        has(refusal(fixture("two_layers"), {2, 5}), "'lstm.weight_ih_l1' is left over");
        has(refusal(fixture("one_layer"), {3, 4, 4}), "'lstm.weight_hh_l1' is missing");
        has(refusal(fixture("one_layer"), {4, 4}), "has shape [16, 3], expected [16, 4]");
        has(refusal(fixture("one_layer"), {3, 4}, {{"", "other"}}),
            "'other.weight_ih_l0' is missing");
        has(refusal(fixture("two_modules"), {2, 5, 3}, {{"lstm.0", "lower"}}),
            "no module is given for 'lstm.1'");
        has(refusal(fixture("one_layer"), {3, 4}, {}), "no module is given for 'lstm.0'");
        has(refusal(fixture("absent"), {3, 4}), "absent.safetensors");
    }

    TEST_CASE("pytorch: all that does not fit is listed") {
        const auto file = tocsin::safetensors_reader::open(fixture("forecaster"));
        REQUIRE(file.has_value());
        const tocsin::lstm_stack<float> stack{{3, 5, 5}};
        const auto lines = tocsin::pytorch_mismatches(*file, stack, everything_in_lstm);
        CHECK(lines.size() == 10); // eight shapes, and two tensors of the head
        const auto fewer =
            tocsin::pytorch_mismatches(*file, stack, everything_in_lstm, {.allow_left_over = true});
        CHECK(fewer.size() == 8);
        const tocsin::lstm_stack<float> fits{{3, 6, 6}};
        CHECK(tocsin::pytorch_mismatches(*file, fits, everything_in_lstm, {.allow_left_over = true})
                  .empty());
    }

    TEST_CASE("pytorch: numbers that are no weights are refused with their place") {
        const temporary_directory directory;
        CHECK(refusal(written(directory, as_it_is), {2, 4}) != "");
        for (const double bad : {std::numeric_limits<double>::quiet_NaN(), 1e300, -HUGE_VAL}) {
            CAPTURE(bad);
            const auto path = written(directory, [&](auto& file, const std::string& name,
                                                     std::vector<double>& values,
                                                     const std::vector<index_t>& shape) {
                if (name == "lstm.weight_hh_l0") {
                    values[7] = bad; // row 2, column 1
                }
                as_it_is(file, name, values, shape);
            });
            has(refusal(path, {2, 3}), "'lstm.weight_hh_l0' has");
            has(refusal(path, {2, 3}), "at [2, 1], which is not finite");
        }
        const auto integers =
            written(directory, [](auto& file, const std::string& name, std::vector<double>& values,
                                  const std::vector<index_t>& shape) {
                const std::vector<std::int64_t> whole(values.begin(), values.end());
                REQUIRE(file.add_tensor(name, std::span<const std::int64_t>(whole), shape).ok());
            });
        has(refusal(integers, {2, 3}),
            "'lstm.weight_ih_l0' holds I64, expected F32, F64, F16 or BF16");
        const auto flat =
            written(directory, [](auto& file, const std::string& name, std::vector<double>& values,
                                  const std::vector<index_t>& /*shape*/) {
                as_it_is(file, name, values, {static_cast<index_t>(values.size())});
            });
        has(refusal(flat, {2, 3}), "has shape [24], expected [12, 2]");

        const tocsin::lstm<float> layer{2, 3};
        std::vector<float> few(3);
        CHECK_FALSE(
            tocsin::load_pytorch_lstm(fixture("one_layer"), "lstm", layer, std::span<float>(few))
                .ok());
        CHECK_FALSE(tocsin::save_pytorch(directory / "few.safetensors", layer,
                                         std::span<const float>(few), everything_in_lstm)
                        .ok());
        CHECK(directory.count() == 1); // nothing was written
    }

    TEST_CASE("pytorch: two blocks under one name are not saved") {
        const temporary_directory directory;
        const tocsin::lstm_stack<float> stack{{2, 3, 3}};
        const std::vector<float> parameters(static_cast<std::size_t>(stack.parameter_count()));
        const auto outcome = tocsin::save_pytorch(
            directory / "twice.safetensors", stack, std::span<const float>(parameters),
            std::vector<pytorch_module>{{"lstm.0", "same"}, {"lstm.1", "same"}});
        CHECK_FALSE(outcome.ok());
        has(outcome.message(), "'same.weight_ih_l0' is named twice");
        CHECK(directory.count() == 0);
    }

    TEST_CASE("half precision: every binary16 and bfloat16 is read exactly") {
        CHECK(tocsin::detail::from_binary16(0x3C00) == 1);
        CHECK(tocsin::detail::from_binary16(0xC000) == -2);
        CHECK(tocsin::detail::from_binary16(0x7BFF) == 65504);
        CHECK(tocsin::detail::from_binary16(0x0400) == std::ldexp(1.0, -14));
        CHECK(tocsin::detail::from_binary16(0x0001) == std::ldexp(1.0, -24));
        CHECK(std::signbit(tocsin::detail::from_binary16(0x8000)));
        CHECK(std::isinf(tocsin::detail::from_binary16(0xFC00)));
        CHECK(std::isnan(tocsin::detail::from_binary16(0x7C01)));
        // Neighbours of one sign grow with their bits, without a gap where the format changes.
        double before = 0;
        for (std::uint16_t bits = 1; bits < 0x7C00; ++bits) {
            const double value = tocsin::detail::from_binary16(bits);
            CHECK_FALSE(value <= before);
            before = value;
        }
        CHECK(tocsin::detail::from_bfloat16(0x3F80) == 1);
        CHECK(tocsin::detail::from_bfloat16(0xC040) == -3);
        CHECK(std::isinf(tocsin::detail::from_bfloat16(0x7F80)));
    }
}
