#include "tocsin/layers/dense.hpp"
#include "tocsin/models/bigan.hpp"
#include "tocsin/models/sequential.hpp"
#include "tocsin/training/fit_adversarial.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace tocsin;

namespace {

/// Rows near a line in [0, 1]^3.
matrix<float> line(index_t rows, std::uint64_t seed) {
    random_generator random(seed);
    matrix<float> values(3, rows);
    for (index_t t = 0; t < rows; ++t) {
        const double at = random.uniform();
        const double each[3] = {at, 1 - at, 0.5 * at};
        for (index_t k = 0; k < 3; ++k) {
            values(k, t) = static_cast<float>(each[k] + 0.01 * random.normal());
        }
    }
    return values;
}

auto small_bigan() {
    return make_bigan<float>(3, {.outer = 12, .inner = 8, .latent = 1});
}

template <class Trainer, class Model>
auto fresh(const Trainer& trainer, const Model& model) {
    return adversarial_state<float>::fresh(model, trainer.optimiser,
                                           trainer.discriminator_optimiser, trainer.seed);
}

bool says(const status& outcome, std::string_view part) {
    return !outcome.ok() &&
           std::string_view(outcome.message()).find(part) != std::string_view::npos;
}

/// Ends training in the middle of an epoch.
struct impatient {
    int batches = 0;
    void operator()(const adversarial_event<float>& /*event*/) const {}
    bool after_batch(const batch_event& event) {
        CHECK(event.in_epoch == 60);
        return ++batches < 3;
    }
};

} // namespace

TEST_SUITE("training") {

    TEST_CASE(
        "adversarial_trainer: both players learn, rows off the line score higher, and the best "
        "epoch is kept") {
        const matrix<float> training = line(600, 1);
        const matrix<float> normal = line(100, 2);
        matrix<float> odd = normal;
        odd.row(0) = odd.row(1);
        const auto model = small_bigan();
        adversarial_trainer<> trainer;
        trainer.epochs = 60;
        trainer.seed = 3;
        trainer.reconstruction_weight = 3;
        auto state = fresh(trainer, model);
        int called = 0;
        const status done = trainer.fit(model, *make_windows(training, 1), {}, state,
                                        [&](const adversarial_event<float>& event) {
                                            ++called;
                                            CHECK(event.planned_epochs == 60);
                                            CHECK(event.record.epoch + 1 == called);
                                        });
        CAPTURE(done.message());
        REQUIRE(done.ok());
        CHECK(called == 60);
        CHECK(state.generator_step == 60 * 19);
        CHECK(state.discriminator_step == state.generator_step);
        const auto& best = state.history[static_cast<std::size_t>(state.best_epoch)];
        CHECK(best.validation_mae == state.best_mae);
        CHECK(state.best_mae < 0.5 * state.history.front().validation_mae);

        const auto mean_score = [&](const matrix<float>& rows) {
            std::vector<double> scores(static_cast<std::size_t>(rows.cols()));
            aligned_vector<float> work(
                static_cast<std::size_t>(model.score_work_size(static_cast<int>(rows.cols()), 1)));
            model.score(std::span<const float>(state.best_parameters),
                        {rows.data(), 3, static_cast<int>(rows.cols()), 1}, scores, 0.1, work);
            double sum = 0;
            for (const double score : scores) {
                sum += score / static_cast<double>(scores.size());
            }
            return sum;
        };
        CHECK(mean_score(odd) > 2 * mean_score(normal));
    }

    TEST_CASE("adversarial_trainer: a seed gives the same bits, another seed others, and an "
              "interrupted run continues with them") {
        const matrix<float> training = line(100, 4);
        const auto model = small_bigan();
        const auto run = [&](std::uint64_t seed, bool interrupted) {
            adversarial_trainer<> trainer;
            trainer.epochs = 4;
            trainer.seed = seed;
            auto state = fresh(trainer, model);
            if (interrupted) {
                auto half = trainer;
                half.epochs = 2;
                REQUIRE(half.fit(model, *make_windows(training, 1), {}, state).ok());
            }
            REQUIRE(trainer.fit(model, *make_windows(training, 1), {}, state).ok());
            return state.parameters;
        };
        const auto once = run(5, false);
        CHECK(once == run(5, false));
        CHECK(once == run(5, true));
        CHECK(once != run(6, false));
    }

    TEST_CASE("adversarial_trainer: each player lowers its own loss and raises the other's") {
        const matrix<float> training = line(64, 7);
        const auto model = small_bigan();
        constexpr double frozen = 1e-12;
        // First and last losses of a run in which one player moves.
        const auto run = [&](double generator_rate, double discriminator_rate) {
            adversarial_trainer<> trainer;
            trainer.epochs = 20;
            trainer.batch_size = 64;
            trainer.optimiser.learning_rate = generator_rate;
            trainer.discriminator_optimiser.learning_rate = discriminator_rate;
            auto state = fresh(trainer, model);
            REQUIRE(trainer.fit(model, *make_windows(training, 1), {}, state).ok());
            return std::pair{state.history.front(), state.history.back()};
        };
        const auto [first_generator, last_generator] = run(0.01, frozen);
        CHECK(last_generator.generator_loss < 0.97 * first_generator.generator_loss);
        CHECK(last_generator.discriminator_loss > first_generator.discriminator_loss);
        const auto [first_discriminator, last_discriminator] = run(frozen, 0.01);
        CHECK(last_discriminator.discriminator_loss <
              0.95 * first_discriminator.discriminator_loss);
        CHECK(last_discriminator.generator_loss > first_discriminator.generator_loss);
    }

    TEST_CASE(
        "adversarial_trainer: the weight of the reconstruction adds to the generator's loss") {
        const matrix<float> training = line(64, 7);
        const auto model = small_bigan();
        adversarial_trainer<> trainer;
        trainer.epochs = 1;
        auto plain = fresh(trainer, model);
        auto weighted = plain;
        REQUIRE(trainer.fit(model, *make_windows(training, 1), {}, plain).ok());
        trainer.reconstruction_weight = 2;
        REQUIRE(trainer.fit(model, *make_windows(training, 1), {}, weighted).ok());
        CHECK(weighted.history[0].generator_loss > plain.history[0].generator_loss);
        CHECK(weighted.parameters != plain.parameters);
    }

    TEST_CASE("adversarial_trainer: clipping bounds the step of each player") {
        const matrix<float> training = line(32, 8);
        const auto model = small_bigan();
        adversarial_trainer<> trainer;
        trainer.epochs = 1;
        auto whole = fresh(trainer, model);
        auto clipped = whole;
        trainer.clip_norm = 0;
        REQUIRE(trainer.fit(model, *make_windows(training, 1), {}, whole).ok());
        trainer.clip_norm = 1e-4;
        REQUIRE(trainer.fit(model, *make_windows(training, 1), {}, clipped).ok());
        // Adam's first moment after one step is a tenth of the gradient that it was given.
        const auto norm = [](const aligned_vector<float>& moments) {
            return 10 * global_norm(std::span<const float>(moments).first(moments.size() / 2));
        };
        CHECK(norm(clipped.generator_rule_state) == doctest::Approx(1e-4).epsilon(1e-3));
        CHECK(norm(clipped.discriminator_rule_state) == doctest::Approx(1e-4).epsilon(1e-3));
        CHECK(norm(whole.generator_rule_state) ==
              doctest::Approx(whole.history[0].generator_gradient_norm).epsilon(1e-3));
        CHECK(norm(whole.discriminator_rule_state) ==
              doctest::Approx(whole.history[0].discriminator_gradient_norm).epsilon(1e-3));
    }

    TEST_CASE("adversarial_trainer: a discriminator that wins ends training with the reason; the "
              "best weights stay") {
        const matrix<float> training = line(200, 9);
        const auto model = small_bigan();
        adversarial_trainer<> trainer;
        trainer.epochs = 200;
        trainer.optimiser.learning_rate = 1e-7; // cannot follow
        trainer.discriminator_optimiser.learning_rate = 0.01;
        trainer.divergence = {.lowest_loss = 0.05, .patience = 3};
        auto state = fresh(trainer, model);
        const status lost = trainer.fit(model, *make_windows(training, 1), {}, state);
        CHECK(lost.code() == error_code::invalid_data);
        CHECK(says(lost, "the discriminator has won, its loss was below 0.05 for 3 epochs"));
        CHECK(state.finished_epochs() >= 3);
        CHECK(state.finished_epochs() < 200);
        CHECK(state.history.back().discriminator_loss < 0.05);
        CHECK(state.best_epoch >= 0);
        trainer.divergence.lowest_loss = 0; // off
        trainer.epochs = state.finished_epochs() + 1;
        CHECK(trainer.fit(model, *make_windows(training, 1), {}, state).ok());
    }

    TEST_CASE(
        "adversarial_trainer: a rate that is too high is reported with the player whose numbers "
        "are not finite") {
        const matrix<float> training = line(100, 10);
        const auto model = small_bigan();
        const auto diverge = [&](double generator_rate, double discriminator_rate) {
            adversarial_trainer<> trainer;
            trainer.epochs = 500;
            trainer.clip_norm = 0;
            trainer.divergence.lowest_loss = 0;
            trainer.optimiser.learning_rate = generator_rate;
            trainer.discriminator_optimiser.learning_rate = discriminator_rate;
            auto state = fresh(trainer, model);
            return trainer.fit(model, *make_windows(training, 1), {}, state);
        };
        // Weights that a step has ruined show in the loss that is computed next: the generator's after
        // the discriminator's step, and the other way round.
        CHECK(says(diverge(1e-12, 1e30), "diverged in epoch 0: the generator's loss is "));
        CHECK(says(diverge(1e30, 1e-12), "diverged in epoch 0: the discriminator's loss is "));
    }

    TEST_CASE(
        "adversarial_trainer: callbacks end training, after an epoch or in the middle of one") {
        const matrix<float> training = line(60, 11);
        const auto model = small_bigan();
        adversarial_trainer<> trainer;
        trainer.batch_size = 16;
        auto state = fresh(trainer, model);
        REQUIRE(
            trainer
                .fit(model, *make_windows(training, 1), {}, state,
                     [](const adversarial_event<float>& event) { return event.record.epoch < 1; })
                .ok());
        CHECK(state.finished_epochs() == 2);
        const auto best = state.best_parameters;
        impatient callback;
        REQUIRE(trainer.fit(model, *make_windows(training, 1), {}, state, callback).ok());
        CHECK(callback.batches == 3);
        CHECK(state.finished_epochs() == 2);
        CHECK(state.best_parameters == best);
    }

    TEST_CASE(
        "adversarial_trainer: bad settings, shapes and values are named, and nothing changes") {
        matrix<float> training = line(40, 12);
        const auto model = small_bigan();
        adversarial_trainer<> trainer;
        auto state = fresh(trainer, model);
        const auto before = state.parameters;
        const auto fails = [&](const auto& how, const auto& of, std::string_view part) {
            const status outcome = how.fit(of, *make_windows(training, 1), {}, state);
            CAPTURE(outcome.message());
            CHECK(says(outcome, part));
            CHECK(state.parameters == before);
            CHECK(state.history.empty());
        };
        auto wrong = trainer;
        wrong.batch_size = 0;
        fails(wrong, model, "batch size 0");
        wrong = trainer;
        wrong.reconstruction_weight = std::numeric_limits<double>::quiet_NaN();
        fails(wrong, model, "reconstruction weight");
        wrong = trainer;
        wrong.divergence.patience = 0;
        fails(wrong, model, "patience 0");
        wrong = trainer;
        wrong.discriminator_optimiser.beta2 = 1;
        fails(wrong, model, "beta2 1");
        fails(trainer, make_bigan<float>(4), "this model has");
        fails(trainer, make_bigan<float>(0), "must both be at least 1");
        CHECK(says(trainer.fit(model, {}, {}, state), "no training windows"));
        training(1, 7) = std::numeric_limits<float>::quiet_NaN();
        fails(trainer, model, "feature 1 of sample 7");
    }
}
