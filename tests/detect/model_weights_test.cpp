#include "tocsin/detect/model_weights.hpp"

#include <doctest/doctest.h>

#include "support/allocation_counter.hpp"
#include "support/own_policies.hpp"
#include "support/random_values.hpp"
#include "support/small_detectors.hpp"
#include <span>
#include <vector>

using tocsin_test::random_values;
using tocsin_test::same_bits;
using tocsin_test::says;
using tocsin_test::small_lstm;
using tocsin_test::static_lstm;

namespace {

template <class Model>
tocsin::aligned_vector<float> prediction(const Model& shape,
                                         const tocsin::model_weights<Model>& weights) {
    const auto inputs = random_values<float>(3 * 5, 2);
    tocsin::aligned_vector<float> outputs(inputs.size());
    tocsin::aligned_vector<float> work(static_cast<std::size_t>(shape.predict_work_size(1, 5)));
    weights.predict(shape, {inputs.data(), 3, 1, 5}, {outputs.data(), 3, 1, 5}, work);
    return outputs;
}

template <class Model>
void check_borrowed(const Model& shape) {
    const auto parameters = random_values<float>(shape.parameter_count(), 1, 0.5);
    tocsin::model_weights<Model> owned;
    CHECK_FALSE(owned.available());
    CHECK(owned.parameters().empty());
    owned.own(shape, parameters);
    CHECK(owned.available());
    CHECK(same_bits(std::span<const float>(parameters), owned.parameters()));

    tocsin::model_weights<Model> borrowed;
    REQUIRE(borrowed.borrow(shape, {.parameters = parameters}).ok());
    CHECK(borrowed.parameters().data() == parameters.data());
    CHECK(same_bits(prediction(shape, borrowed), prediction(shape, owned)));

    tocsin::aligned_vector<float> packed(static_cast<std::size_t>(shape.packed_size()));
    shape.pack(parameters, packed);
    REQUIRE(borrowed.borrow(shape, {.parameters = parameters, .packed = packed}).ok());
    CHECK(borrowed.packed().values.data() == packed.data());
    CHECK(same_bits(prediction(shape, borrowed), prediction(shape, owned)));

    // Copies own what the original owns and borrow what it borrows.
    const auto owned_copy = owned;
    CHECK(owned_copy.parameters().data() != owned.parameters().data());
    CHECK(same_bits(prediction(shape, owned_copy), prediction(shape, owned)));
    const auto borrowed_copy = borrowed;
    CHECK(borrowed_copy.parameters().data() == parameters.data());
    // What was borrowed before does not stick.
    borrowed.own(shape, random_values<float>(shape.parameter_count(), 9, 0.5));
    CHECK_FALSE(same_bits(prediction(shape, borrowed), prediction(shape, owned)));
    borrowed.own(shape, parameters);
    CHECK(same_bits(prediction(shape, borrowed), prediction(shape, owned)));
    borrowed.clear();
    CHECK_FALSE(borrowed.available());
}

} // namespace

TEST_SUITE("detect") {
    TEST_CASE("model weights: in memory of the caller they give the bits of a copy") {
        check_borrowed(small_lstm<float>(3));
        check_borrowed(static_lstm<float, 3, 4>{});
    }

    TEST_CASE("model weights: wrong sizes are refused with the number, nothing changes") {
        const auto shape = small_lstm<float>(3);
        const auto parameters = random_values<float>(shape.parameter_count(), 1, 0.5);
        tocsin::model_weights<tocsin::encoder_decoder<float>> weights;
        weights.own(shape, parameters);
        const auto expected = prediction(shape, weights);
        const auto all = std::span<const float>(parameters);
        const std::string of = " for a model of " + std::to_string(parameters.size());
        auto outcome = weights.borrow(shape, {.parameters = all.first(all.size() - 1)});
        CHECK(outcome.code() == tocsin::error_code::invalid_argument);
        CHECK(says(outcome, std::to_string(all.size() - 1) + " parameters" + of));
        CHECK(says(weights.borrow(shape, {}), "0 parameters" + of));
        const std::vector<float> wrong(7);
        outcome = weights.borrow(shape, {.parameters = all, .packed = wrong});
        CHECK(says(outcome,
                   "7 packed weights for a model of " + std::to_string(shape.packed_size())));
        CHECK(same_bits(prediction(shape, weights), expected));
    }

    TEST_CASE("model weights: repack() follows a change and allocates nothing") {
        const auto shape = small_lstm<float>(3);
        tocsin::model_weights<tocsin::encoder_decoder<float>> weights;
        weights.own(shape, random_values<float>(shape.parameter_count(), 1, 0.5));
        const auto before = prediction(shape, weights);
        for (float& parameter : weights.owned_parameters()) {
            parameter *= 0.5F;
        }
        CHECK(same_bits(prediction(shape, weights), before));
        CHECK(tocsin_test::allocations_during([&] { weights.repack(shape); }) == 0);
        CHECK_FALSE(same_bits(prediction(shape, weights), before));
    }

    TEST_CASE("model weights: sizes known at compile time need no heap") {
        const static_lstm<float, 3, 4> shape;
        const auto parameters = random_values<float>(shape.parameter_count(), 1, 0.5);
        float sum = 0;
        CHECK(tocsin_test::allocations_during([&] {
                  tocsin::model_weights<static_lstm<float, 3, 4>> weights;
                  weights.own(shape, parameters);
                  const auto copy = weights;
                  sum += copy.parameters()[0];
              }) == 0);
        CHECK(sum == parameters[0]);
    }

    TEST_CASE("model weights: of a model that cannot be packed they are its parameters") {
        const tocsin_test::window_mean<float> shape(3);
        const std::vector<float> parameters{1, 2, 3};
        tocsin::model_weights<tocsin_test::window_mean<float>> weights;
        REQUIRE(weights.borrow(shape, {.parameters = parameters}).ok());
        const auto borrowed = prediction(shape, weights);
        weights.own(shape, parameters);
        CHECK(same_bits(prediction(shape, weights), borrowed));
    }
}
