#include "tocsin/training/adam.hpp"

#include <doctest/doctest.h>

#include "support/allocation_counter.hpp"
#include "support/reference_values.hpp"
#include <cmath>
#include <limits>
#include <span>
#include <string>
#include <vector>

namespace {

const double not_a_number = std::numeric_limits<double>::quiet_NaN();

template <class Scalar>
void check_path(const tocsin::adam& rule, const std::string& name) {
    const tocsin_test::reference_values reference("adam");
    auto parameters = reference.as<Scalar>("start");
    const auto gradients = reference.as<Scalar>("gradients");
    const auto path = reference.as<double>(name);
    const std::size_t count = parameters.size();
    auto state = tocsin_test::zeros<Scalar>(rule.state_size(static_cast<tocsin::index_t>(count)));
    for (std::size_t step = 0; step < gradients.size() / count; ++step) {
        rule.update(std::span<Scalar>(parameters),
                    std::span<const Scalar>(gradients).subspan(step * count, count),
                    std::span<Scalar>(state), static_cast<std::int64_t>(step + 1), 1.0);
        CHECK(tocsin_test::block_error(
                  parameters, std::span<const double>(path).subspan(step * count, count)) <=
              tocsin_test::reference_tolerance<Scalar>);
    }
}

} // namespace

TEST_SUITE("training") {

    TEST_CASE_TEMPLATE("adam: every step equals PyTorch, with weight decay, AMSGrad, both", Scalar,
                       float, double) {
        tocsin::adam rule{0.02, 0.8, 0.95, 1e-6, 0, false};
        check_path<Scalar>(rule, "plain");
        rule.weight_decay = 0.1;
        check_path<Scalar>(rule, "weight_decay");
        rule.amsgrad = true;
        check_path<Scalar>(rule, "both");
        rule.weight_decay = 0;
        check_path<Scalar>(rule, "amsgrad");
    }

    TEST_CASE_TEMPLATE("adam: a constant gradient moves by rate g / (|g| + epsilon) each step",
                       Scalar, float, double) {
        // Bias correction makes both moments exact averages of a constant.
        const tocsin::adam rule;
        const double gradient = -0.3;
        Scalar parameter = 1;
        Scalar state[2] = {};
        const auto slope = static_cast<Scalar>(gradient);
        for (int step = 1; step <= 50; ++step) {
            rule.update(std::span<Scalar>(&parameter, 1), std::span<const Scalar>(&slope, 1),
                        std::span<Scalar>(state), step, 1.0);
            const double expected = 1 - step * 1e-3 * gradient / (0.3 + 1e-8);
            CHECK(static_cast<double>(parameter) ==
                  doctest::Approx(expected).epsilon(std::is_same_v<Scalar, float> ? 2e-6 : 1e-13));
        }
    }

    TEST_CASE("adam: the schedule's factor scales the step and the decay") {
        tocsin::adam rule;
        rule.weight_decay = 0.1;
        tocsin::adam halved = rule;
        halved.learning_rate = rule.learning_rate / 2;
        double one = 2;
        double other = 2;
        const double gradient = 0.7;
        double state[2] = {};
        double other_state[2] = {};
        rule.update(std::span(&one, 1), std::span(&gradient, 1), std::span<double>(state), 1, 0.5);
        halved.update(std::span(&other, 1), std::span(&gradient, 1), std::span<double>(other_state),
                      1, 1.0);
        CHECK(one == other);
    }

    TEST_CASE("adam: a zero gradient leaves a parameter, weight decay alone shrinks it") {
        double parameter = 2;
        const double gradient = 0;
        double state[2] = {};
        tocsin::adam rule;
        rule.update(std::span(&parameter, 1), std::span(&gradient, 1), std::span<double>(state), 1,
                    1.0);
        CHECK(parameter == 2);
        rule.weight_decay = 0.1;
        rule.update(std::span(&parameter, 1), std::span(&gradient, 1), std::span<double>(state), 2,
                    1.0);
        CHECK(parameter == doctest::Approx(2 * (1 - 1e-3 * 0.1)).epsilon(1e-15));
    }

    TEST_CASE("adam: an update allocates nothing; no parameters are nothing to do") {
        std::vector<double> parameters(100, 1.0);
        std::vector<double> gradients(100, 0.5);
        std::vector<double> state(300, 0.0);
        tocsin::adam rule;
        rule.amsgrad = true;
        CHECK(rule.state_size(100) == 300);
        CHECK(tocsin_test::allocations_during([&] {
                  rule.update(std::span(parameters), std::span<const double>(gradients),
                              std::span(state), 1, 1.0);
              }) == 0);
        CHECK(tocsin_test::allocations_during([&] { state.reserve(1000); }) == 1); // it counts
        rule.update(std::span<double>{}, std::span<const double>{}, std::span<double>{}, 1, 1.0);
    }

    TEST_CASE("adam: every setting out of range is named with its value") {
        const auto message = [](auto&& change) {
            tocsin::adam rule;
            change(rule);
            return std::string(rule.check().message());
        };
        CHECK(tocsin::adam{}.check().ok());
        CHECK(message([](auto& rule) { rule.learning_rate = 0; }) ==
              "adam: learning rate 0 must be positive and finite");
        CHECK(message([](auto& rule) { rule.learning_rate = not_a_number; }) ==
              "adam: learning rate nan must be positive and finite");
        CHECK(message([](auto& rule) { rule.beta1 = 1; }) == "adam: beta1 1 must be in [0, 1)");
        CHECK(message([](auto& rule) { rule.beta2 = -0.5; }) ==
              "adam: beta2 -0.5 must be in [0, 1)");
        CHECK(message([](auto& rule) { rule.epsilon = 0; }) ==
              "adam: epsilon 0 must be at least 1.18e-38 and finite");
        CHECK(message([](auto& rule) { rule.epsilon = 1e-50; }) ==
              "adam: epsilon 1e-50 must be at least 1.18e-38 and finite");
        CHECK(message([](auto& rule) { rule.weight_decay = -1; }) ==
              "adam: weight decay -1 must be finite and not negative");
    }
}
