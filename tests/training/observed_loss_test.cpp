#include "tocsin/training/observed_loss.hpp"

#include <doctest/doctest.h>

#include <span>
#include <vector>

TEST_SUITE("training") {
    TEST_CASE_TEMPLATE("observed_loss: the mean over what was observed, by hand", Loss,
                       tocsin::mean_squared_error, tocsin::mean_absolute_error) {
        const std::vector<double> predictions{1, 2, 3, 4, 5, 6};
        std::vector<double> targets{0, 0, 5, 1, 0, 8};
        std::vector<double> gradient(6, 99);
        const Loss loss;
        const tocsin::observed_loss<Loss> observed{loss};
        const auto call = [&] {
            return observed(std::span<const double>(predictions), std::span<const double>(targets),
                            std::span<double>(gradient));
        };
        std::vector<double> plain(6);
        CHECK(call() == loss(std::span<const double>(predictions), std::span<const double>(targets),
                             std::span<double>(plain)));
        CHECK(gradient == plain);

        for (const std::size_t k : {1U, 2U, 5U}) {
            targets[k] = tocsin::detail::marked_as_filled(targets[k]);
        }
        const std::vector<double> p{1, 4, 5};
        const std::vector<double> t{0, 1, 0};
        std::vector<double> g(3);
        CHECK(call() == doctest::Approx(loss(std::span<const double>(p), std::span<const double>(t),
                                             std::span<double>(g))));
        const std::vector<double> expected{g[0], 0, 0, g[1], g[2], 0};
        for (std::size_t k = 0; k < 6; ++k) {
            CHECK(gradient[k] == doctest::Approx(expected[k]));
        }
        for (double& target : targets) {
            target = tocsin::detail::marked_as_filled(target);
        }
        CHECK(call() == 0);
        CHECK(gradient == std::vector<double>(6, 0));
    }
}
