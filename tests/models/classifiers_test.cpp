#include "tocsin/models/classifiers.hpp"
#include "tocsin/training/classification_losses.hpp"
#include "tocsin/training/gradient_check.hpp"

#include <doctest/doctest.h>

#include "support/random_values.hpp"

using namespace tocsin;

namespace {

template <class Network>
double network_gradient_error(const Network& network, int time) {
    aligned_vector<double> parameters(static_cast<std::size_t>(network.parameter_count()));
    random_generator first(4);
    network.initialise(parameters, first);
    const auto trained = static_cast<std::size_t>(network.trained_count());
    for (std::size_t k = 0; k < trained; ++k) {
        parameters[k] += 0.1 * first.normal();
    }
    const auto inputs =
        tocsin_test::random_values<double>(index_t{network.features()} * 3 * time, 5);
    const aligned_vector<double> targets{0, 1, 1};
    auto gradients = tocsin_test::zeros<double>(network.parameter_count());
    auto work = tocsin_test::garbage<double>(network.training_work_size(3, time));
    const auto evaluate = [&] {
        zero(std::span<double>(gradients));
        random_generator random(6);
        return network.loss_and_gradient(
            parameters, {inputs.data(), network.features(), 3, time},
            [&](sequence_view<const double> outputs, sequence_view<double> slopes) {
                return binary_cross_entropy{}(std::span<const double>(outputs.span()),
                                              std::span<const double>(targets), slopes.span());
            },
            std::span<double>(gradients), random, std::span<double>(work));
    };
    evaluate();
    const auto gradient = gradients;
    // Small steps, because ReLUs and hard sigmoids have kinks.
    return check_gradient(evaluate, std::span<double>(parameters).first(trained),
                          std::span<const double>(gradient).first(trained), 1e-5)
        .relative_error;
}

} // namespace

TEST_SUITE("models") {

    TEST_CASE("classifiers: gradients of all four equal finite differences") {
        CHECK(network_gradient_error(
                  bidirectional_lstm_classifier<double>(2, 1, {.hidden = 3, .dense = 4}), 6) <=
              1e-6);
        CHECK(network_gradient_error(
                  stacked_lstm_classifier<double>(2, 1, {.first = 3, .second = 2}), 6) <= 1e-6);
        CHECK(network_gradient_error(lstm_classifier<double>(2, 1, 4), 6) <= 1e-6);
        CHECK(network_gradient_error(fully_convolutional_classifier<double>(
                                         2, 1, {.filters = {3, 4, 3}, .kernels = {8, 5, 3}}),
                                     9) <= 1e-6);
    }

    TEST_CASE("classifiers: the settings they are known by, also for several classes") {
        CHECK(bidirectional_lstm_classifier<float>(3).parameter_count() ==
              2 * 4 * 100 * (3 + 100 + 1) + 100 * 201 + 101);
        CHECK(stacked_lstm_classifier<float>(3).trained_count() ==
              4 * 8 * (3 + 8 + 1) + 16 + 4 * 8 * (8 + 8 + 1) + 16 + 9);
        CHECK(lstm_classifier<float>(1, 2).parameter_count() == 4 * 256 * 258 + 2 * 257);
        // Keras' count of this network on a series of one sensor, with 2 outputs.
        CHECK(fully_convolutional_classifier<float>(1, 2).parameter_count() ==
              (8 * 128 + 128) + (5 * 128 * 256 + 256) + (3 * 256 * 128 + 128) +
                  4 * (128 + 256 + 128) + 258);
        CHECK(fully_convolutional_classifier<float>(1, 5).output_size() == 5);
        CHECK(bidirectional_lstm_classifier<float>(3).output_time(60) == 1);
        CHECK(lstm_classifier<float>(3).check().ok());
        CHECK(!lstm_classifier<float>(0).check().ok());
        CHECK(!bidirectional_lstm_classifier<float>(2, 1, {.dropout = 1}).check().ok());
    }
}
