#include "tocsin/detect/online_trainer.hpp"
#include "tocsin/models/autoencoder.hpp"

#include <doctest/doctest.h>

#include "support/random_values.hpp"
#include <algorithm>
#include <limits>
#include <span>

namespace {

using model = tocsin::autoencoder<float>;

} // namespace

TEST_SUITE("detect") {

    TEST_CASE("online_trainer: the steps of a loop written out, bit for bit") {
        const model shape = model::with_embedding(2, 3);
        const tocsin::matrix<float> samples = tocsin::matrix<float>::Random(2, 40);
        const tocsin::online_training_settings settings{
            .every = 7, .steps = 5, .learning_rate = 1e-2, .clip_norm = 0.1};
        tocsin::online_trainer<model> trainer(shape, settings);
        auto learned = tocsin_test::random_values<float>(shape.parameter_count(), 1, 0.5);
        auto by_hand = learned;

        const tocsin::adam optimiser{.learning_rate = 1e-2};
        auto moments = tocsin_test::zeros<float>(2 * shape.parameter_count());
        auto work = tocsin_test::garbage<float>(shape.training_work_size(1, 5));
        tocsin::random_generator random(1); // without dropout nobody draws from it
        std::int64_t steps = 0;
        for (int t = 0; t < 40; ++t) {
            const bool changed = trainer.push(shape, std::span<float>(learned), samples.col(t));
            CHECK(changed == (t % 7 == 6));
            if (!changed) {
                continue;
            }
            auto gradients = tocsin_test::zeros<float>(shape.parameter_count());
            const tocsin::sequence_view<const float> newest(samples.col(t - 4).data(), 2, 1, 5);
            shape.loss_and_gradient(std::span<const float>(by_hand), newest,
                                    tocsin::mean_squared_error{}, std::span<float>(gradients),
                                    random, std::span<float>(work));
            CHECK(tocsin::clip_by_global_norm(std::span<float>(gradients), 0.1) > 0.1);
            optimiser.update(std::span<float>(by_hand), std::span<const float>(gradients),
                             std::span<float>(moments), ++steps, 1);
            CHECK(trainer.updates() == steps);
            CHECK(std::equal(by_hand.begin(), by_hand.end(), learned.begin(), learned.end()));
        }
        CHECK(steps == 5);
    }

    TEST_CASE("online_trainer: a loss that is not finite changes nothing") {
        const model shape = model::with_embedding(1, 2);
        tocsin::online_trainer<model> trainer(shape, {.every = 3, .steps = 3});
        auto parameters = tocsin_test::random_values<float>(shape.parameter_count(), 1, 0.5);
        const auto before = parameters;
        const tocsin::column<float, 1> huge{std::numeric_limits<float>::infinity()};
        for (int t = 0; t < 9; ++t) {
            CHECK_FALSE(trainer.push(shape, std::span<float>(parameters), huge));
        }
        CHECK(trainer.updates() == 0);
        CHECK(std::equal(before.begin(), before.end(), parameters.begin(), parameters.end()));
    }
}
