#include "tocsin/models/batches.hpp"

#include <doctest/doctest.h>

#include "models/smallest_model.hpp"
#include <array>
#include <vector>

namespace {

using tocsin::index_t;

/// Five samples of two features: column k holds (k, -k).
Eigen::MatrixXf counting_samples(int count) {
    Eigen::MatrixXf values(2, count);
    for (int k = 0; k < count; ++k) {
        values.col(k) << static_cast<float>(k), static_cast<float>(-k);
    }
    return values;
}

} // namespace

TEST_SUITE("models") {

    TEST_CASE("batches: windows stand side by side, one step after the other") {
        const Eigen::MatrixXf values = counting_samples(6);
        const auto windows = tocsin::make_windows(values, 3).value();
        const std::array<index_t, 2> order{3, 1};
        std::vector<float> batch(2 * 2 * 3);
        tocsin::gather_batch<float>(windows, order, {batch.data(), 2, 2, 3});
        CHECK(batch == std::vector<float>{3, -3, 1, -1, 4, -4, 2, -2, 5, -5, 3, -3});
    }

    TEST_CASE("batches: every window is predicted once, in order, whatever the batch size") {
        const Eigen::MatrixXf values = counting_samples(9);
        const auto windows = tocsin::make_windows(values, 3).value();
        for (const int batch_size : {1, 2, 3, 7, 100}) {
            std::vector<index_t> seen;
            tocsin::predict_windows(tocsin_test::echo_model{2}, {}, windows, batch_size,
                                    [&](index_t k, const auto& window, const auto& prediction) {
                                        seen.push_back(k);
                                        CHECK(window == windows.window(k));
                                        CHECK(prediction == 2 * window); // what this model predicts
                                    });
            CHECK(seen == std::vector<index_t>{0, 1, 2, 3, 4, 5, 6});
        }
    }

    TEST_CASE("batches: no windows call nobody") {
        int calls = 0;
        tocsin::predict_windows(tocsin_test::echo_model{2}, {}, tocsin::windows<float>{}, 4,
                                [&](index_t, const auto&, const auto&) { ++calls; });
        CHECK(calls == 0);
    }
}
