#include "tocsin/detect/filled_windows.hpp"

#include <doctest/doctest.h>

#include "support/own_policies.hpp"
#include "support/small_detectors.hpp"
#include <array>
#include <limits>
#include <vector>

using tocsin::missing_value;
using tocsin::sequence_view;
using tocsin::detail::fill_holes;

namespace {

constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();
constexpr double none = std::numeric_limits<double>::quiet_NaN();

} // namespace

TEST_SUITE("detect") {
    TEST_CASE("fill holes: the last value before a hole, the mean before the first value") {
        const std::array<float, 2> mean{7, 8};
        const std::array<float, 8> observed{not_a_number, 1, 2, not_a_number, not_a_number,
                                            not_a_number, 4, 5};
        std::array<float, 8> filled{};
        const sequence_view<float> view(filled.data(), 2, 1, 4);
        using values = std::array<float, 8>;
        for (const auto policy : {missing_value::hold, missing_value::forecast}) {
            CHECK(fill_holes(observed.data(), mean.data(), policy, view, 0));
            CHECK(filled == values{7, 1, 2, 1, 2, 1, 4, 5});
        }
        CHECK(fill_holes(observed.data(), mean.data(), missing_value::mean, view, 0));
        CHECK(filled == values{7, 1, 2, 8, 7, 8, 4, 5});
        const values whole{1, 2, 3, 4, 5, 6, 7, 8};
        CHECK_FALSE(fill_holes(whole.data(), mean.data(), missing_value::hold, view, 0));
        CHECK(filled == whole);
    }

    TEST_CASE("fill holes: a window of a batch takes nothing from its neighbours") {
        const std::array<float, 1> mean{7};
        const std::array<float, 3> first{1, not_a_number, 3};
        const std::array<float, 3> second{not_a_number, 20, not_a_number};
        std::array<float, 6> filled{};
        const sequence_view<float> view(filled.data(), 1, 2, 3);
        CHECK(fill_holes(first.data(), mean.data(), missing_value::hold, view, 0));
        CHECK(fill_holes(second.data(), mean.data(), missing_value::hold, view, 1));
        CHECK(filled == std::array<float, 6>{1, 7, 1, 20, 3, 20});
    }

    TEST_CASE("predict filled: a batch equals its windows one by one, holes read the prediction") {
        // The model predicts the mean of what it reads.
        using model = tocsin_test::window_mean<double>;
        const model shape(1);
        tocsin::model_weights<model> weights;
        const std::array<double, 1> constant{0};
        weights.own(shape, constant);
        const std::array<double, 1> mean{6};
        const std::vector<std::vector<double>> windows{{none, 3, 9}, {1, 2, 3}, {none, none, 9}};
        for (const auto policy :
             {missing_value::hold, missing_value::mean, missing_value::forecast}) {
            CAPTURE(static_cast<int>(policy));
            std::vector<double> work(static_cast<std::size_t>(shape.predict_work_size(3, 3)));
            std::vector<double> filled(9);
            std::vector<double> prediction(9);
            tocsin::detail::predict_filled(
                shape, weights, policy, mean.data(),
                [&](int b) { return windows[static_cast<std::size_t>(b)].data(); },
                sequence_view<double>(filled.data(), 1, 3, 3),
                sequence_view<double>(prediction.data(), 1, 3, 3), std::span<double>(work));
            // Filled, the first window is 6, 3, 9: their mean is 6 again. The third is 6, 6, 9 and its
            // mean 7, which makes it 7, 7, 9 when the model reads it once more.
            CHECK(prediction[0] == doctest::Approx(6));
            CHECK(prediction[1] == doctest::Approx(2));
            CHECK(prediction[2] ==
                  doctest::Approx(policy == missing_value::forecast ? 23.0 / 3 : 7));
            for (std::size_t b = 0; b < 3; ++b) {
                std::vector<double> alone(3);
                std::vector<double> read(3);
                tocsin::detail::predict_filled(
                    shape, weights, policy, mean.data(), [&](int) { return windows[b].data(); },
                    sequence_view<double>(read.data(), 1, 1, 3),
                    sequence_view<double>(alone.data(), 1, 1, 3), std::span<double>(work));
                for (std::size_t t = 0; t < 3; ++t) {
                    CHECK(alone[t] == prediction[3 * t + b]);
                    CHECK(read[t] == filled[3 * t + b]);
                }
            }
        }
    }
}
