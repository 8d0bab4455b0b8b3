#include "tocsin/layers/batch_norm.hpp"
#include "tocsin/models/adversarial_model.hpp"
#include "tocsin/models/bigan.hpp"

#include <doctest/doctest.h>

#include "models/model_checks.hpp"
#include <cmath>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

using namespace tocsin;
using tocsin_test::block_error;
using tocsin_test::garbage;
using tocsin_test::random_values;
using tocsin_test::reference_values;

namespace {

/// Smooth, so that finite differences meet no kink; the layers of the fixture.
template <class Scalar>
auto smooth_bigan() {
    using smooth = dense<Scalar, tanh_activation>;
    return bigan(sequential(smooth(4, 5), dense<Scalar>(5, 2)),
                 sequential(smooth(2, 5), dense<Scalar, sigmoid_activation>(5, 4)),
                 sequential(smooth(6, 7), smooth(7, 3)));
}
static_assert(adversarial_model<decltype(smooth_bigan<float>())>);
static_assert(adversarial_model<decltype(make_bigan<double>(3))>);
static_assert(!adversarial_model<decltype(make_row_autoencoder<float>(3))>);

/// A model with parameters, rows, latent variables and buffers.
template <class Scalar>
struct game {
    using model_type = decltype(smooth_bigan<Scalar>());
    static constexpr int batch = 3;
    static constexpr int time = 2;

    sequence_view<const Scalar> rows() const { return {values.data(), 4, batch, time}; }
    sequence_view<const Scalar> drawn() const { return {latents.data(), 2, batch, time}; }

    double play(bool generating) {
        random_generator random(1);
        zero(std::span<Scalar>(gradients));
        auto work = garbage<Scalar>(model.adversarial_work_size(batch, time));
        const std::span<const Scalar> weights(parameters);
        return generating ? model.generator_loss_and_gradient(weights, rows(), drawn(),
                                                              std::span<Scalar>(gradients), random,
                                                              std::span<Scalar>(work))
                          : model.discriminator_loss_and_gradient(weights, rows(), drawn(),
                                                                  std::span<Scalar>(gradients),
                                                                  random, std::span<Scalar>(work));
    }
    std::vector<double> scores(double share) const {
        std::vector<double> found(batch * time);
        auto work = garbage<Scalar>(model.score_work_size(batch, time));
        model.score(std::span<const Scalar>(parameters), rows(), std::span<double>(found), share,
                    std::span<Scalar>(work));
        return found;
    }

    model_type model = smooth_bigan<Scalar>();
    aligned_vector<Scalar> parameters = random_values<Scalar>(model.parameter_count(), 61, 0.8);
    aligned_vector<Scalar> values = random_values<Scalar>(index_t{4} * batch * time, 62);
    aligned_vector<Scalar> latents = random_values<Scalar>(index_t{2} * batch * time, 63, 2);
    aligned_vector<Scalar> gradients = aligned_vector<Scalar>(parameters.size());
};

bool says(const status& outcome, std::string_view part) {
    return !outcome.ok() &&
           std::string_view(outcome.message()).find(part) != std::string_view::npos;
}

} // namespace

TEST_SUITE("models") {

    TEST_CASE("bigan: the gradient of each player equals finite differences, for every part") {
        game<double> run;
        const auto border = static_cast<std::size_t>(run.model.generator_count());
        CHECK(border == 5 * 5 + 6 * 2 + 3 * 5 + 6 * 4);
        for (const bool generating : {true, false}) {
            CAPTURE(generating);
            run.play(generating);
            const auto analytic = run.gradients;
            const auto check = [&](std::span<double> variables, std::span<const double> gradient) {
                const auto zeros = std::count(gradient.begin(), gradient.end(), 0.0);
                CHECK(zeros == 0);
                const auto worst =
                    check_gradient([&] { return run.play(generating); }, variables, gradient);
                CHECK(worst.relative_error <= 1e-6);
            };
            const std::span<double> all(run.parameters);
            const std::span<const double> slopes(analytic);
            if (generating) {
                check(all.first(border), slopes.first(border));
            } else {
                check(all.subspan(border), slopes.subspan(border));
            }
        }
    }

    TEST_CASE("bigan: a wrong gradient of a player is caught") {
        game<double> run;
        run.play(true);
        auto gradient = run.gradients;
        gradient[3] *= 1.001;
        CHECK(check_gradient([&] { return run.play(true); },
                             std::span<double>(run.parameters).first(10),
                             std::span<const double>(gradient).first(10))
                  .relative_error > 1e-4);
    }

    TEST_CASE("bigan: the gradient of the reconstruction equals finite differences, and none of it "
              "is the discriminator's") {
        tocsin_test::model_run run(smooth_bigan<double>(), 3, 2);
        run.evaluate();
        const auto analytic = run.gradients;
        CHECK(run.worst_against(analytic) <= 1e-6);
        for (auto k = static_cast<std::size_t>(run.model.generator_count()); k < analytic.size();
             ++k) {
            CHECK(analytic[k] == 0);
        }
        CHECK(run.evaluate() == doctest::Approx(run.loss_of_predictions()).epsilon(1e-13));
    }

    TEST_CASE_TEMPLATE("bigan: reconstructions, scores, gradients and ten steps of both players "
                       "equal PyTorch",
                       Scalar, float, double) {
        const reference_values reference("bigan");
        const double tolerance = tocsin_test::reference_tolerance<Scalar>;
        game<Scalar> run;
        REQUIRE(run.parameters.size() == reference["parameters"].size());
        REQUIRE(run.values.size() == reference["windows"].size());
        run.parameters = reference.as<Scalar>("parameters");
        run.values = reference.as<Scalar>("windows");
        const auto all_latents = reference.as<Scalar>("latents");
        run.latents.assign(all_latents.begin(),
                           all_latents.begin() + static_cast<std::ptrdiff_t>(run.latents.size()));

        auto made = garbage<Scalar>(static_cast<index_t>(run.values.size()));
        auto work = garbage<Scalar>(run.model.predict_work_size(3, 2));
        run.model.predict(std::span<const Scalar>(run.parameters), run.rows(),
                          sequence_view<Scalar>(made.data(), 4, 3, 2), std::span<Scalar>(work));
        CHECK(block_error(made, reference["predictions"]) <= tolerance);
        CHECK(block_error(run.scores(0.1), reference["scores"]) <= tolerance);

        const auto border = static_cast<std::size_t>(run.model.generator_count());
        adam rule;
        rule.learning_rate = 0.001;
        aligned_vector<Scalar> states[2];
        states[0].resize(2 * border);
        states[1].resize(2 * (run.parameters.size() - border));
        for (std::size_t step = 0; step < 10; ++step) {
            // The discriminator, then the generator's side with latent variables of its own.
            for (const bool generating : {false, true}) {
                const std::size_t turn = 2 * step + (generating ? 1 : 0);
                std::copy_n(all_latents.begin() +
                                static_cast<std::ptrdiff_t>(turn * run.latents.size()),
                            run.latents.size(), run.latents.begin());
                CHECK(run.play(generating) ==
                      doctest::Approx(reference["losses"][turn]).epsilon(tolerance));
                const auto of_player = [&](auto all) {
                    return generating ? all.first(border) : all.subspan(border);
                };
                if (step == 0) {
                    CHECK(block_error(of_player(std::span<const Scalar>(run.gradients)),
                                      reference[generating ? "generator_gradients"
                                                           : "discriminator_gradients"]) <=
                          tolerance);
                }
                rule.update(of_player(std::span<Scalar>(run.parameters)),
                            std::span<const Scalar>(of_player(std::span<Scalar>(run.gradients))),
                            std::span<Scalar>(states[generating ? 0 : 1]),
                            static_cast<std::int64_t>(step) + 1, 1.0);
            }
        }
        CHECK(block_error(run.parameters, reference["parameters_after"]) <= tolerance);
    }

    TEST_CASE("bigan: the score weighs both parts; NaN spoils its row only") {
        game<double> run;
        const auto rows_only = run.scores(0);
        const auto features_only = run.scores(1);
        const auto both = run.scores(0.1);
        for (std::size_t k = 0; k < both.size(); ++k) {
            CHECK(rows_only[k] > 0);
            CHECK(features_only[k] > 0);
            CHECK(both[k] == doctest::Approx(0.9 * rows_only[k] + 0.1 * features_only[k]));
        }
        run.values[4] = std::numeric_limits<double>::quiet_NaN();
        const auto spoilt = run.scores(0.1);
        for (std::size_t k = 0; k < both.size(); ++k) {
            CHECK(std::isnan(spoilt[k]) == (k == 1));
            CHECK((k == 1 || spoilt[k] == both[k]));
        }
        CHECK(std::isnan(run.play(true)));
    }

    TEST_CASE("bigan: blocks cover all parameters in order; an item alone is as in a batch") {
        std::vector<std::string> names;
        tocsin_test::check_blocks(smooth_bigan<float>(), names);
        CHECK(names == std::vector<std::string>{"encoder.0.weights", "encoder.1.weights",
                                                "generator.0.weights", "generator.1.weights",
                                                "discriminator.0.weights",
                                                "discriminator.1.weights", "logit.weights"});
        tocsin_test::check_batch_independence(smooth_bigan<float>());
        tocsin_test::check_predict_allocates_nothing(make_bigan<double>(18));
    }

    TEST_CASE("bigan: sizes that do not fit are named") {
        const auto encoder = sequential(dense<float>(4, 2));
        const auto generator = sequential(dense<float>(2, 4));
        const auto hidden = sequential(dense<float>(6, 3));
        CHECK(bigan(encoder, generator, hidden).check().ok());
        CHECK(says(bigan(sequential(dense<float>(4, 3)), generator, hidden).check(),
                   "inputs of the generator: 3 and 2 differ"));
        CHECK(says(bigan(encoder, sequential(dense<float>(2, 5)), hidden).check(),
                   "outputs of the generator: 4 and 5 differ"));
        CHECK(says(bigan(encoder, generator, sequential(dense<float>(5, 3))).check(),
                   "inputs of the discriminator: 6 and 5 differ"));
        CHECK(says(
            bigan(encoder, generator, sequential(dense<float>(6, 3), batch_norm<float>(3))).check(),
            "the discriminator has a layer that keeps statistics"));
        CHECK_FALSE(make_bigan<float>(0).check().ok());
    }
}
