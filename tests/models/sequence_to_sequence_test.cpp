#include "tocsin/models/sequence_to_sequence.hpp"

#include <doctest/doctest.h>

#include "models/model_checks.hpp"
#include <string>
#include <string_view>
#include <vector>

namespace {

using tocsin::decoder_training;

template <class Scalar>
tocsin::sequence_to_sequence<Scalar>
small(int decoder = 6, decoder_training training = decoder_training::free_running) {
    return tocsin::make_sequence_to_sequence<Scalar>(2, {.encoder = 3, .decoder = decoder},
                                                     training);
}

} // namespace

TEST_SUITE("models") {

    TEST_CASE("sequence_to_sequence: gradient of every parameter equals finite differences") {
        for (const int decoder : {6, 4}) {
            for (const auto training :
                 {decoder_training::free_running, decoder_training::teacher_forced}) {
                CAPTURE(decoder);
                const auto model = small<double>(decoder, training);
                CHECK(model.has_bridge() == (decoder == 4));
                CHECK(tocsin_test::gradient_error(model) <= 1e-6);
            }
        }
    }

    TEST_CASE_TEMPLATE("sequence_to_sequence: predictions, loss, gradients, ten Adam steps equal "
                       "PyTorch",
                       Scalar, float, double) {
        tocsin_test::check_against_pytorch(small<Scalar>(), "sequence_to_sequence", 6,
                                           tocsin::mean_squared_error{});
    }

    TEST_CASE("sequence_to_sequence: training sees the loss of what predict says") {
        tocsin_test::model_run run(small<double>(4), 3, 5);
        CHECK(run.evaluate() == doctest::Approx(run.loss_of_predictions()).epsilon(1e-13));
    }

    TEST_CASE("sequence_to_sequence: both directions have a say in every prediction") {
        tocsin_test::model_run run(small<double>(), 1, 5);
        const auto before = run.predict();
        const auto half = static_cast<std::size_t>(run.model.encoder().parameter_count()) / 2;
        for (const std::size_t first : {std::size_t{0}, half}) {
            const double kept = run.parameters[first];
            run.parameters[first] += 0.1;
            const auto after = run.predict();
            run.parameters[first] = kept;
            for (std::size_t k = 0; k < before.size(); ++k) {
                CHECK(after[k] != before[k]);
            }
        }
    }

    TEST_CASE_TEMPLATE("sequence_to_sequence: an item alone is predicted as in a batch", Scalar,
                       float, double) {
        tocsin_test::check_batch_independence(small<Scalar>());
    }

    TEST_CASE("sequence_to_sequence: predict allocates nothing for one window; NaN stays in its "
              "window") {
        tocsin_test::check_predict_allocates_nothing(
            tocsin::make_sequence_to_sequence<double>(3, {.encoder = 40, .decoder = 36}));
        tocsin_test::check_nan_stays_in_its_window(small<double>(4));
    }

    TEST_CASE("sequence_to_sequence: blocks, kind, default sizes, sizes that do not fit") {
        std::vector<std::string> names;
        tocsin_test::check_blocks(small<double>(4), names);
        CHECK(names == std::vector<std::string>{
                           "encoder.forward.weights", "encoder.backward.weights", "decoder.lstm.0",
                           "head.dense.0", "bridge.hidden.weights", "bridge.cell.weights"});
        using model = tocsin::sequence_to_sequence<float>;
        CHECK(std::string_view(model::kind) == "sequence_to_sequence");
        CHECK(std::string_view(tocsin::encoder_decoder<float>::kind) == "encoder_decoder");
        const auto usual = tocsin::make_sequence_to_sequence<float>(18);
        CHECK(usual.check().ok());
        CHECK_FALSE(usual.has_bridge());
        CHECK(usual.encoder().hidden_size() == 10);
        CHECK(usual.decoder().hidden_size(0) == 20);
        CHECK_FALSE(tocsin::make_sequence_to_sequence<float>(2, {.encoder = 0}).check().ok());
        CHECK_FALSE(tocsin::make_sequence_to_sequence<float>(2, {.decoder = 0}).check().ok());
        const model wrong{tocsin::bidirectional_encoder<float>(3, 4),
                          tocsin::lstm_stack<float>({2, 8}), tocsin::dense_head<float>({8, 2})};
        CHECK(std::string_view(wrong.check().message()) ==
              "sequence_to_sequence: encoder inputs and outputs of the head: 3 and 2 differ");
    }
}
