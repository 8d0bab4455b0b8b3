#include "tocsin/models/autoencoder.hpp"
#include "tocsin/training/adam.hpp"
#include "tocsin/training/fit.hpp"
#include "tocsin/training/training_step.hpp"

#include <doctest/doctest.h>

#include "support/allocation_counter.hpp"
#include "support/random_values.hpp"
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace {

using tocsin::index_t;

/// Parameters with the state of Adam; copies are independent.
template <class Scalar>
struct trained {
    explicit trained(index_t count)
        : parameters{tocsin_test::random_values<Scalar>(count, 3)},
          moments{tocsin_test::zeros<Scalar>(2 * count)} {}
    tocsin::step_target<Scalar> target() { return {parameters, moments, step}; }
    bool operator==(const trained&) const = default;

    decltype(tocsin_test::zeros<Scalar>(1)) parameters;
    decltype(tocsin_test::zeros<Scalar>(1)) moments;
    std::int64_t step = 0;
};

} // namespace

TEST_SUITE("training") {

    TEST_CASE_TEMPLATE("training_step: the bits of clipping, then the optimiser, step by step",
                       Scalar, float, double) {
        for (const double clip_norm : {0.0, 0.5, 1e6}) {
            trained<Scalar> ours(37);
            trained<Scalar> by_hand(37);
            const tocsin::adam optimiser{.learning_rate = 0.05};
            for (std::uint64_t k = 0; k < 4; ++k) {
                auto gradients = tocsin_test::random_values<Scalar>(37, 10 + k);
                auto clipped = gradients;
                double square = 0;
                for (const Scalar gradient : clipped) {
                    square += static_cast<double>(gradient) * static_cast<double>(gradient);
                }
                tocsin::clip_by_global_norm(std::span<Scalar>(clipped), clip_norm);
                optimiser.update(std::span<Scalar>(by_hand.parameters),
                                 std::span<const Scalar>(clipped),
                                 std::span<Scalar>(by_hand.moments), ++by_hand.step, 0.5);

                const auto outcome = tocsin::training_step<Scalar>(
                    optimiser, []() noexcept { return 1.5; }, gradients, clip_norm, 0.5,
                    ours.target());
                CHECK(outcome.ok());
                CHECK(outcome.loss == 1.5);
                CHECK(outcome.gradient_norm == doctest::Approx(std::sqrt(square)));
                CHECK(gradients == clipped);
                CHECK(ours == by_hand);
            }
        }
    }

    TEST_CASE("training_step: a loss or gradient that is not finite changes nothing") {
        constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
        constexpr double infinity = std::numeric_limits<double>::infinity();
        const tocsin::adam optimiser;
        trained<double> ours(5);
        const trained<double> before = ours;
        const auto step = [&](double loss, double gradient) {
            std::vector<double> gradients(5, 1.0);
            gradients[3] = gradient;
            return tocsin::training_step<double>(
                optimiser, [&]() noexcept { return loss; }, gradients, 1, 1, ours.target());
        };
        CHECK_FALSE(step(not_a_number, 1).ok());
        CHECK_FALSE(step(-infinity, 1).ok());
        CHECK_FALSE(step(1, not_a_number).ok());
        CHECK(step(1, infinity).gradient_norm == infinity);
        CHECK(ours == before);
        CHECK(step(1, 1).ok());
        CHECK(ours.step == 1);
        CHECK_FALSE(ours == before);
    }

    TEST_CASE("training_step: allocates nothing") {
        trained<float> ours(100);
        auto gradients = tocsin_test::random_values<float>(100, 1);
        const tocsin::adam optimiser;
        CHECK(tocsin_test::allocations_during([&] {
                  tocsin::training_step<float>(
                      optimiser, []() noexcept { return 1.0; }, gradients, 1, 1, ours.target());
              }) == 0);
    }

    TEST_CASE("training_step: fit takes the same steps as a loop written out, bit for bit") {
        using model = tocsin::autoencoder<float>;
        const model shape = model::with_embedding(2, 3);
        const tocsin::matrix<float> values = tocsin::matrix<float>::Random(2, 6);
        const auto windows = tocsin::make_windows(values, 6).value(); // one window: one batch
        tocsin::trainer<> trainer;
        trainer.epochs = 5;
        trainer.clip_norm = 0.1;
        auto state = tocsin::training_state<float>::fresh(shape, trainer.optimiser, 4);
        auto parameters = state.parameters;
        REQUIRE(trainer.fit(shape, windows, {}, state).ok());

        auto moments = tocsin_test::zeros<float>(2 * shape.parameter_count());
        auto work = tocsin_test::garbage<float>(shape.training_work_size(1, 6));
        tocsin::random_generator random(1); // without dropout nobody draws from it
        const tocsin::sequence_view<const float> batch(values.data(), 2, 1, 6);
        for (std::int64_t step = 1; step <= 5; ++step) {
            auto gradients = tocsin_test::zeros<float>(shape.parameter_count());
            const double loss = shape.loss_and_gradient(
                std::span<const float>(parameters), batch, tocsin::mean_squared_error{},
                std::span<float>(gradients), random, std::span<float>(work));
            const auto& record = state.history[static_cast<std::size_t>(step - 1)];
            CHECK(record.training_loss == loss * 6 / 6); // a mean weighted by steps
            CHECK(record.gradient_norm ==
                  tocsin::clip_by_global_norm(std::span<float>(gradients), 0.1));
            trainer.optimiser.update(std::span<float>(parameters),
                                     std::span<const float>(gradients), std::span<float>(moments),
                                     step, 1);
        }
        CHECK(std::equal(parameters.begin(), parameters.end(), state.parameters.begin(),
                         state.parameters.end()));
    }
}
