#include "tocsin/models/gaussian_divergence.hpp"
#include "tocsin/training/classification_losses.hpp"
#include "tocsin/training/gradient_check.hpp"
#include "tocsin/training/losses.hpp"

#include <doctest/doctest.h>

#include "support/reference_values.hpp"
#include <cmath>
#include <limits>

using tocsin::binary_cross_entropy;
using tocsin::categorical_cross_entropy;
using tocsin_test::block_error;
using tocsin_test::random_values;
using tocsin_test::zeros;

static_assert(tocsin::loss_function<binary_cross_entropy, float>);
static_assert(tocsin::loss_function<categorical_cross_entropy, double>);

TEST_SUITE("training") {

    TEST_CASE("classification losses: gradients equal finite differences, plain and weighted") {
        auto logits = random_values<double>(12, 1, 3);
        const auto targets = [] {
            auto values = zeros<double>(12);
            for (std::size_t item = 0; item < 4; ++item) {
                values[item * 3 + item % 3] = 0.75;
                values[item * 3 + (item + 1) % 3] = 0.25;
            }
            return values;
        }();
        const auto check = [&](auto loss, std::size_t weight_count) {
            auto weights = random_values<double>(static_cast<tocsin::index_t>(weight_count), 2, 1);
            for (double& weight : weights) {
                weight += 1.5;
            }
            auto gradient = zeros<double>(12);
            auto unused = gradient;
            const auto value = [&](std::span<double> slopes) {
                return loss(std::span<const double>(logits), std::span<const double>(targets),
                            std::span<const double>(weights), slopes);
            };
            value(gradient);
            CHECK(tocsin::check_gradient([&] { return value(unused); }, logits, gradient)
                      .relative_error <= 1e-6);
        };
        check(binary_cross_entropy{}, 0);
        check(binary_cross_entropy{}, 12);
        check(categorical_cross_entropy{3}, 0);
        check(categorical_cross_entropy{3}, 4);
    }

    TEST_CASE("gaussian_divergence: gradient equals finite differences and is added to") {
        auto values = random_values<double>(10, 3, 2); // means, then log variances
        const auto value = [&](std::span<double> slopes) {
            const std::span<const double> all(values);
            return tocsin::gaussian_divergence(all.first(5), all.last(5), 0.7, slopes.first(5),
                                               slopes.last(5));
        };
        auto gradient = zeros<double>(10);
        value(gradient);
        auto unused = gradient;
        CHECK(tocsin::check_gradient([&] { return value(unused); }, values, gradient)
                  .relative_error <= 1e-6);
        auto twice = gradient;
        value(twice);
        CHECK(twice[3] == doctest::Approx(2 * gradient[3]));
    }

    TEST_CASE_TEMPLATE("classification losses: values and gradients equal PyTorch's", Scalar, float,
                       double) {
        const tocsin_test::reference_values reference("classification_losses");
        const double tolerance = tocsin_test::reference_tolerance<Scalar>;
        const auto weights = reference.as<Scalar>("item_weights");
        const auto check = [&](auto loss, const char* logits, const char* targets,
                               const std::string& name) {
            const auto z = reference.as<Scalar>(logits);
            const auto y = reference.as<Scalar>(targets);
            auto gradient = zeros<Scalar>(static_cast<tocsin::index_t>(z.size()));
            CHECK(loss(std::span<const Scalar>(z), std::span<const Scalar>(y),
                       std::span<Scalar>(gradient)) ==
                  doctest::Approx(reference.number(name)).epsilon(tolerance));
            CHECK(block_error(gradient, reference[name + "_gradient"]) <= tolerance);
            CHECK(loss(std::span<const Scalar>(z), std::span<const Scalar>(y),
                       std::span<const Scalar>(weights), std::span<Scalar>(gradient)) ==
                  doctest::Approx(reference.number(name + "_weighted")).epsilon(tolerance));
            CHECK(block_error(gradient, reference[name + "_weighted_gradient"]) <= tolerance);
        };
        check(binary_cross_entropy{}, "logits", "targets", "binary");
        check(categorical_cross_entropy{3}, "scores", "classes", "categorical");

        const auto mean = reference.as<Scalar>("mean");
        const auto log_variance = reference.as<Scalar>("log_variance");
        auto of_mean = zeros<Scalar>(8);
        auto of_log_variance = zeros<Scalar>(8);
        CHECK(tocsin::gaussian_divergence(
                  std::span<const Scalar>(mean), std::span<const Scalar>(log_variance), 1,
                  std::span<Scalar>(of_mean), std::span<Scalar>(of_log_variance)) ==
              doctest::Approx(reference.number("divergence")).epsilon(tolerance));
        CHECK(block_error(of_mean, reference["mean_gradient"]) <= tolerance);
        CHECK(block_error(of_log_variance, reference["log_variance_gradient"]) <= tolerance);
    }

    TEST_CASE("classification losses: huge logits give finite losses, NaN is reported") {
        const auto of = [](float logit, float target) {
            float gradient = 0;
            const double value = binary_cross_entropy{}(std::span<const float>(&logit, 1),
                                                        std::span<const float>(&target, 1),
                                                        std::span<float>(&gradient, 1));
            return std::pair(value, gradient);
        };
        CHECK(of(1e30F, 0).first == doctest::Approx(1e30));
        CHECK(of(1e30F, 1).first == 0);
        CHECK(of(-1e30F, 1).second == -1);
        const float nan = std::numeric_limits<float>::quiet_NaN();
        CHECK(std::isnan(of(nan, 1).first));
        CHECK(std::isnan(of(nan, 1).second));

        const float logits[2] = {3e38F, -3e38F};
        const float targets[2] = {1, 0};
        float gradient[2] = {};
        CHECK(categorical_cross_entropy{}(std::span<const float>(logits),
                                          std::span<const float>(targets),
                                          std::span<float>(gradient)) == 0);
        const float impossible[2] = {3, -std::numeric_limits<float>::infinity()};
        CHECK(categorical_cross_entropy{}(std::span<const float>(impossible),
                                          std::span<const float>(targets),
                                          std::span<float>(gradient)) == 0);
        const float unknown[2] = {nan, 0};
        CHECK(std::isnan(categorical_cross_entropy{}(std::span<const float>(unknown),
                                                     std::span<const float>(targets),
                                                     std::span<float>(gradient))));
    }
}
