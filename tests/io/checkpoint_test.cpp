#include "tocsin/detect/detector.hpp"
#include "tocsin/io/checkpoint.hpp"
#include "tocsin/io/detector_file.hpp"
#include "tocsin/training/data_parallel.hpp"
#include "tocsin/training/fit.hpp"

#include <doctest/doctest.h>

#include "support/own_policies.hpp"
#include "support/small_detectors.hpp"
#include "temporary_directory.hpp"
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

using tocsin::checkpoint_writer;
using tocsin::error_code;
using tocsin::load_checkpoint;
using tocsin::save_checkpoint;
using tocsin::training_state;
using tocsin_test::same_bits;
using tocsin_test::says;
using tocsin_test::temporary_directory;
using tocsin_test::waves;
using tocsin_test::windows_over;

namespace {

/// A network with dropout, so that the random state matters in two ways.
template <class Scalar>
tocsin::encoder_decoder<Scalar> model_with_dropout() {
    return {tocsin::lstm_stack<Scalar>{{2, 5, 4}, 0.2}, tocsin::lstm_stack<Scalar>{{2, 4}, 0.2},
            tocsin::dense_head<Scalar>{{4, 2}}};
}

tocsin::trainer<tocsin::mean_squared_error, tocsin::adam, tocsin::step_decay> how_to_train() {
    tocsin::trainer<tocsin::mean_squared_error, tocsin::adam, tocsin::step_decay> how;
    how.epochs = 7;
    how.batch_size = 8;
    how.seed = 3;
    how.optimiser.learning_rate = 0.02;
    how.schedule.every = 2;
    return how;
}

template <class Scalar>
void check_same(const training_state<Scalar>& a, const training_state<Scalar>& b) {
    CHECK(same_bits(a.parameters, b.parameters));
    CHECK(same_bits(a.best_parameters, b.best_parameters));
    CHECK(same_bits(a.rule_state, b.rule_state));
    CHECK(a.step == b.step);
    CHECK(a.random.state() == b.random.state());
    CHECK(a.best_rmse == b.best_rmse);
    CHECK(a.best_epoch == b.best_epoch);
    CHECK(a.shards == b.shards);
    REQUIRE(a.history.size() == b.history.size());
    for (std::size_t k = 0; k < a.history.size(); ++k) {
        CAPTURE(k);
        CHECK(a.history[k].epoch == b.history[k].epoch);
        CHECK(a.history[k].training_loss == b.history[k].training_loss);
        CHECK(a.history[k].validation_rmse == b.history[k].validation_rmse);
        CHECK(a.history[k].validation_mae == b.history[k].validation_mae);
        CHECK(a.history[k].learning_rate == b.history[k].learning_rate);
        CHECK(a.history[k].gradient_norm == b.history[k].gradient_norm);
    }
}

/// As version 1 saved it, without the number of shards.
struct state_of_before : training_state<float> {
    static constexpr int version = 1;
    template <class Archive>
    void exchange(Archive& archive) {
        training_state<float>::exchange(archive);
    }
};

} // namespace

TEST_SUITE("io") {
    TEST_CASE_TEMPLATE("checkpoint: training resumed from a file equals training without a break",
                       Scalar, float, double) {
        const temporary_directory directory;
        const auto path = directory / "run.tocsin";
        const auto values = waves<Scalar>(2, 60, 1);
        const auto windows = windows_over(values, 6);
        const auto training = windows.slice(0, 40);
        const auto validation = windows.slice(45, 10);
        const auto model = model_with_dropout<Scalar>();
        const auto how = how_to_train();
        const auto fresh = training_state<Scalar>::fresh(model, how.optimiser, how.seed);

        auto uninterrupted = fresh;
        REQUIRE(how.fit(model, training, validation, uninterrupted).ok());
        REQUIRE(uninterrupted.finished_epochs() == 7);

        for (const int stop_after : {1, 4}) {
            CAPTURE(stop_after);
            auto first = fresh;
            checkpoint_writer writer(path);
            const auto stop = [&](const auto& event) {
                return event.record.epoch + 1 < stop_after;
            };
            REQUIRE(how.fit(model, training, validation, first, writer, stop).ok());
            CHECK(writer.outcome().ok());
            CHECK(first.finished_epochs() == stop_after);
            CHECK_FALSE(same_bits(first.parameters, uninterrupted.parameters));

            // Another process: only the file is left, and a fresh state of the same sizes, even of
            // another seed.
            auto loaded =
                load_checkpoint(path, training_state<Scalar>::fresh(model, how.optimiser, 99));
            REQUIRE_MESSAGE(loaded.has_value(), loaded.error().message());
            check_same(*loaded, first);
            REQUIRE(how.fit(model, training, validation, *loaded).ok());
            check_same(*loaded, uninterrupted);
        }
        CHECK(directory.count() == 1);
    }

    TEST_CASE("checkpoint: a detector resumes from one to the same scores") {
        const temporary_directory directory;
        const auto path = directory / "run.tocsin";
        const auto values = waves<float>(2, 60, 1);
        const auto windows = windows_over(values, 6);
        using mean_detector = tocsin::detector<tocsin_test::window_mean<float>>;
        const tocsin_test::window_mean<float> model(2);
        mean_detector whole(model, {.window = 6});
        REQUIRE(whole.train(windows, {}, tocsin_test::quick_trainer(6)).ok());

        mean_detector part(model, {.window = 6});
        checkpoint_writer writer(path);
        REQUIRE(part.train(windows, {}, tocsin_test::quick_trainer(2), writer).ok());
        const auto how = tocsin_test::quick_trainer(6);
        auto state = load_checkpoint(path, training_state<float>::fresh(model, how.optimiser, 0));
        REQUIRE_MESSAGE(state.has_value(), state.error().message());
        mean_detector resumed(model, {.window = 6});
        REQUIRE(resumed.train_from(*state, windows, {}, how).ok());
        CHECK(
            same_bits(std::vector<float>(resumed.parameters().begin(), resumed.parameters().end()),
                      std::vector<float>(whole.parameters().begin(), whole.parameters().end())));
    }

    TEST_CASE("checkpoint: training resumes in as many shards as it began in") {
        const temporary_directory directory;
        const auto path = directory / "run.tocsin";
        const auto values = waves<float>(2, 60, 1);
        const auto windows = windows_over(values, 6);
        const auto model = model_with_dropout<float>();
        const auto fresh = training_state<float>::fresh(model, tocsin::adam{}, 3);
        const auto train = [&](int epochs, int threads, training_state<float>& state) {
            tocsin::trainer<tocsin::mean_squared_error, tocsin::adam, tocsin::constant_rate,
                            tocsin::early_stopping, tocsin::data_parallel>
                how{.epochs = epochs, .batch_size = 8, .execution = {.threads = threads}};
            return how.fit(model, windows, {}, state);
        };
        auto uninterrupted = fresh;
        REQUIRE(train(3, 3, uninterrupted).ok());
        auto first = fresh;
        REQUIRE(train(1, 3, first).ok());
        CHECK(first.shards == 3);
        REQUIRE(save_checkpoint(first, path).ok());
        const auto loaded = load_checkpoint(path, fresh);
        REQUIRE_MESSAGE(loaded.has_value(), loaded.error().message());
        check_same(*loaded, first);

        auto resumed = *loaded;
        const auto refused = train(3, 2, resumed);
        CHECK(refused.code() == error_code::invalid_argument);
        CHECK(says(refused, "was trained in 3 shards (threads), this run has 2"));
        check_same(resumed, *loaded);
        auto how = how_to_train(); // serial
        CHECK(says(how.fit(model, windows, {}, resumed), "this run has 1"));
        REQUIRE(train(3, 3, resumed).ok());
        check_same(resumed, uninterrupted);
        // Whoever wants other bits says so.
        resumed = *loaded;
        resumed.shards = 0;
        REQUIRE(train(3, 2, resumed).ok());
        CHECK(resumed.shards == 2);
        CHECK_FALSE(same_bits(resumed.parameters, uninterrupted.parameters));
        // One thread is one shard, in the calling thread or not.
        auto serial = fresh;
        how.epochs = 1;
        REQUIRE(how.fit(model, windows, {}, serial).ok());
        CHECK(train(2, 1, serial).ok());

        const state_of_before before{first};
        REQUIRE(save_checkpoint(before, path).ok());
        auto unknown = load_checkpoint(path, fresh);
        REQUIRE_MESSAGE(unknown.has_value(), unknown.error().message());
        CHECK(unknown->shards == 0);
        REQUIRE(train(3, 3, *unknown).ok());
        check_same(*unknown, uninterrupted);
    }

    TEST_CASE("checkpoint: one before the first epoch is a checkpoint, too") {
        const temporary_directory directory;
        const auto path = directory / "run.tocsin";
        const auto model = model_with_dropout<double>();
        const auto state = training_state<double>::fresh(model, tocsin::adam{}, 5);
        REQUIRE(save_checkpoint(state, path).ok());
        const auto loaded =
            load_checkpoint(path, training_state<double>::fresh(model, tocsin::adam{}, 6));
        REQUIRE_MESSAGE(loaded.has_value(), loaded.error().message());
        check_same(*loaded, state);
        CHECK(loaded->best_epoch == -1);
    }

    TEST_CASE("checkpoint: another model, rule or scalar type is refused") {
        const temporary_directory directory;
        const auto path = directory / "run.tocsin";
        const auto model = model_with_dropout<float>();
        REQUIRE(save_checkpoint(training_state<float>::fresh(model, tocsin::adam{}, 1), path).ok());

        const auto check_refused = [](const auto& loaded, const char* reason) {
            CAPTURE(reason);
            REQUIRE_FALSE(loaded.has_value());
            CAPTURE(loaded.error().message());
            CHECK(loaded.error().code() == error_code::format_error);
            CHECK(says(loaded.error(), reason));
            CHECK(says(loaded.error(), "run.tocsin"));
        };
        check_refused(
            load_checkpoint(path, training_state<float>::fresh(tocsin_test::small_lstm<float>(2, 5),
                                                               tocsin::adam{}, 1)),
            "'training.parameters' has shape");
        check_refused(load_checkpoint(path, training_state<float>::fresh(
                                                model, tocsin::adam{.amsgrad = true}, 1)),
                      "'training.rule_state' has shape");
        check_refused(load_checkpoint(path, training_state<double>::fresh(
                                                model_with_dropout<double>(), tocsin::adam{}, 1)),
                      "'training.parameters' has type F32, expected F64");
        // The fit loop refuses a state that was loaded into the wrong model by hand.
        const auto values = waves<float>(2, 30, 1);
        auto state =
            training_state<float>::fresh(tocsin_test::small_lstm<float>(2, 5), tocsin::adam{}, 1);
        const auto outcome = how_to_train().fit(model, windows_over(values, 6), {}, state);
        CHECK(outcome.code() == error_code::invalid_argument);
        CHECK(says(outcome, "fit: the training state has"));
        CHECK(state.finished_epochs() == 0);
    }

    TEST_CASE("checkpoint: broken files are refused") {
        const temporary_directory directory;
        const auto path = directory / "run.tocsin";
        const tocsin_test::window_mean<float> model(2);
        const auto fresh = training_state<float>::fresh(model, tocsin::adam{}, 1);
        REQUIRE(save_checkpoint(fresh, path).ok());
        std::string bytes;
        {
            std::ifstream file(path, std::ios::binary);
            bytes.assign(std::istreambuf_iterator<char>(file), {});
        }
        for (std::size_t size = 0; size < bytes.size(); size += 1 + size / 16) {
            std::ofstream(path, std::ios::binary) << bytes.substr(0, size);
            const auto loaded = load_checkpoint(path, fresh);
            CHECK_FALSE(loaded.has_value());
        }
        const auto missing = load_checkpoint(directory / "none", fresh);
        REQUIRE_FALSE(missing.has_value());
        CHECK(missing.error().code() == error_code::io_error);

        tocsin::detector<tocsin_test::window_mean<float>> detector(model, {.window = 3});
        REQUIRE(save_detector(detector, path).ok());
        const auto loaded = load_checkpoint(path, fresh);
        REQUIRE_FALSE(loaded.has_value());
        CHECK(says(loaded.error(), "'content' is 'detector', expected 'checkpoint'"));
    }

    TEST_CASE("checkpoint: one made with other settings is refused, naming the difference") {
        const temporary_directory directory;
        const auto model = model_with_dropout<float>();
        const auto how = how_to_train();
        const auto fresh = training_state<float>::fresh(model, how.optimiser, how.seed);
        tocsin::run_fingerprint run;
        run.add("window", "8");
        run.add("scaler", "standard");
        REQUIRE(save_checkpoint(fresh, directory / "with", run).ok());
        REQUIRE(save_checkpoint(fresh, directory / "without").ok());
        const auto same = load_checkpoint(directory / "with", fresh, run);
        REQUIRE_MESSAGE(same.has_value(), same.error().message());
        check_same(*same, fresh);
        tocsin::run_fingerprint other;
        other.add("window", "8");
        other.add("scaler", "min_max");
        const auto refused = load_checkpoint(directory / "with", fresh, other);
        REQUIRE_FALSE(refused.has_value());
        CHECK(refused.error().code() == error_code::invalid_data);
        CHECK(says(refused.error(), "scaler was 'standard', is 'min_max'"));
        // A checkpoint that does not say, and a program that does not ask.
        CHECK(load_checkpoint(directory / "without", fresh, other).has_value());
        CHECK(load_checkpoint(directory / "with", fresh).has_value());
    }

    TEST_CASE("checkpoint: random numbers that would be zero for ever are refused") {
        const temporary_directory directory;
        const auto path = directory / "run.tocsin";
        const tocsin_test::window_mean<float> model(2);
        auto state = training_state<float>::fresh(model, tocsin::adam{}, 1);
        const auto fresh = state;
        state.random.set_state({0, 0, 0, 0});
        REQUIRE(save_checkpoint(state, path).ok());
        const auto loaded = load_checkpoint(path, fresh);
        REQUIRE_FALSE(loaded.has_value());
        CHECK(says(loaded.error(), "random"));
    }

    TEST_CASE("checkpoint writer: writes every few epochs, a failure does not end training") {
        const temporary_directory directory;
        const auto path = directory / "run.tocsin";
        const auto values = waves<float>(2, 40, 1);
        const auto windows = windows_over(values, 6);
        const tocsin_test::window_mean<float> model(2);
        const auto how = tocsin_test::quick_trainer(5);
        auto state = training_state<float>::fresh(model, how.optimiser, 1);
        const auto fresh = state;
        checkpoint_writer every_second(path, 2);
        REQUIRE(how.fit(model, windows, {}, state, every_second).ok());
        const auto loaded = load_checkpoint(path, fresh);
        REQUIRE(loaded.has_value());
        CHECK(loaded->finished_epochs() == 4);

        state = fresh;
        checkpoint_writer nowhere(directory / "no" / "folder");
        CHECK(nowhere.outcome().ok());
        REQUIRE(how.fit(model, windows, {}, state, nowhere).ok());
        CHECK(state.finished_epochs() == 5);
        CHECK(nowhere.outcome().code() == error_code::io_error);

        state = fresh;
        checkpoint_writer at_least_every(path, 0); // as every epoch
        REQUIRE(how.fit(model, windows, {}, state, at_least_every).ok());
        CHECK(load_checkpoint(path, fresh)->finished_epochs() == 5);
    }
}
