// State_dicts of PyTorch in every model that is no stack of LSTMs: models of rows, forecasters without
// LSTMs, means of models, networks that are composed at run time.
#include "tocsin/io/pytorch.hpp"
#include "tocsin/io/pytorch_sequential.hpp"
#include "tocsin/layers/activation_layer.hpp"
#include "tocsin/layers/pooling.hpp"
#include "tocsin/models/bigan.hpp"
#include "tocsin/models/dynamic_sequential.hpp"
#include "tocsin/models/feed_forward.hpp"
#include "tocsin/models/forecaster.hpp"
#include "tocsin/models/linear_forecaster.hpp"
#include "tocsin/models/mean_of_models.hpp"
#include "tocsin/models/predictor.hpp"
#include "tocsin/models/row_autoencoder.hpp"
#include "tocsin/models/variational_autoencoder.hpp"

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
using tocsin::pytorch_module;
using tocsin_test::reference_values;

namespace {

using names = std::vector<std::string>;
using modules = std::vector<pytorch_module>;

std::filesystem::path fixture(const std::string& name) {
    return tocsin_test::fixture_directory() / "pytorch" / (name + ".safetensors");
}

template <class Model, class Modules>
auto loaded(const std::string& name, const Model& model, const Modules& where) {
    using scalar = typename Model::scalar_type;
    REQUIRE(model.check().ok());
    tocsin::aligned_vector<scalar> parameters(static_cast<std::size_t>(model.parameter_count()));
    const auto outcome =
        tocsin::load_pytorch(fixture(name), model, std::span<scalar>(parameters), where);
    REQUIRE_MESSAGE(outcome.ok(), outcome.message());
    return parameters;
}

/// Loads a model, saves it, and compares its file with that of PyTorch.
template <class Model, class Modules>
void check_saved(const std::string& name, const Model& model, const Modules& where) {
    using scalar = typename Model::scalar_type;
    const tocsin_test::temporary_directory directory;
    const auto path = directory / "saved.safetensors";
    const auto parameters = loaded(name, model, where);
    const auto saved =
        tocsin::save_pytorch(path, model, std::span<const scalar>(parameters), where);
    REQUIRE_MESSAGE(saved.ok(), saved.message());
    tocsin_test::check_same_tensors(path, fixture(name));
    tocsin::aligned_vector<scalar> again(parameters.size());
    REQUIRE(tocsin::load_pytorch(path, model, std::span<scalar>(again), where).ok());
    CHECK(again == parameters);
}

/// Largest difference between the predictions of a model and what PyTorch computed.
/// @param shift steps by which a prediction is later than the output that it is compared with
template <class Model, class Modules>
double difference(const std::string& name, const Model& model, const Modules& where, int shift = 0,
                  int first = 0) {
    using scalar = typename Model::scalar_type;
    const auto parameters = loaded(name, model, where);
    const reference_values reference("pytorch/" + name);
    const auto input = reference.as<scalar>("input");
    const auto& expected = reference["output"];
    const int features = model.features();
    const int time = static_cast<int>(input.size()) / features;
    std::vector<scalar> made(input.size());
    tocsin::predictor<Model> predictor(model, 1, time);
    predictor.prepare(model, parameters);
    predictor.predict(model, parameters, {input.data(), features, 1, time},
                      {made.data(), features, 1, time});
    const int outputs = static_cast<int>(expected.size()) / time;
    double largest = 0;
    for (int t = first; t + shift < time; ++t) {
        for (int k = 0; k < outputs; ++k) {
            const auto computed =
                static_cast<double>(made[static_cast<std::size_t>((t + shift) * features + k)]);
            const double wanted = expected[static_cast<std::size_t>(t * outputs + k)];
            largest = std::max(largest, std::abs(computed - wanted));
        }
    }
    return largest;
}

const names row_names{"encoder.0", "encoder.2", "decoder.0", "decoder.2"};
const names variational_names{"encoder.0", "encoder.2", "mean_and_log_variance",
                              "decoder.0", "decoder.2", "decoder.4"};
const names bigan_names{"encoder.0",       "encoder.2",       "encoder.4",
                        "generator.0",     "generator.2",     "generator.4",
                        "discriminator.0", "discriminator.2", "logit"};

template <class Scalar>
auto small_bigan() {
    return tocsin::make_bigan<Scalar>(4, {.outer = 6, .inner = 5, .latent = 2});
}

template <class Model, class Modules>
std::string refusal(const std::string& name, const Model& model, const Modules& where) {
    using scalar = typename Model::scalar_type;
    std::vector<scalar> parameters(static_cast<std::size_t>(model.parameter_count()), scalar(7));
    const auto outcome =
        tocsin::load_pytorch(fixture(name), model, std::span<scalar>(parameters), where);
    CHECK_FALSE(outcome.ok());
    CHECK(std::all_of(parameters.begin(), parameters.end(), [](scalar p) { return p == 7; }));
    return outcome.message();
}

} // namespace

TEST_SUITE("io") {
    TEST_CASE_TEMPLATE("pytorch: models of rows", Scalar, float, double) {
        const double tolerance = std::is_same_v<Scalar, float> ? 1e-6 : 1e-14;
        using tanh_layer = tocsin::dense<Scalar, tocsin::tanh_activation>;
        const tocsin::row_autoencoder rows(tocsin::sequential(
            tanh_layer(5, 4), tanh_layer(4, 2), tanh_layer(2, 4), tocsin::dense<Scalar>(4, 5)));
        CHECK(difference("row_autoencoder", rows, row_names) < tolerance);
        const auto variational =
            tocsin::make_variational_autoencoder<Scalar>(4, {.outer = 6, .inner = 5, .latent = 3});
        CHECK(difference("variational_autoencoder", variational, variational_names) < tolerance);
        CHECK(difference("bigan", small_bigan<Scalar>(), bigan_names) < tolerance);
    }

    TEST_CASE("pytorch: models of rows are saved with the names of PyTorch") {
        check_saved("bigan", small_bigan<double>(), bigan_names);
        check_saved(
            "variational_autoencoder",
            tocsin::make_variational_autoencoder<float>(4, {.outer = 6, .inner = 5, .latent = 3}),
            variational_names);
    }

    TEST_CASE_TEMPLATE("pytorch: forecasters without LSTMs, and a mean of models", Scalar, float,
                       double) {
        const double tolerance = std::is_same_v<Scalar, float> ? 1e-6 : 1e-14;
        const auto three_samples = tocsin::feed_forward<Scalar>::with_layers(2, 2, 3, {6});
        CHECK(difference("feed_forward", three_samples, modules{{"head", "network"}}, 1, 2) <
              tolerance);
        const tocsin::linear_forecaster<Scalar> linear(3, 3, 2);
        CHECK(difference("linear_forecaster", linear, modules{{"head", "network"}}, 1) < tolerance);
        const tocsin::mean_of_models<tocsin::forecaster<Scalar>> mean(
            tocsin::forecaster<Scalar>::with_layers(2, 2, {3}), 3);
        modules members;
        for (int k = 0; k < 3; ++k) {
            const std::string ours = "member" + std::to_string(k);
            const std::string theirs = "members." + std::to_string(k);
            members.push_back({ours + ".stack", theirs + ".lstm"});
            members.push_back({ours + ".head", theirs + ".head"});
        }
        CHECK(difference("mean_of_forecasters", mean, members, 1) < tolerance);
    }

    TEST_CASE("pytorch: a network that is composed at run time has the weights of a sequential") {
        const auto check = [](const std::string& name, const auto& fixed, const names& where,
                              std::vector<tocsin::any_layer<float>> layers) {
            CAPTURE(name);
            const tocsin::pytorch_options options{.missing_bias_is_zero = true};
            const tocsin::dynamic_sequential<float> composed(std::move(layers));
            REQUIRE(composed.parameter_count() == fixed.parameter_count());
            tocsin::aligned_vector<float> one(static_cast<std::size_t>(fixed.parameter_count()));
            auto other = one;
            REQUIRE(
                tocsin::load_pytorch(fixture(name), fixed, std::span<float>(one), where, options)
                    .ok());
            const auto outcome = tocsin::load_pytorch(fixture(name), composed,
                                                      std::span<float>(other), where, options);
            REQUIRE_MESSAGE(outcome.ok(), outcome.message());
            CHECK(one == other);
        };
        using relu = tocsin::activation_layer<float, tocsin::relu_activation>;
        const tocsin::conv1d<float> first(2, 4, {.kernel = 8});
        const tocsin::conv1d<float> second(4, 3, {.kernel = 3});
        const tocsin::batch_norm<float> norm(4);
        const tocsin::batch_norm<float> second_norm(3);
        const tocsin::global_average_pooling<float> mean(3);
        const tocsin::dense<float> logits(3, 2);
        check("convolutional",
              tocsin::sequential(first, norm, relu(4), second, second_norm, relu(3), mean, logits),
              {"first", "first_norm", "second", "second_norm", "logits"},
              {first, norm, relu(4), second, second_norm, relu(3), mean, logits});
        const tocsin::bidirectional_lstm<float> both(3, 4);
        const tocsin::bidirectional_lstm<float> above(8, 4);
        const tocsin::dense<float> linear(8, 2);
        check("stacked_bidirectional", tocsin::sequential(both, above, linear),
              {"lstm", "lstm", "linear"}, {both, above, linear});
        const tocsin::lstm_stack<float> stack({3, 5, 5});
        const tocsin::dense<float> last(5, 2);
        check("stacked", tocsin::sequential(stack, last), {"lstm", "lstm", "linear"},
              {stack, last});

        using hard = tocsin::lstm<float, tocsin::dynamic, tocsin::dynamic,
                                  tocsin::hard_sigmoid_precision<5>>;
        CHECK(refusal("stacked", tocsin::dynamic_sequential<float>({hard(3, 5), last}),
                      names{"lstm", "linear"})
                  .find("hard sigmoids") != std::string::npos);
        using fixed_size = tocsin::lstm<float, 3, 5>; // no file could make it
        CHECK(refusal("stacked", tocsin::dynamic_sequential<float>({fixed_size(), last}),
                      names{"linear"})
                  .find("no names") != std::string::npos);
    }

    TEST_CASE("pytorch: the layers of a network are named one by one") {
        const auto model = small_bigan<double>();
        const names too_few(bigan_names.begin(), bigan_names.end() - 1);
        CHECK(refusal("bigan", model, too_few).find("8 modules are given for 9 layers") !=
              std::string::npos);
        auto exchanged = bigan_names;
        std::swap(exchanged[0], exchanged[1]);
        CHECK(refusal("bigan", model, exchanged).find("'encoder.2.weight' has shape [5, 6]") !=
              std::string::npos);
        // By blocks, an LSTM would be taken for a dense layer.
        const tocsin::sequential network(tocsin::lstm<float>(3, 5), tocsin::dense<float>(5, 2));
        const modules by_block{{"0", "lstm"}, {"1", "linear"}};
        CHECK(refusal("stacked", network, by_block).find("pytorch_sequential.hpp") !=
              std::string::npos);
        const tocsin_test::temporary_directory directory;
        const auto path = directory / "saved.safetensors";
        const std::vector<float> parameters(static_cast<std::size_t>(network.parameter_count()));
        CHECK_FALSE(
            tocsin::save_pytorch(path, network, std::span<const float>(parameters), by_block).ok());
        CHECK_FALSE(std::filesystem::exists(path));
    }
}
