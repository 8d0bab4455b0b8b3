// What PyTorch computes in another way, and what two blocks would share.
#include "tocsin/io/pytorch.hpp"
#include "tocsin/io/pytorch_sequential.hpp"
#include "tocsin/layers/batch_norm.hpp"
#include "tocsin/layers/bidirectional_encoder.hpp"
#include "tocsin/layers/hard_sigmoid_precision.hpp"
#include "tocsin/models/encoder_decoder.hpp"
#include "tocsin/models/forecaster.hpp"

#include <doctest/doctest.h>

#include "support/edited_file.hpp"
#include "temporary_directory.hpp"
#include <limits>
#include <span>
#include <string>
#include <vector>

using tocsin::index_t;
using tocsin::pytorch_module;
using tocsin_test::temporary_directory;

namespace {

using hard = tocsin::hard_sigmoid_precision<6>;
constexpr const char* reason = "those of PyTorch sigmoids (hard_sigmoid_precision, not supported)";

void check_says(const tocsin::status& outcome, const std::string& part) {
    CAPTURE(std::string(outcome.message()));
    CHECK_FALSE(outcome.ok());
    CHECK(std::string(outcome.message()).find(part) != std::string::npos);
}

/// Saves a model and loads what an equal one with sigmoids has saved; both refuse.
template <class Model, class Sigmoids, class Modules>
void check_refused(const Model& model, const Sigmoids& sigmoids, const Modules& modules) {
    const temporary_directory directory;
    const auto path = directory / "dict.safetensors";
    std::vector<float> parameters(static_cast<std::size_t>(model.parameter_count()));
    const std::span<const float> saved(parameters);
    check_says(tocsin::save_pytorch(path, model, saved, modules), reason);
    CHECK(directory.count() == 0);
    const auto done = tocsin::save_pytorch(path, sigmoids, saved, modules);
    REQUIRE_MESSAGE(done.ok(), done.message());
    check_says(tocsin::load_pytorch(path, model, std::span<float>(parameters), modules), reason);
}

} // namespace

TEST_SUITE("io") {
    TEST_CASE("pytorch: hard sigmoids as gates are refused by name") {
        using tocsin::dynamic;
        using dense = tocsin::dense_head<float>;
        using layer = tocsin::lstm<float, dynamic, dynamic, hard>;
        using stack = tocsin::basic_lstm_stack<float, hard>;
        using both = tocsin::bidirectional_lstm<float, dynamic, dynamic, hard>;
        const std::vector<pytorch_module> lstm{{"", "lstm"}};
        check_refused(layer(2, 3), tocsin::lstm<float>(2, 3), lstm);
        check_refused(stack({2, 3, 3}), tocsin::lstm_stack<float>({2, 3, 3}), lstm);
        check_refused(tocsin::forecaster<float, stack>(stack({2, 3}), dense({3, 2}), 2),
                      tocsin::forecaster<float>::with_layers(2, 2, {3}),
                      std::vector<pytorch_module>{{"stack", "lstm"}, {"head", "head"}});
        const std::vector<pytorch_module> parts{{"encoder", "a"}, {"decoder", "b"}, {"head", "c"}};
        const tocsin::lstm_stack<float> soft({2, 3});
        const tocsin::encoder_decoder<float> plain(soft, soft, dense({3, 2}));
        check_refused(tocsin::encoder_decoder<float, stack>(stack({2, 3}), soft, dense({3, 2})),
                      plain, parts);
        check_refused(tocsin::encoder_decoder<float, tocsin::lstm_stack<float>, stack>(
                          soft, stack({2, 3}), dense({3, 2})),
                      plain, parts);

        const std::vector<std::string> names{"lstm", "linear"};
        const tocsin::dense<float> last(3, 2);
        const tocsin::sequential soft_layers(tocsin::lstm<float>(2, 3), last);
        check_refused(tocsin::sequential(layer(2, 3), last), soft_layers, names);
        check_refused(tocsin::sequential(stack({2, 3}), last), soft_layers, names);
        check_refused(tocsin::sequential(tocsin::penalised(layer(2, 3), {0, 0.1}), last),
                      soft_layers, names);
        check_refused(tocsin::sequential(both(2, 3)),
                      tocsin::sequential(tocsin::bidirectional_lstm<float>(2, 3)),
                      std::vector<std::string>{"lstm"});
        const tocsin::bidirectional_encoder<float, hard> encoder(2, 3);
        check_refused(encoder, tocsin::bidirectional_encoder<float>(2, 3), lstm);
    }

    TEST_CASE(
        "pytorch: 16-bit weights of streams are rounded from parameters of 32, which are saved") {
        const temporary_directory directory;
        const auto path = directory / "dict.safetensors";
        using layer =
            tocsin::lstm<float, tocsin::dynamic, tocsin::dynamic, tocsin::bfloat16_precision>;
        const layer small(2, 3);
        std::vector<float> parameters(static_cast<std::size_t>(small.parameter_count()));
        tocsin::random_generator random{3};
        small.initialise(std::span<float>(parameters), random);
        const std::vector<pytorch_module> lstm{{"", "lstm"}};
        REQUIRE(tocsin::save_pytorch(path, small, std::span<const float>(parameters), lstm).ok());
        std::vector<float> again(parameters.size());
        REQUIRE(tocsin::load_pytorch(path, small, std::span<float>(again), lstm).ok());
        CHECK(again == parameters);
    }

    TEST_CASE("pytorch: two blocks of one module are refused when they are loaded, too") {
        const temporary_directory directory;
        const auto path = directory / "dict.safetensors";
        const tocsin::lstm<float> layer(3, 3);
        const std::vector<float> saved(static_cast<std::size_t>(layer.parameter_count()), 0.1F);
        REQUIRE(tocsin::save_pytorch(path, layer, std::span<const float>(saved),
                                     std::vector<pytorch_module>{{"", "same"}})
                    .ok());
        const tocsin::lstm_stack<float> stack({3, 3, 3});
        std::vector<float> parameters(static_cast<std::size_t>(stack.parameter_count()), 0.5F);
        const std::vector<pytorch_module> twice{{"lstm.0", "same"}, {"lstm.1", "same"}};
        check_says(tocsin::load_pytorch(path, stack, std::span<float>(parameters), twice),
                   "'same.weight_ih_l0' is named twice");
        CHECK(parameters == std::vector<float>(parameters.size(), 0.5F));
        check_says(tocsin::save_pytorch(path, stack, std::span<const float>(parameters), twice),
                   "'same.weight_ih_l0' is named twice");
    }
    TEST_CASE("pytorch: a stack that no nn.LSTM has is refused") {
        const temporary_directory directory;
        const auto path = directory / "dict.safetensors";
        const auto model = tocsin::forecaster<float>::with_layers(2, 2, {16, 8});
        std::vector<float> parameters(static_cast<std::size_t>(model.parameter_count()), 0.1F);
        const std::vector<pytorch_module> one{{"stack", "lstm"}, {"head", "head"}};
        const auto refused =
            tocsin::save_pytorch(path, model, std::span<const float>(parameters), one);
        CHECK(refused.code() == tocsin::error_code::invalid_argument);
        check_says(refused, "layers 0 and 1 of 'lstm' have 16 units and 8 units: those of an "
                            "nn.LSTM are equal");
        CHECK(directory.count() == 0);
        const std::vector<pytorch_module> two{
            {"stack.lstm.0", "lower"}, {"stack.lstm.1", "upper"}, {"head", "head"}};
        const auto saved =
            tocsin::save_pytorch(path, model, std::span<const float>(parameters), two);
        CHECK_MESSAGE(saved.ok(), saved.message());
        check_says(tocsin::load_pytorch(path, model, std::span<float>(parameters), one),
                   "layers 0 and 1 of 'lstm' have 16 units and 8 units");
        const std::vector<pytorch_module> rest{
            {"stack.lstm.0", "lower"}, {"stack", "upper"}, {"head", "head"}};
        check_says(tocsin::save_pytorch(path, model, std::span<const float>(parameters), rest),
                   "'upper' begins at layer 1: name each layer of the stack");
    }

    TEST_CASE("pytorch: weights that cannot be loaded are not saved") {
        const temporary_directory directory;
        const auto path = directory / "dict.safetensors";
        const auto check = [&](const auto& model, const auto& modules, std::size_t place, float bad,
                               const std::string& reason) {
            std::vector<float> parameters(static_cast<std::size_t>(model.parameter_count()), 0.1F);
            parameters[place] = bad;
            const auto refused =
                tocsin::save_pytorch(path, model, std::span<const float>(parameters), modules);
            CHECK(refused.code() == tocsin::error_code::invalid_argument);
            check_says(refused, "save_pytorch: " + reason);
            CHECK(directory.count() == 0);
        };
        constexpr float nan = std::numeric_limits<float>::quiet_NaN();
        constexpr float infinity = std::numeric_limits<float>::infinity();
        const std::vector<pytorch_module> lstm{{"", "lstm"}};
        check(tocsin::lstm<float>(2, 3), lstm, 13, nan,
              "'lstm.weight_ih_l0' has nan at [1, 1], which is not finite");
        const std::vector<std::string> names{"norm", "linear"};
        const tocsin::sequential normalised(tocsin::batch_norm<float>(2),
                                            tocsin::dense<float>(2, 3));
        const auto count = static_cast<std::size_t>(normalised.parameter_count());
        check(normalised, names, 4, infinity,
              "'linear.weight' has inf at [0, 0], which is not finite");
        check(normalised, names, count - 1, -1.0F,
              "'norm.running_var' has -1 at [1, 0], which is a negative variance");
    }

    TEST_CASE("pytorch: three gates are those of a GRU, another number of units is not") {
        const temporary_directory directory;
        const auto path = directory / "dict.safetensors";
        const std::vector<pytorch_module> lstm{{"", "lstm"}};
        const auto refusal = [&](index_t rows, index_t hidden) {
            tocsin::safetensors_writer file;
            const auto add = [&](const char* name, const std::vector<index_t>& shape) {
                const std::vector<float> values(
                    static_cast<std::size_t>(shape[0] * (shape.size() > 1 ? shape[1] : 1)), 0.5F);
                REQUIRE(file.add_tensor(name, std::span<const float>(values), shape).ok());
            };
            add("lstm.weight_ih_l0", {rows, 2});
            add("lstm.weight_hh_l0", {rows, hidden});
            add("lstm.bias_ih_l0", {rows});
            add("lstm.bias_hh_l0", {rows});
            REQUIRE(file.write(path).ok());
            const tocsin::lstm<float> layer(2, 16);
            std::vector<float> parameters(static_cast<std::size_t>(layer.parameter_count()));
            return tocsin::load_pytorch(path, layer, std::span<float>(parameters), lstm);
        };
        constexpr const char* gru = "three gates: a GRU is not supported";
        check_says(refusal(48, 16), "'lstm.weight_ih_l0' has shape [48, 2], expected [64, 2]");
        check_says(refusal(48, 16), gru);
        check_says(refusal(36, 12), gru);
        const auto smaller = refusal(48, 12); // four gates of 12 units
        check_says(smaller, "'lstm.weight_ih_l0' has shape [48, 2], expected [64, 2]");
        CHECK(std::string(smaller.message()).find(gru) == std::string::npos);

        // A layer that is no LSTM has no gates.
        const tocsin::dense<float> narrow(2, 12);
        std::vector<float> weights(static_cast<std::size_t>(narrow.parameter_count()), 0.5F);
        const std::vector<std::string> linear{"linear"};
        REQUIRE(tocsin::save_pytorch(path, tocsin::sequential(narrow),
                                     std::span<const float>(weights), linear)
                    .ok());
        const tocsin::sequential wide(tocsin::dense<float>(2, 16));
        std::vector<float> wanted(static_cast<std::size_t>(wide.parameter_count()));
        const auto other = tocsin::load_pytorch(path, wide, std::span<float>(wanted), linear);
        check_says(other, "'linear.weight' has shape [12, 2], expected [16, 2]");
        CHECK(std::string(other.message()).find("GRU") == std::string::npos);
    }

    TEST_CASE("pytorch: a tensor of a type that is not read is refused only where it is wanted") {
        const temporary_directory directory;
        const auto path = directory / "dict.safetensors";
        const tocsin::lstm<float> layer(2, 3);
        const std::vector<pytorch_module> lstm{{"", "lstm"}};
        std::vector<float> parameters(static_cast<std::size_t>(layer.parameter_count()), 0.5F);
        tocsin::safetensors_writer file;
        const auto add = [&](const char* name, const std::vector<index_t>& shape) {
            index_t count = 1;
            for (const index_t size : shape) {
                count *= size;
            }
            const std::vector<float> values(static_cast<std::size_t>(count), 0.25F);
            REQUIRE(file.add_tensor(name, std::span<const float>(values), shape).ok());
        };
        add("lstm.weight_ih_l0", {12, 2});
        add("lstm.weight_hh_l0", {12, 3});
        add("lstm.bias_ih_l0", {12});
        add("lstm.bias_hh_l0", {12});
        add("scale", {3});
        const auto with_type = [&](const std::string& name, const std::string& type) {
            const std::string bytes =
                tocsin_test::edited_file(file.encode().value()).set_type(name, type).bytes();
            REQUIRE(tocsin::write_file(path, bytes).ok());
        };
        with_type("scale", "I32");
        const auto load = [&](const tocsin::pytorch_options& options) {
            return tocsin::load_pytorch(path, layer, std::span<float>(parameters), lstm, options);
        };
        const auto loaded = load({.allow_left_over = true});
        CHECK_MESSAGE(loaded.ok(), loaded.message());
        CHECK(parameters[0] == 0.25F);
        check_says(load({}), "'scale' is left over");
        with_type("lstm.weight_hh_l0", "U32");
        check_says(load({.allow_left_over = true}),
                   "'lstm.weight_hh_l0' holds U32, expected F32, F64, F16 or BF16");
    }
}
