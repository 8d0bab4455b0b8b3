#include "tocsin/io/converted_sequential.hpp"
#include "tocsin/layers/pooling.hpp"
#include "tocsin/models/autoencoder.hpp"
#include "tocsin/models/predictor.hpp"

#include <doctest/doctest.h>

#include "support/fixture_directory.hpp"
#include <algorithm>
#include <vector>

using namespace tocsin;

TEST_SUITE("io") {
    TEST_CASE_TEMPLATE("converted autoencoder: weights of a repeated code are those of the model",
                       Scalar, float, double) {
        const auto path =
            tocsin_test::fixture_directory() / "converted" / "keras_encoder_decoder.safetensors";
        const sequential network(lstm<Scalar>(3, 5), pooling<Scalar, last_step>(5),
                                 repeat<Scalar>(5, 14), lstm<Scalar>(5, 4), dense<Scalar>(4, 3));
        const autoencoder<Scalar> model(lstm_stack<Scalar>{{3, 5}}, lstm_stack<Scalar>{{5, 4}},
                                        dense_head<Scalar>{{4, 3}});
        REQUIRE(model.check().ok());
        REQUIRE(model.parameter_count() == network.parameter_count());
        aligned_vector<Scalar> weights(static_cast<std::size_t>(model.parameter_count()));
        const auto loaded = load_converted(path, network, std::span<Scalar>(weights));
        REQUIRE_MESSAGE(loaded.ok(), loaded.message());

        // What Keras' network computed of the random window in the file.
        const auto file = safetensors_reader::open(path);
        REQUIRE(file.has_value());
        std::vector<double> expected(14 * 3);
        file->copy_converted(*file->find("probe.output"), std::span<double>(expected));
        const tensor_entry& probe = *file->find("probe.input");
        const int time = static_cast<int>(probe.shape[0]);
        aligned_vector<Scalar> window(static_cast<std::size_t>(probe.count()));
        file->copy_converted(probe, std::span<Scalar>(window));

        // The model decodes as many steps as it has read.
        aligned_vector<Scalar> output(window.size());
        predictor<autoencoder<Scalar>> predictor(model, 1, time);
        predictor.prepare(model, weights);
        predictor.predict(model, weights, {window.data(), 3, 1, time}, {output.data(), 3, 1, time});
        for (std::size_t k = 0; k < std::min(output.size(), expected.size()); ++k) {
            CHECK(static_cast<double>(output[k]) == doctest::Approx(expected[k]).epsilon(1e-5));
        }
    }
}
