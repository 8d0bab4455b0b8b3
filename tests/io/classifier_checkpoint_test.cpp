#include "tocsin/io/checkpoint.hpp"
#include "tocsin/models/bigan.hpp"
#include "tocsin/models/classifiers.hpp"
#include "tocsin/series/labelled_windows.hpp"
#include "tocsin/training/data_parallel.hpp"
#include "tocsin/training/fit_adversarial.hpp"
#include "tocsin/training/fit_classifier.hpp"

#include <doctest/doctest.h>

#include "support/small_detectors.hpp"
#include "temporary_directory.hpp"
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

// Checkpoints of classifiers and of two players: training resumes with the same bits.

using namespace tocsin;
using tocsin_test::says;
using tocsin_test::temporary_directory;

namespace {

/// Noise of two features, some windows of which have an offset.
struct labelled_noise {
    labelled_noise(int count, std::uint64_t seed) : values(2, 8 * count) {
        random_generator random(seed);
        std::vector<index_t> first;
        for (int k = 0; k < count; ++k) {
            const bool anomalous = k % 3 == 0;
            for (int t = 8 * k; t < 8 * k + 8; ++t) {
                values(0, t) = static_cast<float>(random.normal() + (anomalous ? 1 : 0));
                values(1, t) = static_cast<float>(random.normal());
            }
            first.push_back(8 * k);
            data.classes.push_back(anomalous ? 1 : 0);
        }
        data.inputs = {matrix_view<const float>(values.data(), 2, values.cols()), first, 8};
    }
    matrix<float> values;
    labelled_windows<float> data;
};

/// A network with dropout and running statistics: everything that a state has.
auto network() {
    return sequential(bidirectional_lstm<float>(2, 3), batch_norm<float>(6),
                      dropout_layer<float>(6, 0.3), global_average_pooling<float>(6),
                      dense<float>(6, 1));
}
using trainer_type = classifier_trainer<adam, plateau_decay, train_all_epochs>;
trainer_type make_trainer(int epochs) {
    trainer_type trainer;
    trainer.epochs = epochs;
    trainer.batch_size = 7;
    trainer.seed = 5;
    trainer.optimiser.learning_rate = 0.02;
    trainer.schedule.patience = 1;
    trainer.best_by = classification_metric::auc;
    return trainer;
}
classifier_state<float> fresh(std::uint64_t seed = 5) {
    return classifier_state<float>::fresh(network(), adam{}, seed);
}

/// As version 1 saved it, without the number of shards.
struct state_of_before : classifier_state<float> {
    static constexpr int version = 1;
    template <class Archive>
    void exchange(Archive& archive) {
        classifier_state<float>::exchange(archive);
    }
};

void check_equal(const classifier_state<float>& a, const classifier_state<float>& b) {
    CHECK(a.parameters == b.parameters);
    CHECK(a.best_parameters == b.best_parameters);
    CHECK(a.rule_state == b.rule_state);
    CHECK(a.step == b.step);
    CHECK(a.best_epoch == b.best_epoch);
    CHECK(a.best_cost == b.best_cost);
    CHECK(a.random.state() == b.random.state());
    REQUIRE(a.history.size() == b.history.size());
    const auto bits = [](const classification_record& record) {
        std::vector<std::uint64_t> all;
        for (const double number : detail::numbers_of(record)) {
            all.push_back(std::bit_cast<std::uint64_t>(number));
        }
        return all;
    };
    for (std::size_t k = 0; k < a.history.size(); ++k) {
        CHECK(a.history[k].epoch == b.history[k].epoch);
        CHECK(bits(a.history[k]) == bits(b.history[k]));
    }
}

} // namespace

TEST_SUITE("io") {

    TEST_CASE("classifier checkpoint: resumed training gives the bits of uninterrupted training") {
        const temporary_directory directory;
        const auto path = directory / "checkpoint";
        const labelled_noise training(40, 1);
        const labelled_noise validation(15, 2);
        auto uninterrupted = fresh();
        REQUIRE(make_trainer(8).fit(network(), training.data, validation.data, uninterrupted).ok());
        REQUIRE(uninterrupted.finished_epochs() == 8);
        CHECK(uninterrupted.history.back().learning_rate < 0.02); // the schedule saw the history
        for (const int stop_after : {1, 4, 7}) {
            auto first = fresh();
            checkpoint_writer writer(path);
            REQUIRE(make_trainer(stop_after)
                        .fit(network(), training.data, validation.data, first, writer)
                        .ok());
            REQUIRE(writer.outcome().ok());
            auto resumed = load_checkpoint(path, fresh(99));
            REQUIRE_MESSAGE(resumed.ok(), resumed.error().message());
            check_equal(*resumed, first);
            REQUIRE(make_trainer(8).fit(network(), training.data, validation.data, *resumed).ok());
            check_equal(*resumed, uninterrupted);
        }
    }

    TEST_CASE("classifier checkpoint: training resumes in as many shards as it began in") {
        const temporary_directory directory;
        const auto path = directory / "checkpoint";
        const labelled_noise training(40, 1);
        const labelled_noise validation(15, 2);
        const auto train = [&](int threads, classifier_state<float>& state) {
            classifier_trainer<adam, plateau_decay, train_all_epochs, data_parallel> trainer;
            trainer.epochs = state.finished_epochs() + 1;
            trainer.batch_size = 7;
            trainer.execution.threads = threads;
            return trainer.fit(network(), training.data, validation.data, state);
        };
        auto first = fresh();
        REQUIRE(train(2, first).ok());
        REQUIRE(save_checkpoint(first, path).ok());
        auto resumed = load_checkpoint(path, fresh(99));
        REQUIRE_MESSAGE(resumed.ok(), resumed.error().message());
        CHECK(resumed->shards == 2);
        const auto refused = train(1, *resumed);
        CHECK(refused.code() == error_code::invalid_argument);
        CHECK(says(refused, "was trained in 2 shards (threads), this run has 1"));
        check_equal(*resumed, first);
        REQUIRE(train(2, *resumed).ok());
        REQUIRE(train(2, first).ok());
        check_equal(*resumed, first);

        const state_of_before before{fresh()};
        REQUIRE(save_checkpoint(before, path).ok());
        resumed = load_checkpoint(path, fresh(99));
        REQUIRE_MESSAGE(resumed.ok(), resumed.error().message());
        CHECK(train(1, *resumed).ok());
    }

    TEST_CASE("classifier checkpoint: what was not measured is not measured afterwards") {
        const temporary_directory directory;
        const auto path = directory / "checkpoint";
        const labelled_noise training(12, 1);
        auto trainer = make_trainer(2);
        trainer.best_by = classification_metric::training_loss;
        auto state = fresh();
        REQUIRE(save_checkpoint(state, path).ok()); // before the first epoch
        check_equal(*load_checkpoint(path, fresh(99)), state);
        REQUIRE(trainer.fit(network(), training.data, {}, state).ok());
        REQUIRE(std::isnan(state.history.back().validation_loss));
        REQUIRE(save_checkpoint(state, path).ok());
        const auto loaded = load_checkpoint(path, fresh(99));
        REQUIRE_MESSAGE(loaded.ok(), loaded.error().message());
        check_equal(*loaded, state);
        CHECK(std::isnan(loaded->history.back().validation_loss));
        CHECK(std::isnan(loaded->history.back().validation.auc));
    }

    TEST_CASE("classifier checkpoint: another network, other data or another loop are refused") {
        const temporary_directory directory;
        const auto path = directory / "checkpoint";
        run_fingerprint run;
        run.add("seed", "5");
        REQUIRE(save_checkpoint(fresh(), path, run).ok());
        CHECK(load_checkpoint(path, fresh(), run).ok());
        run_fingerprint other;
        other.add("seed", "6");
        CHECK(says(load_checkpoint(path, fresh(), other).error(), "seed was '5', is '6'"));
        const auto larger = lstm_classifier<float>(2, 1, 9);
        CHECK(says(load_checkpoint(path, classifier_state<float>::fresh(larger, adam{}, 1)).error(),
                   "parameters"));
        const auto players = make_bigan<float>(3, {.outer = 4, .inner = 3, .latent = 1});
        CHECK(
            says(load_checkpoint(path, adversarial_state<float>::fresh(players, adam{}, adam{}, 1))
                     .error(),
                 "'content' is 'classifier checkpoint'"));
    }

    TEST_CASE(
        "classifier training: a callback that ends it within an epoch keeps the best weights") {
        const labelled_noise training(40, 1);
        const labelled_noise validation(15, 2);
        struct after_batches {
            int left;
            bool epoch_seen = false;
            void operator()(const classification_event<float>& /*event*/) { epoch_seen = true; }
            bool after_batch(const batch_event& event) {
                CHECK(event.in_epoch == 40);
                CHECK(event.planned_epochs == 8);
                CHECK(event.loss > 0);
                return --left > 0;
            }
        };
        auto two_epochs = fresh();
        REQUIRE(make_trainer(2).fit(network(), training.data, validation.data, two_epochs).ok());
        after_batches in_third{.left = 2 * 6 + 3};
        auto state = fresh();
        REQUIRE(
            make_trainer(8).fit(network(), training.data, validation.data, state, in_third).ok());
        CHECK(state.finished_epochs() == 2);
        CHECK(state.best_parameters == two_epochs.best_parameters);
        CHECK(state.parameters != two_epochs.parameters);
        after_batches in_first{.left = 2};
        state = fresh();
        REQUIRE(
            make_trainer(8).fit(network(), training.data, validation.data, state, in_first).ok());
        CHECK(in_first.epoch_seen); // judged as it is, as there is no other
        CHECK(state.finished_epochs() == 1);
        CHECK(state.best_epoch == 0);
    }

    TEST_CASE("adversarial checkpoint: two players resume with the same bits") {
        const temporary_directory directory;
        const auto path = directory / "checkpoint";
        const auto players = make_bigan<float>(3, {.outer = 6, .inner = 4, .latent = 1});
        random_generator random(1);
        matrix<float> rows(3, 90);
        for (index_t t = 0; t < rows.cols(); ++t) {
            const auto at = static_cast<float>(random.uniform());
            rows.col(t) << at, 1 - at, at / 2;
        }
        const auto windows = make_windows(rows, 1).value();
        const auto trainer = [](int epochs) {
            adversarial_trainer<> made;
            made.epochs = epochs;
            made.batch_size = 16;
            made.reconstruction_weight = 3;
            return made;
        };
        const auto start = [&](std::uint64_t seed) {
            return adversarial_state<float>::fresh(players, adam{}, adam{}, seed);
        };
        auto whole = start(3);
        REQUIRE(trainer(6).fit(players, windows, {}, whole).ok());
        auto first = start(3);
        checkpoint_writer writer(path, 2);
        REQUIRE(trainer(4).fit(players, windows, {}, first, writer).ok());
        REQUIRE(writer.outcome().ok());
        auto resumed = load_checkpoint(path, start(99));
        REQUIRE_MESSAGE(resumed.ok(), resumed.error().message());
        CHECK(resumed->finished_epochs() == 4);
        REQUIRE(trainer(6).fit(players, windows, {}, *resumed).ok());
        CHECK(resumed->parameters == whole.parameters);
        CHECK(resumed->best_parameters == whole.best_parameters);
        CHECK(resumed->generator_rule_state == whole.generator_rule_state);
        CHECK(resumed->discriminator_rule_state == whole.discriminator_rule_state);
        CHECK(resumed->best_epoch == whole.best_epoch);
        CHECK(resumed->best_mae == whole.best_mae);
        CHECK(resumed->generator_step == whole.generator_step);
        CHECK(resumed->random.state() == whole.random.state());
        REQUIRE(resumed->history.size() == 6);
        CHECK(resumed->history[5].discriminator_loss == whole.history[5].discriminator_loss);
        CHECK(resumed->history[1].generator_gradient_norm ==
              whole.history[1].generator_gradient_norm);
    }
}
