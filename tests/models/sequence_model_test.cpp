#include "tocsin/models/autoencoder.hpp"
#include "tocsin/models/encoder_decoder.hpp"
#include "tocsin/models/sequence_model.hpp"

#include <doctest/doctest.h>

#include "models/smallest_model.hpp"

namespace {

/// Could throw in the middle of a stream.
struct throwing_model : tocsin_test::echo_model {
    void predict(std::span<const float>, tocsin::sequence_view<const float>,
                 tocsin::sequence_view<float>, std::span<float>) const {}
};

/// Cannot be trained.
struct untrainable_model : tocsin_test::echo_model {
    void loss_and_gradient() const {}
};

} // namespace

TEST_SUITE("models") {

    TEST_CASE(
        "sequence_model: the smallest model passes, one that may throw or cannot train does not") {
        CHECK(tocsin::sequence_model<tocsin_test::echo_model>);
        CHECK_FALSE(tocsin::sequence_model<throwing_model>);
        CHECK_FALSE(tocsin::sequence_model<untrainable_model>);
        CHECK_FALSE(tocsin::sequence_model<float>);
    }

    TEST_CASE("sequence_model: the models of the library pass") {
        CHECK(tocsin::sequence_model<tocsin::autoencoder<float>>);
        CHECK(tocsin::sequence_model<tocsin::encoder_decoder<double>>);
        CHECK(tocsin::sequence_model<tocsin::autoencoder<float, tocsin::lstm_stack<float, 2, 4, 3>,
                                                         tocsin::lstm_stack<float, 3, 3, 4>,
                                                         tocsin::dense_head<float, 4, 2>>>);
    }
}
