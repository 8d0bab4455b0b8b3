#include "tocsin/layers/any_layer.hpp"
#include "tocsin/layers/bidirectional_encoder.hpp"
#include "tocsin/layers/dense_head.hpp"
#include "tocsin/layers/lstm_stack.hpp"
#include "tocsin/layers/memory_bounds.hpp"
#include "tocsin/layers/repeat.hpp"
#include "tocsin/layers/sizes.hpp"

#include <doctest/doctest.h>

#include "models/every_layer.hpp"
#include <algorithm>
#include <string>

using namespace tocsin;

namespace {

/// With addresses of 64 bits no size that a file may name is too large.
constexpr bool long_addresses = sizeof(void*) > 4;
constexpr int largest = maximum_layer_size;

bool too_large(const status& outcome) {
    return std::string(outcome.message()).find("too large for the memory") != std::string::npos;
}

template <class Layer>
void check_bound(const Layer& layer) {
    CAPTURE(layer.input_size());
    CAPTURE(layer.output_size());
    for (const int steps : {8, 100, 1000}) {
        const int outputs = detail::output_time_of(layer, steps);
        const index_t scalars = layer.tape_size(1, steps) + layer.backward_work_size(1, steps);
        const index_t bytes = scalars * static_cast<index_t>(sizeof(typename Layer::scalar_type));
        const auto bound = detail::memory_of_pass(layer, std::max(steps, outputs));
        CAPTURE(steps);
        REQUIRE(bound.valid());
        CHECK(bound.value() >= bytes);
    }
}

} // namespace

TEST_SUITE("layers") {
    TEST_CASE("memory bounds: no product of the largest sizes of a file wraps") {
        CHECK(lstm<float>(1, 32768).check().ok() == long_addresses);
        CHECK(lstm<float>(largest, largest).check().ok() == long_addresses);
        CHECK(dense<float>(largest, largest).check().ok() == long_addresses);
        CHECK(bidirectional_lstm<float>(1, 32768).check().ok() == long_addresses);
        CHECK(bidirectional_encoder<float>(1, 32768).check().ok() == long_addresses);
        CHECK(conv1d<float>(largest, 1000, {.kernel = 100}).check().ok() == long_addresses);
        if (!long_addresses) {
            CHECK(too_large(lstm<float>(1, 32768).check()));
            CHECK(too_large(dense<float>(largest, largest).check()));
            CHECK(too_large(bidirectional_lstm<float>(1, 32768).check()));
        }
        // The weights of one direction can be addressed, those of both cannot.
        CHECK(lstm<float>(1, 3500).check().ok());
        CHECK(bidirectional_lstm<float>(1, 3500).check().ok() == long_addresses);
        // The same for a layer and two of them.
        const dense<float> wide(7500, 7500);
        CHECK(wide.check().ok());
        CHECK(sequential(wide, wide).check().ok() == long_addresses);
    }

    TEST_CASE("memory bounds: taps times values that an int cannot count are refused") {
        const auto refused = conv1d<float>(largest, 1, {.kernel = 1 << 15}).check();
        CHECK(std::string(refused.message()).find("kernel 32768") != std::string::npos);
        CHECK_FALSE(conv1d<float>(1, largest, {.kernel = 1 << 15}).check().ok());
        CHECK_FALSE(conv1d<float>(1, 1, {.kernel = 1 << 16, .dilation = 1 << 15}).check().ok());
    }

    TEST_CASE_TEMPLATE("memory bounds: a pass takes no more than its bound", Scalar, float,
                       double) {
        for (const int size : {1, 17}) {
            check_bound(lstm<Scalar>(size, 1));
            check_bound(lstm<Scalar>(1, size));
            check_bound(bidirectional_lstm<Scalar>(size, 3));
            check_bound(dense<Scalar>(size, 2));
            check_bound(conv1d<Scalar>(size, 1, {.kernel = 5, .dilation = 50}));
            check_bound(conv1d<Scalar>(1, size, {.kernel = 5, .dilation = 50}));
            check_bound(penalised(conv1d<Scalar>(size, 1, {.kernel = 5, .dilation = 50}), {}));
            check_bound(batch_norm<Scalar>(size));
            check_bound(dropout_layer<Scalar>(size, 0.5));
            check_bound(repeat<Scalar>(size, 30));
            check_bound(dense_head<Scalar>({1, 100, size}));
            check_bound(pooling<Scalar, maximum_over_time>(size));
        }
        const any_layer<Scalar> any(conv1d<Scalar>(2, 1, {.kernel = 5, .dilation = 5000}));
        CHECK(detail::memory_of_pass(any, 1).value() >=
              any.tape_size(1, 1) * static_cast<index_t>(sizeof(Scalar)));
        const auto network = tocsin_test::everything<Scalar>();
        for (const int steps : {8, 1000}) {
            CHECK(network.memory_of_pass(steps).value() >=
                  network.training_work_size(1, steps) * static_cast<index_t>(sizeof(Scalar)));
        }
        CHECK_FALSE(network.memory_of_pass(-1).valid());
    }

    TEST_CASE("memory bounds: a long pass is refused where its sizes would wrap") {
        const dense<float> wide(1, largest);
        CHECK(detail::memory_of_pass(wide, 1).valid());
        CHECK(detail::memory_of_pass(wide, largest).valid() == long_addresses);
    }
}
