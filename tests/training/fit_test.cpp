#include "tocsin/models/autoencoder.hpp"
#include "tocsin/models/forecaster.hpp"
#include "tocsin/series/series.hpp"
#include "tocsin/training/fit.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using tocsin::index_t;

template <class Scalar>
using model_of = tocsin::autoencoder<Scalar>;
using model = model_of<float>;
using state = tocsin::training_state<float>;
using trainer = tocsin::trainer<>;

/// 20 windows of 6 steps of two sines with random phases.
template <class Scalar>
tocsin::sequence_set<Scalar> sines(int count = 20, int length = 6, std::uint64_t seed = 61) {
    tocsin::sequence_set<Scalar> set;
    set.length = length;
    set.values.resize(2, index_t{length} * count);
    tocsin::random_generator random(seed);
    for (int k = 0; k < count; ++k) {
        const double phase = random.uniform(0, 6);
        for (int t = 0; t < length; ++t) {
            set.values(0, k * length + t) = static_cast<Scalar>(std::sin(0.7 * t + phase));
            set.values(1, k * length + t) = static_cast<Scalar>(std::cos(0.7 * t + phase));
        }
    }
    return set;
}

template <class Scalar = float>
model_of<Scalar> make_model(double dropout = 0) {
    return model_of<Scalar>::with_embedding(2, 3, dropout);
}

trainer make_trainer(int epochs) {
    trainer fit;
    fit.epochs = epochs;
    fit.batch_size = 8; // 20 windows: the last batch is smaller
    fit.optimiser.learning_rate = 0.02;
    return fit;
}

/// Trains from scratch and returns the state.
state train(const trainer& fit, std::uint64_t seed, double dropout = 0.2) {
    const auto set = sines<float>();
    auto run = state::fresh(make_model(dropout), fit.optimiser, seed);
    CHECK(fit.fit(make_model(dropout), set.windows(), {}, run).ok());
    return run;
}

/// Why fit refuses; the state must be unchanged.
template <class Trainer = trainer>
std::string refusal(const Trainer& fit, const tocsin::sequence_set<float>& training,
                    const tocsin::sequence_set<float>& validation = {},
                    const model& shape = make_model()) {
    auto run = state::fresh(make_model(), tocsin::adam{}, 1);
    const auto before = run.parameters;
    const tocsin::status outcome = fit.fit(shape, training.windows(), validation.windows(), run);
    CHECK_FALSE(outcome.ok());
    CHECK(run.parameters == before);
    CHECK(run.history.empty());
    CHECK(run.step == 0);
    return outcome.message();
}

bool contains(const std::string& text, const char* part) {
    return text.find(part) != std::string::npos;
}

} // namespace

TEST_SUITE("training") {

    TEST_CASE_TEMPLATE("fit: training reduces the loss and keeps the best weights", Scalar, float,
                       double) {
        const auto training = sines<Scalar>();
        const auto validation = sines<Scalar>(7, 6, 62);
        const auto shape = make_model<Scalar>();
        trainer fit = make_trainer(40);
        auto run = tocsin::training_state<Scalar>::fresh(shape, fit.optimiser, 1);
        REQUIRE(fit.fit(shape, training.windows(), validation.windows(), run).ok());
        REQUIRE(run.finished_epochs() == 40);
        CHECK(run.step == 40 * 3);
        CHECK(run.history.back().training_loss < 0.4 * run.history.front().training_loss);
        CHECK(run.best_rmse < 0.8 * run.history.front().validation_rmse);

        double lowest = std::numeric_limits<double>::infinity();
        for (std::size_t k = 0; k < run.history.size(); ++k) {
            const auto& record = run.history[k];
            CHECK(record.epoch == static_cast<int>(k));
            CHECK(record.learning_rate == 0.02);
            CHECK(record.gradient_norm > 0);
            CHECK(record.validation_mae <= record.validation_rmse);
            lowest = std::min(lowest, record.validation_rmse);
        }
        CHECK(run.best_rmse == lowest);
        CHECK(run.history[static_cast<std::size_t>(run.best_epoch)].validation_rmse == lowest);
        // The kept weights are from the best epoch.
        tocsin::regression_errors errors;
        tocsin::predict_windows(shape, std::span<const Scalar>(run.best_parameters),
                                validation.windows(), 8,
                                [&](index_t, const auto& window, const auto& prediction) {
                                    errors.add(window, prediction);
                                });
        CHECK(errors.rmse() == doctest::Approx(lowest).epsilon(1e-12));
    }

    TEST_CASE("fit: early stopping ends training, the best weights are not the last ones") {
        // A rate so large that the error fluctuates.
        trainer fit = make_trainer(200);
        fit.optimiser.learning_rate = 0.3;
        fit.stopping.patience = 3;
        const state run = train(fit, 1);
        CHECK(run.finished_epochs() < 200);
        CHECK(run.finished_epochs() == run.best_epoch + 1 + 3);
        CHECK(run.best_parameters != run.parameters);
    }

    TEST_CASE("fit: one seed gives the same bits, another seed others") {
        for (const std::uint64_t seed : {1U, 2U}) {
            const state once = train(make_trainer(4), seed);
            const state again = train(make_trainer(4), seed);
            CHECK(once.parameters == again.parameters);
            CHECK(once.best_rmse == again.best_rmse);
        }
        CHECK(train(make_trainer(4), 1).parameters != train(make_trainer(4), 2).parameters);
    }

    TEST_CASE("fit: a copied state continues as if there had been no break, bit for bit") {
        trainer fit = make_trainer(7);
        const state whole = train(fit, 5);
        fit.epochs = 3;
        state run = train(fit, 5);
        CHECK(run.finished_epochs() == 3);
        state copy = run;
        std::fill(run.parameters.begin(), run.parameters.end(), 0.0F); // the copy has its own
        fit.epochs = 7;
        const auto set = sines<float>();
        CHECK(fit.fit(make_model(0.2), set.windows(), {}, copy).ok());
        CHECK(copy.parameters == whole.parameters);
        CHECK(copy.best_parameters == whole.best_parameters);
        CHECK(copy.rule_state == whole.rule_state);
        CHECK(copy.random.state() == whole.random.state());
        CHECK(copy.step == whole.step);
        CHECK(copy.best_epoch == whole.best_epoch);
        REQUIRE(copy.history.size() == whole.history.size());
        for (std::size_t k = 0; k < whole.history.size(); ++k) {
            CHECK(copy.history[k].training_loss == whole.history[k].training_loss);
            CHECK(copy.history[k].validation_rmse == whole.history[k].validation_rmse);
        }
    }

    TEST_CASE("fit: callbacks are called once an epoch, in order, and may end training") {
        const auto set = sines<float>();
        const trainer fit = make_trainer(5);
        auto run = state::fresh(make_model(), fit.optimiser, 1);
        std::vector<int> seen;
        int calls = 0;
        REQUIRE(fit.fit(
                       make_model(), set.windows(), {}, run,
                       [&](const tocsin::epoch_event<float>& event) {
                           seen.push_back(event.record.epoch);
                           CHECK(event.planned_epochs == 5);
                           CHECK(event.state.finished_epochs() == event.record.epoch + 1);
                       },
                       [&](const tocsin::epoch_event<float>& event) {
                           ++calls;
                           return event.record.epoch < 2;
                       })
                    .ok());
        CHECK(seen == std::vector<int>{0, 1, 2});
        CHECK(calls == 3);
        CHECK(run.finished_epochs() == 3);
        // Other callbacks are called even when one ends training.
        seen.clear();
        REQUIRE(fit.fit(
                       make_model(), set.windows(), {}, run, [](const auto&) { return false; },
                       [&](const auto& event) { seen.push_back(event.record.epoch); })
                    .ok());
        CHECK(seen == std::vector<int>{3});
    }

    TEST_CASE("fit: the schedule sets the rate of each epoch") {
        tocsin::trainer<tocsin::mean_absolute_error, tocsin::adam, tocsin::step_decay,
                        tocsin::never_stop>
            fit;
        fit.epochs = 4;
        fit.schedule = {0.5, 2};
        const auto set = sines<float>();
        auto run = state::fresh(make_model(), fit.optimiser, 1);
        REQUIRE(fit.fit(make_model(), set.windows(), {}, run).ok());
        CHECK(run.history[1].learning_rate == 1e-3);
        CHECK(run.history[2].learning_rate == 5e-4);
        CHECK(run.history[3].learning_rate == 5e-4);
    }

    TEST_CASE("fit: finished epochs are not repeated") {
        auto run = train(make_trainer(2), 3);
        const auto parameters = run.parameters;
        const auto set = sines<float>();
        CHECK(make_trainer(2).fit(make_model(0.2), set.windows(), {}, run).ok());
        CHECK(run.parameters == parameters);
    }

    TEST_CASE("fit: one window, windows of one step, a batch larger than the set") {
        const auto one = sines<float>(1, 6);
        const auto short_windows = sines<float>(3, 1);
        for (const auto* set : {&one, &short_windows}) {
            trainer fit = make_trainer(2);
            fit.batch_size = 1000;
            auto run = state::fresh(make_model(), fit.optimiser, 1);
            CHECK(fit.fit(make_model(), set->windows(), {}, run).ok());
            CHECK(run.step == 2);
            CHECK(std::isfinite(run.best_rmse));
        }
    }

    TEST_CASE("fit: windows of the validation set may be longer or shorter") {
        const auto training = sines<float>();
        for (const int length : {1, 11}) {
            const auto validation = sines<float>(3, length);
            const trainer fit = make_trainer(1);
            auto run = state::fresh(make_model(), fit.optimiser, 1);
            CHECK(fit.fit(make_model(), training.windows(), validation.windows(), run).ok());
        }
    }

    TEST_CASE("fit: bad settings are refused with their values, the state untouched") {
        const auto set = sines<float>();
        const auto with = [&](auto&& change) {
            trainer fit = make_trainer(3);
            change(fit);
            return refusal(fit, set);
        };
        CHECK(contains(with([](trainer& fit) { fit.epochs = -1; }), "epochs -1"));
        CHECK(contains(with([](trainer& fit) { fit.epochs = 0; }), "epochs 0"));
        CHECK(contains(with([](trainer& fit) { fit.batch_size = 0; }), "batch size 0"));
        CHECK(contains(with([](trainer& fit) { fit.clip_norm = -2; }), "clip norm -2"));
        CHECK(contains(
            with([](trainer& fit) { fit.clip_norm = std::numeric_limits<double>::quiet_NaN(); }),
            "clip norm nan"));
        CHECK(contains(with([](trainer& fit) { fit.optimiser.learning_rate = -1; }),
                       "learning rate -1"));
        CHECK(contains(with([](trainer& fit) { fit.stopping.patience = 0; }), "patience 0"));
        tocsin::trainer<tocsin::mean_squared_error, tocsin::adam, tocsin::step_decay> decaying;
        decaying.schedule.every = 0;
        CHECK(contains(refusal(decaying, set), "every 0"));
    }

    TEST_CASE("fit: bad data are refused with their values, the state untouched") {
        const auto good = sines<float>();
        auto bad = good;
        bad.values(1, 17) = std::numeric_limits<float>::infinity();
        CHECK(contains(refusal(make_trainer(3), bad),
                       "fit: feature 1 of sample 17 is inf; training needs finite samples"));
        CHECK(contains(refusal(make_trainer(3), good, bad), "feature 1 of sample 17 is inf"));
        CHECK(refusal(make_trainer(3), {}) == "fit: there are no training windows");
        auto wide = good;
        wide.values.conservativeResize(3, Eigen::NoChange);
        wide.values.row(2).setZero();
        CHECK(refusal(make_trainer(3), wide) == "fit: windows have 3 features, the model has 2");
    }

    TEST_CASE("fit: windows of which all values are missing are refused before the first epoch") {
        const auto shape = tocsin::autoencoder<float>::with_embedding(1, 3);
        tocsin::sequence_set<float> training;
        training.length = 5;
        training.values.setOnes(1, 20);
        auto nothing = training;
        nothing.values.setConstant(std::numeric_limits<float>::quiet_NaN());
        const tocsin::trainer<> how;
        auto state = tocsin::training_state<float>::fresh(shape, how.optimiser, 1);
        CHECK(std::string_view(
                  how.fit(shape, training.windows(), nothing.windows(), state).message()) ==
              "fit: all values of the 4 validation windows are missing");
        CHECK(std::string_view(how.fit(shape, nothing.windows(), {}, state).message()) ==
              "fit: all values of the 4 training windows are missing");
        CHECK(state.step == 0);
    }

    TEST_CASE("fit: an epoch in which nothing that is predicted was observed is an error") {
        const auto shape = tocsin::forecaster<float>::with_layers(2, 1, {3});
        tocsin::sequence_set<float> set;
        set.length = 5;
        set.values.setOnes(2, 20);
        set.values.row(0).setConstant(std::numeric_limits<float>::quiet_NaN());
        const tocsin::trainer<> how;
        auto state = tocsin::training_state<float>::fresh(shape, how.optimiser, 1);
        CHECK(std::string_view(how.fit(shape, set.windows(), {}, state).message()) ==
              "fit: no value that is predicted is present in the 4 training windows");
    }

    TEST_CASE("fit: what is missing has no part in the loss, whatever is read in its place") {
        const auto whole = sines<float>();
        auto holes = whole;
        for (index_t t = 3; t < holes.values.cols(); t += 7) {
            holes.values(t % 2, t) = std::numeric_limits<float>::quiet_NaN();
        }
        trainer fit = make_trainer(3);
        fit.filling = tocsin::hole_filling::last;
        auto run = state::fresh(make_model(), fit.optimiser, 5);
        REQUIRE(fit.fit(make_model(), holes.windows(), holes.windows(), run).ok());
        CHECK(run.history.size() == 3);
        CHECK(run.best_rmse < 1);
        for (const float parameter : run.best_parameters) {
            CHECK(std::isfinite(parameter));
        }
        // Validation judges what is there: the errors of the weights on the whole recording, by hand.
        const auto filled = tocsin::filled_samples(holes.windows(), tocsin::hole_filling::last);
        const auto read = holes.windows().over(
            Eigen::Map<const tocsin::matrix<float>>(filled.data(), filled.rows(), filled.cols()));
        tocsin::regression_errors errors;
        tocsin::predict_windows(make_model(), std::span<const float>(run.parameters), read, 8,
                                [&](index_t k, const auto&, const auto& prediction) {
                                    const auto window = holes.windows().window(k);
                                    errors.add(window, prediction);
                                });
        CHECK(errors.rejected() > 0);
        CHECK(run.history.back().validation_rmse == doctest::Approx(errors.rmse()).epsilon(1e-5));
        // Windows without holes: the same bits whatever `filling` says.
        auto linear = state::fresh(make_model(), fit.optimiser, 5);
        auto last = linear;
        REQUIRE(fit.fit(make_model(), whole.windows(), {}, last).ok());
        fit.filling = tocsin::hole_filling::linear;
        REQUIRE(fit.fit(make_model(), whole.windows(), {}, linear).ok());
        CHECK(last.parameters == linear.parameters);
    }

    TEST_CASE("fit: a callback ends training within an epoch, the best weights stay") {
        struct breaker {
            int batches = 0;
            int epochs = 0;
            int stop_after = 0;
            void operator()(const tocsin::epoch_event<float>&) { ++epochs; }
            bool after_batch(const tocsin::batch_event& event) {
                CHECK(event.windows <= event.in_epoch);
                CHECK(event.in_epoch == 20);
                CHECK(std::isfinite(event.loss));
                return ++batches < stop_after;
            }
        };
        const auto set = sines<float>();
        const trainer fit = make_trainer(5); // three batches an epoch
        breaker second{.stop_after = 5};
        auto run = state::fresh(make_model(), fit.optimiser, 5);
        REQUIRE(fit.fit(make_model(), set.windows(), {}, run, second).ok());
        CHECK(second.batches == 5);
        CHECK(second.epochs == 1);
        CHECK(run.history.size() == 1);
        auto one = state::fresh(make_model(), fit.optimiser, 5);
        REQUIRE(make_trainer(1).fit(make_model(), set.windows(), {}, one).ok());
        CHECK(run.best_parameters == one.best_parameters);
        // In the first epoch there is nothing better than what it has come to.
        breaker first{.stop_after = 1};
        auto begun = state::fresh(make_model(), fit.optimiser, 5);
        REQUIRE(fit.fit(make_model(), set.windows(), {}, begun, first).ok());
        CHECK(begun.history.size() == 1);
        CHECK(begun.best_parameters == begun.parameters);
    }

    TEST_CASE("fit: a state or model of another shape is refused") {
        const auto set = sines<float>();
        CHECK(contains(refusal(make_trainer(3), set, {}, model::with_embedding(2, 5)),
                       "this model has"));
        CHECK(contains(refusal(make_trainer(3), set, {}, model::with_embedding(2, -5)),
                       "must be at least 1"));
        trainer fit = make_trainer(3);
        fit.optimiser.amsgrad = true; // needs more state than plain Adam was given
        CHECK(contains(refusal(fit, set), "values of the optimiser"));
    }

    TEST_CASE("fit: divergence is reported with the epoch, the best weights stay finite") {
        const auto set = sines<float>();
        trainer fit = make_trainer(50);
        fit.clip_norm = 0;
        fit.optimiser.learning_rate = 1e38;
        auto run = state::fresh(make_model(), fit.optimiser, 1);
        const tocsin::status outcome = fit.fit(make_model(), set.windows(), {}, run);
        CHECK(outcome.code() == tocsin::error_code::invalid_data);
        CHECK(contains(outcome.message(), "diverged in epoch 0"));
        CHECK(contains(outcome.message(), "lower the learning rate"));
        for (const float value : run.best_parameters) {
            CHECK(std::isfinite(value));
        }
    }
}
