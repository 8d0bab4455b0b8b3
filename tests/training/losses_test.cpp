#include "tocsin/training/gradient_check.hpp"
#include "tocsin/training/losses.hpp"

#include <doctest/doctest.h>

#include "support/random_values.hpp"
#include <cmath>
#include <limits>
#include <span>
#include <string_view>
#include <vector>

namespace {

struct smallest_loss {
    double operator()(std::span<const float>, std::span<const float>,
                      std::span<float>) const noexcept {
        return 0;
    }
};
struct throwing_loss {
    double operator()(std::span<const float>, std::span<const float>, std::span<float>) const {
        return 0;
    }
};
struct loss_without_gradient {
    double operator()(std::span<const float>, std::span<const float>) const noexcept { return 0; }
};

/// For models of doubles only.
struct double_loss {
    double operator()(std::span<const double>, std::span<const double>,
                      std::span<double>) const noexcept {
        return 0;
    }
};

template <class Loss>
double worst_gradient_error() {
    // Predictions and targets differ by at least 1, so no difference of L1 crosses its kink.
    auto predictions = tocsin_test::random_values<double>(20, 1);
    auto targets = tocsin_test::random_values<double>(20, 2);
    for (std::size_t k = 0; k < targets.size(); ++k) {
        targets[k] += k % 2 == 0 ? 3 : -3;
    }
    auto gradient = tocsin_test::garbage<double>(20);
    auto unused = gradient;
    const auto value = [&](std::span<double> slopes) {
        return Loss{}(std::span<const double>(predictions), std::span<const double>(targets),
                      slopes);
    };
    value(gradient);
    return tocsin::check_gradient([&] { return value(unused); }, std::span<double>(predictions),
                                  std::span<const double>(gradient))
        .relative_error;
}

} // namespace

TEST_SUITE("training") {

    TEST_CASE(
        "losses: the smallest loss passes, one that may throw or gives no gradient does not") {
        CHECK(tocsin::loss_function<smallest_loss>);
        CHECK_FALSE(tocsin::loss_function<throwing_loss>);
        CHECK_FALSE(tocsin::loss_function<loss_without_gradient>);
        CHECK(tocsin::loss_function<double_loss>);
        CHECK(tocsin::loss_function<double_loss, double>);
        CHECK_FALSE(tocsin::loss_function<double_loss, float>);
        CHECK_FALSE(tocsin::loss_function<smallest_loss, double>);
        CHECK(tocsin::loss_function<tocsin::mean_squared_error, double>);
        CHECK(tocsin::loss_function<tocsin::mean_absolute_error, float>);
    }

    TEST_CASE_TEMPLATE("losses: values and gradients by hand", Scalar, float, double) {
        const std::vector<Scalar> predictions{1, 2, 3, 4};
        const std::vector<Scalar> targets{1, 4, 2, 0};
        std::vector<Scalar> gradient(4, Scalar(99));
        const auto evaluate = [&](const auto& loss) {
            return loss(std::span<const Scalar>(predictions), std::span<const Scalar>(targets),
                        std::span<Scalar>(gradient));
        };
        CHECK(evaluate(tocsin::mean_squared_error{}) == doctest::Approx(21.0 / 4));
        CHECK(gradient == std::vector<Scalar>{0, -1, Scalar(0.5), 2});
        CHECK(evaluate(tocsin::mean_absolute_error{}) == doctest::Approx(7.0 / 4));
        CHECK(gradient == std::vector<Scalar>{0, Scalar(-0.25), Scalar(0.25), Scalar(0.25)});
    }

    TEST_CASE("losses: gradients equal finite differences") {
        CHECK(worst_gradient_error<tocsin::mean_squared_error>() <= 1e-6);
        CHECK(worst_gradient_error<tocsin::mean_absolute_error>() <= 1e-6);
    }

    TEST_CASE("losses: NaN in a prediction or target is a NaN loss") {
        const std::vector<double> bad{1, std::numeric_limits<double>::quiet_NaN()};
        const std::vector<double> good{1, 2};
        std::vector<double> gradient(2);
        CHECK(std::isnan(
            tocsin::mean_squared_error{}(std::span(bad), std::span(good), std::span(gradient))));
        CHECK(std::isnan(
            tocsin::mean_absolute_error{}(std::span(good), std::span(bad), std::span(gradient))));
    }

    TEST_CASE("losses: a million floats are summed in double") {
        const std::vector<float> predictions(1'000'000, 0.1F);
        const std::vector<float> targets(1'000'000, 0.0F);
        std::vector<float> gradient(1'000'000);
        CHECK(tocsin::mean_absolute_error{}(std::span(predictions), std::span(targets),
                                            std::span(gradient)) ==
              doctest::Approx(static_cast<double>(0.1F)).epsilon(1e-9));
    }

    TEST_CASE("losses: each has a kind") {
        CHECK(std::string_view(tocsin::mean_squared_error::kind) == "mse");
        CHECK(std::string_view(tocsin::mean_absolute_error::kind) == "l1");
    }
}
