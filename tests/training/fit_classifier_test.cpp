#include "tocsin/layers/activation_layer.hpp"
#include "tocsin/layers/batch_norm.hpp"
#include "tocsin/layers/conv1d.hpp"
#include "tocsin/layers/dense.hpp"
#include "tocsin/layers/dropout_layer.hpp"
#include "tocsin/layers/pooling.hpp"
#include "tocsin/models/dynamic_sequential.hpp"
#include "tocsin/models/sequential.hpp"
#include "tocsin/training/data_parallel.hpp"
#include "tocsin/training/fit_classifier.hpp"
#include "tocsin/training/gradient_check.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string_view>

using namespace tocsin;

namespace {

/// Windows of noise, half of which have a bump somewhere.
struct bumps {
    explicit bumps(int count, std::uint64_t seed, int length = 16) : values(1, count * length) {
        random_generator random(seed);
        for (int k = 0; k < count; ++k) {
            std::uint64_t at = random.below(static_cast<std::uint64_t>(length - 3));
            for (int t = 0; t < length; ++t) {
                const bool bump =
                    k % 2 == 1 && t >= static_cast<int>(at) && t < static_cast<int>(at) + 3;
                values(0, k * length + t) =
                    static_cast<float>(0.3 * random.normal() + (bump ? 2 : 0));
            }
            labelled.classes.push_back(k % 2);
        }
        labelled.inputs = make_windows(values, length, length).value();
    }
    bumps(const bumps&) = delete;
    matrix<float> values;
    labelled_windows<float> labelled;
};

auto small_network(int outputs = 1) {
    return sequential(conv1d<float>(1, 6, {.kernel = 3}), batch_norm<float>(6),
                      activation_layer<float, relu_activation>(6), global_max_pooling<float>(6),
                      dropout_layer<float>(6, 0.1), dense<float>(6, outputs));
}

bool says(const status& outcome, std::string_view part) {
    return !outcome.ok() &&
           std::string_view(outcome.message()).find(part) != std::string_view::npos;
}

} // namespace

TEST_SUITE("training") {

    TEST_CASE("fit_classifier: learns bumps, by one logit and by two, and keeps the best epoch") {
        const bumps training(120, 1);
        const bumps validation(60, 2);
        for (const int outputs : {1, 2}) {
            const auto network = small_network(outputs);
            classifier_trainer<> trainer;
            trainer.epochs = 40;
            trainer.batch_size = 16;
            trainer.optimiser.learning_rate = 0.01;
            auto state = classifier_state<float>::fresh(network, trainer.optimiser, 3);
            int called = 0;
            const status done = trainer.fit(network, training.labelled, validation.labelled, state,
                                            [&](const classification_event<float>& event) {
                                                ++called;
                                                CHECK(event.planned_epochs == 40);
                                            });
            CAPTURE(done.message());
            REQUIRE(done.ok());
            CHECK(called == state.finished_epochs());
            const auto& best = state.history[static_cast<std::size_t>(state.best_epoch)];
            CHECK(best.validation.accuracy >= 0.95);
            CHECK(best.validation.f1 >= 0.95);
            CHECK(best.validation.auc >= 0.98);
            CHECK(best.validation_loss == state.best_cost);
            CHECK(best.training_loss < 0.3);

            std::size_t right = 0;
            predict_logits(
                network, std::span<const float>(state.best_parameters), validation.labelled.inputs,
                7, [&](index_t k, std::span<const float> logits) {
                    double p[2] = {};
                    class_probabilities(logits, std::span<double>(p));
                    CHECK(p[0] + p[1] == doctest::Approx(1));
                    right += (p[1] > 0.5 ? 1 : 0) ==
                                     validation.labelled.classes[static_cast<std::size_t>(k)]
                                 ? 1U
                                 : 0U;
                });
            CHECK(static_cast<double>(right) / 60 == doctest::Approx(best.validation.accuracy));
        }
    }

    TEST_CASE(
        "fit_classifier: a seed gives the same bits, also with threads, and an interrupted run "
        "continues with them") {
        const bumps training(60, 4);
        const auto network = small_network();
        const auto run = [&](auto execution, std::uint64_t seed, bool interrupted) {
            classifier_trainer<adam, plateau_decay, train_all_epochs, decltype(execution)> trainer;
            trainer.epochs = 6;
            trainer.best_by = classification_metric::training_loss;
            trainer.schedule.patience = 2;
            trainer.execution = execution;
            auto state = classifier_state<float>::fresh(network, trainer.optimiser, seed);
            if (interrupted) {
                auto half = trainer;
                half.epochs = 3;
                REQUIRE(half.fit(network, training.labelled, {}, state).ok());
            }
            REQUIRE(trainer.fit(network, training.labelled, {}, state).ok());
            CHECK(std::isnan(state.history.back().validation_loss));
            return state.parameters;
        };
        const auto one = run(serial_execution{}, 5, false);
        CHECK(one == run(serial_execution{}, 5, false));
        CHECK(one == run(serial_execution{}, 5, true));
        CHECK(one != run(serial_execution{}, 6, false));
        CHECK(run(data_parallel{.threads = 3}, 5, false) ==
              run(data_parallel{.threads = 3}, 5, false));
    }

    TEST_CASE("fit_classifier: class weights and sample weights act alike and move the decisions") {
        bumps training(40, 7);
        const auto network = small_network();
        const auto run = [&](std::vector<double> class_weights, std::vector<double> weights) {
            classifier_trainer<adam, constant_rate, train_all_epochs> trainer;
            trainer.epochs = 5;
            trainer.best_by = classification_metric::training_loss;
            trainer.class_weights = std::move(class_weights);
            training.labelled.weights = std::move(weights);
            auto state = classifier_state<float>::fresh(network, trainer.optimiser, 1);
            REQUIRE(trainer.fit(network, training.labelled, {}, state).ok());
            return state;
        };
        std::vector<double> per_sample;
        for (const int k : training.labelled.classes) {
            per_sample.push_back(k == 1 ? 8 : 0.5);
        }
        const auto by_class = run({0.5, 8}, {});
        CHECK(by_class.parameters == run({}, per_sample).parameters);
        const auto plain = run({}, {});
        CHECK(by_class.parameters != plain.parameters);
        const auto mean_logit = [&](const classifier_state<float>& state) {
            double sum = 0;
            predict_logits(
                network, std::span<const float>(state.parameters), training.labelled.inputs, 40,
                [&](index_t, std::span<const float> z) { sum += static_cast<double>(z[0]); });
            return sum;
        };
        CHECK(mean_logit(by_class) > mean_logit(plain));
    }

    TEST_CASE("fit_classifier: weights of validation windows multiply the validation loss") {
        const bumps training(20, 10);
        bumps validation(20, 11);
        const auto network = small_network();
        const auto judged = [&](std::vector<double> weights) {
            classifier_trainer<> trainer;
            trainer.epochs = 1;
            validation.labelled.weights = std::move(weights);
            auto state = classifier_state<float>::fresh(network, trainer.optimiser, 1);
            REQUIRE(trainer.fit(network, training.labelled, validation.labelled, state).ok());
            return state.history.back();
        };
        const auto plain = judged({});
        std::vector<double> normal(20);
        std::vector<double> anomalous(20);
        for (std::size_t k = 0; k < 20; ++k) {
            (validation.labelled.classes[k] == 1 ? anomalous : normal)[k] = 3;
        }
        const auto of_normal = judged(normal);
        const auto of_anomalous = judged(anomalous);
        CHECK(of_normal.validation_loss != doctest::Approx(of_anomalous.validation_loss));
        CHECK(of_normal.validation_loss + of_anomalous.validation_loss ==
              doctest::Approx(3 * plain.validation_loss));
        CHECK(of_normal.validation.f1 == plain.validation.f1);
        CHECK(judged(std::vector<double>(20, 1.0)).validation_loss == plain.validation_loss);
    }

    TEST_CASE("fit_classifier: training that can teach nothing is refused") {
        bumps training(20, 10);
        const auto network = small_network();
        classifier_trainer<> trainer;
        auto state = classifier_state<float>::fresh(network, trainer.optimiser, 1);
        const auto fit = [&](const bumps& judged) {
            return trainer.fit(network, training.labelled, judged.labelled, state);
        };
        bumps validation(20, 11);
        trainer.class_weights = {0, 0};
        CHECK(says(fit(validation), "by the class weights, all 20 training windows"));
        trainer.class_weights = {0, 1e-60}; // 0 as a float
        CHECK(says(fit(validation), "by the class weights, all 20 training windows"));
        trainer.class_weights = {};
        training.labelled.weights.assign(20, 0.0);
        CHECK(says(fit(validation), "all 20 windows have the weight 0"));
        trainer.class_weights = {0, 1};
        for (std::size_t k = 0; k < 20; ++k) {
            training.labelled.weights[k] = training.labelled.classes[k] == 0 ? 1 : 0;
        }
        CHECK(says(fit(validation), "by the class weights, all 20 training windows"));
        trainer.class_weights = {};
        validation.labelled.weights.assign(20, 0.0);
        CHECK(says(fit(validation), "all 20 windows have the weight 0"));
        validation.labelled.weights.clear();
        trainer.epochs = 0;
        CHECK(says(fit(validation), "epochs 0"));
        CHECK(state.step == 0);
        trainer.epochs = 1;
        CHECK(fit(validation).ok());
    }

    TEST_CASE("fit_classifier: balanced gives the classes of the training windows equal weight") {
        bumps training(40, 7);
        // A quarter of the windows is anomalous.
        for (std::size_t k = 0; k < training.labelled.classes.size(); ++k) {
            training.labelled.classes[k] = k % 4 == 0 ? 1 : 0;
        }
        const auto network = small_network();
        const auto run = [&](std::vector<double> class_weights, bool balanced) {
            classifier_trainer<adam, constant_rate, train_all_epochs> trainer;
            trainer.epochs = 3;
            trainer.best_by = classification_metric::training_loss;
            trainer.class_weights = std::move(class_weights);
            trainer.balanced = balanced;
            auto state = classifier_state<float>::fresh(network, trainer.optimiser, 1);
            REQUIRE(trainer.fit(network, training.labelled, {}, state).ok());
            return state.parameters;
        };
        CHECK(run({}, true) == run({2.0 / 3, 2}, false));
        CHECK(run({3, 0.5}, true) == run({2.0 / 3 * 3, 2 * 0.5}, false));
        CHECK(run({}, true) != run({}, false));
    }

    TEST_CASE("fit_classifier: statistics follow the data, weight decay does not touch them") {
        bumps training(40, 8);
        training.values.array() += 5;
        // The normalisation comes first, so that its moments are those of the data, whatever the
        // weights are.
        const auto network = sequential(batch_norm<float>(1), conv1d<float>(1, 4, {.kernel = 3}),
                                        global_max_pooling<float>(4), dense<float>(4, 1));
        const auto run = [&](double weight_decay) {
            classifier_trainer<adam, constant_rate, train_all_epochs> trainer;
            trainer.epochs = 12;
            trainer.batch_size = 40; // all windows, so that each epoch has the same moments
            trainer.best_by = classification_metric::training_loss;
            trainer.optimiser.weight_decay = weight_decay;
            trainer.optimiser.learning_rate = 0.01;
            auto state = classifier_state<float>::fresh(network, trainer.optimiser, 1);
            REQUIRE(trainer.fit(network, training.labelled, {}, state).ok());
            return state.parameters;
        };
        const auto trained = static_cast<std::size_t>(network.trained_count());
        const auto plain = run(0);
        const auto decayed = run(50);
        REQUIRE(plain.size() == trained + 2);
        CHECK(plain[0] != decayed[0]);
        CHECK(plain[trained] == decayed[trained]);
        CHECK(plain[trained + 1] == decayed[trained + 1]);
        const auto values = training.values.cast<double>().array();
        const double mean = values.mean();
        const double variance =
            (values - mean).square().sum() / static_cast<double>(values.size() - 1);
        const double kept = std::pow(0.9, 12);
        CHECK(decayed[trained] == doctest::Approx((1 - kept) * mean).epsilon(1e-5));
        CHECK(decayed[trained + 1] == doctest::Approx(kept + (1 - kept) * variance).epsilon(1e-5));
    }

    TEST_CASE("fit_classifier: a normalisation of single steps refuses shards of one window") {
        const bumps training(9, 8, 4);
        const auto network =
            sequential(conv1d<float>(1, 3, {.kernel = 2}), pooling<float, last_step>(3),
                       batch_norm<float>(3), dense<float>(3, 1));
        const dynamic_sequential<float> same({conv1d<float>(1, 3, {.kernel = 2}),
                                              pooling<float, last_step>(3), batch_norm<float>(3),
                                              dense<float>(3, 1)});
        CHECK(network.least_batch(4) == 2);
        CHECK(same.least_batch(4) == 2);
        CHECK(small_network().least_batch(4) == 1);
        CHECK(small_network().least_batch(1) == 2);
        const auto fit = [&](const auto& net, int batch_size, int threads, int& updates) {
            classifier_trainer<adam, constant_rate, train_all_epochs, data_parallel> trainer;
            trainer.epochs = 1;
            trainer.batch_size = batch_size;
            trainer.best_by = classification_metric::training_loss;
            trainer.execution.threads = threads;
            auto state = classifier_state<float>::fresh(net, trainer.optimiser, 1);
            const status outcome = trainer.fit(net, training.labelled, {}, state);
            updates = static_cast<int>(state.step);
            return outcome;
        };
        int updates = 0;
        CHECK(says(fit(network, 1, 1, updates), "at least 2 windows in a shard"));
        CHECK(says(fit(same, 1, 1, updates), "batches of 1 windows in 1 shards"));
        CHECK(says(fit(network, 32, 5, updates), "batches of 9 windows in 5 shards"));
        CHECK(updates == 0);
        CHECK(fit(small_network(), 1, 2, updates).ok()); // it has four steps of each window
        CHECK(updates == 9);
        // A window or three that are left over are too few for one or two shards.
        CHECK(fit(network, 4, 1, updates).ok());
        CHECK(updates == 2);
        CHECK(fit(network, 6, 2, updates).ok());
        CHECK(updates == 1);
        CHECK(fit(network, 5, 2, updates).ok());
        CHECK(updates == 2);
        CHECK(fit(small_network(), 4, 1, updates).ok());
        CHECK(updates == 3);
    }

    TEST_CASE("fit_classifier: a left-over window leaves the running variance of single steps") {
        const bumps training(9, 8, 4);
        const auto network =
            sequential(pooling<float, last_step>(1), batch_norm<float>(1), dense<float>(1, 1));
        classifier_trainer<adam, constant_rate, train_all_epochs> trainer;
        trainer.epochs = 60;
        trainer.batch_size = 8;
        trainer.best_by = classification_metric::training_loss;
        auto state = classifier_state<float>::fresh(network, trainer.optimiser, 1);
        REQUIRE(trainer.fit(network, training.labelled, {}, state).ok());
        double mean = 0;
        double squares = 0;
        for (index_t k = 0; k < 9; ++k) {
            const auto last = static_cast<double>(training.values(0, 4 * k + 3));
            mean += last / 9;
            squares += last * last / 9;
        }
        const double variance = (squares - mean * mean) * 9 / 8;
        CHECK(static_cast<double>(state.parameters.back()) ==
              doctest::Approx(variance).epsilon(0.01));
    }

    TEST_CASE("fit_classifier: a callback ends training") {
        const bumps training(20, 9);
        const auto network = small_network();
        classifier_trainer<> trainer;
        auto state = classifier_state<float>::fresh(network, trainer.optimiser, 1);
        CHECK(trainer
                  .fit(network, training.labelled, training.labelled, state,
                       [](const classification_event<float>& event) {
                           return event.record.epoch < 2;
                       })
                  .ok());
        CHECK(state.finished_epochs() == 3);
    }

    TEST_CASE("fit_classifier: what is wrong is named, and nothing changes") {
        bumps training(20, 10);
        const auto network = small_network();
        classifier_trainer<> trainer;
        auto state = classifier_state<float>::fresh(network, trainer.optimiser, 1);
        const auto before = state.parameters;
        const auto fit = [&](const auto& net, const auto& one, const auto& other) {
            return trainer.fit(net, one, other, state);
        };
        CHECK(says(fit(network, labelled_windows<float>{}, training.labelled),
                   "no training windows"));
        CHECK(says(fit(network, training.labelled, labelled_windows<float>{}), "training loss"));
        CHECK(says(fit(sequential(dense<float>(1, 1)), training.labelled, training.labelled),
                   "parameters"));
        trainer.best_by = classification_metric::auc;
        CHECK(says(fit(small_network(3), training.labelled, training.labelled), "3 classes"));
        trainer.best_by = classification_metric::validation_loss;
        trainer.class_weights = {1, 2, 3};
        CHECK(says(fit(network, training.labelled, training.labelled), "3 class weights"));
        trainer.class_weights = {1, -2};
        CHECK(says(fit(network, training.labelled, training.labelled), "class weight -2"));
        trainer.class_weights.clear();
        training.labelled.classes[4] = 2;
        CHECK(says(fit(network, training.labelled, training.labelled), "window 4 has class 2"));
        training.labelled.classes[4] = 0;
        trainer.batch_size = 0;
        CHECK(says(fit(network, training.labelled, training.labelled), "batch size 0"));
        trainer.batch_size = 4;
        training.values(0, 37) = std::numeric_limits<float>::quiet_NaN();
        CHECK(says(fit(network, training.labelled, training.labelled), "sample 37"));
        CHECK(state.parameters == before);

        const auto steps = sequential(dense<float>(1, 1));
        auto other = classifier_state<float>::fresh(steps, trainer.optimiser, 1);
        CHECK(says(trainer.fit(steps, training.labelled, training.labelled, other), "16 steps"));
    }

    TEST_CASE("fit_classifier: a run that is resumed with another metric goes on by that one") {
        const bumps training(20, 10);
        const auto network = small_network();
        classifier_trainer<> trainer;
        trainer.epochs = 2;
        trainer.best_by = classification_metric::f1;
        auto state = classifier_state<float>::fresh(network, trainer.optimiser, 1);
        REQUIRE(trainer.fit(network, training.labelled, training.labelled, state).ok());
        trainer.epochs = 30;
        trainer.best_by = classification_metric::validation_loss;
        REQUIRE(trainer.fit(network, training.labelled, training.labelled, state).ok());
        const auto& best = state.history[static_cast<std::size_t>(state.best_epoch)];
        CHECK(state.best_epoch > 1);
        CHECK(state.best_cost == best.validation_loss);

        // The best epoch so far does not have the new metric: the next one is better.
        trainer.epochs = 2;
        trainer.best_by = classification_metric::training_loss;
        auto unjudged = classifier_state<float>::fresh(network, trainer.optimiser, 1);
        REQUIRE(trainer.fit(network, training.labelled, labelled_windows<float>{}, unjudged).ok());
        trainer.epochs = 3;
        trainer.best_by = classification_metric::validation_loss;
        REQUIRE(trainer.fit(network, training.labelled, training.labelled, unjudged).ok());
        CHECK(unjudged.best_epoch == 2);
        CHECK(std::isfinite(unjudged.best_cost));
    }

    TEST_CASE("fit_classifier: a metric that no epoch has makes none the best, and is an error") {
        const bumps training(20, 10);
        bumps judged(20, 12);
        std::fill(judged.labelled.classes.begin(), judged.labelled.classes.end(), 1);
        const auto network = small_network();
        classifier_trainer<> trainer;
        trainer.epochs = 2;
        trainer.best_by = classification_metric::auc;
        auto state = classifier_state<float>::fresh(network, trainer.optimiser, 1);
        const auto outcome = trainer.fit(network, training.labelled, judged.labelled, state);
        CHECK(says(outcome, "best_by is not defined in any epoch"));
        CHECK(outcome.code() == error_code::invalid_data);
    }

    TEST_CASE("fit_classifier: a loss that is not finite ends training") {
        bumps training(20, 11);
        training.values(0, 3) = 3e38F;
        const auto network = sequential(conv1d<float>(1, 2, {.kernel = 2}),
                                        global_average_pooling<float>(2), dense<float>(2, 1));
        classifier_trainer<> trainer;
        trainer.optimiser.learning_rate = 1e6;
        auto state = classifier_state<float>::fresh(network, trainer.optimiser, 1);
        CHECK(says(trainer.fit(network, training.labelled, training.labelled, state), "diverged"));
    }
}
