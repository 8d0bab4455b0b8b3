#include "tocsin/detect/classifier_detector.hpp"
#include "tocsin/layers/bidirectional_lstm.hpp"
#include "tocsin/models/dynamic_sequential.hpp"
#include "tocsin/models/sequential.hpp"

#include <doctest/doctest.h>

#include "every_layer.hpp"
#include "support/allocation_counter.hpp"
#include "support/random_values.hpp"
#include <cmath>
#include <cstdint>
#include <limits>
#include <set>
#include <string>
#include <utility>
#include <vector>

using namespace tocsin;
using tocsin_test::everything;
using tocsin_test::garbage;
using tocsin_test::random_values;
using tocsin_test::zeros;

namespace {

/// The same layers at run time.
template <class... Layers>
auto at_run_time(const sequential<Layers...>& network) {
    using scalar = typename sequential<Layers...>::scalar_type;
    std::vector<any_layer<scalar>> layers;
    [&]<std::size_t... K>(std::index_sequence<K...>) {
        (layers.emplace_back(network.template layer<K>()), ...);
    }(std::index_sequence_for<Layers...>{});
    return dynamic_sequential<scalar>(std::move(layers));
}
template <class Scalar>
dynamic_sequential<Scalar> streaming() {
    return dynamic_sequential<Scalar>(
        {conv1d<Scalar>(2, 5, {.kernel = 2, .padding = padding::causal, .dilation = 3}),
         batch_norm<Scalar>(5), activation_layer<Scalar, relu_activation>(5), lstm<Scalar>(5, 7),
         dropout_layer<Scalar>(7, 0.2), lstm<Scalar>(7, 3), pooling<Scalar, last_step>(3),
         dense<Scalar>(3, 2), softmax_layer<Scalar>(2)});
}

/// What a network makes of a batch, and a step of training.
template <class Network>
struct numbers {
    using scalar = typename Network::scalar_type;

    explicit numbers(const Network& network, int batch = 3, int time = 9)
        : parameters(static_cast<std::size_t>(network.parameter_count())),
          gradients(parameters.size()) {
        random_generator random(1);
        network.initialise(parameters, random);
        const auto inputs = random_values<scalar>(index_t{network.features()} * batch * time, 2);
        const sequence_view<const scalar> view{inputs.data(), network.features(), batch, time};
        auto area = garbage<scalar>(network.infer_work_size(batch, time));
        const auto outputs = network.infer(parameters, view, area);
        inferred.assign(outputs.data(), outputs.data() + outputs.size());
        auto work = garbage<scalar>(network.training_work_size(batch, time));
        loss = network.loss_and_gradient(
            parameters, view,
            [](sequence_view<const scalar> computed, sequence_view<scalar> slopes) {
                slopes.flat() = computed.flat();
                return 0.5 * static_cast<double>(computed.flat().squaredNorm());
            },
            std::span<scalar>(gradients), random, std::span<scalar>(work));
        network.update_statistics(parameters, gradients);
    }
    aligned_vector<scalar> parameters;
    aligned_vector<scalar> gradients;
    aligned_vector<scalar> inferred;
    double loss = 0;
};

} // namespace

TEST_SUITE("models") {

    TEST_CASE_TEMPLATE("dynamic_sequential: the bits of a sequential: inference, loss, gradients, "
                       "statistics",
                       Scalar, float, double) {
        const auto fixed = everything<Scalar>();
        const auto network = at_run_time(fixed);
        CHECK(network.check().ok());
        CHECK(network.trained_count() == fixed.trained_count());
        CHECK(network.output_time(9) == 1);
        const numbers expected(fixed);
        const numbers computed(network);
        CHECK(computed.inferred == expected.inferred);
        CHECK(computed.loss == expected.loss);
        CHECK(computed.gradients == expected.gradients);
        CHECK(computed.parameters == expected.parameters);
        std::string names;
        std::string expected_names;
        network.for_each_parameter_block(
            [&](const char* name, index_t, index_t, index_t) { names += std::string(name) + ' '; });
        fixed.for_each_parameter_block([&](const char* name, index_t, index_t, index_t) {
            expected_names += std::string(name) + ' ';
        });
        CHECK(names == expected_names);
    }

    TEST_CASE("dynamic_sequential: inference of one window allocates nothing") {
        const auto network = at_run_time(everything<float>());
        const auto parameters = random_values<float>(network.parameter_count(), 1);
        const auto inputs = random_values<float>(2 * 9, 2);
        auto work = garbage<float>(network.infer_work_size(1, 9));
        CHECK(tocsin_test::allocations_during(
                  [&] { network.infer(parameters, {inputs.data(), 2, 1, 9}, work); }) == 0);
    }

    TEST_CASE_TEMPLATE("dynamic_sequential: sample by sample gives the last output of each prefix",
                       Scalar, float, double) {
        const double tolerance = std::is_same_v<Scalar, float> ? 2e-6 : 1e-14;
        const auto network = streaming<Scalar>();
        REQUIRE(network.check().ok());
        REQUIRE(network.check_streaming().ok());
        aligned_vector<Scalar> parameters(static_cast<std::size_t>(network.parameter_count()));
        random_generator random(7);
        network.initialise(parameters, random);
        for (std::size_t k = 0; k < 10; ++k) { // the statistics are last
            parameters[parameters.size() - 1 - k] = Scalar(0.5) + Scalar(0.1) * Scalar(k);
        }
        auto packed = garbage<Scalar>(network.packed_size());
        network.pack(parameters, packed);
        auto state = zeros<Scalar>(network.state_size());
        auto work = garbage<Scalar>(network.step_work_size());
        constexpr int steps = 12;
        const auto inputs = random_values<Scalar>(2 * steps, 3);
        auto area = garbage<Scalar>(network.infer_work_size(1, steps));
        aligned_vector<Scalar> output(2);
        for (int t = 0; t < steps; ++t) {
            CHECK(tocsin_test::allocations_during([&] {
                      network.step(packed_weights<Scalar>{packed},
                                   std::span(inputs).subspan(2 * static_cast<std::size_t>(t), 2),
                                   output, state, work);
                  }) == 0);
            const auto all = network.infer(parameters, {inputs.data(), 2, 1, t + 1}, area);
            for (index_t k = 0; k < 2; ++k) {
                CHECK(std::abs(static_cast<double>(output[static_cast<std::size_t>(k)] -
                                                   all.step(0)(k, 0))) < tolerance);
            }
        }
        const aligned_vector<Scalar> bad{std::numeric_limits<Scalar>::quiet_NaN(), 1};
        network.step(packed_weights<Scalar>{packed}, bad, output, state, work);
        CHECK(std::isnan(output[0]));
    }

    TEST_CASE("dynamic_sequential: what cannot work, or cannot stream, is named") {
        const auto says = [](const status& outcome, const char* part) {
            CAPTURE(std::string(outcome.message()));
            CHECK(std::string(outcome.message()).find(part) != std::string::npos);
        };
        says(dynamic_sequential<float>().check(), "sequential: has no layers");
        CHECK(dynamic_sequential<float>().features() == 0);
        says(dynamic_sequential<float>({dense<float>(3, 4), lstm<float>(5, 2)}).check(),
             "layer 1 reads 5 features, the one before gives 4");
        says(dynamic_sequential<float>({dense<float>(3, 4), bidirectional_lstm<float>(4, 2)})
                 .check_streaming(),
             "layer 1 (bidirectional_lstm) needs the whole sequence");
        // The network would read the last step alone, an LSTM sample by sample all of them.
        says(dynamic_sequential<float>(
                 {lstm<float>(3, 4), pooling<float, last_step>(4), lstm<float>(4, 2)})
                 .check_streaming(),
             "layer 2 (lstm) needs the whole sequence");
    }

    TEST_CASE("dynamic_sequential: the identity of a detector knows each layer and its settings") {
        using network = dynamic_sequential<float>;
        const auto identity = [](std::vector<any_layer<float>> layers) {
            return classifier_detector<network>(network(std::move(layers)), {.window = 9})
                .identity();
        };
        const auto with = [&](any_layer<float> layer) {
            return identity({conv1d<float>(2, 5, {.kernel = 3}), std::move(layer),
                             global_average_pooling<float>(5), dense<float>(5, 1)});
        };
        const auto relu = with(activation_layer<float, relu_activation>(5));
        CHECK(with(activation_layer<float, relu_activation>(5)) == relu);
        const std::vector<std::uint64_t> identities{
            relu,
            with(activation_layer<float, tanh_activation>(5)),
            with(activation_layer<float, leaky_relu_activation>(5, {.below = 0.1})),
            with(activation_layer<float, leaky_relu_activation>(5, {.below = 0.2})),
            with(dropout_layer<float>(5, 0.1)),
            with(dropout_layer<float>(5, 0.2)),
            with(softmax_layer<float>(5)),
            identity({conv1d<float>(2, 5, {.kernel = 3, .dilation = 2}),
                      activation_layer<float, relu_activation>(5), global_average_pooling<float>(5),
                      dense<float>(5, 1)}),
            identity({conv1d<float>(2, 5, {.kernel = 3}), global_average_pooling<float>(5),
                      activation_layer<float, relu_activation>(5), dense<float>(5, 1)}),
        };
        CHECK(std::set(identities.begin(), identities.end()).size() == identities.size());
    }
}
