#include "tocsin/models/autoencoder.hpp"

#include <doctest/doctest.h>

#include "models/model_checks.hpp"
#include <string>
#include <string_view>
#include <vector>

namespace {

template <class Scalar>
using model_of = tocsin::autoencoder<Scalar>;
using model = model_of<double>;

using sizes = tocsin::chain_sizes<>;

model make(const sizes& encoder, const sizes& decoder, const sizes& head, double dropout = 0) {
    return {tocsin::lstm_stack<double>{encoder, dropout},
            tocsin::lstm_stack<double>{decoder, dropout}, tocsin::dense_head<double>{head}};
}
model make_model(double dropout = 0) {
    return make({2, 3, 2}, {2, 2, 3}, {3, 4, 2}, dropout);
}

} // namespace

TEST_SUITE("models") {

    TEST_CASE("autoencoder: gradient of every parameter equals finite differences") {
        CHECK(tocsin_test::gradient_error(make_model()) <= 1e-6);
        CHECK(tocsin_test::gradient_error(make_model(0.3)) <= 1e-6);
    }

    TEST_CASE("autoencoder: static sizes give the results of dynamic ones") {
        // Eigen may sum small products of static size in another order: equal within 1e-12.
        using fixed = tocsin::autoencoder<double, tocsin::lstm_stack<double, 2, 3, 2>,
                                          tocsin::lstm_stack<double, 2, 2, 3>,
                                          tocsin::dense_head<double, 3, 4, 2>>;
        tocsin_test::check_same_results(fixed{}, make_model(), 1e-12);
    }

    TEST_CASE_TEMPLATE("autoencoder: predictions, loss, gradients, ten Adam steps equal PyTorch",
                       Scalar, float, double) {
        const auto shape = model_of<Scalar>::with_embedding(3, 4);
        CHECK(shape.embedding_size() == 4);
        tocsin_test::check_against_pytorch(shape, "autoencoder_mse", 5,
                                           tocsin::mean_squared_error{});
        tocsin_test::check_against_pytorch(shape, "autoencoder_l1", 5,
                                           tocsin::mean_absolute_error{});
    }

    TEST_CASE("autoencoder: training sees the loss of what predict says") {
        tocsin_test::model_run run(make_model(), 3, 5);
        CHECK(run.evaluate() == doctest::Approx(run.loss_of_predictions()).epsilon(1e-13));
    }

    TEST_CASE_TEMPLATE("autoencoder: an item alone is predicted as in a batch", Scalar, float,
                       double) {
        tocsin_test::check_batch_independence(model_of<Scalar>::with_embedding(2, 3));
    }

    TEST_CASE("autoencoder: predict allocates nothing for one window") {
        // Large enough for Eigen's kernels; products of tiny matrices are plain loops.
        tocsin_test::check_predict_allocates_nothing(model::with_embedding(3, 24));
    }

    TEST_CASE("autoencoder: a NaN sample spoils the predictions of its window, no others") {
        tocsin_test::check_nan_stays_in_its_window(make_model());
    }

    TEST_CASE("autoencoder: parameter blocks cover all parameters in order") {
        std::vector<std::string> names;
        tocsin_test::check_blocks(make_model(), names);
        CHECK(names == std::vector<std::string>{"encoder.lstm.0", "encoder.lstm.1",
                                                "decoder.lstm.0", "decoder.lstm.1", "head.dense.0",
                                                "head.dense.1"});
    }

    TEST_CASE("autoencoder: the usual shape doubles the embedding on the outer layers") {
        const auto shape = model_of<float>::with_embedding(7);
        CHECK(shape.check().ok());
        CHECK(shape.features() == 7);
        CHECK(shape.embedding_size() == 64);
        CHECK(shape.encoder().hidden_size(0) == 128);
        CHECK(shape.decoder().hidden_size(0) == 64);
        CHECK(shape.decoder().output_size() == 128);
    }

    TEST_CASE("autoencoder: parts that do not fit are named with their sizes") {
        const auto message = [](const model& shape) {
            return std::string(shape.check().message());
        };
        CHECK(make_model().check().ok());
        CHECK(message(make({3, 4}, {4, 5}, {5, 2})) ==
              "autoencoder: encoder inputs and outputs of the head: 3 and 2 differ");
        CHECK(message(make({2, 4}, {3, 5}, {5, 2})) ==
              "autoencoder: encoder outputs and decoder inputs: 4 and 3 differ");
        CHECK(message(make({2, 4}, {4, 5}, {6, 2})) ==
              "autoencoder: decoder outputs and inputs of the head: 5 and 6 differ");
        CHECK_FALSE(model::with_embedding(2, 0).check().ok());
        CHECK_FALSE(model{}.check().ok());
    }
}
