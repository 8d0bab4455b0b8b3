#include "tocsin/models/encoder_decoder.hpp"

#include <doctest/doctest.h>

#include "models/model_checks.hpp"
#include <algorithm>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace {

using tocsin::decoder_training;
using tocsin::index_t;
using tocsin_test::model_run;

using sizes = tocsin::chain_sizes<>;

template <class Scalar>
using model_of = tocsin::encoder_decoder<Scalar>;
using model = model_of<double>;

template <class Scalar = double>
model_of<Scalar>
make(const sizes& encoder, const sizes& decoder, const sizes& head, bool reversed = true,
     decoder_training training = decoder_training::free_running, double dropout = 0) {
    return {tocsin::lstm_stack<Scalar>{encoder, dropout},
            tocsin::lstm_stack<Scalar>{decoder, dropout}, tocsin::dense_head<Scalar>{head},
            reversed, training};
}

/// Two layers on each side and a ReLU layer in the head; `decoder_size` other than 2 needs a
/// bridge. Small, because every parameter costs four evaluations, also in unoptimised builds.
model make_model(int decoder_size, bool reversed, decoder_training training, double dropout = 0) {
    return make({2, 3, 2}, {2, decoder_size, 2}, {2, 3, 2}, reversed, training, dropout);
}

/// A loss that exposes its predictions, in the decoder's order of steps.
struct recording_loss {
    std::vector<double>* predictions;
    double operator()(std::span<const double> values, std::span<const double>,
                      std::span<double> gradient) const noexcept {
        predictions->assign(values.begin(), values.end());
        tocsin::zero(gradient);
        return 0;
    }
};

} // namespace

TEST_SUITE("models") {

    TEST_CASE("encoder_decoder: gradient of every parameter equals finite differences") {
        for (const int decoder_size : {2, 3}) {
            for (const bool reversed : {true, false}) {
                for (const auto training :
                     {decoder_training::free_running, decoder_training::teacher_forced}) {
                    CAPTURE(decoder_size);
                    CAPTURE(reversed);
                    CAPTURE(static_cast<int>(training));
                    const model shape = make_model(decoder_size, reversed, training);
                    CHECK(shape.has_bridge() == (decoder_size == 3));
                    CHECK(tocsin_test::gradient_error(shape) <= 1e-6);
                }
            }
        }
    }

    TEST_CASE("encoder_decoder: with dropout the gradient equals finite differences too") {
        for (const auto training :
             {decoder_training::free_running, decoder_training::teacher_forced}) {
            CHECK(tocsin_test::gradient_error(make_model(3, true, training, 0.3)) <= 1e-6);
        }
    }

    TEST_CASE("encoder_decoder: a wrong gradient is caught") {
        model_run run(make_model(2, true, decoder_training::free_running), 3, 5);
        run.hold_head_off_kinks();
        run.evaluate();
        auto gradient = run.gradients;
        CHECK(run.worst_against(gradient) <= 1e-6);
        *std::max_element(gradient.begin(), gradient.end()) *= 1.00001;
        CHECK(run.worst_against(gradient) > 5e-6);
    }

    TEST_CASE("encoder_decoder: static sizes give the results of dynamic ones") {
        // Eigen may sum small products of static size in another order: equal within 1e-12.
        using fixed = tocsin::encoder_decoder<double, tocsin::lstm_stack<double, 2, 3, 2>,
                                              tocsin::lstm_stack<double, 2, 3, 2>,
                                              tocsin::dense_head<double, 2, 3, 2>>;
        for (const auto training :
             {decoder_training::free_running, decoder_training::teacher_forced}) {
            tocsin_test::check_same_results(fixed({}, {}, {}, true, training),
                                            make_model(3, true, training), 1e-12);
        }
    }

    TEST_CASE_TEMPLATE("encoder_decoder: free-running, reversed: predictions, loss, gradients, ten "
                       "Adam steps equal PyTorch",
                       Scalar, float, double) {
        const auto shape = make<Scalar>({2, 6}, {2, 6}, {6, 2});
        tocsin_test::check_against_pytorch(shape, "encoder_decoder_free_running", 6,
                                           tocsin::mean_squared_error{});
    }

    TEST_CASE_TEMPLATE("encoder_decoder: teacher-forced through a bridge: predictions, loss, "
                       "gradients, ten Adam steps equal PyTorch",
                       Scalar, float, double) {
        const auto shape =
            make<Scalar>({3, 7, 5}, {3, 6, 4}, {4, 8, 3}, false, decoder_training::teacher_forced);
        tocsin_test::check_against_pytorch(shape, "encoder_decoder_teacher_forced", 6,
                                           tocsin::mean_squared_error{});
    }

    TEST_CASE("encoder_decoder: the usual shape names each size once, and with one layer is "
              "the model of its three parts") {
        const auto shape = model::with_layers(3, {6});
        CHECK(shape.check().ok());
        tocsin_test::check_same_results(
            shape, make({3, 6}, {3, 6}, {6, 3}, false, decoder_training::free_running), 1e-15);
        const auto mirrored =
            model::with_layers(3, {6, 4}, 0.25, true, decoder_training::teacher_forced);
        CHECK(mirrored.check().ok());
        CHECK_FALSE(mirrored.has_bridge());
        CHECK(mirrored.encoder().dropout_rate() == 0.25);
        CHECK(mirrored.decoder().dropout_rate() == 0.25);
        tocsin_test::check_same_results(
            mirrored,
            make({3, 6, 4}, {3, 4, 6}, {6, 3}, true, decoder_training::teacher_forced, 0.25),
            1e-15);
        CHECK_FALSE(model::with_layers(3, {}).check().ok());
        CHECK(std::string_view(model::with_layers(3, {6, 0}).check().message()) ==
              "lstm_stack: size 0 at position 2 must be at least 1");
    }

    TEST_CASE("encoder_decoder: free-running training sees the loss of what predict says") {
        for (const bool reversed : {true, false}) {
            model_run run(make_model(3, reversed, decoder_training::free_running), 3, 5);
            CHECK(run.evaluate() == doctest::Approx(run.loss_of_predictions()).epsilon(1e-13));
        }
    }

    TEST_CASE("encoder_decoder: a teacher changes training only, not predictions") {
        model_run free(make_model(2, true, decoder_training::free_running), 3, 5);
        model_run forced(make_model(2, true, decoder_training::teacher_forced), 3, 5);
        CHECK(free.predict() == forced.predict());
        CHECK(free.evaluate() != forced.evaluate());
    }

    TEST_CASE(
        "encoder_decoder: the teacher shows what came before, never what is to be predicted") {
        for (const bool reversed : {true, false}) {
            constexpr int time = 5;
            std::vector<double> predictions;
            model_run run(make_model(2, reversed, decoder_training::teacher_forced), 1, time,
                          recording_loss{&predictions});
            // With zero parameters the encoder passes no information: the decoder knows the window
            // only from the teacher.
            std::fill_n(run.parameters.begin(), run.model.encoder().parameter_count(), 0.0);
            run.evaluate();
            const auto before = predictions;
            for (int s = 0; s < time; ++s) {
                const int position = reversed ? time - 1 - s : s;
                double& sample = run.windows[static_cast<std::size_t>(2 * position)];
                sample += 0.5;
                run.evaluate();
                sample -= 0.5;
                for (int later = 0; later < time; ++later) {
                    const auto k = static_cast<std::size_t>(2 * later);
                    CHECK((predictions[k] != before[k]) == (later > s));
                }
            }
        }
    }

    TEST_CASE_TEMPLATE("encoder_decoder: an item alone is predicted as in a batch", Scalar, float,
                       double) {
        tocsin_test::check_batch_independence(make<Scalar>({2, 5, 4}, {2, 6, 3}, {3, 6, 2}));
    }

    TEST_CASE("encoder_decoder: predict allocates nothing for one window") {
        // Large enough for Eigen's kernels; products of tiny matrices are plain loops.
        tocsin_test::check_predict_allocates_nothing(make({3, 40, 32}, {3, 36, 24}, {24, 16, 3}));
    }

    TEST_CASE("encoder_decoder: a NaN sample spoils the predictions of its window, no others") {
        tocsin_test::check_nan_stays_in_its_window(
            make_model(3, true, decoder_training::free_running));
    }

    TEST_CASE("encoder_decoder: parameter blocks cover all parameters in order") {
        std::vector<std::string> names;
        tocsin_test::check_blocks(make_model(3, true, decoder_training::free_running), names);
        CHECK(names == std::vector<std::string>{"encoder.lstm.0", "encoder.lstm.1",
                                                "decoder.lstm.0", "decoder.lstm.1", "head.dense.0",
                                                "head.dense.1", "bridge.hidden.weights",
                                                "bridge.cell.weights"});
    }

    TEST_CASE("encoder_decoder: parts that do not fit are named with their sizes") {
        const auto message = [](const model& shape) {
            return std::string(shape.check().message());
        };
        CHECK(make_model(3, true, decoder_training::free_running).check().ok());
        CHECK(message(make({3, 4}, {2, 4}, {4, 2})) ==
              "encoder_decoder: encoder inputs and outputs of the head: 3 and 2 differ");
        CHECK(message(make({2, 4}, {3, 4}, {4, 2})) ==
              "encoder_decoder: decoder inputs and outputs of the head: 3 and 2 differ");
        CHECK(message(make({2, 4}, {2, 4}, {5, 2})) ==
              "encoder_decoder: decoder outputs and inputs of the head: 4 and 5 differ");
        CHECK(message(make({2, 4}, {2, 4}, {4, 2}, true, decoder_training::free_running, 1.0)) ==
              "dropout: rate 1 is outside [0, 1)");
        CHECK(message(make({2, 0}, {2, 4}, {4, 2})) ==
              "lstm_stack: size 0 at position 1 must be at least 1");
        CHECK_FALSE(model{}.check().ok());
    }
}
