#include "tocsin/io/firmware_fixed.hpp"
#include "tocsin/io/firmware_model.hpp"

#include <doctest/doctest.h>

#include "support/small_detectors.hpp"
#include <cstddef>
#include <cstdint>
#include <vector>

namespace {

using tocsin_test::says;

/// A model of two hidden units, with all features forecast and a diagonal statistic.
tocsin::firmware_model small_model(int features) {
    tocsin::firmware_model model;
    const auto count = static_cast<std::size_t>(features);
    const int inputs = features + 2;
    const auto weights = static_cast<std::size_t>(8 * (inputs + 1));
    model.features = model.targets = features;
    model.lstm = {{.rows = 8, .columns = inputs, .weights = std::vector<double>(weights, 0.1)}};
    model.head = {{.rows = features, .columns = 2, .weights = std::vector<double>(3 * count, 0.1)}};
    model.offset.assign(count, 0);
    model.factor.assign(count, 1);
    model.mean.assign(count, 0);
    model.error_mean.assign(count, 0);
    model.inverse_variance.assign(count, 1);
    model.threshold = 9;
    return model;
}
tocsin::firmware_model with_covariance(tocsin::firmware_model model) {
    model.statistic = tocsin::firmware::statistic_kind::full;
    for (int row = 0; row < model.outputs(); ++row) {
        for (int column = 0; column <= row; ++column) {
            model.whitening.push_back(row == column ? 1 : 0.1);
        }
    }
    model.inverse_variance.clear();
    return model;
}
auto integers(const tocsin::firmware_model& model) {
    return tocsin::fixed_numbers<std::int8_t>::from(model);
}

} // namespace

TEST_SUITE("firmware") {
    TEST_CASE("fixed: any number of errors with variances, 32 with the whole covariance") {
        CHECK(integers(small_model(32)).has_value());
        CHECK(integers(small_model(60)).has_value());
        CHECK(integers(with_covariance(small_model(32))).has_value());
        CHECK(says(integers(with_covariance(small_model(33))).error(),
                   "the whole covariance of 33 errors; integers support at most 32"));
    }

    TEST_CASE("fixed: a mean error beyond the samples is refused") {
        tocsin::firmware_model model = small_model(1);
        model.window = 10; // where the mean is not part of the head
        model.error_mean[0] = 4096;
        CHECK(integers(model).has_value());
        model.error_mean[0] = 4097;
        CHECK(says(integers(model).error(), "the head, the statistic or the threshold"));
        model.window = 0;
        model.head[0].weights.back() = -4097; // which makes up for it
        CHECK_FALSE(integers(model).has_value());
    }

    TEST_CASE("fixed: no scale is taken with which making up for rounding leads beyond 32 bits") {
        // What is cut off of a weight comes to a later one of the same signal, a twentieth as strong.
        constexpr int inputs = 688; // a weight is 93.48 of its row's unit
        tocsin::firmware_model model = small_model(inputs);
        tocsin::firmware_layer& layer = model.lstm[0];
        layer.weights.assign(layer.weights.size(), 0.01);
        CHECK(integers(model).has_value());
        const auto size = static_cast<std::size_t>(layer.columns) + 1;
        layer.moments.assign(size * size, 0);
        for (std::size_t k = 0; k < inputs / 2; ++k) {
            const std::size_t weak = k + inputs / 2;
            layer.moments[k * size + k] = 400;
            layer.moments[k * size + weak] = layer.moments[weak * size + k] = 20;
            layer.moments[weak * size + weak] = 1;
        }
        layer.moments.back() = 1; // of the bias
        // Not so with the smallest scale.
        const tocsin::detail::rounding_feedback feedback(layer);
        auto row = tocsin::detail::row_of(layer, 0);
        auto copy = row;
        double loss = 0;
        CHECK_FALSE(
            tocsin::detail::round_row<std::int8_t>(copy, 0, inputs, 0.01 / 93.48, feedback, loss)
                .fits());
        CHECK(tocsin::detail::quantise_row<std::int8_t>(row, 0, inputs, feedback).fits());
        CHECK(integers(model).has_value());
    }

    TEST_CASE("fixed: a spread that integers cannot resolve is refused") {
        tocsin::firmware_model model = small_model(2);
        model.factor[1] = 1e33F;
        CHECK(integers(model).has_value());
        model.factor[1] = 1e34F;
        CHECK(says(integers(model).error(), "feature 1 has a spread of 1e-34"));
    }

    TEST_CASE("export: gaps are limited where they are counted") {
        tocsin::firmware_model model = small_model(1);
        model.longest_gap = model.lost_after = 100'000;
        CHECK(says(tocsin::detail::check_numbers(model), "longest_gap 100000"));
        model.missing = tocsin::firmware::missing_policy::none;
        CHECK(tocsin::detail::check_numbers(model).ok());
        model.warm_up = 65'001;
        CHECK(says(tocsin::detail::check_numbers(model), "warm_up 65001 must be at most 65000"));
    }
}
