#include "tocsin/io/firmware_source.hpp"
#include "tocsin/layers/hard_sigmoid_precision.hpp"
#include "tocsin/models/dynamic_sequential.hpp"
#include "tocsin/models/row_autoencoder.hpp"
#include "tocsin/models/sequence_to_sequence.hpp"

#include <doctest/doctest.h>

#include "support/small_detectors.hpp"
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

namespace {

using tocsin_test::says;

/// What becomes of the layers of a model.
template <class Model>
tocsin::status taken(const Model& model) {
    const std::vector<float> parameters(static_cast<std::size_t>(model.parameter_count()), 0.5F);
    tocsin::firmware_model to;
    return tocsin::detail::take_layers(model, std::span<const float>(parameters), to);
}
template <class Precision>
auto with_precision() {
    using stack = tocsin::basic_lstm_stack<float, Precision>;
    return std::pair{tocsin::forecaster<float, stack>::with_layers(2, 2, {3}),
                     tocsin::encoder_decoder<float, stack, stack>::with_layers(2, {3})};
}

} // namespace

TEST_SUITE("firmware") {
    TEST_CASE("export: gates that a target does not compute, and weights of 16 bits, are refused") {
        const auto exact = with_precision<tocsin::exact_precision>();
        CHECK(taken(exact.first).ok());
        CHECK(taken(exact.second).ok());
        const auto hard = with_precision<tocsin::hard_sigmoid_precision<5>>();
        CHECK(says(taken(hard.first), "arithmetic 'hard_sigmoid' are not supported"));
        CHECK(says(taken(hard.second), "arithmetic 'hard_sigmoid' are not supported"));
        const auto small = with_precision<tocsin::bfloat16_precision>();
        CHECK(says(taken(small.first), "bfloat16_precision are not supported"));
        CHECK(says(taken(small.second), "bfloat16_precision are not supported"));
    }

    TEST_CASE("export: a bidirectional encoder is not taken for an LSTM encoder-decoder") {
        // A decoder of as many units as both directions have, so that there is no bridge.
        const auto model =
            tocsin::make_sequence_to_sequence<float>(2, {.encoder = 3, .decoder = 6});
        REQUIRE_FALSE(model.has_bridge());
        CHECK(says(taken(model), "model 'sequence_to_sequence' is not supported"));
    }

    TEST_CASE("export: a network composed at run time is refused") {
        using network = tocsin::dynamic_sequential<float>;
        const tocsin::row_autoencoder<network> model(network({tocsin::dense<float>(2, 2)}));
        CHECK(says(taken(model), "network 'dynamic_sequential' is not supported"));
    }
}
